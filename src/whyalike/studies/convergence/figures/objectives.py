"""Labels, shuffled labels and no labels: alignment over, and at, the same sum of learning rates."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves

PANEL_INCHES = 2.3
EQUAL = "at_equal_lr_sum"
OBJECTIVES = {"labels": "-", "shuffled labels": "--", "no labels": ":"}  # of a group, by its line


@curves.of_tables
def draw(time: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the last layer over the sum of learning rates, and all layers at the sum that all groups reach.

    Parameters
    ----------
    time : the table of statistics over time.

    Returns
    -------
    the figure, and the rows of the table that it shows.

    Raises
    ------
    NothingToDraw : no two groups of different objectives reach the same sum.
    """
    rows = curves.of_layers(time, analysis=curves.analysis_of(time), quantity=("alignment", EQUAL))
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    equal = rows[(rows["quantity"] == EQUAL) & (rows["kind"] != "language")]
    equal = equal.assign(objective=[_objective(*one) for one in zip(equal["group"], equal["kind"], strict=True)])
    several = equal.groupby("lr_sum")["objective"].transform("nunique") > 1  # others have nothing beside them
    equal = curves.need(equal[several], "no two objectives are compared at the same sum of learning rates",
                        "Train models of shuffled labels, or name settings in convergence.self_supervised, on the same "
                        "stimuli.")  # fmt: skip
    objective = equal.groupby("group", sort=False)["objective"].first()
    over_time = rows[(rows["quantity"] == "alignment") & rows["group"].isin(objective.index) & (rows["lr_sum"] > 0)]
    over_time = over_time[over_time["depth"] == over_time.groupby("group")["depth"].transform("max")]
    shown = pd.concat([over_time.assign(objective=over_time["group"].map(objective)), equal], ignore_index=True)
    figure = boxes.new_figure(style.PAGE_INCHES, PANEL_INCHES + 0.9 + style.LINE_INCHES * len(objective) / 2)
    left, right = figure.subplots(1, 2, sharey=True)
    looks = curves.group_looks(objective.index)
    looks = {group: look | {"linestyle": OBJECTIVES[objective[group]]} for group, look in looks.items()}
    _draw_over_time(left, shown[shown["quantity"] == "alignment"], sorted(set(equal["lr_sum"])), looks)
    _draw_by_depth(right, equal, looks)
    entries = [curves.entry(look, f"{style.words(group)} ({objective[group]}; "
                            f"{curves.counts(equal[equal['group'] == group])})")
               for group, look in looks.items()]  # fmt: skip
    boxes.legend(figure, {}, curves.INTERVAL, entries)
    scoring = style.metric_words(rows["scoring"].iloc[0])
    titled(figure, [f"{scoring}, {style.words(rows['analysis'].iloc[0])}"])
    return figure, shown


def _objective(group: str, kind: str) -> str:
    """What the models of a group learn from."""
    if group.endswith("_shuffled"):
        return "shuffled labels"
    return "no labels" if kind == "self_supervised" else "labels"


def _draw_over_time(axes: Axes, rows: pd.DataFrame, sums: list[float], looks: dict[str, dict[str, str]]) -> None:
    for group, look in looks.items():
        own = rows[rows["group"] == group].sort_values("lr_sum")
        curves.line(axes, own["lr_sum"], own, look)
    for one in sums:
        axes.axvline(one, color=style.BLACK, linestyle=(0, (1, 2)), linewidth=1)
    boxes.plain_log(axes, "x")
    axes.set(xlabel="sum of learning rates over updates (vertical line: equal)", ylabel="alignment")
    axes.set_title("a  last layer, over training")


def _draw_by_depth(axes: Axes, equal: pd.DataFrame, looks: dict[str, dict[str, str]]) -> None:
    for group, look in looks.items():
        own = equal[equal["group"] == group].sort_values("depth")
        curves.line(axes, own["depth"], own, look)
    curves.depth_axis(axes)
    sums = [f"{one:,.0f}" if one >= 1000 else f"{one:.4g}" for one in sorted(set(equal["lr_sum"]))]
    axes.set_title("b  all layers, at equal sums" + (f" ({', '.join(sums)})" if len(sums) <= 3 else ""))
