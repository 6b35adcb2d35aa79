"""A gallery of distribution shifts: one image under every shift and level of the published sets.

Rows are shifts, the control first; black levels are those that the published comparison counts as out of distribution.
"""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.data.shifts.application import shifted
from whyalike.data.shifts.registry import CONTROL, SHIFTS, Level
from whyalike.figures import style
from whyalike.randomness import keyed

TILE_INCHES = 0.62
LABEL_INCHES = 0.15  # above each tile: its level
NAME_INCHES = 1.15  # beside each row: shift and unit
HEAD_INCHES = 0.45
GAP_INCHES = 0.04
SET_IMAGES = 256  # whose mean amplitudes equalise the power: more change no pixel that an eye would see


@style.styled
def draw(
    images: np.ndarray,
    labels: pd.DataFrame,
    attributes: Sequence[str],
    *,
    shifts: Sequence[str] | None = None,
    seed: int = 0,
    title: str | None = None,
) -> tuple[Figure, pd.DataFrame]:
    """Draw one image of a data set under shifts.

    Parameters
    ----------
    images : uint8 (n, h, w, c), c of 1 or 3, square for rotations.
    labels : n rows, in the order of the images.
    attributes : columns of ``labels`` that name the image's class.
    shifts : names in `SHIFTS`, in their order from the top; all that can be made of these images where left out.
    seed : key of the choice of the image, and of what shifts draw.
    title : above the gallery; by default it names the image.

    Returns
    -------
    The figure, and one row a tile: shift, level, unit, whether it is published, the image's row in ``images``, and how
    far the tile is from the control, as the mean absolute difference of its pixels, 0 to 1.

    Raises
    ------
    ValueError : an unknown shift or none, one that these images do not bear, or no image.
    """
    if not len(images):
        raise ValueError("a gallery of shifts needs an image: the data set has none. Prepare it again.")
    names = _names(images, shifts)
    order = keyed(seed, "shift gallery").permutation(len(images))[:SET_IMAGES]
    image, whole = int(order[0]), images[np.sort(order)]
    columns = 1 + max(len(SHIFTS[name].facts.levels) for name in names)
    figure, axes = _sheet(len(names), columns)
    numbers = []
    for row, name in enumerate(names):
        tiles = list(_tiles(images[[image]], name, image, seed, whole))
        _draw_row(axes, row, name, tiles)
        control = tiles[0][1].astype(float)
        for level, tile in tiles:
            facts, away = SHIFTS[name].facts, abs(tile - control).mean() / 255
            numbers.append((name, str(level), facts.unit, level in facts.published, image, away))
    of = " ".join(str(labels.iloc[image][name]) for name in attributes)
    heading = title or f"Image {image} ({of}) under every level of {len(names)} shifts"
    figure.suptitle("\n".join(textwrap.wrap(heading, style.room(figure.get_figwidth(), style.TEXT_POINTS + 1))))
    columns = ["shift", "level", "unit", "published", "image", "mean_difference"]
    return figure, pd.DataFrame(numbers, columns=columns)


def _names(images: np.ndarray, asked: Sequence[str] | None) -> list[str]:
    if unknown := [name for name in asked or () if name not in SHIFTS]:
        raise ValueError(SHIFTS.unknown(unknown[0]))
    if asked is not None and not asked:
        raise ValueError("a gallery of shifts needs a shift; got none. Name one, or leave shifts out.")
    _, h, w, channels = images.shape
    # grey images have no colour to lose; those that are not square have no quarter turns
    usable = [
        name
        for name, entry in SHIFTS.items()
        if (entry.facts.grey or channels == 3) and (h == w or not entry.facts.square)
    ]
    return usable if asked is None else list(asked)


def _tiles(image: np.ndarray, name: str, row: int, seed: int, whole: np.ndarray) -> Iterator[tuple[Level, np.ndarray]]:
    """The levels of a shift, the control first, with the image (h, w, c) at each."""
    for level in (CONTROL, *SHIFTS[name].facts.levels):
        yield level, shifted(image, name, level, [row], seed, whole)[0]


def _sheet(rows: int, columns: int) -> tuple[Figure, Axes]:
    """An empty figure, its axes in inches from the upper left corner."""
    width = NAME_INCHES + columns * (TILE_INCHES + GAP_INCHES)
    height = HEAD_INCHES + rows * (TILE_INCHES + LABEL_INCHES)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def _draw_row(axes: Axes, row: int, name: str, tiles: Sequence[tuple[Level, np.ndarray]]) -> None:
    top = HEAD_INCHES + row * (TILE_INCHES + LABEL_INCHES)
    facts = SHIFTS[name].facts
    words = [style.words(name), *textwrap.wrap(facts.unit, style.room(NAME_INCHES - 0.2, style.SMALL_POINTS))]
    for line, text in enumerate(words):
        size, color = (style.TEXT_POINTS, style.BLACK) if line == 0 else (style.SMALL_POINTS, style.GREY)
        axes.text(0.08, top + 0.14 + style.LINE_INCHES * line, text, size=size, color=color, va="bottom")
    for column, (level, tile) in enumerate(tiles):
        left = NAME_INCHES + column * (TILE_INCHES + GAP_INCHES)
        shown = tile[..., 0] if tile.shape[2] == 1 else tile
        extent = (left, left + TILE_INCHES, top + TILE_INCHES, top)
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=extent, aspect="auto")
        text = level if level == CONTROL else f"{level:g}"
        color = style.BLACK if level in facts.published else style.GREY
        axes.text(left, top - 0.02, text, size=style.SMALL_POINTS, color=color, va="bottom")
    axes.set(xlim=(0, axes.figure.get_figwidth()), ylim=(axes.figure.get_figheight(), 0))
