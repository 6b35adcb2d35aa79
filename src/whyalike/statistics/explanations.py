"""What could explain that two models are more or less alike: tests of three explanations that are no overlap.

The overlap study explains lower CKA at higher task overlap by a "larger feature range" of t-SNE. The axes of t-SNE have
no scale, and CKA does not see the scale of features; what can be tested is how similarity goes with the number of
classes among the stimuli, with the dimension of the representations (participation ratio) and with their norm. Points
of a seed share models, so that the seed is the unit: one correlation a seed, over its pairs, and their mean.
"""

from dataclasses import dataclass

import numpy as np

from whyalike.statistics.inference import Interval, sign_flip_p, t_interval

FEWEST_PAIRS = 3  # of a seed: two points are always on a line


@dataclass(frozen=True)
class Correlation:
    """Mean over seeds of the correlation within a seed, its t interval (no further than -1 and 1) and sign-flip p."""

    value: float
    interval: Interval | None
    p_value: float
    n_seeds: int


def participation_ratio(x: np.ndarray) -> float:
    """How many directions a representation uses: (sum of l)^2 / sum of l^2 over the eigenvalues l of its covariance.

    Parameters
    ----------
    x : (n, d), a row a stimulus, n >= 2.

    Returns
    -------
    From 1 (all variance on a line) to min(n - 1, d) (the same in every direction).

    Raises
    ------
    ValueError : no matrix of two rows, or rows that are all equal.
    """
    x = _checked(x)
    centred = x - x.mean(0)
    # the smaller of the two matrices that have the same eigenvalues
    gram = centred.T @ centred if x.shape[1] <= len(x) else centred @ centred.T
    total = np.trace(gram)
    if not total > 0:
        raise ValueError(f"a representation must vary over stimuli: all {len(x)} rows are equal. Did training diverge?")
    return float(total**2 / np.vdot(gram, gram))


def feature_norm(x: np.ndarray) -> float:
    """Mean Euclidean length of the rows of x (n, d)."""
    return float(np.linalg.norm(_checked(x), axis=1).mean())


def correlation_within_seeds(seed: np.ndarray, x: np.ndarray, y: np.ndarray) -> Correlation | None:
    """How y goes with x within a seed: Pearson's correlation over the points of each seed, and its mean over seeds.

    Parameters
    ----------
    seed, x, y : (n,) each; a seed counts if it has at least three points and neither x nor y is the same in all.

    Returns
    -------
    None where no seed counts.
    """
    found = []
    for one in np.unique(seed):
        of = seed == one
        if of.sum() >= FEWEST_PAIRS and np.ptp(x[of]) > 0 and np.ptp(y[of]) > 0:
            found.append(np.corrcoef(x[of], y[of])[0, 1])
    if not found:
        return None
    interval = t_interval(found)
    # a t interval knows no bounds; correlations of three points may be 1, where Fisher's z is infinite
    within = interval and tuple(float(end) for end in np.clip(interval, -1, 1))
    return Correlation(float(np.mean(found)), within, sign_flip_p(found), len(found))


def _checked(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, float)
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"a representation is a matrix with a row a stimulus, two at least: got shape {x.shape}.")
    return x
