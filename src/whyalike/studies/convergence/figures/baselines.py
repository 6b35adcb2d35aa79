"""What of the alignment is there without training, in the input, and beyond the input, by depth."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves
from whyalike.studies.convergence.section import CORRECTED, FINAL, PUBLISHED

ACROSS, PANEL_INCHES = 3, 1.75
# words, look; table, analysis and quantity of its rows; whether it has the figure's scoring, or is linear always
LINES = {
    "trained": ("trained", {"color": style.BLUE, "marker": "o"}),
    "partial": ("trained, less what the input explains", {"color": style.SKY, "marker": "D", "linestyle": "-."}),
    "untrained": (
        "untrained, corrected (BatchNorm recalibrated)",
        {"color": style.GREEN, "marker": "^", "linestyle": "--"},
    ),
    "untrained_running": (
        "untrained, as published (running BatchNorm)",
        {"color": style.ORANGE, "marker": "v", "linestyle": ":"},
    ),
    "input": ("input to layer, linear", {"color": style.GREY, "marker": "P", "linestyle": (0, (4, 1, 1, 1, 1, 1))}),
}


@curves.of_tables
def draw(depth: pd.DataFrame, baselines: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel a group.

    Parameters
    ----------
    depth : the table of statistics by depth. baselines : that of what the input explains.

    Returns
    -------
    the figure, and the rows of the tables that it shows, with a column ``line``.

    Raises
    ------
    NothingToDraw : no group has final scores.
    """
    main = curves.of_layers(depth, quantity=("final", "start"))
    analysis = curves.analysis_of(depth)
    scoring = curves.main_scoring(main[main["analysis"] == analysis])
    main = main[main["scoring"] == scoring]
    explained = curves.of_layers(baselines, analysis=analysis)
    own = explained[explained["checkpoint"].isna() | (explained["checkpoint"] == FINAL)]
    found = {
        "trained": curves.only(main, analysis=analysis, quantity="final"),
        "partial": curves.only(own, quantity="partial", scoring=scoring),
        "untrained": curves.only(main, analysis=CORRECTED, quantity="start"),
        "untrained_running": curves.only(main, analysis=PUBLISHED, quantity="start"),
        "input": curves.only(own, quantity="input"),
    }
    curves.need(found["trained"], "no scores of trained models", "Run the similarity stage again.")
    shown = pd.concat([rows.assign(line=name) for name, rows in found.items()], ignore_index=True)
    groups = curves.by(shown, "group")
    across = min(ACROSS, len(groups))
    lines = -(-len(groups) // across)
    figure = boxes.new_figure(style.PAGE_INCHES if across > 1 else style.COLUMN_INCHES + 1, lines * PANEL_INCHES + 1.1)
    axes = figure.subplots(lines, across, squeeze=False, sharey=True).ravel()
    for one in axes[len(groups) :]:
        one.set_axis_off()
    for one, (group, rows) in zip(axes, groups.items(), strict=False):
        _draw_group(one, group, rows)
    for one in axes[::across]:
        one.set_ylabel("alignment")
    known = [name for name in LINES if (shown["line"] == name).any()]
    boxes.legend(figure, {}, curves.INTERVAL,
                 [curves.entry(LINES[name][1], LINES[name][0]) for name in known])  # fmt: skip
    components = own["components"].dropna()
    parts = f"; input: up to {int(components.max())} principal components of its pixels" if len(components) else ""
    titled(figure, [f"{style.metric_words(scoring)}, {style.words(analysis)} unless said{parts}"])
    return figure, shown


def _draw_group(axes: Axes, group: str, rows: pd.DataFrame) -> None:
    for name, (_, look) in LINES.items():
        own = rows[rows["line"] == name].sort_values("depth")
        for _, of in own.groupby("checkpoint", dropna=False) if name == "input" else [(None, own)]:
            curves.line(axes, of["depth"], of, look)
    curves.depth_axis(axes)
    said = style.packed([style.words(group), curves.counts(rows[rows["line"] == "trained"])], style.room(2.1))
    axes.set_title("\n".join(said))
