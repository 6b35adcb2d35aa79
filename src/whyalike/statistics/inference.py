"""Intervals and p-values over seeds: the seed is the independent unit.

With S seeds a mean has a t interval on S - 1 degrees of freedom and an exact sign-flip p-value, which cannot be smaller
than 2 / 2**S (.25, .031, .002 at 3, 6, 10 seeds). A percentile bootstrap over so few seeds covers only 77 to 89 %, and
duplicates break nearest neighbours, so nothing here resamples with replacement: statistics that are no mean over seeds
have a delete-one-seed jackknife interval.
"""

from collections.abc import Sequence

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.randomness import keyed

CONFIDENCE = 0.95
#: Up to this number of seeds the sign flips are enumerated (2**20 sums take 20 ms); beyond, as many are drawn.
_ENUMERATED_SEEDS = 20

Interval = tuple[float, float]


def t_interval(values: Sequence[float]) -> Interval | None:
    """95 % interval of the mean of S independent values on S - 1 degrees of freedom; None with fewer than two."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return None
    return _around(values.mean(), values.std(ddof=1) / np.sqrt(len(values)), len(values))


def jackknife_interval(value: float, left_out: Sequence[float | None]) -> Interval | None:
    """95 % interval of ``value`` from the S values that each leave one seed out.

    Definition: se^2 = (S - 1)/S * sum of (value without seed s - their mean)^2, t quantile on S - 1 degrees of freedom.
    None with fewer than two seeds, or where the statistic does not exist without one of them.
    """
    if len(left_out) < 2 or any(one is None for one in left_out):
        return None
    left_out = np.asarray(left_out, float)
    count = len(left_out)
    return _around(value, np.sqrt((count - 1) / count * np.sum((left_out - left_out.mean()) ** 2)), count)


def share_of_gap(values: Sequence[float], gaps: Sequence[float]) -> tuple[float, Interval | None] | None:
    """Mean of S values over mean of S gaps, and its delete-one-seed jackknife interval.

    None where the gap, whole or without any one seed, is not above 0: then there is nothing to have a share of.
    """
    values, gaps = np.asarray(values, float), np.asarray(gaps, float)
    kept = ~np.eye(len(gaps), dtype=bool) if len(gaps) > 1 else np.ones((1, 1), bool)
    without = np.array([gaps[keep].mean() for keep in kept])
    if not np.all(without > 0):
        return None
    value = float(values.mean() / gaps.mean())
    left_out = [values[keep].mean() / gap for keep, gap in zip(kept, without, strict=True)]
    return value, jackknife_interval(value, left_out)


def _around(centre: float, standard_error: float, count: int) -> Interval:
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * standard_error
    return float(centre - half), float(centre + half)


def sign_flip_p(values: Sequence[float]) -> float:
    """Exact two-sided p of "symmetric about zero": the share of the 2**S sign patterns with a sum as far from zero.

    Parameters
    ----------
    values : one number a seed, S >= 1. Above 20 seeds, 2**20 patterns are drawn: p = (1 + b)/(1 + draws).

    Raises
    ------
    ValueError : no values.
    """
    values = np.asarray(values, float)
    if not len(values):
        raise ValueError("a sign-flip p needs at least one value (one a seed): got none.")
    least = abs(values.sum()) - 1e-12 * np.abs(values).sum()  # patterns equal but for rounding count as equal
    head, tail = values[:_ENUMERATED_SEEDS], values[_ENUMERATED_SEEDS:]
    if not len(tail):
        sums = np.zeros(1)
        for value in head:
            sums = np.concatenate([sums + value, sums - value])
        return float(np.mean(np.abs(sums) >= least))
    draws = keyed(len(values), "sign flips")
    sums = np.zeros(2**_ENUMERATED_SEEDS)
    for value in values:
        sums += np.where(draws.random(len(sums)) < 0.5, value, -value)
    return float((1 + np.sum(np.abs(sums) >= least)) / (1 + len(sums)))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjusted p-values, in the given order: the i-th smallest times m - i + 1, monotone, <= 1."""
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values, kind="stable")
    steps = np.arange(len(p_values), 0, -1) * p_values[order]
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def permute_within(seed: np.ndarray, x: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """``draws`` copies of x (n,) as (draws, n), each permuted within every seed; seed (n,) names each point's seed."""
    permuted = np.empty((draws, len(x)), x.dtype)
    for one in np.unique(seed):
        of = seed == one
        permuted[:, of] = generator.permuted(np.tile(x[of], (draws, 1)), axis=1)
    return permuted
