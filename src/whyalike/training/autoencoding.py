"""The evidence lower bound with Adam: the variational autoencoders of the overlap study (section 3).

Loss of an image (Kingma & Welling 2014, eq. 10, with one sample): binary cross entropy summed over pixels, plus the
divergence of N(mu, exp(logvar)) from N(0, 1). Labels choose a run's images under task overlap; no loss reads them.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from whyalike.models.inputs import brightness
from whyalike.training.images import ImageTask
from whyalike.training.parameters import AutoencoderRecipe

VERSION = 1  # part of the identity of runs: raise it when the weights change


class Autoencoding(ImageTask):
    """A variational autoencoder in training; see `whyalike.training.images.ImageTask`."""

    recipe: AutoencoderRecipe

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam with an L2 penalty."""
        return torch.optim.Adam(model.parameters(), lr=0.0, weight_decay=self.recipe.weight_decay, fused=True)

    def learning_rate(self, step: int) -> float:
        """The same at every step."""
        return self.recipe.lr

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> tuple[Tensor, None]:
        """Negative lower bound, nats an image."""
        images = brightness(batch[0])
        with self.autocast():
            reconstruction, mu, logvar = model(images)
        return negative_elbo(reconstruction.float(), images, mu.float(), logvar.float()) / len(images), None

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float | None]:
        """Negative lower bound on the own test images, nats an image, decoded from the mean of each code."""
        model.eval()
        loss = 0.0
        for images, _ in self.test_batches():
            inputs = brightness(images)
            reconstruction, mu, logvar = model(inputs)
            loss += negative_elbo(reconstruction, inputs, mu, logvar).item()
        return {"accuracy": None, "loss": loss / self.n_test}


def negative_elbo(logits: Tensor, images: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Reconstruction error plus divergence of the codes, nats, summed over a batch.

    logits, images : (b, 1, h, w), of which images lie in 0 to 1; mu, logvar : (b, k).
    """
    error = binary_cross_entropy_with_logits(logits, images, reduction="sum")
    return error - 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
