"""Consistency over pairs of stimulus sets by groups of models, a panel a category: the published Figures 6 and 13.

A point is a pair of sets from different sources. Pairs of sets share sets, and their correlations share models: the
boxes show how correlations vary, and no interval or test is read off them; those stand in the table of groups.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.statistics.consistency import ALL
from whyalike.studies.consistency.figures import boxes, selection

ROW, TALL = 0.19, 7.2  # inches: of a box, of all boxes
RSA = "rsa"
NOTE = "no interval or test can be read off: pairs of sets share sets and models"


@style.styled
def draw(consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the correlations of the main metric by pairs of groups: a row of panels a category, a column an analysis.

    Parameters
    ----------
    consistency : columns metric, analysis, scoring, category, theta, phi, set_a, set_b, same_source, pairs,
        models_theta, models_phi, pearson.

    Returns
    -------
    the figure, and a row a box: analysis, scoring, category, theta, phi, n (pairs of sets), median, q1, q3,
    whisker_low, whisker_high, pairs, models_theta, models_phi.

    Raises
    ------
    ValueError : no rows, or none of two sources.
    """
    selection.need(consistency, "consistency", "statistics")
    return _drawn(selection.main_scoring(selection.apart(consistency)), None)


@style.styled
def draw_rsa(consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """As `draw`, of RSA and the first category alone.

    Raises
    ------
    ValueError : no rows, none of two sources, or RSA is no metric of the study.
    """
    selection.need(consistency, "consistency", "statistics")
    own = consistency[consistency["metric"] == RSA]
    if own.empty:
        known = ", ".join(dict.fromkeys(consistency["metric"]))
        raise style.NothingToDraw(
            f"the table of consistency holds no metric {RSA} to draw: it has {known}. Add {RSA} to "
            "consistency.metrics, or leave the figure out."
        )
    return _drawn(selection.main_scoring(selection.apart(own)), 1)


def _drawn(rows: Mapping[str, pd.DataFrame], most: int | None) -> tuple[Figure, pd.DataFrame]:
    """The figure of all pairs and up to ``most`` categories."""
    first = next(iter(rows.values()))
    categories = [*([ALL] if (first["category"] == ALL).any() else []), *selection.categories(first)[:most]]
    cells = {one: selection.cells_of(first, one) for one in categories}
    row = min(ROW, TALL / sum(map(len, cells.values())))
    heights = [row * len(of) + 0.3 for of in cells.values()]
    figure = boxes.new_figure(style.PAGE_INCHES, sum(heights) + 0.9)
    axes = figure.subplots(len(categories), len(rows), squeeze=False, sharex=True, sharey="row",
                           height_ratios=heights)  # fmt: skip
    numbers = []
    for line, (category, names) in zip(axes, cells.items(), strict=True):
        looks = selection.looks(selection.values_of(first, category))
        for one, (analysis, of) in zip(line, rows.items(), strict=True):
            there = selection.cells_of(of, category)
            numbers += [{**_box(one, place, there.get(cell), cell, looks), "analysis": analysis, "category": category}
                        for place, cell in enumerate(names)]  # fmt: skip
            one.grid(axis="x")
        labels = [_label(cell, own) for cell, own in names.items()]
        line[0].set_yticks(range(len(names)), labels, fontsize=style.SMALL_POINTS)
        line[0].set_ylim(len(names) - 0.4, -0.6)
        line[0].set_title("all pairs of models" if category == ALL else style.words(category))
    for top, bottom, (analysis, of) in zip(axes[0], axes[-1], rows.items(), strict=True):
        top.set_title(f"{selection.ANALYSES[analysis]}: {selection.scoring_words(of)}", loc="right")
        bottom.set_xlabel("consistency R (Pearson) of two sets")
    count = len(first[["set_a", "set_b"]].drop_duplicates())
    selection.titled(
        figure, [f"a point: one of {count} pairs of sets from different sources; in brackets models; {NOTE}"]
    )
    return figure, pd.DataFrame(numbers)


def _box(
    axes: Axes, place: int, rows: pd.DataFrame | None, cell: tuple[str, str], looks: Mapping[str, dict]
) -> dict[str, object]:
    """One pair of groups: in the colour of its group, or grey of two."""
    theta, phi = cell
    if rows is None:
        return {"theta": theta, "phi": phi, "n": 0}
    look = {"color": looks[theta]["color"] if theta == phi and theta != ALL else style.GREY, "marker": "o"}
    found = boxes.lying_box(axes, place, rows["pearson"].to_numpy(), look)
    told = rows.iloc[0][["scoring", "pairs", "models_theta", "models_phi"]].to_dict()
    return {"theta": theta, "phi": phi, **told, **found}


def _label(cell: tuple[str, str], rows: pd.DataFrame) -> str:
    sides = ("models_theta",) if cell[0] == cell[1] else ("models_theta", "models_phi")
    counts = ", ".join(style.span(rows[side].min(), rows[side].max()) for side in sides)
    return f"{selection.cell_words(*cell)} ({counts})"
