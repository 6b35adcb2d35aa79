"""The layers of a model: its modules by their own paths, such as ``avgpool`` or ``layer2.0``."""

import difflib
from collections.abc import Sequence

from torch import nn


def named_layers(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    """Some modules of a model by their paths.

    Raises
    ------
    LookupError : the model has no such module; the message names those that it has, and the nearest.
    """
    modules = dict(model.named_modules())
    if unknown := [layer for layer in layers if layer not in modules]:
        near = [close for layer in unknown for close in difflib.get_close_matches(layer, modules)]
        hint = f". Did you mean {' or '.join(map(repr, near))}?" if near else ""
        known = ", ".join(name for name in modules if name)
        raise LookupError(f"the model has no module {unknown}. Modules: {known}{hint}")
    return {layer: modules[layer] for layer in layers}
