"""How far a linear map is ahead of a rotation, by the number of stimuli a unit, and where that leads."""

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves

ACROSS, PANEL_INCHES = 3, 1.85
BOUND = 0.05  # a linear map that is ahead by less counts as no better than a rotation
ENOUGH = 20  # stimuli a unit from which on over-fitting hardly matters
LIMIT = "linear_less_procrustes_limit"
DIFFERENCE = "linear_less_procrustes"


@curves.of_tables
def draw(baselines: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group, a line a layer, and on the right of each the extrapolation to endless stimuli.

    Parameters
    ----------
    baselines : the table of statistics of baselines.

    Returns
    -------
    the figure, and the rows of the table that it shows.

    Raises
    ------
    NothingToDraw : it holds no difference of the two.
    """
    rows = curves.of_layers(baselines, quantity=(DIFFERENCE, LIMIT))
    curves.need(rows, "no layer has both a linear map and a rotation at some number of stimuli",
                "Name linear and procrustes in convergence.metrics, and numbers in convergence.counts.")  # fmt: skip
    rows = rows[rows["analysis"] == curves.analysis_of(rows)]
    shown = pd.concat([curves.at_depths(own) for own in curves.by(rows, "group").values()], ignore_index=True)
    groups = curves.by(shown, "group")
    across = min(ACROSS, len(groups))
    lines = -(-len(groups) // across)
    figure = boxes.new_figure(style.PAGE_INCHES if across > 1 else style.COLUMN_INCHES + 1, lines * PANEL_INCHES + 1.1)
    axes = figure.subplots(lines, across, squeeze=False, sharey=True, sharex=True).ravel()
    for one in axes[len(groups) :]:
        one.set_axis_off()
    for one, (group, own) in zip(axes, groups.items(), strict=False):
        _draw_group(one, group, own)
    for one in axes[::across]:
        one.set_ylabel("linear less Procrustes")
    entries = [*curves.depth_entries(shown["shown_depth"]),
               (Patch(facecolor=style.PALE), f"±{BOUND:g}"),
               (Line2D([], [], linestyle="", marker="o", color=style.GREY, **curves.OPEN), "extrapolated in 1/n"),
               (Line2D([], [], color=style.GREY, linestyle=":"), f"{ENOUGH} stimuli a unit")]  # fmt: skip
    boxes.legend(figure, {}, curves.INTERVAL, entries)
    titled(figure, [f"{style.words(rows['analysis'].iloc[0])}; layers nearest to each depth"])
    return figure, shown


def _draw_group(axes: Axes, group: str, own: pd.DataFrame) -> None:
    axes.axhspan(-BOUND, BOUND, color=style.PALE, linewidth=0)
    axes.axvline(ENOUGH, color=style.GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    limits = own[own["quantity"] == LIMIT]
    for (depth, _), rows in own[own["quantity"] == DIFFERENCE].groupby(["shown_depth", "layer"]):
        ordered = rows.dropna(subset="n_per_unit").sort_values("n_per_unit")
        curves.line(axes, ordered["n_per_unit"], ordered, curves.depth_look(depth))
    boxes.plain_log(axes, "x")
    blended = matplotlib.transforms.blended_transform_factory(axes.transAxes, axes.transData)
    for row in limits.itertuples():
        look, x = curves.depth_look(row.shown_depth), 1.02 + 0.025 * row.shown_depth * 4
        axes.plot(
            [x, x], [row.ci_low, row.ci_high], color=look["color"], linewidth=0.7, transform=blended, clip_on=False
        )
        axes.plot(x, row.value, **look, **curves.OPEN, markersize=3.5, linestyle="", transform=blended, clip_on=False)
    if len(limits):
        axes.annotate("∞", (1.07, 0), xycoords="axes fraction", xytext=(0, -9), textcoords="offset points", ha="center")
    axes.set_xlabel("stimuli a unit (of training folds)")
    axes.tick_params(labelbottom=True)
    axes.set_title("\n".join(style.packed([style.words(group), curves.counts(own)], style.room(2.0))))
