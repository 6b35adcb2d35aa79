"""Alignment on undistorted and on shifted images by depth: the published Figure 4.

Corrected: every level is a set of its own, at one number of images for all. As published: a set pools all levels of a
shift, undistorted images among them, and has its own number of images, which alone moves alignment.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves, layout
from whyalike.studies.convergence.section import CORRECTED, FINAL, PUBLISHED

LOOKS = {
    "within": {"color": style.BLUE, "marker": "o", "linestyle": "-"},
    "shifted": {"color": style.VERMILLION, "marker": "s", "linestyle": "--"},
}
WORDS = {"within": "undistorted images", "shifted": "shifted images, mean over shifts"}
SIDES = {CORRECTED: "corrected: equal n", PUBLISHED: "as published: pooled"}


@curves.of_tables
def draw(shifts: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group and analysis: alignment of trained models within and under shift.

    Parameters
    ----------
    shifts : the table of statistics of shifts; its means over all shifts (no shift, no level) are shown.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    NothingToDraw : it holds no mean over shifts.
    """
    rows = curves.of_layers(shifts, quantity=LOOKS, shift=None)
    rows = rows[rows["checkpoint"].isna() | (rows["checkpoint"] == FINAL)]
    curves.need(rows, "no alignment under shift by layer", "Name shifts in convergence.shifts.")
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    sides = {one: SIDES[one] for one in layout.analyses(rows)}
    figure, panels = layout.cells(list(dict.fromkeys(rows["group"])), sides, more=1.4)
    for (group, analysis), axes in panels.items():
        own = curves.only(rows, group=group, analysis=analysis)
        if own.empty:
            layout.empty(axes, "not scored")
        for quantity, look in LOOKS.items():
            _draw_line(axes, curves.only(own, quantity=quantity).sort_values("depth"), look)
    layout.depth_axes(panels, "alignment")
    marks = [curves.entry(look, WORDS[one]) for one, look in LOOKS.items()]
    if rows["ci_low_sets"].notna().any():
        marks.append((Patch(facecolor=layout.pale(style.VERMILLION, 0.75)), "interval over shifts: corrected 95 %, "
                      "as published ± one standard error"))  # fmt: skip
    boxes.legend(figure, {}, "bars, or darker bands of many layers: 95 % interval over models", marks)
    titled(figure, [f"{style.metric_words(rows['scoring'].iloc[0])}; {layout.counted(rows)}"])
    return figure, rows.reset_index(drop=True)


def _draw_line(axes: Axes, rows: pd.DataFrame, look: dict[str, str]) -> None:
    if rows.empty:
        return
    if rows["ci_low_sets"].notna().any():
        x = rows["depth"].to_numpy(float)
        low, high = (rows[name].to_numpy(float) for name in ("ci_low_sets", "ci_high_sets"))
        if len(x) == 1:  # a band has no width
            x, low, high = np.array([x[0] - 0.03, x[0] + 0.03]), np.repeat(low, 2), np.repeat(high, 2)
        axes.fill_between(x, low, high, color=layout.pale(look["color"], 0.75), linewidth=0, zorder=0)
    curves.line(axes, rows["depth"], rows, look)
