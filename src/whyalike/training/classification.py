"""Cross entropy with SGD: the image classifiers of the overlap study (section 3, common image recipe)."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from whyalike.models.inputs import normalise
from whyalike.randomness import key
from whyalike.training.augmentation import augment
from whyalike.training.images import ImageTask
from whyalike.training.parameters import ClassifierRecipe
from whyalike.training.schedules import cosine

VERSION = 1  # part of the identity of runs: raise it when the weights change


class Classification(ImageTask):
    """A classifier in training; see `whyalike.training.images.ImageTask`."""

    recipe: ClassifierRecipe

    def build(self) -> nn.Module:
        """The model with its initial weights, in the recipe's memory layout."""
        model = super().build()
        return model.to(memory_format=torch.channels_last) if self.recipe.channels_last else model

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """SGD with momentum and an L2 penalty."""
        recipe = self.recipe
        return torch.optim.SGD(
            model.parameters(), lr=0.0, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )

    def learning_rate(self, step: int) -> float:
        """One triangle over the run, 0 at its first step, the peak at `peak_epoch`, 0 after its last; or a cosine."""
        if self.recipe.schedule == "cosine":
            return cosine(step, self.total, self.recipe.lr)
        peak = self.recipe.peak_epoch * self.loader.steps
        return float(np.interp(step, [0, peak, self.total], [0, self.recipe.lr, 0]))

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> tuple[Tensor, Tensor]:
        """Cross entropy of augmented images, nats, and the number of right answers."""
        recipe, (images, labels) = self.recipe, batch
        generator = torch.Generator().manual_seed(key(self.seed, self.replica, "augmentation", step))
        inputs = normalise(augment(images, recipe.augmentation, recipe.mean, generator), recipe.mean, recipe.std)
        if not recipe.channels_last:
            inputs = inputs.contiguous()
        with self.autocast():
            logits = model(inputs)
        loss = cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
        return loss, (logits.detach().argmax(1) == labels).sum()

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float | None]:
        """Share of own test images whose largest logit is their label's, and their cross entropy, nats."""
        model.eval()
        right, loss = 0, 0.0
        for images, labels in self.test_batches():
            logits = model(normalise(images, self.recipe.mean, self.recipe.std))
            right += (logits.argmax(1) == labels).sum().item()
            loss += cross_entropy(logits, labels, reduction="sum").item()
        return {"accuracy": right / self.n_test, "loss": loss / self.n_test}
