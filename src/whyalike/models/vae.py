"""A variational autoencoder of grey images (Kingma and Welling 2014), in the shape that the overlap study trains.

Encoder: strided convolutions (1-64-128) with ReLU, each halving the side, and two linear maps ``mu`` and ``logvar``,
which are modules, so that both can be compared as layers. Decoder: a linear map without activation, then transposed
convolutions (128-64-1) that double the side, with ReLU between them. It ends in logits: the sigmoid belongs to the
loss, where it is exact for large logits.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models.initialisation import keyed_weights

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change
# halves the side, or doubles it when transposed; the stride divides the kernel, so kernels overlap evenly everywhere
HALVE = {"kernel_size": 4, "stride": 2, "padding": 1}


class VAE(nn.Module):
    """Convolutional encoder, Gaussian latent (``mu``, ``logvar``), mirrored decoder.

    Parameters
    ----------
    channels : outputs of each convolution of the encoder.
    latent : units of ``mu`` and of ``logvar``.
    size : side of the images, divisible by 2 ** len(channels).
    """

    def __init__(self, channels: Sequence[int], latent: int, size: int):
        super().__init__()
        self.size = size
        maps = [1, *channels]
        smallest = (maps[-1], size >> len(channels), size >> len(channels))  # (c, h, w) of the last convolution
        flat = smallest[0] * smallest[1] * smallest[2]
        down: list[nn.Module] = []
        for inputs, outputs in pairwise(maps):
            down += [nn.Conv2d(inputs, outputs, **HALVE), nn.ReLU()]
        up: list[nn.Module] = []
        for inputs, outputs in pairwise(reversed(maps)):
            up += [nn.ConvTranspose2d(inputs, outputs, **HALVE), nn.ReLU()]
        self.encoder = nn.Sequential(*down, nn.Flatten())
        self.mu = nn.Linear(flat, latent)
        self.logvar = nn.Linear(flat, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, flat), nn.Unflatten(1, smallest), *up[:-1])  # ends in logits

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images -> logits of their pixels, mean and log variance of the latent.

        In training z = mu + exp(logvar / 2) * noise, where the noise comes from torch's default generator of the
        input's device: whoever trains must key that generator before each step. In eval mode z = mu, and nothing is
        drawn.

        Parameters
        ----------
        x : float (b, 1, size, size), 0 to 1.

        Returns
        -------
        logits (b, 1, size, size), mu (b, latent), logvar (b, latent).

        Raises
        ------
        ValueError : images of another shape.
        """
        if x.ndim != 4 or tuple(x.shape[1:]) != (1, self.size, self.size):
            raise ValueError(
                f"images must be (b, 1, {self.size}, {self.size}), got {tuple(x.shape)}. The model's `size` must be "
                "that of its setting."
            )
        features = self.encoder(x)  # (b, c * h * w)
        mu, logvar = self.mu(features), self.logvar(features)
        z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) if self.training else mu
        return self.decoder(z), mu, logvar


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> VAE:
    """A VAE with its initial weights, as torch's layers start them.

    Parameters
    ----------
    parameters : channels, latent and size, as in the configuration.
    classes : not used, and taken because every family is called alike: a VAE learns images and has no head.
    seed, replica : key of the initial weights.
    """
    shape = {name: parameters[name] for name in ("channels", "latent", "size")}
    with keyed_weights(seed, replica):
        return VAE(**shape)
