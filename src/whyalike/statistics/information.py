"""Mutual information between the level of overlap and the score, in nats.

As published: scikit-learn's `mutual_info_regression` with its defaults, the KSG estimator (Kraskov et al. 2004), which
takes the few discrete levels for continuous. It depends on the number of levels and is biased up at small n, so it
cannot rank studies. Corrected: the estimator of Ross (2014) for a discrete and a continuous variable, less its mean
under permutations of the levels within seeds, as a share of what it could be at most: (MI - null)/(H - null), with H
the entropy of the levels. Intervals are delete-one-seed jackknife intervals: a bootstrap's duplicates made .30 of a
true zero.

Ross's estimator is computed here for many assignments of levels at once. With 8 or more points a level it equals
scikit-learn's `mutual_info_regression(..., discrete_features=True, random_state=42)`. With fewer, scikit-learn finds
the neighbours by brute force, whose rounded distances count the k-th neighbour of some points and not of others, so
that its result is too low by up to some tenths of a nat and jumps when a jackknife leaves a seed out; here distances
are exact.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from whyalike.statistics.inference import Interval, jackknife_interval, permute_within
from whyalike.statistics.panels import Points

NEIGHBOURS = 3  # scikit-learn's default, and so the published one
_NOISE_SEED = 42  # the published random_state: the noise that breaks ties, and so the row order, is part of the number


def mi_ksg(x: np.ndarray, y: np.ndarray) -> float | None:
    """The published estimate from x (n,) and y (n,), in nats, at least 0; None with under 5 points or one level."""
    if len(x) < NEIGHBOURS + 2 or len(np.unique(x)) < 2:
        return None
    from sklearn.feature_selection import mutual_info_regression  # a second to import; findings and claims need none

    return float(mutual_info_regression(np.reshape(x, (-1, 1)), y, random_state=_NOISE_SEED)[0])


def entropy(levels: np.ndarray) -> float:
    """Entropy of the distribution of the levels (n,), in nats: the ceiling of the mutual information."""
    _, counts = np.unique(levels, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def untied(y: np.ndarray) -> np.ndarray:
    """y (n,) in units of its standard deviation, with scikit-learn's noise of 1e-10 that breaks ties."""
    deviation = y.std()
    scaled = y / deviation if deviation > 0 else y.astype(float)
    noise = np.random.RandomState(_NOISE_SEED).standard_normal(len(y))
    return scaled + 1e-10 * max(1.0, np.mean(np.abs(scaled))) * noise


def mi_ross(levels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ross's estimate for many assignments of levels to the same y, in nats, each at least 0.

    Parameters
    ----------
    levels : (draws, n), each row with at least one value that occurs twice; equal numbers are one level.
    y : (n,) without ties (`untied`).

    Returns
    -------
    (draws,) estimates. Points that are alone in their level are left out, as scikit-learn does.

    References
    ----------
    B. C. Ross, "Mutual Information between Discrete and Continuous Data Sets", PLoS ONE 9(2), 2014, equation 2.
    """
    distance = np.abs(y[:, None] - y[None, :])  # (n, n)
    same = levels[:, :, None] == levels[:, None, :]  # (draws, n, n)
    count = same.sum(-1)  # (draws, n), the point itself included
    used = count > 1
    k = np.minimum(NEIGHBOURS, count - 1)
    within = np.where(same & ~np.eye(len(y), dtype=bool), distance, np.inf)
    nearest = np.sort(np.partition(within, min(NEIGHBOURS, len(y)) - 1, axis=-1)[..., :NEIGHBOURS], axis=-1)
    radius = np.take_along_axis(nearest, np.maximum(k - 1, 0)[..., None], axis=-1)  # (draws, n, 1)
    closer = ((distance < radius) & used[:, None, :]).sum(-1)  # (draws, n), the point itself included
    # points alone in their level are masked out of the mean; 1 stands in for their undefined argument
    terms = digamma(np.where(used, k, 1)) - digamma(count) - digamma(np.where(used, closer, 1))
    return np.maximum(digamma(used.sum(-1)) + terms.mean(-1, where=used), 0.0)


@dataclass(frozen=True)
class Information:
    """Ross's estimate, the levels' entropy, the mean under permutations and the adjusted share (None: not asked)."""

    mi: float
    entropy: float
    null: float | None
    adjusted: float | None


def information(points: Points, draws: np.ndarray) -> Information | None:
    """The corrected estimates from points whose y has no ties (`untied`); None unless two levels have two points each.

    Parameters
    ----------
    points : n points, x = the level.
    draws : (permutations, n) levels permuted within seeds, for the null; (0, n) if the null is not asked for.
    """
    used = _not_alone(points.x)
    if len(np.unique(points.x[used])) < 2:
        return None
    mi, *nulls = mi_ross(np.vstack([points.x[None], draws]), points.y)
    ceiling = entropy(points.x[used])
    null = float(np.mean(nulls)) if nulls else None
    # a null at the ceiling leaves no room for information: there is no share of it
    adjusted = None if null is None or null >= ceiling else float((mi - null) / (ceiling - null))
    return Information(float(mi), ceiling, null, adjusted)


def _not_alone(levels: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(levels, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


@dataclass(frozen=True)
class JackknifedInformation:
    """The estimates from all seeds, those without each seed, and the intervals that follow."""

    full: Information
    left_out: tuple[Information | None, ...]

    @property
    def mi_interval(self) -> Interval | None:
        """Of the estimate itself."""
        return jackknife_interval(self.full.mi, [one and one.mi for one in self.left_out])

    @property
    def adjusted_interval(self) -> Interval | None:
        """Of the adjusted share."""
        if self.full.adjusted is None:
            return None
        return jackknife_interval(self.full.adjusted, [one and one.adjusted for one in self.left_out])


def jackknifed_information(
    points: Points, permutations: int, generator: np.random.Generator
) -> JackknifedInformation | None:
    """Ross's estimates with and without each seed, the same permutations for all; None where the full one does not
    exist.

    Parameters
    ----------
    points : n points, one a (seed, level).
    permutations : draws for the null; 0 leaves null and adjusted share out.
    """
    draws = permute_within(points.seed, points.x, permutations, generator)  # (permutations, n)
    points = Points(points.seed, points.x, untied(points.y))
    full = information(points, draws)
    if full is None:
        return None
    keep = [points.seed != seed for seed in points.seeds]
    return JackknifedInformation(full, tuple(information(points.where(mask), draws[:, mask]) for mask in keep))
