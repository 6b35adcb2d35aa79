"""Every metric of a study in one figure: rows are metrics, columns the panels of the main figure.

Small panels for an appendix: boxes, points and the corrected line; above each panel its slope with the 95 % interval. A
row shares its y axis, since one metric means one scale.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import marks, style
from whyalike.figures.overlap import PANEL_KEY, set_levels
from whyalike.figures.score_panels import ScorePanel, distinct, score_panels
from whyalike.figures.style import number

ROW_HEIGHT = 0.95  # inches
HEAD_HEIGHT = 0.9  # column titles above, level labels below
FEWEST_COLUMN_INCHES = 1.7  # a slope with its interval is 1.5 inches wide


@style.styled
def draw(
    scores: pd.DataFrame, statistics: pd.DataFrame, *, score_protocol: str = "exact", study: str | None = None
) -> tuple[Figure, pd.DataFrame]:
    """Draw one study under all its metrics.

    Parameters
    ----------
    scores, statistics : score table and statistics table of the study; statistics may be empty.
    score_protocol : which scores.
    study : name of the study, needed where the tables hold several.

    Returns
    -------
    the figure, 7 inches wide or more where there are more than four columns, and its numbers: one row a mark.

    Raises
    ------
    ValueError : there is nothing to draw (names the study and the remedy), or a table is not valid.
    """
    panels = score_panels(scores, statistics, metrics=None, score_protocol=score_protocol, study=study)
    metrics, columns = distinct(panels, "metric"), list(dict.fromkeys(_column(panel) for panel in panels))
    several = len(distinct(panels, "comparison")) > 1
    width = max(style.PAGE_INCHES, FEWEST_COLUMN_INCHES * len(columns))
    figure = style.new_figure(width, HEAD_HEIGHT + ROW_HEIGHT * len(metrics))
    axes = figure.subplots(len(metrics), len(columns), sharey="row", squeeze=False)
    looks = marks.condition_markers(panels)
    numbers: marks.Numbers = []
    drawn = set()
    for panel in panels:
        row, column = metrics.index(panel.key["metric"]), columns.index(_column(panel))
        drawn.add((row, column))
        key = {"panel": f"row {row + 1}, column {column + 1}", **{name: panel.key[name] for name in PANEL_KEY[1:]}}
        numbers += [{**key, **mark} for mark in _draw_panel(axes[row, column], panel, looks)]
        axes[row, column].tick_params(axis="x", labelbottom=row == len(metrics) - 1)
        if row == 0:
            _head(axes[row, column], panel, several)
        if row == len(metrics) - 1:
            axes[row, column].set_xlabel(panel.axis.label)
    for row, metric in enumerate(metrics):
        axes[row, 0].set_ylabel(style.metric_words(metric))
        for column in range(len(columns)):
            if (row, column) not in drawn:
                axes[row, column].set_axis_off()
    figure.align_ylabels(axes[:, 0])
    figure.supylabel(f"scores ({style.words(score_protocol)})", fontsize=style.TEXT_POINTS)
    return figure, marks.to_frame(numbers, PANEL_KEY)


def _column(panel: ScorePanel) -> tuple[str, str, str]:
    return panel.key["comparison"], panel.key["stimuli"], panel.key["stimuli_kind"]


def _draw_panel(axes: Axes, panel: ScorePanel, looks: dict[str, tuple[str, str]]) -> marks.Numbers:
    numbers = marks.draw_boxes(axes, panel, line_width=0.6)
    numbers += marks.draw_points(axes, panel, looks, size=4)
    numbers += marks.draw_corrected_line(axes, panel)
    set_levels(axes, panel)
    slope = panel.statistic("corrected", "slope")
    if slope is not None:
        interval = f" [{number(slope['ci_low'])}, {number(slope['ci_high'])}]" if pd.notna(slope["ci_low"]) else ""
        axes.set_title(f"slope {number(slope['value'])}{interval}", color=style.VERMILLION, pad=2)
    return numbers


def _head(axes: Axes, panel: ScorePanel, several: bool) -> None:
    """The column's name and facts above the slope of its first panel."""
    facts = panel.facts().split(", ")
    lines = [panel.name(several), facts[0], ", ".join(facts[1:])]
    axes.annotate(
        "\n".join(lines), (0, 1), xytext=(0, 13), xycoords="axes fraction", textcoords="offset points", va="bottom"
    )
