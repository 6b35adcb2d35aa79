"""Consistency with intervals over models and sources of sets, and how much of what the stimuli allow that is."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes, group_rows
from whyalike.studies.consistency.figures.selection import ANALYSES, scoring_words

MEASURES = {
    "pearson": "consistency R\n(mean by Fisher's z)",
    "pearson_of_ceiling": "share of the ceiling\n(ratio of the means)",
}


@style.styled
def draw(groups: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw R of all models and of each pair of groups, its ceiling, and R as a share of that.

    Parameters
    ----------
    groups : the table of groups.

    Raises
    ------
    ValueError : it holds no mean of R.
    """
    by_analysis = group_rows.of_kind(groups, "mean", "consistency", [*MEASURES, "ceiling"])
    category = group_rows.first_category(groups)
    shown = group_rows.cell_looks(next(iter(by_analysis.values())), category)
    found = list(shown)
    height = group_rows.HEAD_INCHES + 0.9 + group_rows.ROW_INCHES * len(found)
    figure = boxes.new_figure(style.PAGE_INCHES, height)
    axes = figure.subplots(1, 2 * len(by_analysis), squeeze=False, sharey=True)[0]
    for place, (analysis, rows) in enumerate(by_analysis.items()):
        for one, (measure, words) in zip(axes[2 * place : 2 * place + 2], MEASURES.items(), strict=True):
            values = group_rows.of_cells(rows, found, measure)
            group_rows.draw_intervals(one, values, shown, linestyle="")
            one.set_xlabel(words)
            if measure == "pearson":
                ceiling = group_rows.of_cells(rows, found, "ceiling")["value"]
                one.scatter(ceiling, range(len(found)), marker="|", s=45, color=style.BLACK, linewidths=1.2, zorder=3)
                one.set_title(f"{ANALYSES[analysis]}\n{scoring_words(rows)}")
            else:
                one.axvline(1, color=style.BLACK, linewidth=0.6)
            group_rows.frame(one, values[["value"]].to_numpy().ravel(), 1.0)
            limits = one.get_xlim()
            one.set_xlim(limits[0], max(limits[1], 1.02))
            group_rows.mark_cut(one, values, shown)
    first = next(iter(by_analysis.values()))
    group_rows.name_cells(axes[0], found, first)
    boxes.upright_grid(*axes)
    ceiling = Line2D([], [], marker="|", color=style.BLACK, linestyle="", markersize=7)
    line = Line2D([], [], marker="o", color=style.GREY, linewidth=1.0, markersize=4)
    more = [(line, group_rows.INTERVAL), (ceiling, "ceiling: from two halves of the stimuli")]
    title = f"in brackets: models; {group_rows.counted(first)}"
    boxes.legend(figure, {}, title, more)
    return figure, group_rows.numbers(by_analysis, found)
