"""Panels of groups in a grid: a group has as many side by side as it has sides, such as two analyses or two layers."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.figures.heatmap import short
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.convergence.section import ANALYSES, CORRECTED, PUBLISHED

ACROSS = 4  # panels of a page
TALL = 9.95  # inches of a figure, at most
PANEL, OF_ONE_LINE = 1.75, 1.4  # inches of a panel, at most; how much more it takes where there is one line of them
NARROW = 5.3  # inches that legends take, at least
WORDS = {CORRECTED: "corrected", PUBLISHED: "as published"}
PALE = 0.55  # share of white in the colour of what stands behind

Cells = dict[tuple[str, str], Axes]


def analyses(table: pd.DataFrame) -> dict[str, str]:
    """The analyses that a table holds, the corrected one first, in words."""
    return {one: WORDS[one] for one in ANALYSES if (table["analysis"] == one).any()}


def cells(
    groups: Sequence[str], sides: Mapping[str, str], more: float = 1.1, panel: float = PANEL, sharex: bool = True,
) -> tuple[Figure, Cells]:  # fmt: skip
    """A figure with a panel a group and side, titled; vertical axes are shared, and horizontal ones by ``sharex``.

    Parameters
    ----------
    groups : names. sides : name -> words.
    more : inches of what stands above and below. panel : inches of a panel with its title, at most.
    """
    blocks = min(len(groups), max(1, ACROSS // len(sides)))
    lines, across = -(-len(groups) // blocks), blocks * len(sides)
    panel = min(panel * (OF_ONE_LINE if lines == 1 else 1), (TALL - more) / lines)
    figure = boxes.new_figure(max(NARROW, min(style.PAGE_INCHES, across * PANEL + 0.5)), lines * panel + more)
    axes = figure.subplots(lines, across, squeeze=False, sharex=sharex, sharey=True)
    found: Cells = {}
    for place, group in enumerate(groups):
        line, block = divmod(place, blocks)
        for at, (side, words) in enumerate(sides.items()):
            own = found[group, side] = axes[line, block * len(sides) + at]
            name = short(style.words(group)) if at == 0 else ""  # may reach over the next panel, whose line is empty
            own.set_title("\n".join([name, words] if len(sides) > 1 else [name]))
    used = set(found.values())
    for column in axes.T:
        for one in column:
            if one not in used:
                one.set_axis_off()
        lowest = [one for one in column if one in used][-1]
        lowest.tick_params(labelbottom=True)
        lowest.set_gid("lowest")
    return figure, found


def name_axes(found: Cells, x: str | None, y: str) -> None:
    """Name the horizontal axis below the lowest panels, unless each has its own, and the vertical one on the left."""
    for one in found.values():
        if x and one.get_gid() == "lowest":
            one.set_xlabel(x)
        if one.get_subplotspec().is_first_col():
            one.set_ylabel(y)


def depth_axes(found: Cells, y: str) -> None:
    """Depth from the first layer to the last in all panels."""
    for one in found.values():
        one.set_xlim(-0.05, 1.05)
        one.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    name_axes(found, "depth", y)


def empty(axes: Axes, why: str) -> None:
    """Say in a panel that it holds nothing, and why."""
    axes.annotate(why, (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=style.GREY,
                  fontsize=style.SMALL_POINTS)  # fmt: skip


def pale(colour: str, share: float = PALE) -> tuple[float, float, float]:
    """A colour with so much white in it.

    Example
    -------
    >>> pale("#000000", 0.5)
    (0.5, 0.5, 0.5)
    """
    red, green, blue = (share + (1 - share) * one for one in to_rgb(colour))
    return red, green, blue


def counted(rows: pd.DataFrame) -> str:
    """Models, pairs, and sets, shifts and stimuli of each analysis, in words."""
    names = {"levels": ("set", "sets"), "sets": ("shift", "shifts"), "models": ("model", "models"),
             "pairs": ("pair", "pairs")}  # fmt: skip

    def told(own: pd.DataFrame, *columns: str) -> list[str]:
        known = {name: own[name].dropna() for name in columns if name in own}
        return [style.count(one.min(), one.max(), *names[name]) for name, one in known.items() if len(one)]

    found = []
    for analysis, words in analyses(rows).items():
        own = rows[rows["analysis"] == analysis]
        n = f"n = {style.span(own['n'].min(), own['n'].max())}"
        found.append(f"{words} {', '.join([*told(own, 'levels', 'sets'), n])}")
    return "; ".join([", ".join(told(rows, "models", "pairs")), *found])
