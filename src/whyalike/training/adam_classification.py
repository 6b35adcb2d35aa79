"""Cross entropy with Adam at a constant learning rate, for a number of steps: the models of closeness in distribution.

Images, loss and measurements are those of `whyalike.training.classification`. Source: Nielsen et al. 2025.
"""

import torch
from torch import nn

from whyalike.training.classification import Classification
from whyalike.training.parameters import AdamRecipe

VERSION = 1  # part of the identity of runs: raise it when the weights change


class AdamClassification(Classification):
    """A classifier in training; see `whyalike.training.images.ImageTask`."""

    recipe: AdamRecipe

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam with an L2 penalty."""
        return torch.optim.Adam(model.parameters(), lr=0.0, weight_decay=self.recipe.weight_decay, fused=True)

    def learning_rate(self, step: int) -> float:
        """The same at every step."""
        return self.recipe.lr

    def steps(self) -> int:
        """Those of the recipe; the last epoch may be cut short."""
        return self.recipe.steps
