"""Scores of representations in files: all pairs of them as a heat map, single pairs as a row each.

A row has the score with its 95 % interval over stimuli, and a band from the mean of its null to the end: full where the
score is beyond that end, open where it is not. Each metric has a panel, and so an axis, of its own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from whyalike.figures import heatmap, style
from whyalike.figures.marks import NULL_WORDS
from whyalike.similarity.deconfounding import DECONFOUNDED
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring
from whyalike.statistics.pair_findings import beyond

ROW_INCHES = 0.24
LEAST_INCHES = 1.6  # of the axes beside the names of pairs, else the figure takes a whole page's width
_NUMBERS = ["metric", "a", "b", "value", "ci_low", "ci_high", "null_mean", "null_p95", "p_value", "n", "beyond_null"]


@style.styled
def draw_map(scores: pd.DataFrame, chosen: Scoring, width: str = "page") -> tuple[Figure, pd.DataFrame]:
    """Draw all pairs of representations under one metric.

    Parameters
    ----------
    scores : rows of this metric, as `whyalike.similarity.score_files.score_pairs_of_files` gives them.
    chosen : the metric and its parameters.
    width : as in `whyalike.figures.heatmap.draw`.
    """
    names = list(dict.fromkeys([*scores["a"], *scores["b"]]))
    cells = scores.assign(untrained=np.nan, pairs=1)
    title = f"all pairs of {style.count(len(names), len(names), 'representation', 'representations')}"
    symmetric = METRICS[chosen.metric].facts.symmetric
    given = heatmap.Matrix({}, _facts(scores), cells, names, names, "models as given", symmetric, title)
    return heatmap.drawn(
        [heatmap.clustered(given, chosen.metric)], chosen.metric, heatmap.label_of(chosen), width, untrained=False
    )


@style.styled
def draw_rows(scores: pd.DataFrame, scorings: Sequence[Scoring]) -> tuple[Figure, pd.DataFrame]:
    """Draw single pairs, a panel a metric and a row a pair.

    Parameters
    ----------
    scores : as `draw_map` takes them, of all metrics.
    scorings : the metrics; one without a score has no panel.
    """
    scored = [(one, rows) for one in scorings if len(rows := scores[scores["metric"] == one.metric])]
    names = max(len(_pair(row)) for _, rows in scored for row in rows.itertuples()) * style.CHARACTER_INCHES
    wide = style.COLUMN_INCHES if style.COLUMN_INCHES - names >= LEAST_INCHES else style.PAGE_INCHES
    titles = [
        style.packed([heatmap.label_of(one), *_facts(rows)], style.room(wide - names - 0.2)) for one, rows in scored
    ]
    heights = [len(rows) * ROW_INCHES for _, rows in scored]
    lines = sum(map(len, titles)) + 2.5 * len(scored)
    figure = style.new_figure(wide, sum(heights) + lines * style.LINE_INCHES + 0.6)
    panels = figure.subplots(len(scored), 1, squeeze=False, height_ratios=heights)[:, 0]
    numbers = []
    for axes, (chosen, rows), title in zip(panels, scored, titles, strict=True):
        numbers.append(rows.assign(beyond_null=beyond(rows["value"], rows["null_p95"], chosen.metric)))
        _rows(axes, numbers[-1])
        axes.set_title("\n".join(title))
    drawn = pd.concat(numbers)
    figure.legend(*zip(*_entries(drawn), strict=True), loc="outside lower center", ncols=1)
    return figure, drawn[_NUMBERS]


def _pair(row: Any) -> str:
    return f"{heatmap.short(row.a)} x {heatmap.short(row.b)}"


def _rows(axes: Axes, rows: pd.DataFrame) -> None:
    for place, row in enumerate(rows.itertuples()):
        if row.null_mean == row.null_mean:
            axes.barh(place, row.null_p95 - row.null_mean, 0.7, row.null_mean, color=style.PALE)
        axes.plot([row.ci_low, row.ci_high], [place, place], color=style.BLUE)
        axes.plot([row.value], [place], **_look(row.beyond_null))
    axes.set_yticks(range(len(rows)), list(map(_pair, rows.itertuples())))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.margins(x=0.06)


def _look(is_beyond: float) -> dict[str, Any]:
    """Full where a score is beyond the end of its null, or has none."""
    return {"marker": "o", "markersize": 4, "color": style.BLUE, "fillstyle": "none" if is_beyond == 0 else "full"}


def _entries(drawn: pd.DataFrame) -> list[tuple[Any, str]]:
    entries: list[tuple[Any, str]] = [(Line2D([], [], linestyle="", **_look(1)), "score")]
    if (drawn["beyond_null"] == 0).any():
        entries.append((Line2D([], [], linestyle="", **_look(0)), "score not beyond the end of its null"))
    if drawn["ci_low"].notna().any():
        entries.append((Line2D([], [], color=style.BLUE), "95 % interval over stimuli"))
    null = drawn["null_mean"].notna().any()
    entries.append((Patch(facecolor=style.PALE), NULL_WORDS) if null else (Line2D([], [], linestyle=""), "no null"))
    return entries


def _facts(scores: pd.DataFrame) -> list[str]:
    taken = bool(scores["estimator"].str.endswith(DECONFOUNDED).all())
    return [f"n = {style.span(scores['n'].min(), scores['n'].max())}", *["confound taken out"] * taken]
