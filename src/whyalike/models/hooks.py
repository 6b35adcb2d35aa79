"""What named modules give while a model runs, by hooks that are gone after it: a vector a sample.

An output with positions, (b, c, h, w) or (b, tokens, d), is pooled (`whyalike.models.pooling`), so a representation is
n x d.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models.pooling import pool


@contextmanager
def recorded(modules: Mapping[str, nn.Module], pooling: str = "mean") -> Iterator[dict[str, list[Tensor]]]:
    """Yield a list for each module, which takes its output as float32 (b, d) at every call in the body.

    Raises
    ------
    ValueError : in the call, where an output is no tensor with a row a sample, or cannot be pooled so.
    """
    caught: dict[str, list[Tensor]] = {layer: [] for layer in modules}
    handles = []
    try:
        for layer, module in modules.items():
            handles.append(
                module.register_forward_hook(
                    lambda _, __, output, layer=layer: caught[layer].append(_vectors(layer, output, pooling))
                )
            )
        yield caught
    finally:
        for handle in handles:
            handle.remove()


def _vectors(layer: str, output: Any, pooling: str) -> Tensor:
    """A module's output as vectors of its own: what works in place on the output afterwards does not change them."""
    if not isinstance(output, Tensor) or output.ndim == 0:
        given = "a number" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise ValueError(f"layer {layer} gives {given}, no tensor with a row a sample: name a module that gives one")
    try:
        return pool(output, pooling).to(torch.float32, copy=True)
    except ValueError as error:
        raise ValueError(f"layer {layer}: {error}") from None


def check_recorded(layer: str, outputs: Sequence[Tensor], passes: int, batch: int) -> None:
    """Refuse a layer that was not called once in each of ``passes``, or whose last output has not ``batch`` rows."""
    if not outputs:
        raise ValueError(f"layer {layer} is not called when the model runs: name one that is")
    if len(outputs) > passes:
        raise ValueError(
            f"layer {layer} is called {len(outputs) // passes} times when the model runs, in as many places: "
            "name a layer that is called once"
        )
    if len(outputs[-1]) != batch:
        raise ValueError(
            f"layer {layer} gives {len(outputs[-1])} rows for {batch} samples: its first axis is not that of the "
            "samples. Name a layer whose first axis is"
        )
