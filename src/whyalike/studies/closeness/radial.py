"""Synthetic radial data: points in the plane, labelled by their direction (Nielsen et al. 2025, synthetic experiments).

x ~ N(0, 9 I_2), label = the bin of the angle modulo pi among ``classes`` equal bins: opposite points share a label. The
study trains on 20,000 points of seed 0 and tests on 2,000 of seed 1, with 4, 6, 10 and 18 classes.
"""

import numpy as np

from whyalike.randomness import keyed

SD = 3.0  # of both coordinates


def radial(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and their labels.

    Parameters
    ----------
    n : number of points.
    classes : number of bins; it does not change the points.
    seed : key of the points. More points of a seed begin with the same ones.

    Returns
    -------
    x : n x 2, float64.
    labels : n, 0 to classes - 1, int64.

    Raises
    ------
    ValueError : no points, or fewer than 2 classes.
    """
    if n < 1 or classes < 2:
        raise ValueError(f"radial data need n >= 1 points and at least 2 classes; got n = {n}, {classes} classes.")
    x = SD * keyed("radial", seed).standard_normal((n, 2))
    angles = np.arctan2(x[:, 1], x[:, 0]) % np.pi
    return x, np.floor(angles / np.pi * classes).astype(np.int64) % classes  # an angle may round up to pi
