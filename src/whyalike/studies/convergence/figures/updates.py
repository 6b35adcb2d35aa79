"""Alignment, accuracy and loss over updates, and when half and nine tenths of what each gains are reached."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves

ACROSS = 2  # groups side by side
CURVES_INCHES, ROW_INCHES = 1.3, 0.125  # of a group: its curves, a row of its times
OTHERS = {  # what is followed beside alignment: its line, and the marker of its times
    "accuracy": {"color": style.BLACK, "linestyle": "--", "marker": "X"},
    "loss": {"color": style.GREY, "linestyle": ":", "marker": "P"},
}
TIMES = {"t50": "half of the gain", "t90": "nine tenths"}


@curves.of_tables
def draw(time: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group: curves over updates, below them the times of each, and shares of the gain at epoch 1.

    Parameters
    ----------
    time : the table of statistics over time.

    Returns
    -------
    the figure, and the rows of the table that it shows.

    Raises
    ------
    NothingToDraw : it holds no alignment at two checkpoints.
    """
    rows = time[time["analysis"] == curves.analysis_of(time)]
    alignment = curves.of_layers(rows, quantity="alignment")
    alignment = alignment[alignment["scoring"] == curves.main_scoring(alignment)]
    followed = [group for group, own in curves.by(alignment, "group").items() if curves.has_times(own)]
    alignment = curves.need(alignment[alignment["group"].isin(followed)],
                            "no models have scores at two checkpoints whose steps are known",
                            "Name steps or epochs in convergence.checkpoints.")  # fmt: skip
    blocks = {group: _rows_of(rows, alignment, group) for group in followed}
    across = min(ACROSS, len(blocks))
    lines = -(-len(blocks) // across)
    tall = CURVES_INCHES + 0.75 + ROW_INCHES * max(len(_strip(one)) + 1 for one in blocks.values())
    figure = boxes.new_figure(style.PAGE_INCHES, lines * tall + 1.1)
    figure.get_layout_engine().set(hspace=0.0, h_pad=0.03)
    places = figure.subfigures(lines, across, squeeze=False).ravel()
    for place, (group, own) in zip(places, blocks.items(), strict=False):
        _draw_group(place, group, own)
    _legend(figure, alignment, blocks)
    return figure, pd.concat(blocks.values(), ignore_index=True)


def _rows_of(rows: pd.DataFrame, alignment: pd.DataFrame, group: str) -> pd.DataFrame:
    """What is drawn of a group: its layers by depth, accuracy, loss, their times, shares at epoch 1."""
    own = rows[rows["group"] == group]
    scoring = alignment["scoring"].iloc[0]
    depth_of = {layer: depth for depth, layer in curves.depth_layers(alignment[alignment["group"] == group]).items()}
    of_layers = own["layer"].isin(depth_of) & (own["scoring"] == scoring)
    of_layers &= own["comparison"].fillna("pearson").eq("pearson")
    times = own["quantity"].isin(TIMES) & (own["unit"] == "updates")
    shares = own["quantity"] == "share_epoch1"
    of_alignment = (own["quantity"] == "alignment") | shares | (times & (own["of"] == "alignment"))
    kept = own[of_layers & of_alignment]
    others = own[own["layer"].isna() & (own["quantity"].isin(OTHERS) | ((times | shares) & own["of"].isin(OTHERS)))]
    return pd.concat([kept.assign(shown_depth=kept["layer"].map(depth_of)), others])


def _draw_group(place: Any, group: str, own: pd.DataFrame) -> None:
    strip = _strip(own)
    above, below = place.subplots(2, 1, sharex=True, height_ratios=[CURVES_INCHES, ROW_INCHES * (len(strip) + 1)])
    by_checkpoint = own[own["quantity"].isin(["alignment", *OTHERS])]
    column = curves.step_of(by_checkpoint)
    for (depth, _), rows in own[own["quantity"] == "alignment"].groupby(["shown_depth", "layer"]):
        ordered = curves.in_order(rows, column)
        curves.line(above, ordered[column], ordered, curves.depth_look(depth))
    accuracy, loss = (curves.in_order(curves.only(own, quantity=one), column) for one in OTHERS)
    if len(accuracy):
        curves.line(above, accuracy[column], accuracy, {**OTHERS["accuracy"], "marker": ""})
    if len(loss):
        beside = above.twinx()
        curves.line(beside, loss[column], loss, {**OTHERS["loss"], "marker": ""})
        beside.set_ylabel("loss (nats)", color=style.GREY)
        beside.spines["right"].set_visible(True)
        beside.grid(visible=False)
    above.set_ylabel("alignment, accuracy" if len(accuracy) else "alignment")
    above.set_title(f"{style.words(group)}: {curves.counts(own[own['quantity'] == 'alignment'])}")
    curves.update_axis(below, list(by_checkpoint[column].dropna()), "updates" if column == "step" else "epochs")
    _draw_times(below, strip, own)


def _strip(own: pd.DataFrame) -> list[tuple[str, dict[str, Any], pd.DataFrame]]:
    """The rows below the curves: words, look, and the times and share of each layer, of accuracy, of loss."""
    times = own[own["quantity"].isin([*TIMES, "share_epoch1"])]
    depths = sorted(own["shown_depth"].dropna().unique())
    found = [(f"depth {one:g}", curves.depth_look(one), times[times["shown_depth"] == one]) for one in depths]
    return [*found, *((name, look, times[times["layer"].isna() & (times["of"] == name)])
                      for name, look in OTHERS.items() if name in set(own["quantity"]))]  # fmt: skip


def _draw_times(axes: Axes, strip: list[tuple[str, dict[str, Any], pd.DataFrame]], own: pd.DataFrame) -> None:
    """Half of the gain hollow, nine tenths full, each with its interval, and the share at epoch 1 on the right."""
    with_shares = (own["quantity"] == "share_epoch1").any()
    for place, (_, look, rows) in enumerate(strip):
        for quantity in TIMES:
            for row in rows[rows["quantity"] == quantity].itertuples():
                face = "white" if quantity == "t50" else look["color"]
                _draw_interval(axes, place, row.ci_low, row.ci_high, look["color"])
                axes.plot(row.value, place, marker=look["marker"], color=look["color"], markersize=4,
                          markerfacecolor=face, linestyle="", zorder=3)  # fmt: skip
        for _, row in rows[rows["quantity"] == "share_epoch1"].iterrows():
            axes.annotate(curves.interval(row), (1.05, place), xycoords=("axes fraction", "data"), va="center",
                          fontsize=style.SMALL_POINTS)  # fmt: skip
    if with_shares:
        axes.annotate("share at epoch 1", (1.05, -1), xycoords=("axes fraction", "data"), va="center",
                      fontsize=style.SMALL_POINTS, color=style.GREY)  # fmt: skip
    axes.set_yticks(range(len(strip)), [words for words, _, _ in strip])
    axes.set_ylim(len(strip) - 0.4, -1.6)
    axes.tick_params(axis="y", labelsize=style.SMALL_POINTS, length=0)


def _draw_interval(axes: Axes, place: float, low: float, high: float, colour: str) -> None:
    """A line, with an arrow at an end of the axis beyond which it goes on."""
    first, last = axes.get_xlim()
    axes.plot([max(low, first), min(high, last)], [place] * 2, color=colour, linewidth=0.7)
    for beyond, end, marker in ((low < first, first, "<"), (high > last, last, ">")):
        if beyond:
            axes.plot(end, place, marker=marker, markersize=3, color=colour, clip_on=False)


def _legend(figure: Figure, alignment: pd.DataFrame, blocks: dict[str, pd.DataFrame]) -> None:
    """Depths, accuracy and loss, and what the marks of times are."""
    every = pd.concat(blocks.values())
    entries = curves.depth_entries(every["shown_depth"].dropna())
    entries += [curves.entry(look, name) for name, look in OTHERS.items()
                if name in set(every["quantity"])]  # fmt: skip
    for (_, words), face in zip(TIMES.items(), ("white", style.GREY), strict=True):
        mark = Line2D([], [], linestyle="", marker="o", color=style.GREY, markerfacecolor=face, markersize=4)
        entries.append((mark, f"{words} reached"))
    scoring, analysis = (alignment[name].iloc[0] for name in ("scoring", "analysis"))
    boxes.legend(
        figure, {}, f"{curves.INTERVAL}, arrow: it goes on; no mark: the gain is under two standard errors", entries
    )
    told = f"{style.metric_words(scoring)}, {style.words(analysis)}; layers nearest to each depth; times are "
    told += "log-interpolated on the envelope that only rises (of loss: falls)"
    titled(figure, [told + curves.probed(alignment)])
