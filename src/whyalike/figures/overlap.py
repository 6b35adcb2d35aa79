"""Similarity against overlap, one panel a stimulus set: the study's main figure.

Boxes over seeds with every pair's score on top; one OLS line over all points (the published one, of published scores),
and the corrected line (mean of the per-seed lines with a 95 % interval), both read from the statistics table; below
them the gain, the effect that findings and claims tell; baselines behind: the null of row permutations, the untrained
pair, the labels alone. There are no stars: an interval says more.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from whyalike.figures import marks, style
from whyalike.figures.score_panels import ScorePanel, distinct, key_columns, score_panels
from whyalike.figures.style import equals, number
from whyalike.statistics.table import MINUS, gain_words, seeds_words, share_words

PANEL_KEY = ["panel", "comparison", "stimuli", "stimuli_kind", "metric", "score_protocol", "scoring"]
SAME_LINE = 0.01  # of the height of the axes: about the width of a line
PANEL_HEIGHT = 3.2  # inches, with title and the lines' legend
FRAME_INCHES = 0.45  # of a panel's width, outside its axes
LABELS_INCHES = 0.4  # tick labels and axis label below a panel
LEGEND_HEIGHT = 0.55
TITLE_HEIGHT = 0.2


@style.styled
def draw(
    scores: pd.DataFrame,
    statistics: pd.DataFrame,
    *,
    metric: str = "cka",
    score_protocol: str = "exact",
    study: str | None = None,
    comparison: str | None = None,
    title: str | None = None,
    width: str = "page",
) -> tuple[Figure, pd.DataFrame]:
    """Draw one study under one metric.

    Parameters
    ----------
    scores, statistics : score table and statistics table of the study; statistics may be empty.
    metric, score_protocol : which scores, and which axis label.
    study : name of the study, needed where the tables hold several.
    comparison : the one to show, such as one that the study names; that of each of its settings if left out.
    title : above the figure; none by default, the caption says it.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure, and its numbers: one row a mark (see `marks`), with the letter and key of its panel.

    Raises
    ------
    ValueError : there is nothing to draw (names the study and the remedy), or a table is not valid.
    """
    panels = score_panels(
        scores, statistics, metrics=[metric], score_protocol=score_protocol, study=study, comparison=comparison
    )
    columns_of_key = key_columns(PANEL_KEY, [panel.view for panel in panels])
    grid = _arranged(panels, width)
    columns = len(grid[0])
    wide = style.COLUMN_INCHES if columns == 1 else style.PAGE_INCHES
    height = PANEL_HEIGHT * len(grid) + LEGEND_HEIGHT * (2 if columns == 1 else 1) + TITLE_HEIGHT * bool(title)
    figure = style.new_figure(wide, height)
    axes = figure.subplots(len(grid), columns, sharey=True, squeeze=False)
    looks = marks.condition_markers(panels)
    numbers: marks.Numbers = []
    for row, of_row in zip(axes, grid, strict=True):
        for one, panel in zip(row, of_row, strict=True):
            if panel is None:
                one.set_axis_off()
                continue
            letter = chr(ord("a") + panels.index(panel)) if len(panels) <= 26 else str(panels.index(panel) + 1)
            key = {"panel": letter, **{name: panel.key[name] for name in columns_of_key[1:]}}
            inches = wide / columns - FRAME_INCHES
            numbers += [{**key, **mark} for mark in _draw_panel(one, panel, looks, inches)]
            _title(one, letter if len(panels) > 1 else "", panel, inches)
        row[0].set_ylabel(style.metric_words(metric, score_protocol, scores))
    _shared_legend(figure, axes.ravel(), panels, looks, columns)
    if title:
        figure.suptitle(title)
    return figure, marks.to_frame(numbers, columns_of_key)


def _arranged(panels: Sequence[ScorePanel], width: str) -> list[list[ScorePanel | None]]:
    """Rows of at most three panels (two where that leaves fewer gaps); every comparison starts a new row."""
    by_comparison = [
        [panel for panel in panels if panel.key["comparison"] == name] for name in distinct(panels, "comparison")
    ]
    most = max(map(len, by_comparison))
    columns = style.side_by_side(width, most, 2 if most == 4 else 3)
    rows = [part[i : i + columns] for part in by_comparison for i in range(0, len(part), columns)]
    return [row + [None] * (columns - len(row)) for row in rows]


def _draw_panel(axes: Axes, panel: ScorePanel, looks: dict[str, tuple[str, str]], inches: float) -> marks.Numbers:
    numbers = marks.draw_baselines(axes, panel)
    numbers += marks.draw_boxes(axes, panel)
    numbers += marks.draw_points(axes, panel, looks)
    numbers += (corrected := marks.draw_corrected_line(axes, panel))
    for name in ("gain_share", "gain") if corrected else ():
        if (row := panel.statistic("corrected", name)) is not None:
            p_holm = {"n_seeds": int(row["n_seeds"]), "p_holm": row["p_holm"]} if name == "gain" else {}
            numbers.append({"mark": name, "y": row["value"], "low": row["ci_low"], "high": row["ci_high"], **p_holm})
    numbers += (published := marks.draw_published_line(axes, panel))
    set_levels(axes, panel, inches)
    axes.set_xlabel(panel.axis.label)
    entries = []
    if corrected:
        entries.append((_corrected_handle(), effect_text(panel)))
    if published:
        same = "\n(both lines are the same)" if _coincide(corrected, published, axes) else ""
        entries.append((_published_handle(), published_text(panel) + same))
    if entries:
        handles, labels = zip(*entries, strict=True)
        axes.legend(handles, labels, **style.below(axes, LABELS_INCHES))
    return numbers


def _coincide(corrected: marks.Numbers, published: marks.Numbers, axes: Axes) -> bool:
    """Whether two lines lie one on the other: nowhere further apart than a hundredth of the axes' height."""
    ends = [{one["x"]: one["y"] for one in line if one["mark"].endswith("_line")} for line in (corrected, published)]
    room = SAME_LINE * np.ptp(axes.get_ylim())
    return bool(corrected) and all(abs(y - ends[1].get(x, np.inf)) < room for x, y in ends[0].items())


def set_levels(axes: Axes, panel: ScorePanel, inches: float, points: float = style.TEXT_POINTS) -> None:
    """Ticks at as many levels as have room; at all conditions, on end if need be, where several share a level.

    ``inches`` is the width of the axes, ``points`` the size of the tick labels.
    """
    where = marks.slots(panel)
    places = list(where.place.values())
    axes.set_xlim(min(places) - where.margin, max(places) + where.margin)
    inches_a_unit = inches / np.ptp(axes.get_xlim())
    if where.side_by_side:
        gap = np.diff(sorted(places)).min() * inches_a_unit
        crowded = max(map(len, where.conditions)) >= style.room(gap, points)  # no gap between two
        axes.set_xticks(places, where.conditions)
        axes.tick_params(axis="x", length=0, labelsize=points, labelrotation=90 if crowded else 0)
        return
    levels = sorted({level for level, _ in where.place})
    labels = [f"{level:.3g}" for level in levels]
    gap = np.diff(levels, append=levels[-1] + 2 * where.margin).min() * inches_a_unit
    widest = max(map(len, labels)) + 1  # and a space
    every = math.ceil(widest * style.CHARACTER_INCHES * points / style.TEXT_POINTS / gap)
    axes.set_xticks(levels[::every], labels[::every])
    axes.tick_params(axis="x", labelsize=points)


def slope_lines(slope: pd.Series) -> list[str]:
    """ "slope 0.123" and, where there is one, its interval "[0.101, 0.145]"."""
    interval = [f"[{number(slope['ci_low'])}, {number(slope['ci_high'])}]"] if pd.notna(slope["ci_low"]) else []
    return [f"slope {number(slope['value'])}", *interval]


def effect_text(panel: ScorePanel) -> str:
    """The panel's effect as the findings tell it (`whyalike.statistics.table`), and the slope of the line drawn.

    "gain +0.018 [−0.008, +0.044]", "5 seeds", "p (Holm, 3 panels) = 0.562", the gain's share of the gap, and "slope
    0.015 [−0.006, 0.035]": the rise from overlap 0 to 1; where the axis has other units, the text says so.
    """
    gain, share, slope = (panel.statistic("corrected", name) for name in ("gain", "gain_share", "slope"))
    lines = []
    if gain is not None:
        effect, seeds, *p_values = gain_words(gain)
        lines += [effect, seeds, *p_values[-1:]]
    if share is not None:
        lines.append(f"gain share {share_words(share)}")
    axis = panel.axis
    lines.append(f"line: {' '.join(slope_lines(slope))}")
    if axis.step != 1:
        lines.append(f"(from {axis.position(0):g} to {axis.position(1):g})")  # no wider than a panel
    return "\n".join(lines if gain is not None else [*lines, seeds_words(int(slope["n_seeds"]), panel.seeds_asked)])


def published_text(panel: ScorePanel) -> str:
    """ "R² = 0.912, y = 0.124x + 0.631", as in the published legends."""
    slope, intercept, r2 = (panel.statistic("as_published", f"ols_{name}") for name in ("slope", "intercept", "r2"))
    sign = "+" if intercept["value"] >= 0 else MINUS
    line = f"y = {number(slope['value'])}x {sign} {number(abs(intercept['value']))}"
    return line if r2 is None else f"R² {equals(r2['value'])}, {line}"


def _title(axes: Axes, letter: str, panel: ScorePanel, inches: float) -> None:
    """The name in the first line, details below it, broken between details where the panel is narrow."""
    name = style.packed([f"{letter}  {panel.name}" if letter else panel.name], style.room(inches))
    lines = [*name, *style.packed(panel.details(), style.room(inches))]
    axes.set_title("\n".join(lines), linespacing=1.25)


def _shared_legend(
    figure: Figure,
    all_axes: Sequence[Axes],
    panels: Sequence[ScorePanel],
    looks: dict[str, tuple[str, str]],
    columns: int,
) -> None:
    entries: dict[str, Artist] = {}
    if any(marks.slots(panel).side_by_side for panel in panels):
        pairs = pd.concat([panel.pairs for panel in panels])
        for condition, (marker, colour) in looks.items():
            shared = pairs.loc[pairs["condition"] == condition, "label_information"].mean()
            text = f"{condition} (label information {shared:.3g})" if pd.notna(shared) else condition
            entries[text] = Line2D([], [], marker=marker, color=colour, linestyle="", markersize=4)
    else:
        entries["one pair of models"] = Line2D([], [], marker="o", color=style.BLUE, linestyle="", markersize=3.5)
    entries["median, quartiles, 1.5 IQR"] = Patch(facecolor="white", edgecolor=style.GREY, linewidth=0.8)
    if any(panel.statistic("corrected", "slope") is not None for panel in panels):
        entries["mean of the seeds' lines, 95 % interval"] = _corrected_handle()
    if any(panel.statistic("as_published", "ols_slope") is not None for panel in panels):
        # of exact scores the published analysis is no published result
        published = panels[0].key["score_protocol"] == "as_published"
        entries[f"{'as published: ' if published else ''}one line over all points"] = _published_handle()
    for axes in all_axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=1 if columns == 1 else 3)


def _published_handle() -> Artist:
    return Line2D([], [], color=style.BLACK, linestyle="--", linewidth=1.0)


def _corrected_handle() -> tuple[Artist, Artist]:
    """A line on its band; matplotlib's legend draws a tuple of handles one over the other."""
    return Patch(color=style.VERMILLION, alpha=0.22, linewidth=0), Line2D([], [], color=style.VERMILLION, linewidth=1.4)
