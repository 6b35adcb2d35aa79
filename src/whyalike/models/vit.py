"""Vision transformers (Dosovitskiy et al. 2021): torchvision's, with keyed initial weights.

Layers that can be compared are ``encoder.layers.encoder_layer_0``, ... and ``encoder.ln``, the norm after the last one.
The backbone starts as torchvision's does. The head (``heads.head``) starts as `torch.nn.Linear` does, from a generator
of its own, where torchvision's is 0. Dropout draws from torch's default generator of the device.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torchvision.models import VisionTransformer

from whyalike.models.initialisation import keyed_weights

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> VisionTransformer:
    """A network with its initial weights.

    Parameters
    ----------
    parameters : size, patch, depth, heads, width, mlp_width and dropout, as in the configuration.
    classes : number of outputs.
    seed, replica : key of the initial weights.
    """
    with keyed_weights(seed, replica):
        model = VisionTransformer(
            image_size=parameters["size"],
            patch_size=parameters["patch"],
            num_layers=parameters["depth"],
            num_heads=parameters["heads"],
            hidden_dim=parameters["width"],
            mlp_dim=parameters["mlp_width"],
            dropout=parameters["dropout"],
            num_classes=1,
        )
    with keyed_weights(seed, replica, "initialisation of the head"):
        model.heads.head = nn.Linear(parameters["width"], classes)
    return model
