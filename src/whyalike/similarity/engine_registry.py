"""The table of engines: what scores all pairs of many representations by a metric, see `whyalike.similarity.many`.

Importing this module is cheap: the grid reads which code stands behind a score.
"""

from collections.abc import Callable
from dataclasses import dataclass

from whyalike.registry import Entry, Registry

FEW_ROWS = 1000  # finished numbers of more are float32, as `whyalike.similarity.precision` has it
ROWS = 256  # of a block of distances


@dataclass(frozen=True)
class Needs:
    """What an engine is taken for, and what it takes.

    Parameters
    ----------
    kept : (n, d) -> bytes that the workbench keeps of a representation; None: there is another way that holds them all.
    needed : (n, d, M) -> bytes that the engine takes at least, beside the representations.
    """

    kept: Callable[[int, int], float] | None
    needed: Callable[[int, int, int], float]


def _of_kernels(n: int, d: int) -> float:
    return n * n * (4 if n >= FEW_ROWS else 8)


def _in_blocks(n: int, d: int, count: int) -> float:
    """Blocks of distances in work, one row of all kernels, sums; of one representation the rows as they are made."""
    return 3 * 8 * min(ROWS, n) * n + 3 * 8 * count * n + 2 * 8 * n * d


_LINEAR, _RBF = Needs(None, _in_blocks), Needs(_of_kernels, _in_blocks)
_RSA = Needs(lambda n, d: 1.5 * _of_kernels(n, d), lambda n, d, count: 18 * n * n + 4 * 8 * n * d)
_ARRAYS = Needs(lambda n, d: 8 * n * min(n, d), lambda n, d, count: 3 * 8 * n * d + 5 * 8 * d * d)
ENGINES: Registry[Needs] = Registry(
    "engine",
    {
        "cka": Entry("whyalike.similarity.engines:linear", _LINEAR),
        "cka_unbiased": Entry("whyalike.similarity.engines:linear", _LINEAR),
        "cka_rbf": Entry("whyalike.similarity.engines:rbf", _RBF),
        "cka_rbf_unbiased": Entry("whyalike.similarity.engines:rbf_unbiased", _RBF),
        "rsa": Entry("whyalike.similarity.engines:rsa", _RSA),
        "procrustes_distance": Entry("whyalike.similarity.engines:procrustes", _ARRAYS),
    },
)
