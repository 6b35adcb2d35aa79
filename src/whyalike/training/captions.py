"""Images against captions: the image-text objective of CLIP, on images whose labels can be said in words.

A caption says the labels that the run learns: "a red circle with the digit 3" of the labelling shape_digit_color, "a
circle" of shape. Its words are the tokens. Their embeddings are averaged, since their order says nothing, and go
through a perceptron. A batch holds many images of one caption. They are no negatives of each other: an image's target
is spread evenly over all captions of the batch that equal its own, and a caption's over their images (Yang et al. 2022,
UniCL).

Accuracy is zero-shot: an image's class is that whose caption is nearest. The head of the finished model is the product
of captions and projection, of which the largest output is that of the largest cosine.
Source: Radford et al. 2021 (CLIP: symmetric cross entropy, learned temperature of at least .01).
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from whyalike.models.heads import Encoder
from whyalike.models.initialisation import keyed_weights
from whyalike.training.augmentation import augment
from whyalike.training.contrastive_parameters import COLDEST, WORDS, CaptionsRecipe
from whyalike.training.encoding import EncoderTask

VERSION = 1  # part of the identity of runs: raise it when the weights change


def caption(attributes: Sequence[str], values: Sequence[str]) -> str:
    """What an image shows, in words.

    Parameters
    ----------
    attributes : names of `WORDS`.
    values : of an image, one each.

    Examples
    --------
    >>> caption(("shape", "digit", "color"), ("circle", "3", "red"))
    'a red circle with the digit 3'
    >>> caption(("digit", "color"), ("3", "orange")), caption(("shape",), ("circle",)), caption(("color",), ("red",))
    ('an orange digit 3', 'a circle', 'a red thing')
    """
    said = dict(zip(attributes, values, strict=True))
    digit = f"digit {said['digit']}" if "digit" in said else ""
    noun = said.get("shape", digit or "thing")
    more = f" with the {digit}" if digit and "shape" in said else ""
    words = f"{said['color']} {noun}" if "color" in said else noun
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}{more}"


class TextTower(nn.Module):
    """Mean of the embeddings of a caption's words, and a perceptron.

    Parameters
    ----------
    words : size of the vocabulary.
    width : units of a word and of the hidden layer.
    outputs : k.
    """

    def __init__(self, words: int, width: int, outputs: int):
        super().__init__()
        self.words = nn.Linear(words, width, bias=False)
        self.perceptron = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, outputs))

    def forward(self, shares: Tensor) -> Tensor:
        """Share of each word in a caption (b, words) -> (b, k)."""
        return self.perceptron(self.words(shares))


class TwoTowers(nn.Module):
    """Encoder of images with a linear projection, encoder of captions, and log of the inverse temperature."""

    def __init__(self, encoder: Encoder, projection: nn.Linear, text: TextTower, temperature: float, learned: bool):
        super().__init__()
        self.encoder, self.projection, self.text = encoder, projection, text
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)), requires_grad=learned)

    @torch.no_grad()
    def bound(self) -> None:
        """Put a temperature below `COLDEST` back; in place, so that its gradient can raise it again."""
        self.log_scale.clamp_(max=-math.log(COLDEST))


class Captions(EncoderTask):
    """A model of images and captions in training; see `whyalike.training.encoding.EncoderTask`."""

    recipe: CaptionsRecipe

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        run = arguments[2]
        attributes = run.labelling.split("_")
        if unknown := [name for name in attributes if name not in WORDS]:
            raise ValueError(
                f"the objective captions needs labels that it has words for, {', '.join(WORDS)}: run {run.name} learns "
                f"{', '.join(unknown)}"
            )
        if unsaid := [name for name in self.classes if name.count("_") != run.labelling.count("_")]:
            raise ValueError(
                f"the objective captions takes labels without '_', which joins them: run {run.name} learns {unsaid[0]} "
                f"of {run.labelling}. Rename it in the data set"
            )
        self.captions = [caption(attributes, name.split("_")) for name in self.classes]
        said = [text.split() for text in self.captions]
        vocabulary = sorted({word for words in said for word in words})
        # share of each word in the caption of each class, (classes, words)
        self._shares = torch.tensor(
            [[words.count(word) / len(words) for word in vocabulary] for words in said], device=self.device
        )

    def parts(self, encoder: Encoder) -> nn.Module:
        """The encoder, a linear projection without bias, and the captions' tower."""
        recipe = self.recipe
        with keyed_weights(self.seed, self.start, "projection"):
            projection = nn.Linear(encoder.width, recipe.dimensions, bias=False)
        with keyed_weights(self.seed, self.start, "text tower"):
            text = TextTower(self._shares.shape[1], recipe.text_width, recipe.dimensions)
        return TwoTowers(encoder, projection, text, recipe.temperature, recipe.learn_temperature)

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> tuple[Tensor, None]:
        """Symmetric cross entropy of augmented images and their captions, nats."""
        images, labels = batch
        images = augment(images, self.recipe.augmentation, self.recipe.mean, self.generator("augmentation", step))
        model.bound()
        return self.contrast(model, (images, labels), ()), None

    def contrast(self, model: nn.Module, batch: tuple[Tensor, Tensor], moment: tuple[str | int, ...]) -> Tensor:
        """The same of images as they are."""
        images, labels = batch
        with self.autocast():
            seen, read = model.projection(model.encoder(self.inputs(images))), model.text(self._shares[labels])
        return symmetric(normalize(seen.float()), normalize(read.float()), labels, model.log_scale.exp())

    @torch.no_grad()
    def complete(self, model: nn.Module) -> dict[str, Any]:
        """Make the head that of the captions of the run's classes."""
        model.eval()
        texts = normalize(model.text(self._shares))
        model.encoder.set_head(texts @ model.projection.weight, None)
        model.bound()
        return {"zero_shot": {"captions": self.captions, "temperature": math.exp(-model.log_scale.item())}}


def symmetric(images: Tensor, texts: Tensor, captions: Tensor, scale: Tensor | float) -> Tensor:
    """Mean of the cross entropies of images among texts and of texts among images, equal captions sharing the target.

    images, texts : unit vectors (b, k); captions : int64 (b,), the same number where the captions are equal; scale :
    the inverse temperature.
    """
    logits = scale * images @ texts.T
    same = (captions[:, None] == captions).to(logits.dtype)
    target = same / same.sum(1, keepdim=True)  # equal captions share rows, so it is symmetric
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2
