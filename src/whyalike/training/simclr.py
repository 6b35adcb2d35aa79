"""SimCLR: two views of an image attract, all other views of the batch repel.

Source: Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations: the loss is NT-Xent
(their eq. 1), the projection has one hidden layer (their eq. in section 2.1). BatchNorm sees both views at once.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from whyalike.training.contrastive import ViewsTask
from whyalike.training.contrastive_parameters import SimclrRecipe

VERSION = 1  # part of the identity of runs: raise it when the weights change


class Simclr(ViewsTask):
    """A representation in training; see `whyalike.training.contrastive.ViewsTask`."""

    recipe: SimclrRecipe

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> tuple[Tensor, None]:
        """NT-Xent, nats."""
        return self.contrast(model, batch, (step,)), None

    def contrast(self, model: nn.Module, batch: tuple[Tensor, Tensor], moment: tuple[str | int, ...]) -> Tensor:
        """NT-Xent of two views of a batch, nats."""
        inputs = torch.cat(self.views(batch[0], moment))
        with self.autocast():
            projected = model(inputs)
        return nt_xent(projected.float(), self.recipe.temperature)


def nt_xent(vectors: Tensor, temperature: float) -> Tensor:
    """Normalised, temperature-scaled cross entropy: each view finds the other one of its image among all others.

    vectors : (2 b, d), of which the i-th and the (i + b)-th are views of one image.
    """
    vectors, count = normalize(vectors), len(vectors)
    similarity = vectors @ vectors.T / temperature
    itself = torch.eye(count, dtype=torch.bool, device=vectors.device)
    other = torch.arange(count, device=vectors.device).roll(count // 2)
    return cross_entropy(similarity.masked_fill(itself, -torch.inf), other)
