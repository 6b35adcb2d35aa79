"""How much work a configuration asks for, before any data exist: images, steps, parameters, units.

What the configuration and the registries do not say is in the cost table (`whyalike.planning.costs`); what neither says
is its `other`, and counts as a guess.
"""

from itertools import pairwise
from typing import Any

from whyalike.config.config import Config
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import design
from whyalike.models.parameters import GptParameters, VaeParameters
from whyalike.planning.costs import Costs, Parts

# how often ResNet-18's convolutions use a parameter, a point of the input: 0.56e9 / 11.2e6 multiplications at 32 x 32
USES_PER_POINT = 1 / 20
BYTES_OF_TOKEN = 2  # uint16
STEM_7X7 = 4  # a 7x7 stem with its max-pool quarters the side


class Workload:
    """Amounts for one configuration; ``known`` is False where an amount is a guess."""

    def __init__(self, config: Config, costs: Costs):
        self.config, self.costs = config, costs

    def images(self, name: str) -> tuple[Parts, bool]:
        """Images of a data set's parts, known."""
        dataset, listed = self.config.datasets[name], self.costs.images
        if counts := SOURCES[dataset.source].facts.counts(dataset):
            return Parts(train=counts[0], test=counts[1]), True
        return listed.get(name, listed["other"]), name in listed

    def bytes_of_images(self, name: str) -> float:
        """Size of a prepared data set: a byte a pixel and channel, two a token; 0 where only files tell."""
        dataset = self.config.datasets[name]
        facts = SOURCES[dataset.source].facts
        if facts.modality == "text":
            return BYTES_OF_TOKEN * self.tokens(name)
        side = facts.size or getattr(dataset, "size", 0)
        parts, _ = self.images(name)
        return (parts.train + parts.test) * side**2 * (facts.channels or 0)

    def tokens(self, name: str) -> int:
        """Most tokens of a data set of text; 0 where nothing bounds them, and for images."""
        dataset = self.config.datasets[name]
        return (dataset.tokens() or 0) if SOURCES[dataset.source].facts.modality == "text" else 0

    def stimuli(self, name: str) -> tuple[int, bool]:
        """Number of stimuli of a set, known."""
        section = self.config.stimuli[name]
        if section.n is not None:
            return section.n, True
        parts, known = self.images(section.dataset)
        return getattr(parts, getattr(section, "part", "test")), known

    def batch(self, setting: str) -> int:
        """Samples of a training step."""
        recipe = self.config.recipes[self.config.settings[setting].recipe]
        return recipe.batch_size * getattr(recipe, "accumulation", 1)

    def steps(self, setting: str, factor: str) -> tuple[int, int, bool]:
        """Steps of a run's training, samples a step, known. Of most designs a run has half the images."""
        section = self.config.settings[setting]
        recipe, batch = self.config.recipes[section.recipe], self.batch(setting)
        if (steps := getattr(recipe, "steps", None)) is not None:
            return steps, batch, True
        parts, known = self.images(section.dataset)
        images = int(parts.train * design(factor).share_of_images)
        return recipe.epochs * max(1, images // batch), batch, known

    def model(self, setting: str) -> tuple[float, float]:
        """Parameters of a setting's model, and how often one sample uses each."""
        section = self.config.settings[setting]
        return self.of_model(self.config.models[section.model], getattr(section, "size", None) or 0, section.model)

    def of_model(self, model: Any, side: int, name: str = "") -> tuple[float, float]:
        """The same of a model's section, for images of so many pixels a side; ``name`` is its own under `models`."""
        if hasattr(model, "vocabulary"):
            return _decoder(model), model.context
        if hasattr(model, "latent"):
            return _autoencoder(model)
        if hasattr(model, "blocks"):
            side /= STEM_7X7 if model.stem == "7x7" else model.stem_stride
            parameters = _convolutions(model.blocks, model.widths)
        else:
            listed = self.costs.parameters
            parameters = listed.get(name, listed.get(model.family, listed["other"]))
        return parameters, max(1.0, side**2 * USES_PER_POINT)

    def units(self, setting: str) -> int:
        """Units of all compared layers of a setting together."""
        section = self.config.settings[setting]
        model, listed = self.config.models.get(getattr(section, "model", None)), self.costs.units
        if hasattr(model, "vocabulary"):
            return model.width * len(section.layers)
        known = dict.fromkeys(("mu", "logvar"), model.latent) if hasattr(model, "latent") else {}
        known |= {"avgpool": model.widths[-1]} if hasattr(model, "widths") else {}
        return sum(known.get(layer, listed.get(layer, listed["other"])) for layer in section.layers)

    def features(self, setting: str) -> dict[str, Any]:
        """What a rate of the cost table may ask for."""
        section = self.config.settings[setting]
        recipe = self.config.recipes.get(getattr(section, "recipe", ""))  # checkpoints from files have none
        return {
            **self.config.models[section.model].model_dump(mode="json"),
            "setting": setting,
            "model": section.model,
            "size": getattr(section, "size", None),
            **{key: getattr(recipe, key, None) for key in ("precision", "batch_size", "accumulation")},
        }


def _convolutions(blocks: tuple[int, ...], widths: tuple[int, ...]) -> int:
    """Parameters of a residual network's 3x3 convolutions: all but 2 % of ResNet-18's."""
    count, inputs = 0, widths[0]
    for depth, width in zip(blocks, widths, strict=True):
        count += 9 * (inputs * width + (2 * depth - 1) * width**2)
        inputs = width
    return count


def _decoder(model: GptParameters) -> int:
    """Parameters of a decoder of tokens: 12 squares of the width a block, and the two embeddings."""
    return 12 * model.layers * model.width**2 + (model.vocabulary + model.context) * model.width


def _autoencoder(model: VaeParameters) -> tuple[int, float]:
    """Parameters of an autoencoder without its biases, and how often one image uses each on average."""
    maps, side = (1, *model.channels), model.size
    parameters = multiplications = 0
    for inputs, outputs in pairwise(maps):
        side //= 2
        weights = 2 * 16 * inputs * outputs  # a 4x4 convolution, and its mirror in the decoder
        parameters += weights
        multiplications += weights * side**2
    linear = 3 * maps[-1] * side**2 * model.latent  # mu, logvar, the decoder's first
    parameters, multiplications = parameters + linear, multiplications + linear
    return parameters, multiplications / parameters
