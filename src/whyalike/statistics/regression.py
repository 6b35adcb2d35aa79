"""Lines through scores: one over all points (as published), or one a seed (corrected).

Points of one seed share models, so they are not independent: the corrected analysis computes one slope (or one gain) a
seed and lets `inference` look at the spread of these numbers over seeds. Intervals never come from points.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.statistics.inference import permute_within
from whyalike.statistics.panels import Points


@dataclass(frozen=True)
class Line:
    """y = slope * x + intercept; r2 is the share of y's variance on the line, None where y does not vary."""

    slope: float
    intercept: float
    r2: float | None


def ols(x: np.ndarray, y: np.ndarray) -> Line | None:
    """Ordinary least squares of y (n,) on x (n,); None with fewer than 3 points or 2 distinct x."""
    if len(x) < 3 or len(np.unique(x)) < 2:
        return None
    fit = scipy.stats.linregress(x, y)
    r2 = float(fit.rvalue) ** 2 if np.ptp(y) > 0 else None
    return Line(float(fit.slope), float(fit.intercept), r2)


def with_a_slope(points: Points) -> Points:
    """The points of those seeds that have at least two distinct x."""
    seeds = [seed for seed in points.seeds if len(np.unique(points.x[points.seed == seed])) > 1]
    return points.where(np.isin(points.seed, seeds))


def slope_weights(points: Points) -> np.ndarray:
    """Weights w (n,) with sum(w * x) = mean over seeds of the OLS slope of y on x within a seed.

    Every seed needs two distinct x (`with_a_slope`). The weights hold y and each seed's variance of x, which do not
    change when x is permuted within seeds, so that one matrix product gives the mean slope of many permutations.
    """
    weights = np.empty(len(points))
    for seed in points.seeds:
        of = points.seed == seed
        centred = points.x[of] - points.x[of].mean()
        weights[of] = (points.y[of] - points.y[of].mean()) / (centred @ centred)
    return weights / len(points.seeds)


def seed_slopes(points: Points) -> np.ndarray:
    """The OLS slope of y on x within each seed (seeds,), ascending; each needs two distinct x (`with_a_slope`)."""
    contributions = slope_weights(points) * points.x * len(points.seeds)
    return np.array([contributions[points.seed == seed].sum() for seed in points.seeds])


def seed_gains(points: Points) -> np.ndarray:
    """y at the panel's highest level less y at its lowest, for each seed that has both (seeds,); one point a (seed,
    level).

    Empty where there is only one level, or no seed has both ends.
    """
    if len(points.levels) < 2:
        return np.empty(0)
    lowest, highest = (points.where(points.x == level) for level in points.levels[[0, -1]])
    _, at_lowest, at_highest = np.intersect1d(lowest.seed, highest.seed, return_indices=True)
    return highest.y[at_highest] - lowest.y[at_lowest]


def level_permutation_p(points: Points, draws: int, generator: np.random.Generator) -> float:
    """Two-sided p of the mean slope under permutations of the levels within each seed, (1 + b)/(1 + draws).

    b counts the draws whose mean slope is at least as far from zero. Every seed needs two distinct x (`with_a_slope`).
    """
    weights = slope_weights(points)
    observed = abs(points.x @ weights)
    permuted = np.abs(permute_within(points.seed, points.x, draws, generator) @ weights)  # (draws,)
    # the tolerance counts the identity and its mirror image, which differ from the observed slope by rounding only
    return float((1 + np.sum(permuted >= observed * (1 - 1e-9) - 1e-15)) / (1 + draws))
