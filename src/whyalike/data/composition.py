"""Images of a shape and a digit in one colour on white: out = 0.5 shape + 0.5 digit.

Both are drawn in the class's colour c on white, so that a pixel under one of them is (c + 255) / 2 and a pixel under
both is c. With alpha masks a and b (0 to 255) a channel is 255 - (a + b) (255 - c) / 510, which depends on a + b alone:
511 values a colour, looked up.
"""

from dataclasses import dataclass

import numpy as np

from whyalike.data.masks import REFERENCE_SCALES, margin

COLORS: dict[str, tuple[int, int, int]] = {
    "blue": (0, 0, 255),
    "brown": (165, 42, 42),
    "cyan": (0, 255, 255),
    "green": (0, 255, 0),
    "magenta": (255, 0, 255),
    "orange": (255, 165, 0),
    "pink": (255, 192, 203),
    "purple": (128, 0, 128),
    "red": (255, 0, 0),
    "yellow": (255, 255, 0),
}
BATCH = 256  # images at a time: the working arrays (about 3 bytes a pixel) stay in the cache


@dataclass(frozen=True)
class Placement:
    """Which masks the n images of a class show and where; every field is int64 (n,)."""

    source: np.ndarray
    scale: np.ndarray
    top: np.ndarray
    left: np.ndarray


def place(members: np.ndarray, n: int, size: int, random: np.random.Generator) -> Placement:
    """Draw sources (rows of a pool), scales and offsets, all uniform and independent."""
    offsets = 2 * margin(size) + 1
    return Placement(
        source=members[random.integers(len(members), size=n)],
        scale=random.integers(len(REFERENCE_SCALES), size=n),
        top=random.integers(offsets, size=n),
        left=random.integers(offsets, size=n),
    )


def palette(color: tuple[int, int, int]) -> np.ndarray:
    """Colour of a pixel for each sum of the two alphas, uint8 (511, 3); halves are rounded up."""
    alphas = np.arange(511)[:, None]
    return ((510 * 255 - alphas * (255 - np.array(color)) + 255) // 510).astype(np.uint8)


def compose(
    out: np.ndarray,
    shapes: np.ndarray,
    digits: np.ndarray,
    color: tuple[int, int, int],
    placements: tuple[Placement, Placement],
) -> None:
    """Fill `out` with the images of one class.

    Parameters
    ----------
    out : uint8 (n, size, size, 3), written in place.
    shapes, digits : windows of the two pools (`Pool.windows`).
    color : of the class.
    placements : of the shapes and of the digits, n each.
    """
    colors = palette(color)
    for start in range(0, len(out), BATCH):
        batch = slice(start, start + BATCH)
        shape, digit = (
            windows[placed.source[batch], placed.scale[batch], placed.top[batch], placed.left[batch]]
            for windows, placed in zip((shapes, digits), placements, strict=True)
        )
        out[batch] = colors[np.add(shape, digit, dtype=np.uint16)]
