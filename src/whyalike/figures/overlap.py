"""Similarity against overlap, one panel a stimulus set: the study's main figure.

Boxes over seeds with every pair's score on top; the line as published (one OLS line over all points) and the corrected
one (mean of the per-seed lines with a 95 % interval), both read from the statistics table; baselines behind them: the
null of row permutations, the untrained pair, the labels alone. There are no stars: an interval says more, and three
seeds cannot reach significance (the smallest sign-flip p is .25).
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
from whyalike.figures.style import equals, number, percent
from whyalike.statistics.table import seeds_words

PANEL_KEY = ["panel", "comparison", "stimuli", "stimuli_kind", "metric", "score_protocol", "scoring"]
SEEDS_FOR_A_P_VALUE = 4  # below, the smallest possible sign-flip p is .25: no p is shown
PANEL_HEIGHT = 2.65  # inches, with title and the lines' legend
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
) -> tuple[Figure, pd.DataFrame]:
    """Draw one study under one metric.

    Parameters
    ----------
    scores, statistics : score table and statistics table of the study; statistics may be empty.
    metric, score_protocol : which scores, and which axis label.
    study : name of the study, needed where the tables hold several.
    comparison : the one to show, such as one that the study names; that of each of its settings if left out.
    title : above the figure; none by default, the caption says it.

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
    grid = _arranged(panels)
    columns = len(grid[0])
    width = style.COLUMN_INCHES if columns == 1 else style.PAGE_INCHES
    height = PANEL_HEIGHT * len(grid) + LEGEND_HEIGHT * (2 if columns == 1 else 1) + TITLE_HEIGHT * bool(title)
    figure = style.new_figure(width, height)
    axes = figure.subplots(len(grid), columns, sharey=True, squeeze=False)
    looks = marks.condition_markers(panels)
    several = len(distinct(panels, "comparison")) > 1
    numbers: marks.Numbers = []
    for row, of_row in zip(axes, grid, strict=True):
        for one, panel in zip(row, of_row, strict=True):
            if panel is None:
                one.set_axis_off()
                continue
            letter = chr(ord("a") + panels.index(panel)) if len(panels) <= 26 else str(panels.index(panel) + 1)
            key = {"panel": letter, **{name: panel.key[name] for name in columns_of_key[1:]}}
            inches = width / columns - FRAME_INCHES
            numbers += [{**key, **mark} for mark in _draw_panel(one, panel, looks, inches)]
            _title(one, letter if len(panels) > 1 else "", panel, several, inches)
        row[0].set_ylabel(style.metric_words(metric, score_protocol))
    _shared_legend(figure, axes.ravel(), panels, looks, columns)
    if title:
        figure.suptitle(title)
    return figure, marks.to_frame(numbers, columns_of_key)


def _arranged(panels: Sequence[ScorePanel]) -> list[list[ScorePanel | None]]:
    """Rows of at most three panels (two where that leaves fewer gaps); every comparison starts a new row."""
    by_comparison = [
        [panel for panel in panels if panel.key["comparison"] == name] for name in distinct(panels, "comparison")
    ]
    most = max(map(len, by_comparison))
    columns = 2 if most == 4 else min(most, 3)
    rows = [part[i : i + columns] for part in by_comparison for i in range(0, len(part), columns)]
    return [row + [None] * (columns - len(row)) for row in rows]


def _draw_panel(axes: Axes, panel: ScorePanel, looks: dict[str, tuple[str, str]], inches: float) -> marks.Numbers:
    numbers = marks.draw_baselines(axes, panel)
    numbers += marks.draw_boxes(axes, panel)
    numbers += marks.draw_points(axes, panel, looks)
    numbers += (corrected := marks.draw_corrected_line(axes, panel))
    if corrected and (share := panel.statistic("corrected", "gain_share")) is not None:
        numbers.append({"mark": "gain_share", "y": share["value"], "low": share["ci_low"], "high": share["ci_high"]})
    numbers += (published := marks.draw_published_line(axes, panel))
    set_levels(axes, panel, inches)
    axes.set_xlabel(panel.axis.label)
    entries = []
    if corrected:
        entries.append((_corrected_handle(), slope_text(panel)))
    if published:
        entries.append((_published_handle(), published_text(panel)))
    if entries:
        handles, labels = zip(*entries, strict=True)
        axes.legend(handles, labels, **style.below(axes, LABELS_INCHES))
    return numbers


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
        crowded = max(map(len, where.conditions)) > style.room(gap, points)
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


def slope_text(panel: ScorePanel) -> str:
    """ "slope 0.123 [0.101, 0.145]", seeds, Holm's p where there are seeds enough for one, the gain's share of the gap.

    The slope is the rise from overlap 0 to 1; where the axis has other units, the text says so.
    """
    slope = panel.statistic("corrected", "slope")
    n_seeds = int(slope["n_seeds"])
    axis = panel.axis
    ends = "" if axis.step == 1 else f"from {axis.position(0):g} to {axis.position(1):g}, "
    text = f"{' '.join(slope_lines(slope))}\n{ends}{seeds_words(n_seeds, panel.seeds_asked)}"
    if n_seeds >= SEEDS_FOR_A_P_VALUE and pd.notna(slope.get("p_holm")):
        text += f", Holm p {equals(slope['p_holm'])}"
    share = panel.statistic("corrected", "gain_share")
    return text if share is None else f"{text}\n{share_text(share)}"


def share_text(share: pd.Series) -> str:
    """ "gain 35 % [21, 49] of the gap": the lowest to the highest overlap, as a share of untrained to overlap 1."""
    low, high = (percent(share[end]) for end in ("ci_low", "ci_high"))
    interval = f" [{low}, {high}]" if pd.notna(share["ci_low"]) else ""
    return f"gain {percent(share['value'])} %{interval} of the gap"


def published_text(panel: ScorePanel) -> str:
    """ "R² = 0.912, y = 0.124x + 0.631", as in the published legends."""
    slope, intercept, r2 = (panel.statistic("as_published", f"ols_{name}") for name in ("slope", "intercept", "r2"))
    sign = "+" if intercept["value"] >= 0 else "\N{MINUS SIGN}"
    line = f"y = {number(slope['value'])}x {sign} {number(abs(intercept['value']))}"
    return line if r2 is None else f"R² {equals(r2['value'])}, {line}"


def _title(axes: Axes, letter: str, panel: ScorePanel, several: bool, inches: float) -> None:
    """The name in the first line, details below it, broken between them where the panel is narrow."""
    name = panel.name(several)
    lines = [f"{letter}  {name}" if letter else name, *style.packed(panel.details(), style.room(inches))]
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
            text = f"{condition} (λ = {shared:.3g})" if pd.notna(shared) else condition
            entries[text] = Line2D([], [], marker=marker, color=colour, linestyle="", markersize=4)
    else:
        entries["one pair of models"] = Line2D([], [], marker="o", color=style.BLUE, linestyle="", markersize=3.5)
    entries["median, quartiles, 1.5 IQR"] = Patch(facecolor="white", edgecolor=style.GREY, linewidth=0.8)
    if any(panel.statistic("corrected", "slope") is not None for panel in panels):
        entries["mean of the seeds' lines, 95 % interval"] = _corrected_handle()
    if any(panel.statistic("as_published", "ols_slope") is not None for panel in panels):
        entries["one line over all points (as published)"] = _published_handle()
    for axes in all_axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=1 if columns == 1 else 3)


def _published_handle() -> Artist:
    return Line2D([], [], color=style.BLACK, linestyle="--", linewidth=1.0)


def _corrected_handle() -> tuple[Artist, Artist]:
    """A line on its band; matplotlib's legend draws a tuple of handles one over the other."""
    return Patch(color=style.VERMILLION, alpha=0.22, linewidth=0), Line2D([], [], color=style.VERMILLION, linewidth=1.4)
