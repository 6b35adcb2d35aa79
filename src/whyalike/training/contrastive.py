"""What SimCLR and MoCo share: two views of each image, a projection of what the head would read, and a linear probe."""

from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models.heads import Encoder
from whyalike.models.initialisation import keyed_weights
from whyalike.training.contrastive_parameters import ViewsRecipe
from whyalike.training.encoding import EncoderTask
from whyalike.training.images import EVALUATION_BATCH
from whyalike.training.probe import PENALTY, linear_probe
from whyalike.training.views import view


class Projected(nn.Module):
    """An encoder and the projection of its features.

    Parameters
    ----------
    encoder : images -> (b, d).
    projection : (b, d) -> (b, k).
    """

    def __init__(self, encoder: Encoder, projection: nn.Module):
        super().__init__()
        self.encoder, self.projection = encoder, projection

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 3, h, w) -> vectors (b, k), in which views are compared."""
        return self.projection(self.encoder(x))


class ViewsTask(EncoderTask):
    """A representation in training by two views of each image; its accuracy is that of a linear probe."""

    recipe: ViewsRecipe

    def parts(self, encoder: Encoder) -> nn.Module:
        """The encoder and its projection: one hidden layer with ReLU, or none."""
        hidden, outputs = self.recipe.hidden, self.recipe.dimensions
        with keyed_weights(self.seed, self.start, "projection"):
            layers = [nn.Linear(encoder.width, hidden), nn.ReLU()] if hidden else []
            projection = nn.Sequential(*layers, nn.Linear(hidden or encoder.width, outputs))
        return Projected(encoder, projection)

    def views(self, images: Tensor, moment: tuple[str | int, ...]) -> tuple[Tensor, Tensor]:
        """Two views of a batch, as the model's input."""
        first, second = (
            self.inputs(view(images, self.recipe.views, self.generator("view", *moment, number))) for number in (0, 1)
        )
        return first, second

    @torch.no_grad()
    def complete(self, model: nn.Module) -> dict[str, Any]:
        """Make the head a linear probe of the run's training images as they are, at most `probe_images` of them."""
        model.eval()
        rows, labels, most = self.images.train_rows, self.images.train_labels, self.recipe.probe_images
        chosen = torch.randperm(self.n_train, generator=self.generator("probe"))[:most].sort().values
        taken = (self.inputs(self.images.reader.take(rows[part])) for part in chosen.split(EVALUATION_BATCH))
        features = torch.cat([model.encoder(inputs) for inputs in taken])
        weight, bias, iterations = linear_probe(features, labels[chosen.to(labels.device)], len(self.classes))
        model.encoder.set_head(weight, bias)
        told = {"features": f"input of {model.encoder.layer}", "images": len(chosen), "iterations": iterations}
        return {"probe": {"kind": "logistic regression", "penalty": PENALTY, **told}}
