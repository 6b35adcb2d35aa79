"""What a library must be able to do, and what all of them share: blocks by their classes, the switches of the hub."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from whyalike.models.libraries.parameters import Architecture, InputRule

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
BLOCK = re.compile(r"(Block|Bottleneck|Layer|Residual|MBConv|SeparableConv)$")  # ends of the names of classes
GREY_LEVELS = 255


def go_offline() -> None:
    """Set the switches by which Hugging Face's libraries ask nothing of a network; they are read on import."""
    os.environ |= dict.fromkeys(OFFLINE, "1")
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        constants.HF_HUB_OFFLINE = True


class Library:
    """The models of one library, built from what is on this machine."""

    def build(self, asked: Architecture, folder: Path | None) -> nn.Module:
        """The architecture with random weights; ``folder`` is where its weights lie.

        Raises
        ------
        ValueError : the library has no such architecture, or not with these arguments.
        """
        raise NotImplementedError

    def rule(self, asked: Architecture, model: nn.Module, folder: Path | None) -> InputRule | None:
        """How the library makes input of images for these weights; None where it says nothing.

        Raises
        ------
        ValueError : it makes it in a way that cannot be followed here.
        """
        raise NotImplementedError

    def run(self, model: nn.Module, given: Any) -> Tensor | None:
        """Run the part that sees the stimuli; returns what the layer `pooled` is, None where there is no such thing.

        Parameters
        ----------
        given : images (b, 3, h, w), or keyword arguments of a model of text.
        """
        raise NotImplementedError

    def tower(self, model: nn.Module) -> str:
        """The path of the part that sees the stimuli; empty for all of the model."""
        return ""

    def inputs(self, model: nn.Module) -> Literal["rgb", "tokens"]:
        """What the model takes."""
        return "rgb"

    def leave_projection(self, model: nn.Module) -> None:
        """Change the model so that `pooled` is what it is before its projection.

        Raises
        ------
        ValueError : it has none.
        """
        raise ValueError("the model has no projection: remove the key `projection`")

    def are_channels_last(self, model: nn.Module) -> bool:
        """Whether the model's maps are (b, h, w, c)."""
        return False

    def fetch(self, asked: Architecture, destination: Path) -> None:
        """Download the weights with the library's own functions, and write them.

        Raises
        ------
        ValueError : the library has no such weights.
        """
        raise NotImplementedError


def given_to(module: nn.Module | None, model: nn.Module, given: Any) -> Tensor | None:
    """Run a model; returns what a module of it gets, None if it is not called."""
    caught: list[Tensor] = []
    handle = None if module is None else module.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    try:
        model(given)
    finally:
        if handle is not None:
            handle.remove()
    return caught[-1] if caught else None


def blocks(modules: Sequence[tuple[str, nn.Module]]) -> Iterator[str]:
    """The outermost modules that stand in a row of modules and are blocks by the names of their classes.

    Parameters
    ----------
    modules : with their paths, as `named_modules` gives them.
    """
    of_paths, found = dict(modules), ""
    for name, module in modules:
        inside = found and name.startswith(f"{found}.")
        row = of_paths.get(name.rpartition(".")[0])
        if not inside and isinstance(row, nn.Sequential | nn.ModuleList) and BLOCK.search(type(module).__name__):
            found = name
            yield name


def maps_as_channels_first(output: Tensor, module: nn.Module, channels_last: bool, square: bool = False) -> Tensor:
    """A map (b, c, h, w) of a module's output, whichever axis its channels have; any other output as it is.

    Parameters
    ----------
    channels_last : whether the library says so of the model.
    square : whether the input is: then of three sides the two equal ones are height and width, whoever made the map.
    """
    if output.ndim != 4 or isinstance(module, nn.Conv2d | nn.BatchNorm2d):
        return output
    # these two work on the last axis; some libraries' own norms of that name turn the axes themselves
    last = channels_last or type(module) in (nn.Linear, nn.LayerNorm)
    _, one, two, three = output.shape
    if square and (one == two) != (two == three):
        last = one == two
    return output.permute(0, 3, 1, 2) if last else output


def in_grey_levels(values: Sequence[float]) -> tuple[float, ...]:
    """Shares of the largest value as grey levels, 0 to 255."""
    return tuple(round(GREY_LEVELS * value, 6) for value in values)  # such as 58.395: no more is meant
