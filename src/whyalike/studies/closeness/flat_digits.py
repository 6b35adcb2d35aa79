"""The handwritten digits of scikit-learn as vectors: 1797 grey images of 8 x 8 pixels, values in [0, 1].

For small models that read rows of a matrix; `whyalike.data.digits` has the same images as a prepared data set.
"""

import numpy as np
from sklearn.datasets import load_digits

from whyalike.randomness import keyed

IMAGES, PIXELS = 1797, 64
LARGEST_VALUE = 16  # of scikit-learn's pixels


def flat_digits(part: str, train: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and their digits.

    Parameters
    ----------
    part : "train" or "test".
    train : number of training images; the others are test images.
    seed : key of the split.

    Returns
    -------
    x : n x 64, float64.
    labels : n, 0 to 9, int64.

    Raises
    ------
    ValueError : no images are left for one part.
    """
    if not 0 < train < IMAGES:
        raise ValueError(f"the digits need from 1 to {IMAGES - 1} training images, some are left to test; got {train}.")
    source = load_digits()
    order = keyed("flat digits", seed).permutation(IMAGES)
    rows = order[:train] if part == "train" else order[train:]
    return source.data[rows] / LARGEST_VALUE, source.target[rows].astype(np.int64)
