"""Alignment by layer against accuracy through training, and within the first epoch: the published Figures 3 and A7.

Of groups with many layers those nearest to depths 0, 1/4, 1/2, 3/4 and 1 are drawn. Language models, which have no
accuracy, stand against their loss.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves, layout
from whyalike.studies.convergence.section import FINAL, START

PERFORMANCE = {"accuracy": "accuracy", "loss": "loss (nats; lower on the right)"}
EARLIEST = 0.6  # share of white in the colour of the first checkpoint
FEWEST = 3  # checkpoints of a line within the first epoch


@curves.of_tables
def draw(time: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group and analysis: a line a layer over accuracy, the earlier a checkpoint the lighter.

    Parameters
    ----------
    time : the table of statistics over time. Checkpoints are the start, ends of epochs and the final one; of a group
        without epochs all.

    Returns
    -------
    the figure, and a row a mark: the row of alignment, with what is known of its models' ``accuracy`` or loss
    (``performance`` names which), ``performance_low``, ``performance_high``.

    Raises
    ------
    NothingToDraw : no group has alignment and accuracy or loss at two checkpoints.
    """
    rows = _alignment(time)
    shown = pd.concat([_with_performance(_ends_of_epochs(own), time) for _, own in rows.groupby("group", sort=False)])
    shown = _followed(shown, 2)
    curves.need(
        shown, "no models have scores and accuracies at two checkpoints", "Name epochs in convergence.checkpoints."
    )
    figure, panels = _panels(shown)
    for (group, analysis), axes in panels.items():
        own = curves.only(shown, group=group, analysis=analysis)
        if own.empty:
            layout.empty(axes, "not scored")
            continue
        for (depth, _), line in own.groupby(["shown_depth", "layer"]):
            _draw_fading(axes, line, curves.depth_look(depth))
        name = own["performance"].iloc[0]
        probe = name == "accuracy" and (own["kind"] == curves.SELF_SUPERVISED).all()
        axes.set_xlabel("accuracy (linear probe)" if probe else PERFORMANCE[name])
        if name == "loss":
            axes.invert_xaxis()
    layout.name_axes(panels, None, "alignment")
    _legend(figure, shown, f"lighter: earlier in training; {curves.INTERVAL}")
    titled(figure, [_said(shown, "start, ends of epochs, final (of models without epochs all checkpoints)")])
    return figure, shown.reset_index(drop=True)


@curves.of_tables
def draw_early(time: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group and analysis: a line a layer over updates, up to the end of the first epoch.

    Parameters
    ----------
    time : as in `draw`.

    Returns
    -------
    the figure, and the rows of alignment that it shows.

    Raises
    ------
    NothingToDraw : no group has a checkpoint between its start and the end of its first epoch.
    """
    rows = _alignment(time)
    early = _followed(rows[(rows["epoch"] <= 1) & rows["step"].notna()], FEWEST)
    curves.need(early, "no models have scores within their first epoch", "Name steps in convergence.checkpoints.")
    figure, panels = _panels(early)
    for (group, analysis), axes in panels.items():
        own = curves.only(early, group=group, analysis=analysis)
        if own.empty:
            layout.empty(axes, "not scored")
            continue
        for (depth, _), line in own.groupby(["shown_depth", "layer"]):
            ordered = line.sort_values("step", kind="stable")  # the last epoch and the end may be one step
            curves.line(axes, ordered["step"], ordered, curves.depth_look(depth))
        curves.update_axis(axes, list(own["step"]), "updates")
        axes.tick_params(axis="x", labelsize=style.SMALL_POINTS)
    layout.name_axes(panels, None, "alignment")
    _legend(figure, early, curves.INTERVAL)
    left = [one for one in dict.fromkeys(rows["group"]) if one not in set(early["group"])]
    beyond = f"; nothing within it of {', '.join(map(style.words, left))}" if left else ""
    titled(figure, [_said(early, f"up to the end of the first epoch{beyond}")])
    return figure, early.reset_index(drop=True)


def _alignment(time: pd.DataFrame) -> pd.DataFrame:
    """The rows of alignment of the layers that are drawn, with the depth that each stands for."""
    rows = curves.of_layers(time, quantity="alignment")
    curves.need(rows, "no alignment over time", "Run the similarity stage again.")
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    return pd.concat(map(curves.at_depths, curves.by(rows, "group").values()))


def _ends_of_epochs(rows: pd.DataFrame) -> pd.DataFrame:
    ends = rows["checkpoint"].str.startswith("epoch")
    return rows[ends | rows["checkpoint"].isin([START, FINAL])] if ends.any() else rows


def _with_performance(rows: pd.DataFrame, time: pd.DataFrame) -> pd.DataFrame:
    """With the accuracy of the same models at the same checkpoint; where there is none, with their loss."""
    of_group = time[(time["group"] == rows["group"].iloc[0]) & time["layer"].isna()]
    name = next((one for one in PERFORMANCE if (of_group["quantity"] == one).any()), None)
    if name is None:
        return rows[:0].assign(performance="", performance_value=np.nan)
    known = of_group.loc[of_group["quantity"] == name, ["analysis", "checkpoint", "value", "ci_low", "ci_high"]]
    known = known.rename(columns={"value": "performance_value", "ci_low": "performance_low",
                                  "ci_high": "performance_high"})  # fmt: skip
    return rows.assign(performance=name).merge(known, on=["analysis", "checkpoint"])


def _followed(rows: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """The rows of groups that have so many checkpoints."""
    return rows[rows.groupby("group")["checkpoint"].transform("nunique") >= fewest]


def _panels(rows: pd.DataFrame) -> tuple[Figure, layout.Cells]:
    return layout.cells(list(dict.fromkeys(rows["group"])), layout.analyses(rows), more=1.3, sharex=False)


def _draw_fading(axes: Axes, line: pd.DataFrame, look: dict[str, str]) -> None:
    """A layer through training, each checkpoint in a darker shade, with its interval."""
    line = line.sort_values("step" if line["step"].notna().all() else "performance_value", kind="stable")
    x, shares = line["performance_value"].to_numpy(float), np.linspace(EARLIEST, 0, len(line))
    colours = [layout.pale(look["color"], share) for share in shares]
    axes.plot(x, line["value"], color=layout.pale(look["color"]), linewidth=0.6, zorder=1)
    many = len(line) > curves.FEW
    if not many:
        axes.vlines(x, line["ci_low"], line["ci_high"], colors=colours, linewidth=0.7, zorder=2)
    else:
        axes.fill_between(x, line["ci_low"], line["ci_high"], color=look["color"], alpha=0.12, linewidth=0, zorder=0)
    axes.scatter(x, line["value"], c=colours, marker=look["marker"], s=3 if many else 11, linewidths=0, zorder=3)


def _legend(figure: Figure, shown: pd.DataFrame, title: str) -> None:
    boxes.legend(figure, {}, title, curves.depth_entries(shown["shown_depth"]))


def _said(rows: pd.DataFrame, what: str) -> str:
    return f"{style.metric_words(rows['scoring'].iloc[0])}; {what}; {curves.counts(rows)}"
