"""A pair (f, g) of p(y|x), proportional to exp(f(x)'g(y)): a residual network embeds images, a perceptron labels.

f is `whyalike.models.resnet` with M outputs in place of logits, g a perceptron of one-hot labels. Called as a
classifier it gives the logits f(x)'g(y), so that it is trained and measured as any other; ``f`` is a layer that can be
compared.
Source: Nielsen et al. 2025, the models of CIFAR-10.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models import resnet
from whyalike.models.perceptron import layer_sizes, perceptron

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change


class Embedder(nn.Module):
    """Embeddings ``f`` of images and unembeddings ``g`` of labels in R^M.

    Parameters
    ----------
    f : images (b, 3, h, w) -> (b, M).
    g : one-hot labels (k, k) -> (k, M).
    classes : number of labels k.
    """

    def __init__(self, f: nn.Module, g: nn.Module, classes: int):
        super().__init__()
        self.f, self.g = f, g
        self.register_buffer("labels", torch.eye(classes), persistent=False)

    def unembeddings(self) -> Tensor:
        """g of every label (k, M)."""
        return self.g(self.labels)

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 3, h, w), normalised -> logits (b, k)."""
        return self.f(x) @ self.unembeddings().T


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> Embedder:
    """A pair with its initial weights.

    Parameters
    ----------
    parameters : those of `whyalike.models.resnet.build`, and dimensions (M), unembedding_width and unembedding_layers
        (of g), as in the configuration.
    classes : number of labels.
    seed, replica : key of the initial weights.
    """
    dimensions = parameters["dimensions"]
    sizes = layer_sizes(classes, parameters["unembedding_width"], dimensions, parameters["unembedding_layers"])
    f = resnet.build(parameters, dimensions, seed, replica)
    return Embedder(f, perceptron(sizes, seed, replica, "g"), classes)
