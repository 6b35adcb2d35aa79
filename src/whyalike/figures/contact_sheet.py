"""A contact sheet: one image of every class of a data set, so that a reader sees what the models see.

The last attribute runs across, the others down: shape and digit by colour for ColorShapeDigit. Where a sheet would be
too large, a keyed selection is drawn and the title says so. Which image stands for a class is keyed as well.
"""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.randomness import keyed

FIGURE_COLUMNS = ["row", "column", "row_class", "column_class", "image"]
MOST_ROWS, MOST_COLUMNS = 24, 12  # a page holds no more with labels that can be read
IMAGES_A_CLASS = 8  # where one attribute makes the classes; one digit, so that numbers sort as text
IMAGE_INCHES = 0.36
FRAME_INCHES = 0.2  # beside the sheet and its labels
HEAD_INCHES = 0.35  # title's first line and column labels
LINE_INCHES = 0.14  # every further line of the title
NARROWEST_INCHES = 2.0  # room for a title
GAP = 1  # pixels between images


@style.styled
def draw(
    images: np.ndarray, labels: pd.DataFrame, attributes: Sequence[str], *, seed: int = 0, title: str | None = None
) -> tuple[Figure, pd.DataFrame]:
    """Draw one image a class.

    Parameters
    ----------
    images : uint8 (n, h, w, c), c of 1 or 3.
    labels : n rows with the columns ``attributes``, in the order of the images.
    attributes : one or more columns; the last one runs across. With one attribute, several images of each class do.
    seed : key of the choice of images, and of classes where there are too many.
    title : above the sheet, before what was selected; by default it says what a row and a column are.

    Returns
    -------
    the figure, and one row an image: where it stands, its class and its row in ``images``.

    Raises
    ------
    ValueError : images and labels do not fit, an attribute is missing, or there is no image.
    """
    _check(images, labels, attributes)
    cells = _cells(labels, attributes, seed)
    rows, columns = sorted(cells["down"].unique()), sorted(cells["across"].unique())
    kept_rows, kept_columns = _kept(rows, MOST_ROWS, seed, "rows"), _kept(columns, MOST_COLUMNS, seed, "columns")
    height, width = images.shape[1:3]
    sheet = np.full(
        (len(kept_rows) * (height + GAP) - GAP, len(kept_columns) * (width + GAP) - GAP, images.shape[3]), 255, np.uint8
    )
    numbers = []
    shown = cells[cells["down"].isin(kept_rows) & cells["across"].isin(kept_columns)]
    for row, column, image in shown.sort_values(["down", "across"]).itertuples(index=False):
        i, j = kept_rows.index(row), kept_columns.index(column)
        top, left = i * (height + GAP), j * (width + GAP)
        sheet[top : top + height, left : left + width] = images[image]
        numbers.append((i, j, row, column, image))
    parts = [("rows", kept_rows, rows), ("columns", kept_columns, columns)]
    cut = " and ".join(f"{len(kept)} of {len(names)} {what}" for what, kept, names in parts if len(kept) < len(names))
    heading = (title or _title(attributes)) + (f"\n{cut}, chosen at random with seed {seed}" if cut else "")
    figure = _figure(sheet, (height, width), kept_rows, kept_columns, heading)
    return figure, pd.DataFrame(numbers, columns=FIGURE_COLUMNS)


def _check(images: np.ndarray, labels: pd.DataFrame, attributes: Sequence[str]) -> None:
    if not attributes or (missing := [name for name in attributes if name not in labels.columns]):
        named = ", ".join(missing) if attributes else "none is named"
        raise ValueError(
            f"a contact sheet needs attributes that are label columns: {named}. Columns: {', '.join(labels)}."
        )
    if images.ndim != 4 or len(images) != len(labels) or not len(images):
        raise ValueError(
            f"a contact sheet needs images (n, h, w, c) and n rows of labels, n > 0: got {images.shape} and "
            f"{len(labels)} rows. Prepare the data set again."
        )


def _cells(labels: pd.DataFrame, attributes: Sequence[str], seed: int) -> pd.DataFrame:
    """One image a cell of the sheet, chosen by the key: down (all attributes but the last), across (the last), image.

    With one attribute the cells across are ``IMAGES_A_CLASS`` images of its class, numbered.
    """
    order = keyed(seed, "contact sheet", "images").permutation(len(labels))
    values = labels[list(attributes)].iloc[order].astype(str)
    if len(attributes) == 1:
        down, across = values[attributes[0]], values.groupby(attributes[0]).cumcount() + 1
    else:
        down, across = (
            values[attributes[0]].str.cat([values[name] for name in attributes[1:-1]], sep=" "),
            values[attributes[-1]],
        )
    cells = pd.DataFrame({"down": down.to_numpy(), "across": across.to_numpy(), "image": order})
    if len(attributes) == 1:
        cells = cells[cells["across"] <= IMAGES_A_CLASS].astype({"across": str})
    return cells.drop_duplicates(["down", "across"])


def _kept(names: list, most: int, seed: int, purpose: str) -> list:
    """All names, or ``most`` of them chosen by the key, in their order."""
    if len(names) <= most:
        return names
    places = keyed(seed, "contact sheet", purpose).choice(len(names), most, replace=False)
    return [names[place] for place in np.sort(places)]


def _title(attributes: Sequence[str]) -> str:
    """ "One image of each class:" and, in a second line, "shape and digit by color"."""
    *down, across = map(style.words, attributes)
    if not down:
        return f"Images of each class: {across}"
    return f"One image of each class:\n{' and '.join(filter(None, [', '.join(down[:-1]), down[-1]]))} by {across}"


def _figure(sheet: np.ndarray, size: tuple[int, int], rows: list[str], columns: list[str], heading: str) -> Figure:
    longest_row, longest_column = (style.CHARACTER_INCHES * max(map(len, names)) for names in (rows, columns))
    on_end = longest_column > IMAGE_INCHES
    width = max(FRAME_INCHES + longest_row + IMAGE_INCHES * len(columns), NARROWEST_INCHES)
    characters = style.room(width - FRAME_INCHES, style.TEXT_POINTS + 1)
    title = [line for part in heading.splitlines() for line in textwrap.wrap(part, characters)]
    head = HEAD_INCHES + LINE_INCHES * len(title) + longest_column * on_end
    figure = style.new_figure(width, head + IMAGE_INCHES * len(rows))
    axes = figure.subplots()
    axes.imshow(
        sheet.squeeze(2) if sheet.shape[2] == 1 else sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest"
    )
    axes.set_yticks([i * (size[0] + GAP) + size[0] / 2 for i in range(len(rows))], rows)
    axes.set_xticks([j * (size[1] + GAP) + size[1] / 2 for j in range(len(columns))], columns)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.tick_params(axis="x", labelrotation=90 if on_end else 0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    figure.suptitle("\n".join(title))
    return figure
