"""Whether alignment goes with accuracy over shifted sets: the published Figures 5 and A5, and both intervals of r.

A point of the corrected analysis is a level of a shift, or a set of files; one of the published analysis a whole shift
with all its levels. Sets are few and share models: r has an interval over models, and one over shifts with their sets.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.data.shifts.registry import CONTROL
from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled, with_interval
from whyalike.studies.convergence.figures import curves, layout
from whyalike.studies.convergence.section import CORRECTED, FINAL, PUBLISHED

NONE, POOLED = "none", "pooled"  # levels: undistorted images; all levels of a shift
ENDS = {"first": "first layer", "last": "last layer"}
R = {
    "r": ("r with accuracy", {"color": style.BLUE, "marker": "o", "linestyle": "-"}),
    "partial_r": (
        "partial r (given pixel distance, participation ratio, untrained alignment)",
        {"color": style.ORANGE, "marker": "D", "linestyle": "--"},
    ),
}
KEY = ["group", "analysis", "shift", "level"]
DODGE = 0.012  # of the depth axis, between r and partial r
BLACK_STAR = {"color": style.BLACK, "marker": "*"}
UNDISTORTED = "undistorted"  # what stands for a shift where there is none


@curves.of_tables
def draw_scatter(
    shifts: pd.DataFrame, shift_scores: pd.DataFrame, shift_accuracies: pd.DataFrame
) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group for its first and its last layer, a point a set: accuracy, alignment of trained models.

    Parameters
    ----------
    shifts : the table of statistics of shifts: r of each layer with its intervals.
    shift_scores : scores of pairs under shifts. shift_accuracies : accuracies of models under shifts.

    Returns
    -------
    the figure, and a row a point: group, analysis, shift, level, end (first or last layer), layer, alignment (mean of
    pairs), accuracy (mean of models), pairs, models, n, and r of the layer with its intervals.

    Raises
    ------
    NothingToDraw : no set has both scores and accuracies.
    """
    scored = curves.only(shift_scores, checkpoint=FINAL)
    scored = scored[scored["scoring"] == curves.main_scoring(scored)] if len(scored) else scored
    points = _points(scored, curves.only(shift_accuracies, checkpoint=FINAL))
    curves.need(points, "no shifted set has scores and accuracies", "Name shifts in convergence.shifts.")
    points = _with_r(points, shifts, scored["scoring"].iloc[0])
    figure, panels = layout.cells(list(dict.fromkeys(points["group"])), ENDS, more=1.9, panel=2.0)
    looks = _looks(list(dict.fromkeys(points["shift"])))
    for (group, end), axes in panels.items():
        _draw_points(axes, curves.only(points, group=group, end=end), looks)
    layout.name_axes(panels, "accuracy", "alignment")
    pooled = (points["analysis"] == PUBLISHED).any()
    hollow = "; large and hollow: as published, all levels of a shift" if pooled else ""
    known = {name: look for name, look in looks.items() if name in set(points["shift"])}
    title = f"a point: a level of a shift, or a set of files, mean over models{hollow}"
    boxes.legend(figure, known, textwrap.fill(title, style.room(figure.get_figwidth() - 0.4)))
    told = f"{style.metric_words(scored['scoring'].iloc[0])}; {layout.counted(points)}; r, corrected, without the "
    told += "undistorted images: 95 % intervals over models and over shifts"
    titled(figure, [told + curves.probed(shifts[shifts["group"].isin(points["group"])])])
    return figure, points.reset_index(drop=True)


@curves.of_tables
def draw(shifts: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw r of alignment with accuracy by depth, a line a group and a panel an analysis.

    Parameters
    ----------
    shifts : the table of statistics of shifts; its rows of quantity r are shown.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    NothingToDraw : it holds no r.
    """
    rows = _correlations(shifts, ["r"])
    sides, groups = layout.analyses(rows), list(dict.fromkeys(rows["group"]))
    looks = curves.group_looks(groups)
    figure = boxes.new_figure(style.PAGE_INCHES if len(sides) > 1 else 5.0, 2.9 + style.LINE_INCHES * len(groups) / 3)
    axes = figure.subplots(1, len(sides), squeeze=False, sharey=True)[0]
    for one, (analysis, words) in zip(axes, sides.items(), strict=True):
        for place, group in enumerate(groups):
            own = curves.only(rows, group=group, analysis=analysis).sort_values("depth")
            if len(own):  # side by side, or intervals hide one another
                curves.line(one, own["depth"] + (place - (len(groups) - 1) / 2) * DODGE / 2, own, looks[group])
        _frame(one, rows)
        curves.depth_axis(one)
        one.set_title(words if len(sides) > 1 else "")
    axes[0].set_ylabel("r of alignment with accuracy")
    marks = [curves.entry(look, style.words(name)) for name, look in looks.items()]
    boxes.legend(figure, {}, curves.INTERVAL, marks)
    titled(figure, [f"{style.metric_words(rows['scoring'].iloc[0])}; {layout.counted(rows)}{curves.probed(rows)}"])
    return figure, rows.reset_index(drop=True)


@curves.of_tables
def draw_intervals(shifts: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw r and partial r by depth with both intervals, a panel a group (and analysis, where both have r).

    Parameters
    ----------
    shifts : the table of statistics of shifts; its rows of quantities r and partial_r are shown.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    NothingToDraw : it holds no r.
    """
    rows = _correlations(shifts, R)
    figure, panels = layout.cells(list(dict.fromkeys(rows["group"])), layout.analyses(rows), more=1.5)
    for (group, analysis), axes in panels.items():
        own = curves.only(rows, group=group, analysis=analysis)
        if own.empty:
            layout.empty(axes, "no r")
        for side, (quantity, (_, look)) in zip((-1, 1), R.items(), strict=True):
            _draw_both(axes, curves.only(own, quantity=quantity).sort_values("depth"), look, side * DODGE)
        _frame(axes, rows)
    layout.depth_axes(panels, "correlation over sets")
    known = [one for one in R if one in set(rows["quantity"])]
    marks = [curves.entry(R[one][1], R[one][0]) for one in known]
    bands = "95 % intervals: bars, or darker bands of many layers, over models; pale bands over shifts"
    boxes.legend(figure, {}, bands, marks)
    titled(figure, [f"{style.metric_words(rows['scoring'].iloc[0])}; {layout.counted(rows)}{curves.probed(rows)}"])
    return figure, rows.reset_index(drop=True)


def _correlations(shifts: pd.DataFrame, quantities: object) -> pd.DataFrame:
    """The rows of correlations by layer, of the metric that figures of one show.

    Raises
    ------
    NothingToDraw : there is no r.
    """
    rows = curves.of_layers(shifts, quantity=quantities, shift=None)
    curves.need(rows[rows["quantity"] == "r"], "no correlation of alignment with accuracy under shift",
                "Name more shifts or levels in convergence.shifts.")  # fmt: skip
    return rows[rows["scoring"] == curves.main_scoring(rows)]


def _points(scored: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """The means of each set at the first and the last layer; undistorted images, which every shift has, are one."""
    published = scored["analysis"] == PUBLISHED
    scored = scored[scored["level"].ne(CONTROL) & (published | scored["level"].ne(POOLED))]
    last = scored.groupby("group")["index"].transform("max")
    found = []
    for end, places in (("first", 0), ("last", last)):
        own = scored[scored["index"] == places].assign(end=end)
        found.append(own.groupby([*KEY, "end", "layer"], sort=False).agg(
            alignment=("value", "mean"), pairs=("value", "size"), n=("n", "min")).reset_index())  # fmt: skip
    means = accuracies.groupby(KEY, sort=False).agg(accuracy=("accuracy", "mean"), models=("model", "nunique"))
    points = pd.concat(found).merge(means.reset_index(), on=KEY).dropna(subset="accuracy")
    points = points.assign(shift=points["shift"].mask(points["level"] == NONE, UNDISTORTED))
    return points.drop_duplicates([*KEY, "end"]).reset_index(drop=True)


def _looks(shifts: list[str]) -> dict[str, dict[str, str]]:
    """Colour and marker of each shift; beyond 15 colours come again, with a marker of their own."""
    places = [place for place in range(len(shifts) + 1) if style.look_of(place % 16) != BLACK_STAR]
    known = [one for one in shifts if one != UNDISTORTED]
    found = {name: style.look_of(place % 16) | ({"marker": "<"} if place >= 16 else {})
             for name, place in zip(known, places, strict=False)}  # fmt: skip
    return {**found, UNDISTORTED: BLACK_STAR}


def _with_r(points: pd.DataFrame, shifts: pd.DataFrame, scoring: str) -> pd.DataFrame:
    known = curves.of_layers(shifts, quantity="r", shift=None, scoring=scoring)
    columns = ["value", "ci_low", "ci_high", "ci_low_sets", "ci_high_sets", "sets", "levels"]
    known = known[["group", "analysis", "layer", *columns]].rename(columns={"value": "r"})
    return points.merge(known, on=["group", "analysis", "layer"], how="left")


def _draw_points(axes: Axes, points: pd.DataFrame, looks: dict[str, dict[str, str]]) -> None:
    name, _, words = axes.get_title(loc="left").rpartition("\n")
    for (analysis, shift), own in points.groupby(["analysis", "shift"], sort=False):
        look = looks[shift]
        if analysis == PUBLISHED:
            axes.scatter(own["accuracy"], own["alignment"], s=26, marker=look["marker"], facecolors="none",
                         edgecolors=look["color"], linewidths=0.7, zorder=3)  # fmt: skip
        else:
            axes.scatter(own["accuracy"], own["alignment"], s=9, linewidths=0, alpha=0.85, zorder=2, **look)
    told = points[(points["analysis"] == CORRECTED) & points["r"].notna()]
    r = _r_words(told.iloc[0]) if len(told) else ["", ""]
    layer = f"{words}, {points['layer'].iloc[0]}" if len(points) else words
    axes.set_title("\n".join([name, layer, *r]), fontsize=style.SMALL_POINTS)


def _r_words(row: pd.Series) -> list[str]:
    """r with its interval over models, and that over shifts."""
    models = with_interval(row["r"], (row["ci_low"], row["ci_high"])).replace(" [", ", models [")
    sets = with_interval(row["r"], (row["ci_low_sets"], row["ci_high_sets"]))
    return [f"r = {models}", f"shifts {sets[sets.index('[') :]}" if "[" in sets else ""]


def _draw_both(axes: Axes, rows: pd.DataFrame, look: dict[str, str], shift: float) -> None:
    """Values by depth: over shifts a pale band, over models bars, or a darker band of many layers."""
    if rows.empty:
        return
    x = rows["depth"].to_numpy(float) + shift
    low, high = (rows[name].to_numpy(float) for name in ("ci_low_sets", "ci_high_sets"))
    if len(x) == 1:
        axes.vlines(x, low, high, color=layout.pale(look["color"], 0.7), linewidth=6, zorder=1)
    else:
        axes.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0, zorder=0)
    curves.line(axes, x, rows, look)


def _frame(axes: Axes, rows: pd.DataFrame) -> None:
    """The vertical axis from -1 or, where nothing is so low, from above it, to 1."""
    lowest = np.nanmin(rows[["value", "ci_low", "ci_low_sets"]].to_numpy(float))
    axes.axhline(0, color=style.GREY, linewidth=0.6, zorder=0)
    axes.set_ylim(max(-1.05, min(lowest, 0) - 0.1), 1.05)
