"""The control ladder: where the similarity of two models comes from; each rung says what differs between them.

A row is a rung: a point a seed, the mean with its 95 % interval, and its place on the calibrated scale, on which an
untrained pair is 0 % and a pair with the same data and labels, and nothing else in common, 100 %. In the row of the
pairs across seeds, whose models saw random halves of the data, an open square says what the line of data overlap
expects of them.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.designs.controls import ACROSS_SEEDS
from whyalike.figures import style
from whyalike.figures.score_panels import key_columns, panels_of_design, view_of
from whyalike.figures.style import number
from whyalike.statistics.controls import UNTRAINED, across_expected, ladder
from whyalike.statistics.table import VIEWS, kind_words, panel_words, percent, seeds_asked, seeds_words

KEY = ("panel", "comparison", "stimuli", "stimuli_kind", "metric", "score_protocol", "scoring")
FIGURE_COLUMNS = [*KEY, "mark", "rung", "seed", "run_a", "run_b", "data_overlap", "y", "low", "high", "share"]
ROWS = {
    "same_run": "the same run, twice",
    "other_order": "other order",
    "other_start": "other initialisation",
    "same_data": "same data, both other",
    ACROSS_SEEDS: "random halves of the data",
    "disjoint_data": "disjoint data",
    "shuffled_labels": "shuffled labels",
    UNTRAINED: "untrained",
}  # from the top
ROW_INCHES, OTHER_INCHES = 0.3, 0.95
MOST_COLUMNS = 2


@style.styled
def draw(
    scores: pd.DataFrame,
    statistics: pd.DataFrame,
    *,
    metric: str = "cka",
    score_protocol: str = "exact",
    stimuli_kind: str = "in_distribution",
    comparison: str | None = None,
    width: str = "page",
) -> tuple[Figure, pd.DataFrame]:
    """Draw a study of controls under one metric.

    Parameters
    ----------
    scores, statistics : score table and statistics table of the study.
    metric, score_protocol : which scores.
    stimuli_kind : "in_distribution", or "out_of_distribution" for the other stimuli.
    comparison : the one to show, such as one that the study names; that of each of its settings if left out.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure, and its numbers: one row a mark (seed, pair, expected, mean).

    Raises
    ------
    ValueError : nothing to draw.
    """
    scores = scores if comparison is None else scores[scores["comparison"] == comparison]
    panels = list(panels_of_design(scores, statistics, "controls", metric, score_protocol, stimuli_kind))
    columns = style.side_by_side(width, len(panels), MOST_COLUMNS)
    lines = -(-len(panels) // columns)
    wide = style.COLUMN_INCHES if columns == 1 else style.PAGE_INCHES
    figure = style.new_figure(wide, lines * (len(ROWS) * ROW_INCHES + OTHER_INCHES) + 0.2)
    axes = figure.subplots(lines, columns, squeeze=False)
    numbers: list[dict] = []
    for i, (named, own, of_panel) in enumerate(panels):
        key = {"panel": chr(ord("a") + i), **{name: named[name] for name in (*KEY[1:], *VIEWS)}}
        one = axes.flat[i]
        numbers += [{**key, **mark} for mark in _draw_panel(one, own, of_panel.set_index("estimator"))]
        _title(one, key["panel"] if len(panels) > 1 else "", named, own, wide / columns)
        one.set_xlabel(style.metric_words(metric, score_protocol, scores))
        one.tick_params(labelleft=i % columns == 0)
    for unused in axes.flat[len(panels) :]:
        unused.set_axis_off()
    _legend(figure, any(mark["mark"] == "expected" for mark in numbers))
    columns_of_key = key_columns(FIGURE_COLUMNS, [view_of(named, own) for named, own, _ in panels])
    return figure, pd.DataFrame(numbers, columns=columns_of_key).astype({"seed": "Int64"})


def _draw_panel(axes: Axes, rows: pd.DataFrame, statistics: pd.DataFrame) -> list[dict]:
    table = ladder(rows)
    marks = []
    for place, name in enumerate(ROWS):
        if name in table:
            values = table[name].dropna()
            marks += [{"mark": "seed", "rung": name, "seed": seed, "y": y} for seed, y in values.items()]
            _points(axes, values.to_numpy(), place)
        elif name == ACROSS_SEEDS:
            marks += _draw_across(axes, rows, table, place)
        estimator = name if name == ACROSS_SEEDS else f"rung_{name}"
        if estimator in statistics.index:
            marks.append(_draw_mean(axes, statistics, estimator, name, place))
    ends = {"rung_same_data": "100 %", f"rung_{UNTRAINED}": "0 %"}
    # the lower end's words stand left of its line, the higher one's right of it: the two may lie close together
    there = sorted((statistics.loc[name, "value"], words) for name, words in ends.items() if name in statistics.index)
    for (value, words), side in zip(there, ("right", "left"), strict=False):
        axes.axvline(value, color=style.BLUE, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        axes.annotate(words, (value, 1), (0, 1), xycoords=("data", "axes fraction"), textcoords="offset points",
                      ha=side, va="bottom", color=style.BLUE)  # fmt: skip
    axes.set_yticks(range(len(ROWS)), ROWS.values())
    axes.set_ylim(len(ROWS) - 0.5, -0.7)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)  # room for the words of the outermost
    return marks


def _points(axes: Axes, values: np.ndarray, place: float) -> None:
    offsets = 0.12 * np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1)
    axes.scatter(values, place + offsets, s=6, color=style.GREY, alpha=0.55, linewidths=0, zorder=2)


def _draw_across(axes: Axes, rows: pd.DataFrame, table: pd.DataFrame, place: int) -> list[dict]:
    """The pairs across seeds, and what is expected of them on average where both ends of the line are there."""
    pairs = rows[rows["condition"] == ACROSS_SEEDS]
    if pairs.empty:
        return []
    _points(axes, pairs["value"].to_numpy(), place)
    named = pairs[["run_a", "run_b", "data_overlap", "value"]].rename(columns={"value": "y"}).to_dict("records")
    marks = [{"mark": "pair", "rung": ACROSS_SEEDS, **one} for one in named]
    if {"same_data", "disjoint_data"} <= set(table.columns):
        expected = across_expected(rows, table).mean()
        axes.plot(expected, place, marker="s", markersize=6, markerfacecolor="none", color=style.VERMILLION, zorder=4)
        marks.append({"mark": "expected", "rung": ACROSS_SEEDS, "y": expected})
    return marks


def _draw_mean(axes: Axes, statistics: pd.DataFrame, estimator: str, name: str, place: int) -> dict:
    """Mean and interval, with the number and the share of the calibrated scale in words."""
    row = statistics.loc[estimator]
    bar = None if pd.isna(row["ci_low"]) else [[row["value"] - row["ci_low"]], [row["ci_high"] - row["value"]]]
    axes.errorbar(row["value"], place, xerr=bar, color=style.BLACK, marker="D", markersize=4, elinewidth=1.2, zorder=3)
    share = statistics["value"].get(f"share_{name}")
    text = number(row["value"]) + ("" if share is None else f" ({percent(share)} %)")
    clear = {"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"}  # of the lines behind the words
    axes.annotate(text, (row["value"], place), (0, 5), textcoords="offset points", ha="center", va="bottom", bbox=clear)
    return {
        "mark": "mean",
        "rung": name,
        "y": row["value"],
        "low": row["ci_low"],
        "high": row["ci_high"],
        "share": share,
    }


def _title(axes: Axes, letter: str, named: dict[str, Any], rows: pd.DataFrame, inches: float) -> None:
    name = panel_words(named["comparison"], named["stimuli"])
    view = view_of(named, rows)
    details = [kind_words(named["stimuli_kind"]), *([view] if view else []),
             f"n = {style.span(rows['n'].min(), rows['n'].max())}",
             seeds_words(rows["seed"].nunique(), seeds_asked(rows))]  # fmt: skip
    name = style.packed([f"{letter}  {name}" if letter else name], style.room(inches - 1.2))
    lines = [*name, *style.packed(details, style.room(inches - 1.2))]
    axes.set_title("\n".join(lines), linespacing=1.25, pad=12)


def _legend(figure: Figure, with_expected: bool) -> None:
    handles = [
        Line2D([], [], color=style.GREY, marker="o", markersize=3, linestyle="", label="one seed, or pair"),
        Line2D([], [], color=style.BLACK, marker="D", markersize=4, label="mean, 95 % interval"),
        Line2D([], [], color=style.BLUE, linestyle=(0, (4, 2)), linewidth=0.8, label="ends of the scale"),
    ]
    if with_expected:
        handles.append(Line2D([], [], color=style.VERMILLION, marker="s", markersize=6, markerfacecolor="none",
                              linestyle="", label="expected by data overlap"))  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
