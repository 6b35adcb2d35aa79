"""The look shared by all figures: sizes, type, colours, and words for values.

Colours are the Okabe-Ito set (Okabe and Ito 2008, "Color Universal Design"), told apart with every common colour
blindness; no figure tells two things apart by colour alone (line style or marker differs too). Widths are those of a
two-column page, so that 7 pt in the figure is 7 pt on paper. Figures are made with `matplotlib.figure.Figure`, never
with pyplot: no global state, no display.
"""

import functools
import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from whyalike.figures.registry import FIGURE_WIDTHS
from whyalike.statistics.table import MINUS, with_scorings

COLUMN_INCHES = 3.4  # one column of a two-column page
PAGE_INCHES = 7.0  # both columns
WIDTHS = dict(zip(FIGURE_WIDTHS, (PAGE_INCHES, COLUMN_INCHES), strict=True))  # what an option `width` names
TEXT_POINTS = 7.0  # still easily read on paper
SMALL_POINTS = 6.0  # in panels too narrow for more
LINE_INCHES = 0.13  # of 7 pt type
CHARACTER_INCHES = 0.057  # mean width of a 7 pt character of DejaVu Sans

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE = "#6E6E6E", "#D9D9D9"  # text beside the data; bands
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MARKER_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, GREY, BLACK)
# of classes beyond the eight above: Tol's muted colours (2021, "Colour Schemes"), with a marker each as well
CLASS_COLOURS = ("#332288", "#DDCC77", "#117733", "#CC6677", "#88CCEE", "#882255", "#999933", "#AA4499")

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # shipped with matplotlib: the same glyphs on every machine
    "font.size": TEXT_POINTS,
    "axes.titlesize": TEXT_POINTS,
    "axes.labelsize": TEXT_POINTS,
    "xtick.labelsize": TEXT_POINTS,
    "ytick.labelsize": TEXT_POINTS,
    "legend.fontsize": TEXT_POINTS,
    "figure.titlesize": TEXT_POINTS + 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#EBEBEB",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.4,
    "figure.constrained_layout.h_pad": 0.04,
    "figure.constrained_layout.w_pad": 0.04,
    "svg.fonttype": "path",  # looks alike where DejaVu Sans is missing
    "svg.hashsalt": "whyalike",  # without it the identifiers in an SVG are random
    "pdf.fonttype": 42,  # text stays text
}

METRIC_WORDS = {
    "cka": ("CKA", "linear"),
    "cka_rbf": ("CKA", "RBF"),
    "cka_rbf_unbiased": ("CKA", "RBF, unbiased"),
    "cka_unbiased": ("CKA", "unbiased"),
    "mutual_knn": ("mutual kNN",),
    "cycle_knn": ("cycle kNN",),
    "lcs_knn": ("LCS kNN",),
    "edit_distance_knn": ("edit distance kNN",),
    "cknna": ("CKNNA",),
    "svcca": ("SVCCA",),
    "rsa": ("RSA",),
    "linear": ("linear map",),
    "procrustes": ("Procrustes",),
}  # name, then what stands in brackets behind it; in the order of their rows


def styled(draw: Callable, settings: Mapping[str, Any] = RC | {"text.parse_math": False}) -> Callable:
    """Decorate a function so that it draws with `RC`, and leaves matplotlib's own settings as they were.

    What it writes is text: names of the user may hold dollar signs.
    """

    @functools.wraps(draw)
    def with_style(*args: Any, **kwargs: Any) -> Any:
        with matplotlib.rc_context(settings):
            return draw(*args, **kwargs)

    return with_style


def with_formulas(draw: Callable) -> Callable:
    """As `styled`, for figures that hold no name of the user: formulas between dollar signs are set as such."""
    return styled(draw, RC)


def inches(width: str) -> float:
    """Inches of an option `width`.

    Raises
    ------
    ValueError : it is neither page nor column.
    """
    if width not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(WIDTHS)}; got {width!r}.")
    return WIDTHS[width]


def side_by_side(width: str, panels: int, most: int) -> int:
    """How many panels stand side by side: at most so many on a page, one in a column."""
    return min(panels, most if inches(width) == PAGE_INCHES else 1)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of ``width`` x ``height`` inches whose panels, labels and legends make room for one another."""
    return Figure(figsize=(width, height), layout="constrained")


class NothingToDraw(ValueError):
    """A table is as it should be and has no row of what a figure shows, for want of models, groups or scores."""


@styled
def nothing_drawn(why: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    text = textwrap.fill(f"Nothing to draw: {why}", room(PAGE_INCHES))
    figure = new_figure(PAGE_INCHES, LINE_INCHES * (text.count("\n") + 3))
    figure.suptitle(text, fontsize=TEXT_POINTS)
    return figure


@styled
def mark_partial(figure: Figure, lacking: Sequence[str]) -> None:
    """Say above everything else what a partial result lacks; the figure grows by the lines that this takes."""
    width, height = figure.get_size_inches()
    text = textwrap.fill(f"Partial result: {'; '.join(map(words, lacking))}", room(width))
    figure.set_figheight(height + LINE_INCHES * (text.count("\n") + 2))
    title = "\n".join(part for part in (text, figure.get_suptitle()) if part)
    figure.suptitle(title, color=VERMILLION, fontsize=TEXT_POINTS)


def look_of(place: int) -> dict[str, str]:
    """Colour and marker of one of up to 16 classes: no two have the same colour, and neighbours no marker."""
    colours = (*MARKER_COLOURS, *CLASS_COLOURS)
    shifted = place + place // len(MARKERS)
    return {"color": colours[place % len(colours)], "marker": MARKERS[shifted % len(MARKERS)]}


def natural(name: str) -> list[tuple[int, float, str]]:
    """Sorts names as a reader would: "2" before "10", "class2" before "class10"."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts if part]


def by_rows(entries: Sequence[Any], columns: int) -> list[Any]:
    """Entries in the order in which matplotlib's legend, which fills its columns, shows them row by row."""
    return [one for column in range(columns) for one in entries[column::columns]]


def below(axes: Axes, inches: float) -> dict[str, Any]:
    """Arguments for ``axes.legend`` that hang the legend ``inches`` below the axes, whatever their height."""
    lowered = axes.transAxes + ScaledTranslation(0, -inches, axes.figure.dpi_scale_trans)
    place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": lowered}
    return {**place, "borderaxespad": 0, "borderpad": 0, "labelspacing": 0.3}


def metric_words(metric: str, score_protocol: str | None = None, scores: pd.DataFrame | None = None) -> str:
    """A score's name: ``("cka", "exact")`` is "CKA (linear, exact)"; an unlisted metric keeps its own name.

    With the score table of a figure its numbers stand there too: "mutual kNN (k = 10)".
    """
    name, *details = METRIC_WORDS.get(metric, (words(metric),))
    if scores is not None and "parameters" in scores:
        rows = with_scorings(scores)
        wanted = rows["scoring"] == metric
        if score_protocol is not None:
            wanted &= rows["score_protocol"] == score_protocol
        details = [*details, *_numbers(rows.loc[wanted, "parameters"].dropna())]
    if score_protocol is not None:
        details = [*details, words(score_protocol)]
    return f"{name} ({', '.join(details)})" if details else name


def _numbers(parameters: pd.Series) -> list[str]:
    """The parameters that are numbers, "k = 10", of the first of score tables' JSON; choices stand in the CSV alone."""
    given = json.loads(parameters.iloc[0]) if len(parameters) else {}
    named = ((key, value) for key, value in given.items() if type(value) in (int, float) and key != "eps")
    space = "\N{NO-BREAK SPACE}"  # no line ends beside the sign
    return [f"{words(key)}{space}={space}{value:g}" for key, value in named]


def words(name: str) -> str:
    """A name of the config as words: ``digits_test`` is "digits test"."""
    return name.replace("_", " ")


def number(value: float) -> str:
    """Three decimals and a true minus sign, which a number that rounds to zero does not get."""
    return f"{value:z.3f}".replace("-", MINUS)


def equals(value: float) -> str:
    """What follows the name of an R² or a p value: "= 0.912", or "< 0.001" where three decimals would say nothing."""
    return "< 0.001" if value < 0.001 else f"= {number(value)}"


def room(inches: float, points: float = TEXT_POINTS) -> int:
    """How many characters of type of that size fit into a width."""
    return max(1, int(inches / (CHARACTER_INCHES * points / TEXT_POINTS)))


def packed(details: Sequence[str], characters: int) -> list[str]:
    """Lines that hold as many details as fit, broken between them, and within one only where it is too long."""
    lines: list[str] = []
    for detail in details:
        if lines and len(lines[-1]) + len(detail) + 2 <= characters:
            lines[-1] += f", {detail}"
        else:
            lines += textwrap.wrap(detail, characters)
    return lines


def span(low: float, high: float) -> str:
    """Whole numbers from ``low`` to ``high`` as "128-640" with an en dash, or the one number when both are equal."""
    return f"{low:,.0f}" if low == high else f"{low:,.0f}\N{EN DASH}{high:,.0f}"


def count(low: float, high: float, one: str, many: str) -> str:
    """A count with its noun: "1 class", "2-10 classes"."""
    return f"{span(low, high)} {one if high == 1 else many}"
