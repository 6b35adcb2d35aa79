"""Numbers of pairs of models with the interval that leaves out each model, or each shift, in turn; several at once.

Of a table of all pairs it is `whyalike.statistics.dyadic.node_jackknife`; here pairs may be any of them, such as those
of different seeds alone, and some may have no score.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.statistics.dyadic import FEWEST_TO_LEAVE_OUT
from whyalike.statistics.inference import CONFIDENCE


@dataclass(frozen=True)
class LeftOut:
    """Values, their 95 % intervals (NaN where there is none), and how many units could be left out."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    units: int


def leave_out(statistic: Callable[[np.ndarray], np.ndarray], units: int) -> LeftOut:
    """Definition: se^2 = (M - 1)/M sum over units of (value without it - their mean)^2, t on M - 1 degrees of freedom.

    Parameters
    ----------
    statistic : units that count (M,) bool -> numbers of any shape; NaN where there is none.
    units : M. There is no interval of fewer than three, nor where a value does not exist without one of them.

    Example
    -------
    >>> found = leave_out(lambda kept: np.arange(4.0)[kept].mean(keepdims=True), 4)
    >>> found.value.tolist(), found.low.round(3).tolist()
    ([1.5], [-0.554])
    """
    value = np.asarray(statistic(np.ones(units, bool)), float)
    if units < FEWEST_TO_LEAVE_OUT:
        return LeftOut(value, np.full_like(value, np.nan), np.full_like(value, np.nan), units)
    without = np.array([statistic(kept) for kept in ~np.eye(units, dtype=bool)])
    error = np.sqrt((units - 1) * without.var(axis=0))  # NaN where one of them is
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, units - 1) * error
    return LeftOut(value, value - half, value + half, units)


def over_models(statistic: Callable[[np.ndarray], np.ndarray], pairs: Sequence[tuple[Hashable, Hashable]]) -> LeftOut:
    """As `leave_out`, of pairs of models: without a model all of its pairs are left out.

    Parameters
    ----------
    statistic : pairs that count (P,) bool -> numbers.
    pairs : the two models of each pair.

    Example
    -------
    >>> scores = np.array([0.2, 0.4, 0.6])
    >>> found = over_models(lambda kept: scores[kept].mean(keepdims=True), [("u", "v"), ("u", "w"), ("v", "w")])
    >>> found.value.round(3).tolist(), found.units
    ([0.4], 3)
    """
    models = list(dict.fromkeys(model for pair in pairs for model in pair))
    ends = np.array([[models.index(model) for model in pair] for pair in pairs]).reshape(-1, 2)
    return leave_out(lambda kept: statistic(kept[ends].all(axis=1)), len(models))


def mean(values: np.ndarray, kept: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean over some places of an axis of those that are no NaN; NaN where there are none.

    Example
    -------
    >>> mean(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]), np.array([True, True, False])).tolist()
    [1.0, nan]
    """
    values = np.compress(kept, values, axis=axis)
    counts = np.isfinite(values).sum(axis=axis)
    return np.where(counts > 0, np.nansum(values, axis=axis) / np.maximum(counts, 1), np.nan)
