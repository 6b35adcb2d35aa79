"""Consistency of groups of models without one family each: does one family carry it?"""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes, group_rows
from whyalike.studies.consistency.figures.selection import ANALYSES, scoring_words

ROW_INCHES = 0.27


@style.styled
def draw(groups: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw R of each pair of groups, and R without each family; the family that matters most is named.

    Parameters
    ----------
    groups : the table of groups.

    Raises
    ------
    ValueError : it holds no means without a family.
    """
    by_analysis = group_rows.of_kind(groups, "without_family", "consistency without a family", ["pearson"])
    whole = groups[(groups["kind"] == "mean") & (groups["measure"] == "pearson")]
    category = group_rows.first_category(groups)
    shown, kept = group_rows.cell_looks(whole, category), []
    figure = boxes.new_figure(style.PAGE_INCHES, 1.25 + ROW_INCHES * len(shown))
    axes = figure.subplots(1, len(by_analysis), squeeze=False, sharex=True, sharey=True)[0]
    for one, (analysis, rows) in zip(axes, by_analysis.items(), strict=True):
        own = whole[(whole["analysis"] == analysis) & (whole["scoring"] == rows["scoring"].iloc[0])]
        for place, (cell, look) in enumerate(shown.items()):
            without = rows[(rows["theta"] == cell[0]) & (rows["phi"] == cell[1])]
            of_all = own[(own["theta"] == cell[0]) & (own["phi"] == cell[1])]
            kept.append(pd.concat([of_all, without]))
            if len(of_all):
                _draw_cell(one, place, of_all["value"].iloc[0], without, look)
        one.set_title(f"{ANALYSES[analysis]}: {scoring_words(rows)}")
        one.set_xlabel("consistency R, mean over pairs of sets")
    boxes.upright_grid(*axes)
    group_rows.name_cells(axes[0], list(shown), whole)
    low, high = axes[0].get_xlim()
    axes[0].set_xlim(low, min(high, 1.02))
    first = next(iter(by_analysis.values()))
    handles = [Line2D([], [], linestyle="", marker="|", markersize=6, color=style.GREY),
               Line2D([], [], linestyle="", marker="o", markersize=4.5, color=style.GREY)]  # fmt: skip
    labels = ["without one family; the name is of the family without which R changes most", "with all families"]
    counts = f"{first['without'].nunique()} families, {group_rows.counted(first)}"
    title = f"in brackets: models; no strokes: fewer than 3 pairs are left; {counts}"
    boxes.legend(figure, {}, title, list(zip(handles, labels, strict=True)))
    columns = ["metric", "analysis", "scoring", "kind", "theta", "phi", "without", "value", "models", "pairs", "sets",
               "sources"]  # fmt: skip
    return figure, pd.concat(kept)[columns]


def _draw_cell(axes, place: int, value: float, without: pd.DataFrame, look: dict[str, str]) -> None:
    """The values without a family as strokes, that of all models as a marker, the name above the furthest stroke."""
    axes.scatter(without["value"], [place] * len(without), marker="|", s=28, color=look["color"], linewidths=0.9,
                 alpha=0.8, zorder=2)  # fmt: skip
    axes.scatter(value, place, s=16, zorder=3, **look)
    if without.empty:
        return
    furthest = without.loc[(without["value"] - value).abs().idxmax()]
    side = "right" if furthest["value"] > value else "left"
    axes.annotate(style.words(furthest["without"]), (furthest["value"], place), (0, -5), textcoords="offset points",
                  ha=side, va="top", fontsize=style.SMALL_POINTS, color=style.GREY)  # fmt: skip
