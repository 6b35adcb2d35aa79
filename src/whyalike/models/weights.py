"""A model's weights: the keyed initial ones, and those in a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from whyalike.files import atomic
from whyalike.models.registry import MODELS


def build_model(model: Mapping[str, Any], classes: int, seed: int, replica: str) -> nn.Module:
    """The model of a run with its initial weights, on the CPU; ``model`` is its section's `plain` values."""
    family = MODELS[model["family"]]
    own = family.facts.parameters.from_plain({name: value for name, value in model.items() if name != "family"})
    return family.load()({"family": model["family"], **own.model_dump(mode="json")}, classes, seed, replica)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the state of a model atomically, in the memory layout that safetensors needs.

    Weights that two names share are written under both: the file format takes no memory twice.
    """
    state = model.state_dict()
    with atomic(path) as temporary:
        save_file(
            {name: value.clone(memory_format=torch.contiguous_format) for name, value in state.items()}, temporary
        )


def load_weights(model: nn.Module, path: Path) -> nn.Module:
    """Fill a model with the weights of a run."""
    model.load_state_dict(load_file(path))
    return model
