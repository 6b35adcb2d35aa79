"""What of the alignment each shift takes, by level and at equal numbers of stimuli, of trained and untrained models."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.data.shifts.registry import CONTROL
from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves
from whyalike.studies.convergence.section import CORRECTED

ACROSS, PANEL_INCHES = 5, 1.25
MANY, ACROSS_OF_MANY = 10, 7  # panels of a group
SHOWN = (0.0, 0.5, 1.0)  # depths: panels are small
FILES = "from files"  # the panel of the shifts that have one level, which are numbered
NAMES = {CONTROL: "c"}  # of levels, others are numbers
QUANTITIES = {"gap": "-", "gap_untrained": ":"}


@curves.of_tables
def draw(shifts: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row of panels a group, a panel a shift: shifted less undistorted alignment by level.

    Parameters
    ----------
    shifts : the table of statistics of shifts.

    Returns
    -------
    the figure, and the rows of the table that it shows.

    Raises
    ------
    NothingToDraw : it holds no gap at single levels.
    """
    rows = curves.of_layers(shifts, analysis=CORRECTED, quantity=QUANTITIES)
    rows = rows[rows["shift"].notna() & rows["level"].notna()]
    curves.need(rows, "no scores under shifts", "Name shifts in convergence.shifts, or stimuli in shifted_stimuli.")
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    shown = pd.concat([curves.at_depths(own, SHOWN) for own in curves.by(rows, "group").values()], ignore_index=True)
    groups, panels = curves.by(shown, "group"), _panels(shown)
    across = ACROSS_OF_MANY if len(panels) > MANY else min(ACROSS, len(panels))
    lines = -(-len(panels) // across)
    figure = boxes.new_figure(style.PAGE_INCHES, len(groups) * (lines * PANEL_INCHES + 0.35) + 1.0)
    low, high = _limits(shown)
    for place, (group, own) in zip(figure.subfigures(len(groups), 1, squeeze=False)[:, 0], groups.items(), strict=True):
        axes = place.subplots(lines, across, squeeze=False, sharey=True)
        _draw_group(place, axes, group, own, panels)
        axes[0, 0].set_ylim(low, high)
    look = {"color": style.GREY, "marker": "o", "markersize": 3.5}
    entries = [*curves.depth_entries(shown["shown_depth"]), (Line2D([], [], **look), "trained"),
               (Line2D([], [], **look, **curves.OPEN, linestyle=":"), "untrained")]  # fmt: skip
    boxes.legend(figure, {}, curves.INTERVAL, entries)
    scoring = style.metric_words(rows["scoring"].iloc[0])
    files = ", ".join(f"{place + 1} {style.words(name)}" for place, (name, _) in enumerate(panels.get(FILES, ())))
    titled(figure, [f"{scoring}, corrected: shifted less undistorted stimuli, equally many of each; layers nearest to "
                    "each depth; c: control, the shift's own version of undistorted stimuli"
                    + (f"; {FILES}: {files}" if files else "")])  # fmt: skip
    return figure, shown


def _limits(shown: pd.DataFrame) -> tuple[float, float]:
    """Of the vertical axes: all values, and intervals as far as half of the values' range beyond them."""
    low, high = min(shown["value"].min(), 0), max(shown["value"].max(), 0)
    room = max(high - low, 0.02)
    ends = shown["ci_low"].min(), shown["ci_high"].max()
    reach = [0.08 * room if pd.isna(one) else min(max(beyond, 0.08 * room), 0.5 * room)
             for one, beyond in zip(ends, (low - ends[0], ends[1] - high), strict=True)]  # fmt: skip
    return low - reach[0], high + reach[1]


def _panels(shown: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Shift -> its levels (shift, level) in the order of the table, the control first; those of files together."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for shift, own in curves.by(shown, "shift").items():
        levels = sorted(dict.fromkeys(own["level"]), key=lambda level: level != CONTROL)
        single = [level for level in levels if level != CONTROL] == ["file"]
        panels.setdefault(FILES if single else shift, []).extend(
            (shift, level) for level in levels if not (single and level == CONTROL)
        )
    if FILES in panels:
        panels[FILES] = panels.pop(FILES)  # at the end
    return panels


def _draw_group(place: Any, axes: Any, group: str, own: pd.DataFrame, panels: dict[str, list[tuple[str, str]]]) -> None:
    place.suptitle(f"{style.words(group)}: {curves.counts(own)}", x=0.01, ha="left", fontsize=style.TEXT_POINTS)
    for one in axes.ravel()[len(panels) :]:
        one.set_axis_off()
    for one, (shift, levels) in zip(axes.ravel(), panels.items(), strict=False):
        _draw_shift(one, own, levels)
        one.set_title(style.words(shift), fontsize=style.SMALL_POINTS)
        numbers = [NAMES.get(level, level.replace("p", ".").removeprefix("0") or "0") for _, level in levels]
        names = [f"{place + 1}" for place in range(len(levels))] if shift == FILES else numbers
        _name_levels(one, names, style.room(style.PAGE_INCHES / axes.shape[1] - 0.25, style.SMALL_POINTS))
    for line in axes:
        line[0].set_ylabel("gap")


def _draw_shift(axes: Axes, own: pd.DataFrame, levels: Sequence[tuple[str, str]]) -> None:
    """A line a depth over the levels, untrained models dotted; points where levels are names."""
    at = pd.Series(range(len(levels)), pd.MultiIndex.from_tuples(levels))
    axes.axhline(0, color=style.BLACK, linewidth=0.6)
    keys = pd.MultiIndex.from_frame(own[["shift", "level"]])
    rows = own.assign(place=at.reindex(keys).to_numpy()).dropna(subset="place").sort_values("place")
    joined = not all(level == "file" for _, level in levels)
    for (depth, _, quantity), of in rows.groupby(["shown_depth", "layer", "quantity"]):
        trained = quantity == "gap"
        look = curves.depth_look(depth) | ({} if trained else curves.OPEN | {"linewidth": 0.9, "markeredgewidth": 0.7})
        aside = 0 if joined else (depth - 0.5) * 0.4 + (0 if trained else 0.1)
        curves.line(axes, of["place"] + aside, of, look, linestyle=QUANTITIES[quantity] if joined else "")


def _name_levels(axes: Axes, names: Sequence[str], room: int) -> None:
    """Names of levels below a panel, as many as fit into so many characters, the first and the last ones always."""
    axes.set_xlim(-0.4, len(names) - 0.6)
    last = len(names) - 1
    fitting = [step for step in range(1, len(names)) if sum(len(one) + 2 for one in names[last::-step]) <= room]
    shown = {0, last} if not fitting else {0, *range(last, fitting[0] // 2, -fitting[0])}
    axes.set_xticks(range(len(names)), [name if place in shown else "" for place, name in enumerate(names)],
                    fontsize=style.SMALL_POINTS)  # fmt: skip
    axes.tick_params(axis="y", labelsize=style.SMALL_POINTS)
