"""How far RBF kernels reach, counted while the kernels of all models are made for their similarities.

The effective number of neighbours of stimulus i is (sum_j k_ij)^2 / sum_j k_ij^2 over all others j: m where m of them
count equally and the rest not at all, n - 1 where the kernel tells no stimulus from another. That of a model is the
mean over stimuli. A kernel is made some rows at a time, once, and no n x n array is held; both sums are taken of each
block before it goes on to the similarities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore, check_defined, check_not_constant
from whyalike.similarity.engine_registry import ENGINES
from whyalike.similarity.kernel_blocks import Gaussian
from whyalike.similarity.many import Asked
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import form_of

Pair = tuple[str, str]
FAMILY = "rbf"  # of the metrics whose kernels have a reach


@dataclass(frozen=True)
class Counted(Gaussian):
    """A kernel that adds up its entries, and their squares, as its blocks are made.

    Parameters
    ----------
    sums, squares : n each, of the entries beside the diagonal; of exp - 1 where the kernel is made so.
    """

    sums: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, kernel: Gaussian) -> "Counted":
        """A kernel of which no block was made yet."""
        return cls(kernel.distances, kernel.width, *np.zeros((2, len(kernel.distances.rows))))

    def block(self, some: slice, out: np.ndarray) -> None:
        """As of a `Gaussian`."""
        entries = self._of(self.distances.block(some, out))
        np.fill_diagonal(entries, 0)
        for total, values in ((self.sums, entries), (self.squares, np.square(entries, dtype=np.float64))):
            total[some] += values.sum(axis=1, dtype=np.float64)
            # the entries beyond the square on the diagonal are those of the rows below, too
            total[some.stop :] += values[:, len(values) :].sum(axis=0, dtype=np.float64)
        out -= self.shift[some, None]
        out -= self.shift[some.start :]
        np.fill_diagonal(out, 0)

    def neighbours(self) -> float:
        """The effective number of neighbours, of 1 to n - 1, when all blocks are made.

        Where all entries of a row are below what floating numbers hold, its nearest neighbour is all that it has: 1.
        """
        others, sums, squares = len(self.sums) - 1, self.sums, self.squares
        if self.near:  # of k - 1
            sums, squares = sums + others, squares + 2 * sums + others
        found = np.divide(sums**2, squares, out=np.ones(len(sums)), where=squares > 0)
        return float(np.clip(found, 1, others).mean())  # of positive entries there is nothing else


@dataclass(frozen=True)
class _Counting(Asked):
    """What an engine is asked, whose kernels are counted; ``kernels`` takes them, by place."""

    kernels: dict[int, Counted] = field(default_factory=dict)

    def each(self, make: Callable[[np.ndarray], Any]) -> dict[int, Any]:
        self.kernels.update({i: Counted.of(kernel) for i, kernel in super().each(make).items()})
        return dict(self.kernels)


def scores_and_reach(
    arrays: Mapping[str, np.ndarray], pairs: Sequence[Pair], chosen: Scoring, memory: int, undefined: dict[Pair, str]
) -> tuple[dict[Pair, float], dict[str, float]]:
    """The scores of pairs by a metric of RBF kernels, and model -> effective number of neighbours of its kernel.

    Parameters
    ----------
    arrays : name -> n x d. pairs : of names. memory : bytes beside the representations.
    undefined : takes the reason of each pair that has no score.
    """

    def lacking(reason: UndefinedScore, name: str | None = None) -> None:
        for pair in pairs:
            if name is None or name in pair:
                undefined.setdefault(pair, str(reason))

    names = []
    try:
        n = len(next(iter(arrays.values())))
        check_defined(chosen.metric, METRICS[chosen.metric].facts, n, chosen.parameters)
    except UndefinedScore as reason:
        lacking(reason)
        return {}, {}
    for name, x in arrays.items():
        try:
            check_not_constant(chosen.metric, x, name)
            names.append(name)
        except UndefinedScore as reason:
            lacking(reason, name)

    def fault(place: int, reason: UndefinedScore) -> None:
        lacking(UndefinedScore(f"{reason} ({names[place]})"), names[place])

    at = {name: place for place, name in enumerate(names)}
    known = [(at[a], at[b]) for a, b in pairs if a in at and b in at]
    asked = _Counting([arrays[name] for name in names], known, chosen.parameters, form_of(chosen), fault, memory)
    found = ENGINES[chosen.metric].load()(asked) if known else {}
    values = {(names[a], names[b]): chosen.in_range(value) for (a, b), value in found.items()}
    return values, {names[place]: kernel.neighbours() for place, kernel in asked.kernels.items()}
