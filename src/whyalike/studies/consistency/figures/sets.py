"""Consistency of every two stimulus sets as matrices, of all pairs of models and of groups: the published Figure 7.

Above the diagonal the corrected analysis, below it the published one, where both are. Sets stand by category, and in it
in the order of the study; the strip is the category. Pairs of sets from one source are marked: their stimuli are from
one pool of images, and they count in no statistic.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.figures.heatmap import short
from whyalike.statistics.consistency import ALL
from whyalike.studies.consistency.figures import boxes, selection

COLUMNS = 3
MOST = 9  # panels: all pairs, groups, pairs of groups; more are in the numbers alone
COLUMNS_OF_NUMBERS = [
    "analysis", "scoring", "category", "theta", "phi", "set_a", "set_b", "same_source", "pearson", "pairs"
]  # fmt: skip


@style.styled
def draw(consistency: pd.DataFrame, similarity: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the correlations of the main metric between every two sets: all pairs of models, and the first category's.

    Parameters
    ----------
    consistency : columns metric, analysis, scoring, category, theta, phi, set_a, set_b, same_source, pairs, pearson.
    similarity : columns stimuli, category: the category of each set.

    Returns
    -------
    the figure, and a row a pair of sets: analysis, scoring, theta, phi, set_a, set_b, same_source, pearson, pairs.

    Raises
    ------
    ValueError : no rows.
    """
    selection.need(consistency, "consistency", "statistics")
    selection.need(similarity, "similarities", "similarity")
    rows = selection.main_scoring(consistency)
    first = next(iter(rows.values()))
    categories = [ALL, *selection.categories(first)[:1]]
    cells = [(category, *cell) for category in categories for cell in selection.cells_of(first, category)]
    sets = _ordered(similarity, first)
    columns = min(COLUMNS, len(cells[:MOST]))
    high = -(-len(cells[:MOST]) // columns)
    left = boxes.inches_of_names([short(style.words(name)) for name in sets])
    cell = (style.PAGE_INCHES - left) / COLUMNS
    figure = boxes.new_figure(min(columns * cell + left, style.PAGE_INCHES), high * (cell + 0.25) + 1.6)
    axes = figure.subplots(high, columns, squeeze=False)
    shown = {one: of[of["category"].isin(categories)] for one, of in rows.items()}
    low = min(0.0, *(of["pearson"].min() for of in shown.values()))
    looks = selection.looks(sets.values())
    for one, of_cell in zip(axes.ravel(), cells, strict=False):
        image = _panel(one, rows, of_cell, sets, looks, Normalize(low, 1))
    for one in axes.ravel()[len(cells) :]:
        one.set_axis_off()
    for one in axes[:, 0]:
        one.set_yticks(range(len(sets)), [short(style.words(name)) for name in sets])
        one.tick_params(length=0, pad=boxes.PAD * cell, labelsize=min(style.SMALL_POINTS, 60 * cell / len(sets)))
    figure.colorbar(image, ax=list(axes.ravel()), location="bottom", aspect=40, shrink=0.6, pad=0.02,
                    label=f"consistency R (Pearson) of {selection.scoring_words(first)}; grey: none")  # fmt: skip
    mark = Line2D([], [], linestyle="", marker="x", color=style.BLACK, markersize=4)
    more = [(mark, "two sets of one source")] if first["same_source"].any() else []
    boxes.legend(figure, looks, "category of the set", more, patches=True)
    selection.titled(figure, _said(rows, cells, len(sets)))
    return figure, pd.concat([of[COLUMNS_OF_NUMBERS] for of in shown.values()], ignore_index=True)


def _ordered(similarity: pd.DataFrame, rows: pd.DataFrame) -> dict[str, str]:
    """Set -> its category, by category, of the sets of the rows."""
    category = similarity[["stimuli", "category"]].drop_duplicates("stimuli").set_index("stimuli")["category"]
    known = [name for name in category.index if name in {*rows["set_a"], *rows["set_b"]}]
    order = list(dict.fromkeys(category))
    return {name: category[name] for name in sorted(known, key=lambda name: order.index(category[name]))}


def _panel(
    axes: Axes, rows: Mapping[str, pd.DataFrame], cell: tuple[str, str, str], sets: dict[str, str],
    looks: dict[str, dict], scale: Normalize,
):  # fmt: skip
    """One pair of groups: the analyses on either side of the diagonal, or one on both."""
    names, (category, theta, phi) = list(sets), cell
    values, marked = np.full((2, len(names), len(names)), np.nan)
    for place, of in enumerate(rows.values()):
        own = of[(of["category"] == category) & (of["theta"] == theta) & (of["phi"] == phi)]
        i, j = (np.array([names.index(name) for name in own[side]], int) for side in ("set_a", "set_b"))
        above, below = np.minimum(i, j), np.maximum(i, j)
        if place == 0:
            values[above, below], marked[above, below] = own["pearson"], own["same_source"]
            pairs = own["pairs"].max() if len(own) else 0
        if place == len(rows) - 1:
            values[below, above], marked[below, above] = own["pearson"], own["same_source"]
    image = boxes.matrix(axes, values, cmap="viridis", norm=scale)
    boxes.strip(axes, list(sets.values()), looks)
    for place in range(1, len(names)):
        if sets[names[place]] != sets[names[place - 1]]:
            axes.axhline(place - 0.5, color="white", linewidth=1)
            axes.axvline(place - 0.5, color="white", linewidth=1)
    at = np.argwhere(marked == 1)
    size = min(4.0, 60 / len(names))
    for y, x in at:
        ink = "black" if scale(values[y, x]) > 0.6 else "white"
        axes.plot(x, y, "x", color=ink, markersize=size, markeredgewidth=0.7)
    axes.set_title(f"{selection.cell_words(theta, phi)} ({pairs:,})")
    return image


def _said(rows: Mapping[str, pd.DataFrame], cells: list, sets: int) -> list[str]:
    words = [selection.ANALYSES[one] for one in rows]
    sides = f"above the diagonal {words[0]}, below it {words[1]}" if len(words) == 2 else words[0]
    more = f"; {len(cells) - MOST} more pairs of groups are in the CSV alone" if len(cells) > MOST else ""
    return [f"{sets} sets by category, {sides}; in brackets pairs of models{more}"]
