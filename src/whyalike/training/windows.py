"""Where windows of text are taken from: keyed draws from stretches of the token stream, never across their ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from whyalike.data.prepared import Prepared


@dataclass(frozen=True)
class Stretches:
    """Pieces of the token stream: first token and number of tokens of each, int64 (m,)."""

    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, data: Prepared, rows: np.ndarray) -> Self:
        """The stretches in some rows of a prepared text."""
        chosen = data.labels.iloc[rows]
        return cls(chosen["start"].to_numpy(), chosen["length"].to_numpy())


def draw_windows(generator: np.random.Generator, corpora: Sequence[Stretches], n: int, context: int) -> np.ndarray:
    """Where n windows start: for each a corpus, a stretch of it and a place in the stretch, all uniformly.

    Parameters
    ----------
    generator : of the draws.
    corpora : the stretches of each corpus; those of one corpus are about equally long.
    n : number of windows.
    context : tokens of a window; the token after it lies in the stretch too.

    Returns
    -------
    int64 (n,) places in the stream.

    Raises
    ------
    ValueError : a stretch that no window fits into.
    """
    starts, lengths = (np.concatenate([getattr(one, name) for one in corpora]) for name in ("starts", "lengths"))
    if lengths.min() <= context:
        raise ValueError(
            f"a window of {context} tokens and the next one do not fit into a stretch of {lengths.min()} tokens: lower "
            "`context` of the model, or prepare the text in fewer chunks"
        )
    counts = np.array([len(one.starts) for one in corpora])
    first = np.cumsum(counts) - counts
    corpus = generator.integers(len(corpora), size=n)
    stretch, place = generator.random((2, n))
    chosen = first[corpus] + (stretch * counts[corpus]).astype(np.int64)
    return starts[chosen] + (place * (lengths[chosen] - context)).astype(np.int64)
