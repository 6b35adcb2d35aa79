"""Quarter turns of a grey image, anticlockwise.

Source: Geirhos et al. (2018), experiment "rotation".
"""

import numpy as np

from whyalike.data.shifts.application import Images

VERSION = 1  # raised when pixels change


def rotation(images: Images, level: float) -> np.ndarray:
    """Grey (n, side, side) turned by ``level`` degrees.

    Raises
    ------
    ValueError : images that are not square, which would have another shape.
    """
    _, h, w = images.pixels.shape
    if h != w:
        raise ValueError(f"rotation needs square images, these are {h} x {w}: crop them, or take another shift")
    return np.rot90(images.pixels, round(level / 90), axes=(1, 2))
