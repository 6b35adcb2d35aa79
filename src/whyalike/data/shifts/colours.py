"""Colour taken away, and colour turned into its opponent.

Source: Geirhos et al. (2018), experiments "colour" and "false colour" (their `image_manipulation.py`). Their monitor's
measured gamma table is not ours to have: sRGB (IEC 61966-2-1) stands in its place.
"""

import numpy as np

from whyalike.data.shifts.application import Images, grey

VERSION = 1  # raised when pixels change

# linear RGB -> L, M, S: the source's monitor and the cone fundamentals of Stiles and Burch, adjusted to 2 degrees
CONES = np.array(
    [
        [0.1619982647, 0.2080492640, 0.0389347448],
        [0.0330275785, 0.2496504557, 0.0618343518],
        [0.0015524055, 0.0198861001, 0.1890224274],
    ]
)
WHITE = np.array([0.20449114, 0.17225619, 0.10523047])  # cones at linear RGB (.5, .5, .5)
# L, M, S less white -> luminance, L - M, S - luminance (Brainard 1996), in the source's units
OPPONENT = np.array(
    [[9.27590805, 9.27590805, 0], [7.86421647, -9.33587662, 0], [-3.39709047, -3.39709047, 12.16230246]]
)
NEGATED = np.diag([1.0, -1.0, -1.0])  # luminance stays


def colour(images: Images, level: float) -> np.ndarray:
    """Colours (n, h, w, 3) -> grey (n, h, w)."""
    return grey(images.pixels)


def opponent_colour(images: Images, level: float) -> np.ndarray:
    """Colours (n, h, w, 3) -> their opponents at equal luminance, as far as the screen has them: they are clipped.

    Grey stays grey.
    """
    turned = np.linalg.inv(OPPONENT @ CONES) @ NEGATED @ OPPONENT  # of cones less white, to linear RGB less its white
    cones = to_linear(images.pixels) @ CONES.T - WHITE
    white = np.linalg.solve(CONES, WHITE)
    return to_srgb((cones @ turned.T + white).clip(0, 1))


def to_linear(pixels: np.ndarray) -> np.ndarray:
    """sRGB, 0 to 1, as linear light."""
    return np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, as sRGB."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
