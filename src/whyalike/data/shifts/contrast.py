"""A share of the contrast: (1 - c) / 2 + c I of a grey image I.

Source: Geirhos et al. (2018), experiment "contrast".
"""

import numpy as np

from whyalike.data.shifts.application import Images

VERSION = 1  # raised when pixels change


def contrast(images: Images, level: float) -> np.ndarray:
    """Grey (n, h, w) with the share ``level`` of its contrast about the middle grey."""
    return (1 - level) / 2 + level * images.pixels
