"""Shapes drawn by a seeded unsteady hand: closed outlines, now and then filled.

The corners of a regular form are chosen within ranges that keep the eight shapes apart (a rectangle is at least 1.5
times as long as it is wide, a rhombus is flat, a kite crosses near its top), jittered and turned a little. A pen then
follows the outline, wobbling, with a width that swells and thins.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from whyalike.randomness import keyed

TURN = math.radians(9)  # largest rotation: a turned square stays clear of a rhombus
CORNER_JITTER = 0.03  # standard deviation, of the half extent
WOBBLE = 0.012  # standard deviation of each harmonic of the pen's path, of the half extent
PEN = (0.06, 0.105)  # width of the stroke, of the canvas: 1.1 to 2.4 px of 28 once the ink is scaled to 16 to 20 px
PEN_SWELL = 0.08  # standard deviation of each harmonic of the width, relative
FILLED_SHARE = 0.05  # "now and then filled" in the published images
HARMONICS = np.arange(1, 6)
PATH_SHARE = 0.8  # of the canvas that the path takes: leaves room for half of the widest stroke on each side
STEPS = 360  # stamps of the pen along the outline: less than half a stroke apart


def draw(shape: str, seed: int, index: int, edge: int) -> Image.Image:
    """One drawing.

    Parameters
    ----------
    shape : a key of `CORNERS`.
    seed, index : which drawing of the shape; equal values give equal pixels.
    edge : pixels of the canvas; the ink's longer side takes most of it.

    Returns
    -------
    Mask of mode "L", 255 where there is ink.
    """
    random = keyed(seed, "drawing", shape, index)
    path, width = _pen(_outline(_corners(shape, random)), random)  # (steps, 2), (steps,), extent 1
    extent = np.ptp(path, axis=0).max()
    points = (path - (path.min(axis=0) + path.max(axis=0)) / 2) * (PATH_SHARE * edge / extent) + edge / 2
    radii = width * edge / 2
    mask = Image.new("L", (edge, edge), 0)
    canvas = ImageDraw.Draw(mask)
    for (x, y), radius in zip(points.tolist(), radii.tolist(), strict=True):
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    if random.random() < FILLED_SHARE:
        canvas.polygon([tuple(point) for point in points.tolist()], fill=255)
    return mask


def _corners(shape: str, random: np.random.Generator) -> np.ndarray:
    """Corners (k, 2), y downwards, jittered and turned; the half extent is about 1."""
    corners = CORNERS[shape](random)
    if len(corners) <= 4:  # the points of a circle are no corners: the pen's wobble is its only jitter
        corners = corners + CORNER_JITTER * random.standard_normal(corners.shape)
    angle = random.uniform(-TURN, TURN)
    cosine, sine = math.cos(angle), math.sin(angle)
    return corners @ np.array([[cosine, sine], [-sine, cosine]])


def _outline(corners: np.ndarray) -> np.ndarray:
    """Points (steps, 2) at equal distances along the closed polygon."""
    closed = np.concatenate([corners, corners[:1]])
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, lengths[-1], STEPS, endpoint=False)
    return np.stack([np.interp(at, lengths, closed[:, axis]) for axis in range(2)], axis=1)


def _pen(outline: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The path of the pen (steps, 2) and its width (steps,), as a share of the canvas."""
    angles = np.outer(np.linspace(0, 2 * math.pi, len(outline), endpoint=False), HARMONICS)
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)  # (steps, 2 harmonics)
    noise = waves @ random.standard_normal((waves.shape[1], 3))  # x, y, width
    path = outline + WOBBLE * noise[:, :2]
    swell = np.clip(1 + PEN_SWELL * noise[:, 2], 0.6, 1.4)
    return path, random.uniform(*PEN) * swell


def _circle(random: np.random.Generator) -> np.ndarray:
    angles = np.linspace(0, 2 * math.pi, 90, endpoint=False)
    return np.stack([np.cos(angles) * random.uniform(0.9, 1.0), np.sin(angles) * random.uniform(0.9, 1.0)], axis=1)


def _kite(random: np.random.Generator) -> np.ndarray:
    half, cross = random.uniform(0.58, 0.75), random.uniform(-0.5, -0.3)  # half width, height of the widest place
    return np.array([[0, -1], [half, cross], [0, 1], [-half, cross]])


def _parallelogram(random: np.random.Generator) -> np.ndarray:
    half, shift = random.uniform(0.42, 0.58), random.uniform(0.22, 0.34)  # half height, half slant
    return np.array([[-1 + 2 * shift, -half], [1, -half], [1 - 2 * shift, half], [-1, half]])


def _rectangle(random: np.random.Generator) -> np.ndarray:
    half = random.uniform(0.45, 0.65)
    corners = np.array([[-1, -half], [1, -half], [1, half], [-1, half]])
    return corners if random.random() < 0.5 else corners[:, ::-1]


def _rhombus(random: np.random.Generator) -> np.ndarray:
    half = random.uniform(0.55, 0.75)
    return np.array([[0, -half], [1, 0], [0, half], [-1, 0]])


def _square(random: np.random.Generator) -> np.ndarray:
    half = random.uniform(0.95, 1.05)
    return np.array([[-1, -half], [1, -half], [1, half], [-1, half]])


def _trapezoid(random: np.random.Generator) -> np.ndarray:
    half, top = random.uniform(0.5, 0.68), random.uniform(0.4, 0.58)
    return np.array([[-top, -half], [top, -half], [1, half], [-1, half]])


def _triangle(random: np.random.Generator) -> np.ndarray:
    half, apex = random.uniform(0.8, 0.95), random.uniform(-0.25, 0.25)
    return np.array([[apex, -half], [1, half], [-1, half]])


CORNERS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "circle": _circle,
    "kite": _kite,
    "parallelogram": _parallelogram,
    "rectangle": _rectangle,
    "rhombus": _rhombus,
    "square": _square,
    "trapezoid": _trapezoid,
    "triangle": _triangle,
}
