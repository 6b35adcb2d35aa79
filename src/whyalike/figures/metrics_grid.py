"""Every metric of a study in one figure: rows are metrics, columns the panels of the main figure.

Small panels for an appendix: boxes, points and the corrected line; above each panel its slope with the 95 % interval. A
row shares its y axis, since one metric means one scale. The figure is as wide as the page: many columns are narrow,
with smaller type, and more than `MOST_COLUMNS` are laid out in blocks one below the other.
"""

import math
import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import marks, style
from whyalike.figures.overlap import PANEL_KEY, set_levels, slope_lines
from whyalike.figures.score_panels import ScorePanel, distinct, key_columns, metric_place, score_panels

MOST_COLUMNS = {"page": 6, "column": 2}  # of a block: seven intervals side by side do not fit on a page
ROW_HEIGHT = 1.0  # inches
TITLE_HEIGHT = 0.2
LINE_HEIGHT = 0.12  # inches, in the head of a column
LABELS_HEIGHT = 0.5  # level labels and axis label below a block
SIDE_INCHES = 0.7  # metric names and tick labels, left of a block
GAP_INCHES = 0.12  # between columns
WIDE_INCHES = 1.7  # holds a slope and its interval in one line of 7 pt
METRIC_CHARACTERS = 13  # of a line of a metric's name, which runs up a row


@dataclass(frozen=True)
class Layout:
    """Columns in ``blocks`` of at most ``across``, ``wide`` inches; ``inches`` are a column's, for axes and text."""

    blocks: int
    across: int
    wide: float = style.PAGE_INCHES

    @property
    def inches(self) -> float:
        """Width of one column."""
        return (self.wide - SIDE_INCHES) / self.across - GAP_INCHES

    @property
    def points(self) -> float:
        """Size of the type in and above a column."""
        return style.TEXT_POINTS if self.inches >= WIDE_INCHES else style.SMALL_POINTS

    @property
    def between(self) -> str:
        """What stands between a slope and its interval: a new line where the column is narrow."""
        return " " if self.inches >= WIDE_INCHES else "\n"


@style.styled
def draw(
    scores: pd.DataFrame,
    statistics: pd.DataFrame,
    *,
    score_protocol: str = "exact",
    study: str | None = None,
    comparison: str | None = None,
    width: str = "page",
) -> tuple[Figure, pd.DataFrame]:
    """Draw one study under all its metrics.

    Parameters
    ----------
    scores, statistics : score table and statistics table of the study; statistics may be empty.
    score_protocol : which scores.
    study : name of the study, needed where the tables hold several.
    comparison : the one to show, such as one that the study names; that of each of its settings if left out.
    width : "page", or "column" of a page of two: then there are more blocks.

    Returns
    -------
    the figure and its numbers: one row a mark.

    Raises
    ------
    ValueError : there is nothing to draw (names the study and the remedy), or a table is not valid.
    """
    panels = score_panels(
        scores, statistics, metrics=None, score_protocol=score_protocol, study=study, comparison=comparison
    )
    columns_of_key = key_columns(PANEL_KEY, [panel.view for panel in panels])
    metrics = distinct(
        sorted(panels, key=lambda panel: (metric_place(panel.key["metric"]), panel.key["scoring"])), "scoring"
    )
    columns = list(dict.fromkeys(_column(panel) for panel in panels))
    wide = style.inches(width)
    blocks = math.ceil(len(columns) / MOST_COLUMNS[width])
    layout = Layout(blocks, math.ceil(len(columns) / blocks), wide)
    heads = {_column(panel): _head(panel, layout) for panel in panels}
    labels = [style.metric_words(metric, scores=scores) for metric in metrics]
    figure, axes = _axes(layout, labels, max(map(len, heads.values())))
    lines = any(panel.statistic("corrected", "slope") is not None for panel in panels)
    what = ", and the mean of the seeds' lines with its 95 % interval" if lines else ""
    title = f"Scores ({style.words(score_protocol)}){what}"
    figure.suptitle(textwrap.fill(title, style.room(layout.wide, style.TEXT_POINTS + 1)))
    for one, head in zip(axes[0], map(heads.get, columns), strict=False):
        _write_head(one, head, layout)
    looks = marks.condition_markers(panels)
    numbers: marks.Numbers = []
    for panel in panels:
        row, column = metrics.index(panel.key["scoring"]), columns.index(_column(panel))
        one = axes[row, column]
        one.set_axis_on()
        key = {"panel": f"row {row + 1}, column {column + 1}", **{name: panel.key[name] for name in columns_of_key[1:]}}
        numbers += [{**key, **mark} for mark in _draw_panel(one, panel, looks, layout)]
        lowest = row == len(metrics) - 1
        one.tick_params(axis="x", labelbottom=lowest)
        if lowest:
            label = textwrap.fill(panel.axis.label, style.room(layout.inches, layout.points))
            one.set_xlabel(label, fontsize=layout.points)
    return figure, marks.to_frame(numbers, columns_of_key)


def _column(panel: ScorePanel) -> tuple[str, str, str, str]:
    return panel.key["comparison"], panel.key["stimuli"], panel.key["stimuli_kind"], panel.view


def _axes(layout: Layout, labels: list[str], head_lines: int) -> tuple[Figure, np.ndarray]:
    """The figure and its axes: a row a metric, which shares its y axis, a column a panel. All are switched off."""
    block = LABELS_HEIGHT + LINE_HEIGHT * head_lines + ROW_HEIGHT * len(labels)
    figure = style.new_figure(layout.wide, TITLE_HEIGHT + block * layout.blocks)
    parts = []
    for part in figure.subfigures(layout.blocks, 1, squeeze=False).flat:
        parts.append(part.subplots(len(labels), layout.across, squeeze=False))
        for one, label in zip(parts[-1][:, 0], labels, strict=True):
            one.set_ylabel(textwrap.fill(label, METRIC_CHARACTERS))
        part.align_ylabels(parts[-1][:, 0])
    axes = np.hstack(parts)
    for row in axes:
        for column, one in enumerate(row):
            one.set_axis_off()
            one.tick_params(axis="y", labelleft=column % layout.across == 0)
            if column:
                one.sharey(row[0])
    return figure, axes


def _draw_panel(axes: Axes, panel: ScorePanel, looks: dict[str, tuple[str, str]], layout: Layout) -> marks.Numbers:
    numbers = marks.draw_boxes(axes, panel, line_width=0.6)
    numbers += marks.draw_points(axes, panel, looks, size=4)
    numbers += marks.draw_corrected_line(axes, panel)
    set_levels(axes, panel, layout.inches, layout.points)
    slope = panel.statistic("corrected", "slope")
    if slope is not None:
        text = layout.between.join(slope_lines(slope))
        axes.set_title(text, color=style.VERMILLION, fontsize=layout.points, pad=3)
    return numbers


def _head(panel: ScorePanel, layout: Layout) -> list[str]:
    """The column's name and details, in lines that its width holds."""
    characters = style.room(layout.inches, layout.points)
    kind, *counts = panel.details()
    own_lines = [line for text in (panel.name, kind) for line in textwrap.wrap(text, characters)]
    return [*own_lines, *style.packed(counts, characters)]


def _write_head(axes: Axes, lines: list[str], layout: Layout) -> None:
    """The head above the slope of the column's first panel, clear of its one or two lines."""
    lift = (1 + layout.between.count("\n")) * 1.3 * layout.points + 4
    axes.annotate(
        "\n".join(lines), (0, 1), xytext=(0, lift), xycoords="axes fraction", textcoords="offset points", va="bottom",
        fontsize=layout.points,
    )  # fmt: skip
