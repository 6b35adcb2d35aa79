"""Models that share initial weights, or the order of their stimuli, become alike from both sides."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves

EQUIVALENT = 0.02  # what a difference must stay within to be called none
RELATIONS = {
    "same_start": ("same initial weights, other order", {"color": style.BLUE, "marker": "o"}),
    "same_order": ("other initial weights, same order", {"color": style.ORANGE, "marker": "s"}),
    "independent": ("both differ", {"color": style.GREY, "marker": "^", "linestyle": "--"}),
}
INTERVAL = "bars: 95 % interval over starts and orders, or over the seeds of three grids and more"
DIFFERENCE, CROSSING = "order_less_start", "crossing_to_end"


@curves.of_tables
def draw(grid: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row a group and a column a depth: scores of each relation over updates, below them their difference.

    Parameters
    ----------
    grid : the table of statistics of the grid of initial weights and orders.

    Returns
    -------
    the figure, and the rows of the table that it shows.

    Raises
    ------
    NothingToDraw : it holds no scores of models that share something.
    """
    rows = curves.of_layers(grid, analysis=curves.analysis_of(grid))
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    rows = rows[rows["quantity"].isin([*RELATIONS, DIFFERENCE, CROSSING])]
    curves.need(rows[rows["quantity"].isin(["same_start", "same_order"])],
                "no models share initial weights or the order of their stimuli",
                "Give the zoo of a setting starts and orders.")  # fmt: skip
    shown = pd.concat([curves.at_depths(own) for own in curves.by(rows, "group").values()])
    groups = curves.by(shown, "group")
    figure = boxes.new_figure(style.PAGE_INCHES, 2.75 * len(groups) + 1.0)
    for place, (group, own) in zip(figure.subfigures(len(groups), 1, squeeze=False)[:, 0], groups.items(), strict=True):
        _draw_group(place, group, own)
    entries = [curves.entry(look, words) for words, look in RELATIONS.values()]
    entries += [(Line2D([], [], color=style.VERMILLION, marker="D", markersize=3), "first less second"),
                (Patch(facecolor=style.PALE), f"±{EQUIVALENT:g}")]  # fmt: skip
    if (shown["quantity"] == CROSSING).any():
        entries.append((Line2D([], [], color=style.VERMILLION, linestyle=":"), "interval within it from here on"))
    boxes.legend(figure, {}, INTERVAL, entries)
    scoring = style.metric_words(rows["scoring"].iloc[0])
    titled(figure, [f"{scoring}, {style.words(rows['analysis'].iloc[0])}; layers nearest to each depth"])
    return figure, shown.reset_index(drop=True)


def _draw_group(place: Any, group: str, own: pd.DataFrame) -> None:
    place.suptitle(f"{style.words(group)}: {curves.counts(own)}", x=0.01, ha="left", fontsize=style.TEXT_POINTS)
    over_time = own[own["quantity"] != CROSSING]
    column = curves.step_of(over_time)
    layers = list(own.groupby(["shown_depth", "layer"]))
    axes = place.subplots(2, len(layers), squeeze=False, sharex=True, sharey="row", height_ratios=[1.6, 1])
    for (above, below), ((depth, layer), rows) in zip(axes.T, layers, strict=True):
        for quantity, (_, look) in RELATIONS.items():
            of = curves.in_order(rows[rows["quantity"] == quantity], column)
            curves.line(above, of[column], of, look)
        _draw_difference(below, rows, column)
        above.set_title(f"depth {depth:g}: {layer}", fontsize=style.SMALL_POINTS)
        curves.update_axis(below, list(over_time[column].dropna()), "updates" if column == "step" else "epochs")
    axes[0, 0].set_ylabel("alignment")
    axes[0, 0].set_ylim(top=min(axes[0, 0].get_ylim()[1], 1.03))
    axes[1, 0].set_ylabel("difference")


def _draw_difference(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """Same initial weights less same order, the band within which that is none, and from when on its interval is."""
    axes.axhspan(-EQUIVALENT, EQUIVALENT, color=style.PALE, linewidth=0)
    of = curves.in_order(rows[rows["quantity"] == DIFFERENCE], column)
    curves.line(axes, of[column], of, {"color": style.VERMILLION, "marker": "D"})
    for row in rows[rows["quantity"] == CROSSING].itertuples() if column == "step" else ():
        axes.axvline(row.value, color=style.VERMILLION, linestyle=":", linewidth=1)
