"""Alignment of every two layers, within and between architectures: the published Figures 2 and A3.

Above a map stands the largest value of each column, on its right that of each row; a dot marks the best match of each
row. Maps of few and of many layers are of one size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.figures.heatmap import short
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import titled
from whyalike.studies.convergence.figures import curves, layout
from whyalike.studies.convergence.section import CORRECTED, PUBLISHED

SHAPE, STRICTER = ("procrustes", "soft_matching"), ("permutation", "soft_matching")
ACROSS, MOST = 6, 18  # maps side by side; pairs of groups of a page
MAP, TALL = 1.16, 1.36  # inches across and down of a map with what stands about it
TINY = 5.0  # points, of the ends of axes
BESIDE = 0.22  # of a map's side: the lines of largest values
LARGEST = {CORRECTED: {"color": style.BLACK, "linestyle": "-"}, PUBLISHED: {"color": style.GREY, "linestyle": ":"}}
CELL = ["group_a", "group_b", "analysis", "scoring", "metric"]
OF_LAYERS = [f"{name}_{side}" for side in "ab" for name in ("layer", "index", "depth")]


@curves.of_tables
def draw(layer_scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw maps of Procrustes and soft matching of each two groups.

    Parameters
    ----------
    layer_scores : scores of all layers of a group against all of another, or of its own.

    Returns
    -------
    the figure, and a row a cell with its mean over pairs of models, of all analyses and of groups beyond the page too:
    group_a, group_b, analysis, scoring, metric, layer_a, index_a, depth_a, layer_b, index_b, depth_b, value, pairs, n,
    best_of_a, best_of_b (whether it is the largest of its row, of its column), drawn.

    Raises
    ------
    NothingToDraw : neither metric is scored.
    """
    return drawn(layer_scores, SHAPE)


@curves.of_tables
def draw_stricter(layer_scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """As `draw`, of permutation, which needs layers of equal width, and soft matching.

    Raises
    ------
    NothingToDraw : neither is scored.
    """
    return drawn(layer_scores, STRICTER)


def drawn(layer_scores: pd.DataFrame, metrics: Sequence[str]) -> tuple[Figure, pd.DataFrame]:
    """The figure of some metrics, a map each of every two groups, and its numbers."""
    rows = layer_scores[layer_scores["metric"].isin(metrics)]
    names = " or ".join(map(style.metric_words, metrics))
    curves.need(rows, f"no layers are compared by {names}", "Name one in convergence.metrics.")
    means = _means(rows)
    analysis = curves.analysis_of(means)
    sides = {one: next(iter(own["scoring"])) for one in metrics
             if len(own := curves.only(means, metric=one, analysis=analysis))}  # fmt: skip
    every = _in_order(means)
    shown = every[:MOST]
    means["drawn"] = [one in shown for one in zip(means["group_a"], means["group_b"], strict=True)]
    blocks = min(len(shown), ACROSS // 2)
    lines = -(-len(shown) // blocks)
    width = min(style.PAGE_INCHES, max(blocks * 2 * MAP + 0.3, style.COLUMN_INCHES))
    figure = boxes.new_figure(width, lines * TALL + 1.6)
    axes = figure.subplots(lines, blocks * len(sides), squeeze=False)
    kept = means[means["drawn"]]
    # towards 0 rather than the smallest value: pale maps of alike layers and dark ones look as far apart as they are
    scale = Normalize(min(0.0, np.floor(10 * kept["value"].min()) / 10), 1.0)
    layers = {one: 1 + int(own[f"index_{side}"].max()) for side in "ab"
              for one, own in layer_scores.groupby(f"group_{side}")}  # fmt: skip
    image = None
    for place, (a, b) in enumerate(shown):
        of_pair = curves.only(kept, group_a=a, group_b=b)
        for at, scoring in enumerate(sides.values()):
            own_axes = axes[place // blocks, place % blocks * len(sides) + at]
            one = Map(own_axes, scale, (layers[a], layers[b]), _pair_words(a, b) if at == 0 else "")
            image = one.draw(curves.only(of_pair, scoring=scoring), analysis, scoring) or image
    for one in axes.ravel()[len(shown) * len(sides) :]:
        one.set_axis_off()
    figure.colorbar(image, ax=list(axes.ravel()), location="bottom", aspect=50, shrink=0.5, pad=0.02,
                    label=f"alignment, {layout.WORDS[analysis]}; grey: no score")  # fmt: skip
    _legend(figure, kept)
    titled(figure, _said(rows, len(every) - len(shown)))
    return figure, means


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over pairs of models, and which are the largest of a row and of a column."""
    found = rows.groupby([*CELL, *OF_LAYERS], sort=False)
    means = found.agg(value=("value", "mean"), pairs=("value", "size"), n=("n", "min")).reset_index()
    for side in "ab":
        largest = means.groupby([*CELL, f"index_{side}"])["value"].transform("max")
        means[f"best_of_{side}"] = means["value"] == largest
    return means


def _in_order(means: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of groups: each group with itself and with others by turns, so that a full page has both."""
    every = list(dict.fromkeys(zip(means["group_a"], means["group_b"], strict=True)))
    within = [one for one in every if one[0] == one[1]]
    between = [one for one in every if one[0] != one[1]]
    first = within[: max(MOST // 2, MOST - len(between))]
    return [*first, *between, *within[len(first) :]]


@dataclass(frozen=True)
class Map:
    """A map; ``layers`` in rows and in columns; its ``title`` may reach over the next map."""

    axes: Axes
    scale: Normalize
    layers: tuple[int, int]
    title: str

    def draw(self, rows: pd.DataFrame, analysis: str, scoring: str):
        """Draw it with its lines of largest values; its image, or None where nothing is scored."""
        own = curves.only(rows, analysis=analysis)
        above = self.axes.inset_axes([0, 1.05, 1, BESIDE], sharex=self.axes)
        above.set_title(" ", fontsize=style.SMALL_POINTS)  # keeps the room; names would push the maps apart
        above.annotate(self.title, (0, 1), xytext=(0, 5), xycoords="axes fraction", textcoords="offset points",
                       fontsize=style.SMALL_POINTS, in_layout=False)  # fmt: skip
        self.axes.set_box_aspect(1)
        self.axes.grid(visible=False)
        self.axes.set_xlabel(style.metric_words(scoring), fontsize=style.SMALL_POINTS, labelpad=1)
        if own.empty:
            above.tick_params(left=False, labelleft=False, bottom=False, labelbottom=False)
            above.spines[:].set_visible(False)
            self.axes.set(xticks=[], yticks=[])
            self.axes.spines[:].set_visible(False)
            layout.empty(self.axes, "widths differ" if scoring == "permutation" else "not scored")
            return None
        image = self._cells(own)
        self._largest(rows, above)
        return image

    def _cells(self, own: pd.DataFrame):
        shape = self.layers
        values = np.full(shape, np.nan)
        values[own["index_a"], own["index_b"]] = own["value"]
        self.axes.set_facecolor(style.PALE)
        image = self.axes.imshow(np.ma.masked_invalid(values), origin="lower", aspect="auto", interpolation="none",
                                 extent=(0.5, shape[1] + 0.5, 0.5, shape[0] + 0.5), norm=self.scale)  # fmt: skip
        best = own[own["best_of_a"]]
        size = max(0.8, min(2.5, 22 / max(shape)))
        self.axes.plot(best["index_b"] + 1, best["index_a"] + 1, linestyle="", marker="o", markersize=size,
                       markerfacecolor="white", markeredgecolor="black", markeredgewidth=size / 8)  # fmt: skip
        self.axes.set(xlim=(0.5, shape[1] + 0.5), ylim=(0.5, shape[0] + 0.5))
        for axis, count in ((self.axes.xaxis, shape[1]), (self.axes.yaxis, shape[0])):
            axis.set_ticks(sorted({1, count}))
        self.axes.tick_params(labelsize=TINY, length=1.5, pad=1)
        return image

    def _largest(self, rows: pd.DataFrame, above: Axes) -> None:
        """The largest value of each column above the map, of each row on its right, of both analyses."""
        right = self.axes.inset_axes([1.05, 0, BESIDE, 1], sharey=self.axes)
        for analysis, look in LARGEST.items():
            own = curves.only(rows, analysis=analysis)
            columns, lines = (own[own[f"best_of_{side}"]].sort_values(f"index_{side}") for side in "ba")
            marker = {"marker": "."} if len(columns) == 1 or len(lines) == 1 else {}
            above.plot(columns["index_b"] + 1, columns["value"], linewidth=0.8, **look, **marker)
            right.plot(lines["value"], lines["index_a"] + 1, linewidth=0.8, **look, **marker)
        limits = (self.scale.vmin, 1.02)
        above.set(ylim=limits, yticks=[0, 1])
        right.set(xlim=limits, xticks=[0, 1])
        right.xaxis.tick_top()
        for one in (above, right):
            one.tick_params(labelsize=TINY, length=1, pad=1)
            one.grid(visible=True, axis="both")
        above.tick_params(axis="x", length=0, labelbottom=False)
        right.tick_params(axis="y", length=0, labelleft=False)
        right.spines["bottom"].set_visible(False)
        right.spines["top"].set_visible(True)


def _pair_words(a: str, b: str) -> str:
    """Names of two groups as they fit above a pair of maps."""
    if a == b:
        return short(style.words(a))
    most = style.room(2 * MAP, style.SMALL_POINTS) // 2 - 2
    return " × ".join(name if len(name) <= most else f"{name[: most - 1]}…" for name in map(style.words, (a, b)))


def _legend(figure: Figure, kept: pd.DataFrame) -> None:
    marks = [
        (Line2D([], [], linewidth=0.8, **LARGEST[one]), f"largest of a column (above), of a row (right), {words}")
        for one, words in layout.analyses(kept).items()
    ]
    dot = Line2D([], [], linestyle="", marker="o", markersize=3, color="black", markerfacecolor="white")
    marks.append((dot, "best match of a layer in rows"))
    boxes.legend(figure, {}, "", marks)


def _said(rows: pd.DataFrame, more: int) -> list[str]:
    pairs = rows.groupby([*CELL, *OF_LAYERS[::3]], sort=False).size()
    averaged = f"mean of {style.count(pairs.min(), pairs.max(), 'pair', 'pairs')} of models"
    beyond = f"; {style.count(more, more, 'more pair', 'more pairs')} of groups in the CSV alone" if more else ""
    n = style.span(rows["n"].min(), rows["n"].max())
    return [f"first group in rows, second in columns, layers in order of execution; {averaged}, n = {n}{beyond}"]
