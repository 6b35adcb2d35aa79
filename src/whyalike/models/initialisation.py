"""Initial weights that depend on a key alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from whyalike.randomness import key


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
