"""Cross entropy with AdamW, a warm-up and a cosine: the usual training of vision transformers.

Images, loss and measurements are those of `whyalike.training.classification`. Source: Dosovitskiy et al. 2021 (Adam
with decoupled decay, linear warm-up, cosine, gradients clipped at norm 1).
"""

import torch
from torch import nn

from whyalike.training.classification import Classification
from whyalike.training.optimizers import adamw
from whyalike.training.parameters import AdamWRecipe
from whyalike.training.schedules import cosine

VERSION = 1  # part of the identity of runs: raise it when the weights change


class AdamWClassification(Classification):
    """A classifier in training; see `whyalike.training.images.ImageTask`."""

    recipe: AdamWRecipe

    @property
    def clip(self) -> float | None:
        """Largest norm of the gradient."""
        return self.recipe.clip

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW; matrices and kernels decay, gains and biases do not."""
        return adamw(model, self.recipe.weight_decay, self.recipe.betas)

    def learning_rate(self, step: int) -> float:
        """Warm-up and cosine."""
        return cosine(step, self.total, self.recipe.lr, self.recipe.warmup, self.recipe.final_lr)
