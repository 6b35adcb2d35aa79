"""Consistency of groups by measures that depend on the range of their similarities, and by measures that do not."""

import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes, group_rows
from whyalike.studies.consistency.figures.selection import ANALYSES, scoring_words

MEASURES = {
    "pearson": "consistency R\n(more is more consistent)",
    "pearson_at_common_spread": "R at the spread of all pairs\n(more is more consistent)",
    "residual_sd": "residual SD of similarity\n(less is more consistent)",
}


@style.styled
def draw(groups: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw R of each pair of groups, R at the spread of all pairs, and the SD about the line, a row an analysis.

    Parameters
    ----------
    groups : the table of groups.

    Raises
    ------
    ValueError : it holds no such means.
    """
    by_analysis = group_rows.of_kind(groups, "mean", "consistency", MEASURES)
    category = group_rows.first_category(groups)
    shown = group_rows.cell_looks(next(iter(by_analysis.values())), category)
    found = list(shown)
    row_inches = group_rows.HEAD_INCHES + group_rows.ROW_INCHES * len(found)
    figure = boxes.new_figure(style.PAGE_INCHES, 0.4 + row_inches * len(by_analysis))
    axes = figure.subplots(len(by_analysis), len(MEASURES), squeeze=False, sharey=True, sharex="col")
    for line, (analysis, rows) in zip(axes, by_analysis.items(), strict=True):
        for one, measure in zip(line, MEASURES, strict=True):
            values = group_rows.of_cells(rows, found, measure)
            group_rows.draw_intervals(one, values, shown, linestyle="")
        boxes.upright_grid(*line)
        line[0].set_title(f"{ANALYSES[analysis]}: {scoring_words(rows)}")
    for place, (one, (measure, words)) in enumerate(zip(axes[-1], MEASURES.items(), strict=True)):
        one.set_xlabel(words)
        values = [group_rows.of_cells(rows, found, measure) for rows in by_analysis.values()]
        every = pd.concat(values)["value"].to_numpy(float)
        group_rows.frame(one, every, 0.7, least=0 if measure == "residual_sd" else None)
        for axis, own in zip(axes[:, place], values, strict=True):
            group_rows.mark_cut(axis, own, shown)
    first = next(iter(by_analysis.values()))
    group_rows.name_cells(axes[0, 0], found, first)
    words = f"{group_rows.INTERVAL}\nin brackets: models; {group_rows.counted(first)}"
    figure.supxlabel(words, fontsize=style.TEXT_POINTS)
    return figure, group_rows.numbers(by_analysis, found)
