"""Alignment of independent models by layer and metric, untrained models beside them: the published Figures 1 and A2.

Published error bars are the SD over folds, which share models and most stimuli; here intervals are over models.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves, layout

QUANTITIES = {"final": "trained", "start": "untrained"}
COMPARISONS = {"pearson": "correlation of values (Pearson)", "spearman": "correlation of ranks (Spearman)"}


@curves.of_tables
def draw(depth: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group and analysis, a line a scoring; untrained models lighter and dashed.

    Parameters
    ----------
    depth : the table of statistics by depth; its rows of quantities final and start are shown.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    NothingToDraw : it holds no final score of a layer.
    """
    return _drawn(depth, "pearson")


@curves.of_tables
def draw_spearman(depth: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """As `draw`, of rank correlations.

    Raises
    ------
    NothingToDraw : there are none.
    """
    return _drawn(depth, "spearman")


def _drawn(depth: pd.DataFrame, comparison: str) -> tuple[Figure, pd.DataFrame]:
    remedy = "Set convergence.spearman." if comparison == "spearman" else "Run the similarity stage again."
    rows = curves.only(depth, quantity=QUANTITIES, comparison=comparison)
    rows = rows[rows["layer"].notna()]
    curves.need(rows[rows["quantity"] == "final"], f"no {COMPARISONS[comparison]} of trained models by layer", remedy)
    scorings, sides = list(dict.fromkeys(rows["scoring"])), layout.analyses(rows)
    figure, panels = layout.cells(list(dict.fromkeys(rows["group"])), sides, more=1.25)
    for (group, analysis), axes in panels.items():
        own = curves.only(rows, group=group, analysis=analysis)
        known = list(dict.fromkeys(curves.only(rows, analysis=analysis)["scoring"]))
        draw_lines(axes, own, scorings, known)
    layout.depth_axes(panels, "alignment")
    looks = {one: curves.metric_look(one, scorings) for one in scorings}
    marks = [curves.entry(look, style.metric_words(one)) for one, look in looks.items()]
    if (rows["quantity"] == "start").any():
        marks.append(curves.untrained_entry())
    boxes.legend(figure, {}, curves.INTERVAL, marks)
    titled(figure, [f"{COMPARISONS[comparison]}, held out; {curves.counts(rows)}"])
    return figure, rows.reset_index(drop=True)


def draw_lines(axes: Axes, rows: pd.DataFrame, scorings: list[str], known: list[str]) -> None:
    """The lines of one group and analysis; what of the ``known`` scorings it lacks is named."""
    for scoring in scorings:
        look = curves.metric_look(scoring, scorings)
        for quantity, shown in (("start", curves.untrained(look)), ("final", look)):
            own = curves.only(rows, scoring=scoring, quantity=quantity).sort_values("depth")
            if len(own):
                curves.line(axes, own["depth"], own, shown)
    lacking = [style.metric_words(one) for one in known if one not in set(rows["scoring"])]
    if len(lacking) == len(known):
        layout.empty(axes, "not scored")
    elif lacking:
        axes.annotate(f"no {', '.join(lacking)}", (0.97, 1), xycoords="axes fraction", ha="right", va="top",
                      color=style.GREY, fontsize=style.SMALL_POINTS)  # fmt: skip
