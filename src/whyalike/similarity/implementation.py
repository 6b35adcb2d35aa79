"""The shape of a metric: work done once a representation, work done once a pair, and what a permutation of rows does.

A permutation null calls `permute` and `compare` hundreds of times, so everything that depends on one representation
alone lies in `prepare`. Each family module makes a mapping from the score protocols it has to `Form`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whyalike.similarity.moments import KernelSums
from whyalike.similarity.within_class import ClassSums


@dataclass(frozen=True)
class Form:
    """One computation of a metric.

    Parameters
    ----------
    prepare : (x, n x d in float64 or as ``single`` says, preprocessed and checked; parameters) -> intermediates.
        Raises UndefinedScore where the metric has no value for x.
    compare : (intermediates of x, intermediates of y, parameters) -> float. Where there is ``meet``, with what that
        gave as well.
    permute : (intermediates of y, order) -> the intermediates of ``y[order]``, without preparing again.
        ``y`` is as prepared, not permuted before; ``x`` of compare is never permuted.
    class_sums : of a metric of linear kernels, (intermediates, class of each row) -> the sums from which its null of
        permutations within class follows; None where draws are needed.
    meet : of metrics that need the same of a pair, (intermediates of x, those of y, order of y's rows or None) -> it.
        Those that share ``meet`` and intermediates share a permutation's work.
    streamed : ``prepare`` of a `whyalike.similarity.streamed.Streamed` in place of x, which holds some rows at a time;
        None where the metric needs all rows at once, or all pairs of them.
    upon : what is made first, as by the ``prepare`` of other metrics; this one finds it under the parameter "upon".
    reads : the parameters that ``prepare`` reads; metrics with the same ``prepare`` and values share intermediates. One
        that reads k may find under "search" what takes the place of `whyalike.similarity.metrics.nearest.neighbours`.
    single : whether ``prepare`` takes float32 features as they are, and finds under the parameter "single" whether it
        may make products in float32 (`whyalike.similarity.precision`), under "permuted" whether many permutations of
        rows will follow.
    randomised : whether ``upon`` draws random numbers: it finds under the parameter "generators" the names of several
        draws and a `numpy.random.Generator` for each, and ``prepare`` the name of its own under "draw".
    check : (intermediates of x, intermediates of y, parameters); raises UndefinedScore where the two have no value
        together though each could with others. A permutation of rows must not change that.
    from_squares : of a metric of linear kernels, (||Xc'Yc||^2 of all pairs, M x M; the kernels' diagonals, M x n;
        parameters) -> all scores, M x M.
    kernel_sums : of a metric that aligns two kernels, tr(KL) / sqrt(tr(K^2) tr(L^2)): intermediates -> the sums from
        which its null of row permutations follows, and the root by which it divides.
    precomputed : kind of a matrix that may take the place of features ("rdm", "kernel") -> what ``prepare`` is of it:
        (n x n, parameters) -> intermediates.
    left_out : (intermediates of x, intermediates of y, parameters) -> the score without each stimulus in turn, n, where
        that is less work than n scores.
    """

    prepare: Callable[[np.ndarray, Mapping[str, Any]], Any]
    compare: Callable[..., float]
    permute: Callable[[Any, np.ndarray], Any]
    reads: tuple[str, ...] = ()
    randomised: bool = False
    single: bool = False
    check: Callable[[Any, Any, Mapping[str, Any]], None] | None = None
    from_squares: Callable[[np.ndarray, np.ndarray, Mapping[str, Any]], np.ndarray] | None = None
    kernel_sums: Callable[[Any], tuple[KernelSums, float]] | None = None
    precomputed: Mapping[str, Callable[[np.ndarray, Mapping[str, Any]], Any]] = field(default_factory=dict)
    left_out: Callable[[Any, Any, Mapping[str, Any]], np.ndarray] | None = None
    class_sums: Callable[[Any, np.ndarray], ClassSums | None] | None = None
    meet: Callable[[Any, Any, np.ndarray | None], Any] | None = None
    upon: Callable[[np.ndarray, Mapping[str, Any]], Any] | None = None
    streamed: Callable[[Any, Mapping[str, Any]], Any] | None = None


class Reads(dict):
    """What ``prepare`` gets: the parameters that its form names. To read another is a fault of the form."""

    def __init__(self, given: Mapping[str, Any], metric: str, form: Form):
        super().__init__(given)
        self.metric, self.form = metric, form

    def __missing__(self, name: str) -> Any:
        if name in self.form.reads:
            raise KeyError(name)
        raise KeyError(
            f"prepare of metric '{self.metric}' read the parameter '{name}', which its Form does not name in "
            f"reads={self.form.reads}. Add it there."
        )
