"""Random numbers that depend on what they are for, never on the order of calls or the number of workers."""

import hashlib

import numpy as np

from whyalike.files import canonical_json


def key(*purpose: str | int) -> int:
    """A 63-bit seed that depends on ``purpose`` alone, for generators such as `torch.Generator.manual_seed`."""
    return int.from_bytes(_digest(purpose)[:8], "big") >> 1


def keyed(*purpose: str | int) -> np.random.Generator:
    """A generator of its own for every purpose: equal keys give equal streams, other keys independent ones.

    Parameters
    ----------
    purpose : a seed and what the numbers are for, such as ``0, "drawing", "kite", 17``.
    """
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(_digest(purpose), "big")))


def _digest(purpose: tuple[str | int, ...]) -> bytes:
    return hashlib.sha256(canonical_json(list(purpose)).encode()).digest()
