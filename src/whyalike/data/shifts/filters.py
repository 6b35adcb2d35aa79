"""Low and high spatial frequencies alone, by a Gaussian G of standard deviation σ, cut off at 4 σ.

Source: Geirhos et al. (2018), experiments "low-pass" and "high-pass": σ in pixels of images of 224 px, here a share of
the side; beyond the border all is .4423, the mean of the source's images, which is also the mean of what is left of
the high frequencies.
"""

import numpy as np

from whyalike.data.shifts.application import Images

VERSION = 1  # raised when pixels change

MEAN_GREY = 0.4423
TRUNCATE = 4  # standard deviations, as scipy's gaussian_filter


def low_pass(images: Images, level: float) -> np.ndarray:
    """Grey (n, h, w) without high frequencies: G_σ * I."""
    return blurred(images.pixels, level * images.scale)


def high_pass(images: Images, level: float) -> np.ndarray:
    """Grey (n, h, w) without low frequencies: I - G_σ * I, the mean of each image set to .4423."""
    high = images.pixels - blurred(images.pixels, level * images.scale)
    return high + MEAN_GREY - high.mean(axis=(1, 2), keepdims=True)


def blurred(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Grey (n, h, w) by a Gaussian of ``sigma`` pixels: a product with a band matrix on either side."""
    down, across = (_band(edge, sigma) for edge in pixels.shape[1:])
    return down @ (pixels - MEAN_GREY) @ across.T + MEAN_GREY  # nothing lies beyond a border of 0


def _band(edge: int, sigma: float) -> np.ndarray:
    """Weight of each pixel (edge, edge) in each other one's mean; rows near a border sum to less than 1."""
    radius = int(TRUNCATE * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    apart = np.arange(edge)[:, None] - np.arange(edge)
    near = abs(apart) <= radius
    return np.where(near, weights[np.where(near, apart + radius, 0)], 0) / weights.sum()
