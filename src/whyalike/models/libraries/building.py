"""A library's model for a job: built, its towers found, its facts told; weights come from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from whyalike.models.initialisation import WithoutNumbers, keyed_weights
from whyalike.models.layers import named_layers
from whyalike.models.libraries.library import Library, blocks
from whyalike.models.libraries.parameters import POOLED, Architecture, Facts
from whyalike.models.libraries.registry import LIBRARIES

SHORTCUTS = {"downsample", "shortcut"}  # of residual blocks, as libraries name them


@dataclass(frozen=True)
class Built:
    """A model, and the library that knows how to run it."""

    model: nn.Module
    library: Library

    @property
    def tower(self) -> nn.Module:
        """The part that sees the stimuli."""
        return self.model.get_submodule(self.library.tower(self.model))

    def layers(self, names: Sequence[str]) -> Mapping[str, nn.Module]:
        """Modules by their paths; faults as of `named_layers`. `pooled` is none of them."""
        return named_layers(self.model, [name for name in names if name != POOLED])


def build(asked: Architecture, folder: Path | None, seed: int = 0, replica: str = "") -> Built:
    """An architecture with initial weights of a key, on the CPU.

    Raises
    ------
    LookupError, ValueError : there is no such architecture, or not with these arguments.
    ModuleNotFoundError : the library is not installed.
    """
    library = LIBRARIES[asked.library].load()()
    with keyed_weights(seed, replica):
        return Built(_made(library, asked, folder), library)


def facts(asked: Architecture, folder: Path | None) -> Facts:
    """What an architecture is, without numbers for its weights where the library can do without.

    Raises
    ------
    As `build` does.
    """
    library = LIBRARIES[asked.library].load()()
    try:
        with torch.device("meta"), WithoutNumbers():
            built = Built(_made(library, asked, folder), library)
    except (NotImplementedError, RuntimeError):  # some read numbers while they are made
        built = build(asked, folder)
    tower, inputs = library.tower(built.model), library.inputs(built.model)
    begins = f"{tower}." if tower else ""
    modules = [(name, module) for name, module in built.model.named_modules() if name and name.startswith(begins)]
    rule, fault = None, ""
    try:
        rule = library.rule(asked, built.model, folder)
    except ValueError as error:
        fault = str(error)
    return Facts(
        modules=[name for name, _ in modules],
        blocks=list(blocks([(tower, built.tower), *modules])),
        convolutions=[
            name for name, module in modules if isinstance(module, nn.Conv2d) and not SHORTCUTS & {*name.split(".")}
        ],
        parameters=(_count(built.model), _count(built.tower)),
        inputs=inputs,
        rule=None if rule is None else rule.plain(),
        rule_fault=fault,
    )


def _made(library: Library, asked: Architecture, folder: Path | None) -> nn.Module:
    try:
        return library.build(asked, folder).eval()
    except TypeError as error:
        raise ValueError(f"{asked.library} cannot make {asked.name} with {asked.arguments}: {error}") from error


def _count(model: nn.Module) -> int:
    return sum(one.numel() for one in model.parameters())
