"""Initial weights that depend on a key alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whyalike.randomness import key

# that initial weights consist of
FILLS = {"normal_", "uniform_", "erfinv_", "mul_", "add_", "clamp_", "fill_", "zero_"}


@contextmanager
def keyed_weights(seed: int, replica: str, what: str = "initialisation") -> Iterator[None]:
    """In the body PyTorch's modules draw their initial weights by this key; its generators are as before after it.

    Examples
    --------
    >>> with keyed_weights(0, "A"):
    ...     first = torch.nn.Linear(2, 2)
    >>> with keyed_weights(0, "A"):
    ...     bool((first.weight == torch.nn.Linear(2, 2).weight).all())
    True
    """
    with torch.random.fork_rng(devices=[]):
        # the CPU's generator alone: torch.manual_seed would also set those of GPUs, which are not forked
        torch.default_generator.manual_seed(key(seed, replica, what))
        yield


class WithoutNumbers(TorchFunctionMode):
    """Tensors without storage are not filled: PyTorch would follow each step, which takes most of the time."""

    def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        named = named or {}
        if getattr(function, "__name__", "") in FILLS:
            filled = given[0] if given else named.get("tensor")  # as torch.nn.init passes it on
            if isinstance(filled, Tensor) and filled.is_meta:
                return filled
        return function(*given, **named)
