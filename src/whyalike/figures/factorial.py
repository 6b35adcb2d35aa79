"""Data or labels, and do they add up? Similarity at every crossed overlap, and the effects of both beside each other.

A column is one comparison on one stimulus set. Above: the mean score over seeds with its 95 % t interval against label
overlap, a line for each data overlap; lines that run parallel add up. Untrained pairs lie at 0 % of the right axis,
pairs of the same data and labels at 100 %. Below: each effect from overlap 0 to 1, a point a seed, the mean and its
interval from the statistics table. Stars are pairs that learned the paper's own labels, where the study has them. The
frame cuts off intervals that are much wider than all points together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.figures.score_panels import key_columns, panels_of_design, view_of
from whyalike.figures.style import number
from whyalike.statistics.factorial import crossed_table, effects
from whyalike.statistics.factorial_bridge import bridge_effects, bridge_means, without_bridge
from whyalike.statistics.factorial_findings import interaction_claimed
from whyalike.statistics.inference import t_interval
from whyalike.statistics.power import possible, seeds_needed
from whyalike.statistics.table import VIEWS, kind_words, panel_words, percent, seeds_asked, seeds_words

KEY = ("panel", "comparison", "stimuli", "stimuli_kind", "metric", "score_protocol", "scoring")
FIGURE_COLUMNS = [*KEY, "mark", "data_overlap", "label_overlap", "seed", "y", "low", "high", "p_holm", "share"]
LOOKS = ((style.BLUE, "o", "-"), (style.ORANGE, "s", "--"), (style.VERMILLION, "^", ":"))  # by data overlap
EFFECTS = {"effect_data": "data", "effect_label": "labels", "label_minus_data": "labels − data",
           "interaction": "interaction"}  # fmt: skip
OF_BRIDGE = {"bridge_label": "paper's labels"}
STAR = {"marker": "*", "markersize": 7, "markerfacecolor": "none", "linestyle": ""}  # of the paper's labels
TOP_INCHES, BOTTOM_INCHES, LEGEND_INCHES = 2.3, 1.75, 0.5
MOST_COLUMNS = 3
SIDEWAYS = 0.022  # of the label overlap: intervals of several data overlaps side by side
ROOM = 0.4  # of the range of the points, on both sides: with few seeds an interval would hide all else
APART = 0.1  # of the label overlap: the paper's labels stand outside of the lines' ends


@dataclass(frozen=True)
class _Panel:
    """One comparison on one stimulus set: its scores, those of the paper's labels, and its statistics by estimator."""

    key: dict[str, Any]
    scores: pd.DataFrame
    bridge: pd.DataFrame
    statistics: pd.DataFrame
    view: str = ""

    @property
    def has_gap(self) -> bool:
        """Whether pairs of the same data and labels are more alike than untrained ones, so that there is a share."""
        return self.statistic("share_data") is not None

    @property
    def effects(self) -> dict[str, str]:
        """Name and words of every effect that has a row."""
        return EFFECTS if self.bridge.empty else {**EFFECTS, **OF_BRIDGE}

    def statistic(self, name: str) -> pd.Series | None:
        found = self.statistics[self.statistics["estimator"] == name]
        return None if found.empty else found.iloc[0]


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
    """Draw a factorial study under one metric.

    Parameters
    ----------
    scores, statistics : score table and statistics table of the study.
    metric, score_protocol : which scores.
    stimuli_kind : "in_distribution", or "out_of_distribution" for the other stimuli.
    comparison : the one to show, such as one that the study names; that of each of its settings if left out.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure, and its numbers: one row a mark (seed, mean, labels, ceiling, floor, and the effects' seeds and means).

    Raises
    ------
    ValueError : nothing to draw.
    """
    scores = scores if comparison is None else scores[scores["comparison"] == comparison]
    found = panels_of_design(scores, statistics, "factorial", metric, score_protocol, stimuli_kind)
    panels = [
        _Panel({name: key[name] for name in (*KEY[1:], *VIEWS)}, *without_bridge(own), table, view_of(key, own))
        for key, own, table in found
    ]
    columns = style.side_by_side(width, len(panels), MOST_COLUMNS)
    lines = -(-len(panels) // columns)
    wide = style.COLUMN_INCHES if columns == 1 else style.PAGE_INCHES
    figure = style.new_figure(wide, lines * (TOP_INCHES + BOTTOM_INCHES) + LEGEND_INCHES)
    heights = [TOP_INCHES, BOTTOM_INCHES] * lines
    axes = figure.subplots(2 * lines, columns, squeeze=False, height_ratios=heights)
    numbers: list[dict] = []
    for i, panel in enumerate(panels):
        line, column = divmod(i, columns)
        above, below = axes[2 * line, column], axes[2 * line + 1, column]
        key = {"panel": chr(ord("a") + i), **panel.key}
        last = column == columns - 1 or i == len(panels) - 1
        marks = [*_draw_scores(above, panel, last), *_draw_effects(below, panel)]
        numbers += [{**key, **mark} for mark in marks]
        _title(above, key["panel"] if len(panels) > 1 else "", panel, wide / columns)
        if column == 0:
            above.set_ylabel(style.metric_words(metric, score_protocol, scores))
        else:
            below.tick_params(labelleft=False)
    for unused in range(len(panels), lines * columns):
        line, column = divmod(unused, columns)
        axes[2 * line, column].set_axis_off()
        axes[2 * line + 1, column].set_axis_off()
    _legend(figure, panels, columns)
    columns_of_key = key_columns(FIGURE_COLUMNS, [panel.view for panel in panels])
    return figure, pd.DataFrame(numbers, columns=columns_of_key).astype({"seed": "Int64"})


def _draw_scores(axes: Axes, panel: _Panel, last: bool) -> list[dict]:
    """Lines of mean scores against label overlap, the two ends of the scale, and what the labels alone would give."""
    table = panel.scores.groupby(["data_overlap", "label_overlap", "seed"])["value"].mean()
    levels = table.index.unique("data_overlap")
    marks = []
    for i, data in enumerate(levels):
        colour, marker, line = LOOKS[i % len(LOOKS)]
        shift = SIDEWAYS * (i - (len(levels) - 1) / 2)
        marks += _draw_bridge(axes, panel, data, colour, 2 * shift)
        means = []
        for label, values in table[data].groupby("label_overlap"):
            place = {"data_overlap": data, "label_overlap": label}
            at = np.full(len(values), label + shift)
            axes.scatter(at, values, s=5, color=colour, alpha=0.35, linewidths=0, zorder=2)
            marks += [{"mark": "seed", **place, "seed": seed, "y": y} for (_, seed), y in values.items()]
            low, high = t_interval(values) or (np.nan, np.nan)
            means.append({"mark": "mean", **place, "y": values.mean(), "low": low, "high": high})
        x, y = [one["label_overlap"] + shift for one in means], np.array([one["y"] for one in means])
        bars = np.abs([[one["low"], one["high"]] for one in means] - y[:, None]).T
        axes.errorbar(x, y, bars, color=colour, marker=marker, linestyle=line, markersize=4, elinewidth=1, zorder=3)
        marks += means
    axes.set_xticks([0, 1 / 3, 2 / 3, 1], ["0", "1/3", "2/3", "1"])
    axes.set_xlabel("label overlap (facts that both learn)")
    marks += _draw_labels_alone(axes, panel) + _draw_scale(axes, panel, last)
    axes.set_ylim(_framed(axes.get_ylim(), [one["y"] for one in marks]))
    return marks


def _framed(limits: tuple[float, float], values: Sequence[float]) -> tuple[float, float]:
    """The limits of an axis, brought in where they leave all values by more than a share of their range."""
    low, high = min(values), max(values)
    room = ROOM * (high - low)
    return (max(limits[0], low - room), min(limits[1], high + room)) if room else limits


def _draw_bridge(axes: Axes, panel: _Panel, data: float, colour: str, shift: float) -> list[dict]:
    """Stars for equal and for other labels of the paper at one data overlap, in its colour, beside the lines' ends."""
    means = bridge_means(panel.bridge) if len(panel.bridge) else pd.DataFrame()
    marks = []
    for (own, label), values in means.iterrows():
        if own == data:
            low, high = t_interval(values) or (np.nan, np.nan)
            y, x = values.mean(), label + (APART if label else -APART) + shift
            axes.errorbar(x, y, [[y - low], [high - y]], color=colour, elinewidth=0.8, zorder=3, **STAR)
            place = {"data_overlap": data, "label_overlap": label}
            marks.append({"mark": "paper's labels", **place, "y": y, "low": low, "high": high})
    return marks


def _draw_labels_alone(axes: Axes, panel: _Panel) -> list[dict]:
    """The score of the two labellings, where the metric has one."""
    if panel.scores.get("label_gram", pd.Series(dtype=float)).isna().all():
        return []
    means = panel.scores.groupby("label_overlap")["label_gram"].mean()
    axes.plot(means.index, means, color=style.GREEN, marker="x", markersize=4, linewidth=0.8, linestyle=(0, (1, 2)))
    return [{"mark": "labels alone", "label_overlap": x, "y": y} for x, y in means.items()]


def _draw_scale(axes: Axes, panel: _Panel, last: bool) -> list[dict]:
    """Untrained pair and same data and labels as 0 and 100 % of a right axis."""
    ends = {name: panel.statistic(name) for name in ("floor", "ceiling")}
    marks = [{"mark": name, "y": row["value"], "low": row["ci_low"], "high": row["ci_high"]}
             for name, row in ends.items() if row is not None]  # fmt: skip
    if ends["floor"] is not None:
        axes.axhline(ends["floor"]["value"], color=style.GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    if len(marks) == 2 and panel.has_gap:
        floor, gap = marks[0]["y"], marks[1]["y"] - marks[0]["y"]
        right = axes.secondary_yaxis(
            "right", functions=(lambda y: 100 * (y - floor) / gap, lambda share: floor + gap * share / 100)
        )
        if last:
            right.set_ylabel("% of the gap")
    return marks


def _draw_effects(axes: Axes, panel: _Panel) -> list[dict]:
    """Every effect in a row of its own, from the top: a point a seed, mean and interval, and their size in words."""
    rows = {name: panel.statistic(name) for name in panel.effects}
    by_seed, marks = _by_seed(panel), []
    axes.axvline(0, color=style.BLACK, linewidth=0.6)
    for place, (name, row) in enumerate(rows.items()):
        if row is None:
            continue
        values = by_seed[name]
        axes.scatter(values, np.full(len(values), place), s=6, color=style.GREY, alpha=0.5, linewidths=0, zorder=2)
        marks += [{"mark": f"{name}, seed", "seed": seed, "y": y} for seed, y in values.items()]
        bar = None if pd.isna(row["ci_low"]) else [[row["value"] - row["ci_low"]], [row["ci_high"] - row["value"]]]
        look = STAR if name in OF_BRIDGE else {"marker": "D", "markersize": 4}
        axes.errorbar(row["value"], place, xerr=bar, color=style.BLACK, elinewidth=1.2, zorder=3, **look)
        share = panel.statistic(f"share_{name.removeprefix('effect_')}")
        size = {"share": None if share is None else share["value"]}
        marks.append({"mark": name, "y": row["value"], "low": row["ci_low"], "high": row["ci_high"],
                      "p_holm": row["p_holm"], **size})  # fmt: skip
        text = number(row["value"]) + ("" if share is None else f" ({percent(share['value'])} %)")
        axes.annotate(text, (1, place), (0, 4), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", va="bottom")  # fmt: skip
    axes.set_yticks(range(len(rows)), panel.effects.values())
    axes.set_ylim(len(rows) - 0.5, -0.75)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(_framed(axes.get_xlim(), [0.0, *(one["y"] for one in marks)]))
    axes.set_xlabel(f"change of the score{' (% of the gap)' if panel.has_gap else ''}")
    axes.set_title(_answer(panel), color=style.GREY)
    return marks


def _by_seed(panel: _Panel) -> dict[str, pd.Series]:
    """The effects of every seed that has all conditions."""
    table = crossed_table(panel.scores)
    return effects(table) | bridge_effects(panel.bridge, table)


def _answer(panel: _Panel) -> str:
    """Whether data and labels add up, as far as the seeds can say."""
    angle = panel.statistic("interaction_angle")
    if angle is None:
        return "no angle to check interaction on"
    if interaction_claimed(panel.statistics):
        return f"{'more' if angle['value'] > 0 else 'less'} than the sum of each alone (CKA, angle)"
    if not possible(angle["n_seeds"], angle["panels"]):
        seeds = seeds_words(int(angle["n_seeds"]), int(angle["n_seeds"]))
        return f"interaction: no claim with {seeds}, {seeds_needed(angle['panels'])} needed"
    return "no interaction claimed"


def _title(axes: Axes, letter: str, panel: _Panel, inches: float) -> None:
    rows = panel.scores
    name = panel_words(panel.key["comparison"], panel.key["stimuli"])
    n = style.span(rows["n"].min(), rows["n"].max())
    details = [
        kind_words(panel.key["stimuli_kind"]),
        *([panel.view] if panel.view else []),
        f"n = {n}",
        seeds_words(rows["seed"].nunique(), seeds_asked(rows)),
    ]
    lines = style.packed([f"{letter}  {name}" if letter else name], style.room(inches - 0.4))
    axes.set_title("\n".join([*lines, *style.packed(details, style.room(inches - 0.4))]), linespacing=1.25)


def _legend(figure: Figure, panels: Sequence[_Panel], columns: int) -> None:
    levels = sorted({level for panel in panels for level in panel.scores["data_overlap"]})
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=4, label=f"data overlap {level:g}")
        for level, (colour, marker, line) in zip(levels, LOOKS, strict=False)
    ]
    if any(panel.statistic("floor") is not None for panel in panels):
        handles.append(
            Line2D([], [], color=style.GREY, linestyle=(0, (4, 2)), linewidth=0.9, label="untrained pair (0 %)")
        )
    if any("label_gram" in panel.scores and panel.scores["label_gram"].notna().any() for panel in panels):
        handles.append(Line2D([], [], color=style.GREEN, marker="x", markersize=4, linewidth=0.8,
                              linestyle=(0, (1, 2)), label="the labels alone"))  # fmt: skip
    if any(len(panel.bridge) for panel in panels):
        label = "paper's labels: shape, digit"
        handles.append(Line2D([], [], color=style.BLACK, label=label, **STAR))
    handles.append(Line2D([], [], color=style.BLACK, marker="D", markersize=4, label="mean of seeds, 95 % interval"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2 if columns == 1 else 3)
