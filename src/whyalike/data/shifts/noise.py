"""Uniform noise on a grey image of 30 % of its contrast, which leaves room for it above and below.

Source: Geirhos et al. (2018), experiment "uniform noise".
"""

import numpy as np

from whyalike.data.shifts.application import Images

VERSION = 1  # raised when pixels change


def uniform_noise(images: Images, level: float) -> np.ndarray:
    """Grey (n, h, w), of which the contrast is lowered already, with U(-w, w) a pixel, w = ``level``."""
    edges = images.pixels.shape[1:]
    return images.pixels + np.stack([random.uniform(-level, level, edges) for random in images.generators()])
