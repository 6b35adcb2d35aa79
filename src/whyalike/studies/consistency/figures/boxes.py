"""Marks that several figures of the study draw, and the numbers of them: lying boxes with their points, strips."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cbook import boxplot_stats
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from whyalike.figures import style
from whyalike.figures.saving import PNG_DPI

PAD = 0.085 * 72  # points for each inch of a matrix that a strip takes beside it
FEWEST_FOR_A_BOX = 3  # fewer points have no quartiles to speak of
WIDE = 100  # an axis that reaches over more has names at powers of ten alone
MANY = 1000  # points of a panel: more are drawn as an image, or the file of lines takes megabytes
_GOLDEN = (5**0.5 - 1) / 2  # multiples of it, modulo 1, spread any number of points evenly


def new_figure(width: float, height: float) -> Figure:
    """As `style.new_figure`, laid out at the resolution of files: small type is narrower at 100 dpi, names were cut."""
    figure = style.new_figure(width, height)
    figure.set_dpi(PNG_DPI)
    return figure


def lying_box(
    axes: Axes, place: float, values: np.ndarray, look: dict[str, str], height: float = 0.7
) -> dict[str, float]:
    """The points of ``values`` at a place of the vertical axis, and their box (whiskers to 1.5 of its width).

    Returns
    -------
    n, median, q1, q3, whisker_low, whisker_high; NaN where there are too few points.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    names = {"median": "med", "q1": "q1", "q3": "q3", "whisker_low": "whislo", "whisker_high": "whishi"}
    if not len(values):
        return {"n": 0, **dict.fromkeys(names, np.nan)}
    sideways = (np.arange(len(values)) * _GOLDEN % 1 - 0.5) * height * 0.8
    size = 6 if len(values) <= 50 else 2.5
    axes.scatter(
        values, place + sideways, s=size, alpha=0.45, linewidths=0, zorder=2, rasterized=len(values) > 100, **look
    )
    [box] = boxplot_stats(values)
    line = {"color": style.BLACK, "linewidth": 0.7}
    if len(values) >= FEWEST_FOR_A_BOX:
        axes.bxp(
            [box], positions=[place], widths=height, orientation="horizontal", showfliers=False, manage_ticks=False,
            patch_artist=True, boxprops={"facecolor": "none", "edgecolor": style.BLACK, "linewidth": 0.7},
            medianprops={**line, "linewidth": 1.4}, whiskerprops=line, capprops=line, zorder=3,
        )  # fmt: skip
    return {"n": len(values), **{name: float(box[key]) for name, key in names.items()}}


def points(axes: Axes, x: np.ndarray, y: np.ndarray, look: dict[str, str], size: float | None = None) -> None:
    """Points, smaller and paler where they are many."""
    few = len(x) <= 200
    size = size or (8 if few else 4 if len(x) <= MANY else 3)
    axes.scatter(x, y, s=size, alpha=0.7 if few else 0.4, linewidths=0, zorder=2, rasterized=len(x) > MANY, **look)


def strip(axes: Axes, groups: Sequence[str | None], looks: dict[str, dict[str, str]]) -> None:
    """The groups of the rows of a matrix as a column of colours on its left; white where a model has none."""
    beside = axes.inset_axes([-0.075, 0, 0.05, 1])
    colours = [to_rgb(looks[one]["color"]) if one in looks else (1, 1, 1) for one in groups]
    beside.imshow(np.array(colours)[:, None], aspect="auto", interpolation="none")
    beside.set_axis_off()


def inches_of_names(names: Sequence[str]) -> float:
    """What names of rows take on the left of matrices, with the strip."""
    return max(map(len, names)) * style.CHARACTER_INCHES * style.SMALL_POINTS / style.TEXT_POINTS + 0.4


def matrix(axes: Axes, values: np.ndarray, **look: Any):
    """A matrix of colours; grey where it has no number."""
    axes.set_facecolor(style.PALE)
    image = axes.imshow(np.ma.masked_invalid(values), interpolation="none", **look)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    return image


def plain_log(axes: Axes, *names: str) -> None:
    """Logarithmic "x", "y" with plain numbers at powers and, where they fit, 2 and 5 times them.

    Text is no formula in these figures, and matplotlib's own labels of such axes are: some were shown as their code.
    """
    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis = getattr(axes, f"{name}axis")
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(functools.partial(_plain, axis))
        axis.set_minor_locator(NullLocator())


def _plain(axis: Axis, value: float, _: int) -> str:
    low, high = axis.get_view_interval()
    first = np.format_float_scientific(value, precision=0, trim="-")[0]
    named = first == "1" or high < low * WIDE
    return np.format_float_positional(value, precision=1, fractional=False, trim="-") if named else ""


def upright_grid(*every: Axes) -> None:
    """Lines at the values of the horizontal axis alone: rows are named."""
    for axes in every:
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")


def legend(
    figure: Figure, looks: dict[str, dict[str, str]], title: str, more: Sequence[tuple[Any, str]] = (),
    patches: bool = False,
) -> None:  # fmt: skip
    """The groups and what else is marked, below the figure."""
    handles = [
        Patch(facecolor=look["color"]) if patches else Line2D([], [], linestyle="", markersize=4, **look)
        for look in looks.values()
    ]
    labels = [style.words(name) for name in looks]
    handles, labels = [*handles, *(one for one, _ in more)], [*labels, *(words for _, words in more)]
    if not handles:
        return
    wide = max(map(len, labels)) * style.CHARACTER_INCHES + 0.45
    columns = max(1, min(len(labels), int((figure.get_figwidth() - 0.3) / wide)))
    handles, labels = style.by_rows(handles, columns), style.by_rows(labels, columns)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, title=title)
