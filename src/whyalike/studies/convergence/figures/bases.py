"""Permutation scores of native and of rotated units: the published Table 1 as a figure, and both by depth.

Corrected: units are z-scored, and a layer's rotated score is the mean over several random rotations. As published:
raw responses, one rotation. The published column of differences is the difference in percent of the rotated score.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.figures.heatmap import short
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves, layout
from whyalike.studies.convergence.section import FINAL

SIGNIFICANT = 0.05
SIDES = {"corrected": "corrected: z-scored units", "as_published": "as published: raw units"}
NATIVE = {"color": style.BLUE, "marker": "o"}
ROTATED = {"color": style.VERMILLION, "marker": "", "linestyle": "--"}
BOTH = {"color": style.GREY, "marker": "", "linestyle": ":"}
REMEDY = "Score permutation in convergence.metrics."
# heading, its columns with the quantity of each, decimals
COLUMNS = (
    ("native units", {"min": "native_min", "max": "native_max"}, 3),
    ("rotated units", {"min": "rotated_min", "max": "rotated_max"}, 3),
    ("% of rotated", {"min": "ratio_to_rotated_min", "max": "ratio_to_rotated_max"}, 2),
    ("% of native", {"mean": "mean_ratio_to_native"}, 2),
)
WITH_INTERVAL = "mean_ratio_to_native"  # smallest and largest of layers have none
NAME_INCHES, ROW_INCHES = 1.75, 0.16
ALIKE = {1.0: "yes", 0.0: "no"}


@curves.of_tables
def draw_table(bases: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row a group of trained models, a block an analysis: smallest and largest score over layers.

    Parameters
    ----------
    bases : the table of statistics of bases; its rows of groups at the final checkpoint are shown.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    NothingToDraw : it holds no such row.
    """
    quantities = [name for _, columns, _ in COLUMNS for name in columns.values()]
    rows = curves.only(bases, quantity=[*quantities, "equivalence"], layer=None, checkpoint=FINAL)
    curves.need(rows[rows["quantity"].isin(quantities)], "no scores of native and rotated units over layers", REMEDY)
    layers = curves.only(bases, quantity="native", checkpoint=FINAL)
    layers = layers[layers["layer"].notna()].groupby(["group", "analysis"])["layer"].nunique()
    sides = layout.analyses(rows)
    lines = sum(rows.loc[rows["analysis"] == one, "group"].nunique() + 3 for one in sides)
    figure = boxes.new_figure(style.PAGE_INCHES, lines * ROW_INCHES + 0.8)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set(xlim=(0, style.PAGE_INCHES - 0.1), ylim=(lines - 0.5, -0.5))
    top = 0
    for analysis in sides:
        top = _draw_block(axes, curves.only(rows, analysis=analysis), SIDES[analysis], layers, top)
    titled(figure, [
        f"permutation scores of trained models; {curves.counts(rows)}; mean over pairs of models of each layer, then "
        "the smallest and the largest of the layers, which have no interval; of the mean the 95 % interval over models",
        "%: native − rotated in percent of the rotated score (the published difference), and of the native one",
        "equal: whether the whole interval of native − rotated lies within ±.05 in every layer",
    ])  # fmt: skip
    return figure, rows.reset_index(drop=True)


@curves.of_tables
def draw(bases: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group and analysis: native scores by depth against the band of rotated ones.

    Parameters
    ----------
    bases : the table of statistics of bases; its rows of layers at the final checkpoint are shown.

    Returns
    -------
    the figure, and the rows of native, rotated, rotated_both and effect.

    Raises
    ------
    NothingToDraw : it holds no native score of a layer.
    """
    rows = curves.of_layers(bases, quantity=("native", "rotated", "rotated_both", "effect"), checkpoint=FINAL)
    curves.need(rows[rows["quantity"] == "native"], "no permutation scores of native units by layer", REMEDY)
    sides = {one: SIDES[one] for one in layout.analyses(rows)}
    figure, panels = layout.cells(list(dict.fromkeys(rows["group"])), sides, more=1.4)
    for (group, analysis), axes in panels.items():
        draw_bases(axes, curves.only(rows, group=group, analysis=analysis))
    layout.depth_axes(panels, "permutation score")
    marks = [curves.entry(NATIVE, f"native; filled: Holm p < {SIGNIFICANT} against rotated"),
             curves.entry({**NATIVE, **curves.OPEN}, "native, not so, or not tested"),
             (Line2D([], [], **ROTATED), "one model rotated, mean of rotations")]  # fmt: skip
    if (rows["quantity"] == "rotated_both").any():
        marks.append((Line2D([], [], **BOTH), "both rotated"))
    boxes.legend(figure, {}, curves.INTERVAL, marks)
    titled(figure, [f"trained models; {curves.counts(rows)}; tests over models, Holm over the layers of a panel"])
    return figure, rows.reset_index(drop=True)


def draw_bases(axes: Axes, rows: pd.DataFrame) -> None:
    """Native and rotated scores of one group and analysis."""
    if rows.empty:
        layout.empty(axes, "not scored")
        return
    by = {name: own.sort_values("depth") for name, own in rows.groupby("quantity")}
    for name, look in (("rotated_both", BOTH), ("rotated", ROTATED)):
        if name in by:
            _draw_band(axes, by[name], look)
    native = by.get("native", rows[:0])
    curves.line(axes, native["depth"], native, {**NATIVE, "marker": ""})
    tested = by["effect"].set_index("layer")["p_holm"] if "effect" in by else pd.Series(dtype=float)
    found = (native["layer"].map(tested) < SIGNIFICANT).to_numpy()
    size = 9 if len(native) <= curves.FEW else 4
    for mask, face in ((found, NATIVE["color"]), (~found, "white")):
        axes.scatter(native["depth"][mask], native["value"][mask], s=size, marker=NATIVE["marker"], facecolors=face,
                     edgecolors=NATIVE["color"], linewidths=0.7, zorder=3)  # fmt: skip


def _draw_band(axes: Axes, rows: pd.DataFrame, look: dict[str, str]) -> None:
    if len(rows) == 1:  # a band has no width
        curves.line(axes, rows["depth"], rows, {**look, "marker": "_"})
        return
    axes.fill_between(rows["depth"], rows["ci_low"], rows["ci_high"], linewidth=0, zorder=0,
                      color=layout.pale(look["color"], 0.75))  # fmt: skip
    axes.plot(rows["depth"], rows["value"], linewidth=1.0, zorder=1, **look)


def _draw_block(axes: Axes, rows: pd.DataFrame, title: str, layers: pd.Series, top: int) -> int:
    """Headings and rows of one analysis from line ``top``; the line below it."""
    names = {name: digits for _, columns, digits in COLUMNS for name in columns.values()}
    wide = (style.PAGE_INCHES - 0.1 - NAME_INCHES) / (len(names) + 2.1)  # the mean has its interval
    edges = [NAME_INCHES + wide * (at + 1) - 0.08 for at in range(len(names) - 1)]
    edges += [edges[-1] + 2.1 * wide, edges[-1] + 3.0 * wide]
    axes.text(0, top, title, weight="bold", va="center")
    at = 0
    for heading, columns, _ in COLUMNS:
        first, last = edges[at - 1] if at else NAME_INCHES, edges[at + len(columns) - 1]
        axes.text((first + 0.1 + last) / 2, top, heading, ha="center", va="center")
        axes.plot([first + 0.14, last], [top + 0.5] * 2, color=style.GREY, linewidth=0.5)
        for words in columns:
            axes.text(edges[at], top + 1, words, ha="right", va="center", color=style.GREY)
            at += 1
    axes.text(edges[-1], top + 1, "equal", ha="right", va="center", color=style.GREY)
    axes.text(0, top + 1, "group (layers)", va="center", color=style.GREY)
    for line, (group, own) in enumerate(rows.groupby("group", sort=False), top + 2):
        count = layers.get((group, rows["analysis"].iloc[0]), 0)
        axes.text(0, line, f"{short(style.words(group))} ({count})", va="center")
        cells = own.drop_duplicates("quantity").set_index("quantity")
        for edge, (name, digits) in zip(edges, names.items(), strict=False):
            axes.text(edge, line, _cell(cells, name, digits), ha="right", va="center")
        alike = ALIKE.get(cells["value"].get("equivalence"), "")
        axes.text(edges[-1], line, alike, ha="right", va="center")
    return top + 3 + rows["group"].nunique()


def _cell(cells: pd.DataFrame, name: str, digits: int) -> str:
    """A number as text, that of a mean with its interval; a dash where there is none."""
    if name not in cells.index:
        return "\N{EN DASH}"
    row = cells.loc[name]
    return curves.interval(row if name == WITH_INTERVAL else row.drop("ci_low").reindex(row.index), digits=digits)
