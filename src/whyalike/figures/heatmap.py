"""Scores of single pairs as a table of colours: models x models, or layers x layers of a comparison of several layers,
or representations x representations, a model at a layer and step each, of all pairs of these.

Models stand in the order of a hierarchical clustering (average linkage, leaves ordered so that neighbours are alike) if
every two of them are scored; layers, and models of which a pair is missing, stand in the order of the configuration.
A cell carries a cross where the score is not beyond the end of its null, and a ring where it is not beyond that of its
untrained pair; of layers, means over the pairs are set against each other. Below a score stands its interval over
stimuli, where all of them fit into their cells. Colours are viridis, which rises in lightness alone too; bright is
alike.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are used: `scipy.cluster` takes a while
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from whyalike.figures import style
from whyalike.similarity.all_pairs_parameters import ALL
from whyalike.similarity.layers import LayerScores
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring
from whyalike.statistics.pair_findings import beyond
from whyalike.statistics.panels import sign_of_closer
from whyalike.statistics.representations import named
from whyalike.statistics.table import MINUS, kind_words, panel_words, with_scorings

LARGE = 14  # columns: more than this take a whole page's width
TALLEST = 6.0  # inches of a panel's cells: a page of text is some 9 inches tall
LONGEST_OF_COLUMN = 1.0  # inches of names: longer ones take it too
LARGEST_CELL = 0.5  # inches
WITH_INTERVAL = 0.6  # inches of a cell with an interval, of a cell of twelve characters, at most
LONGEST = 28  # characters of a name that are drawn; the numbers hold all of it
FEWEST_TO_CLUSTER = 3
_CELL = ["value", "ci_low", "ci_high", "null_mean", "null_p95", "untrained", "p_value", "n"]
_OF = ["comparison", "stimuli", "stimuli_kind", "step_a", "step_b"]
_COLUMNS = ["panel", *_OF, "layer_a", "layer_b", "a", "b", "pairs", *_CELL, "beyond_null", "beyond_untrained"]


@dataclass(frozen=True)
class Matrix:
    """One panel: ``cells`` has a row a pair (of models or layers), its names ``a`` and ``b`` and the columns of a cell.

    ``rows`` and ``columns`` are the names in the order in which they are drawn, ``order`` says in words which that is;
    ``mirrored`` if each cell stands on both sides of the diagonal; ``key`` and ``facts`` say what is compared.
    """

    key: dict[str, Any]
    facts: list[str]
    cells: pd.DataFrame
    rows: list[str]
    columns: list[str]
    order: str
    mirrored: bool
    title: str = ""

    def values(self, column: str = "value") -> np.ndarray:
        """One column of the cells as a table of rows x columns, NaN where there is none."""
        found = np.full((len(self.rows), len(self.columns)), np.nan)
        for a, b, value in self.cells[["a", "b", column]].itertuples(index=False):
            found[self.rows.index(a), self.columns.index(b)] = value
            if self.mirrored:
                found[self.rows.index(b), self.columns.index(a)] = value
        return found

    def intervals(self) -> np.ndarray:
        """The intervals of the cells as they are written, rows x columns; empty where there is none."""
        low, high = self.values("ci_low"), self.values("ci_high")
        text = [f"[{_brief(one)}, {_brief(other)}]" for one, other in zip(low.flat, high.flat, strict=True)]
        return np.where(np.isnan(low), "", np.array(text).reshape(low.shape))

    @property
    def largest_cell(self) -> float:
        """Inches of a cell, at most."""
        return WITH_INTERVAL if self.cells["ci_low"].notna().any() else LARGEST_CELL


@style.styled
def draw(
    pairs: pd.DataFrame,
    *,
    metric: str = "cka",
    score_protocol: str = "exact",
    comparison: str | None = None,
    stimuli: str | None = None,
    width: str = "page",
) -> tuple[Figure, pd.DataFrame]:
    """Draw the scores of one study's pairs under one metric, a panel for each comparison, stimulus set and layer.

    Parameters
    ----------
    pairs : pair tables of the study.
    metric, score_protocol : which scores.
    comparison, stimuli : the ones to show; all if left out.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure, and its numbers: a row a cell, with the letter of its panel.

    Raises
    ------
    ValueError : no such score is in the table.
    """
    wanted = {"scoring": metric, "score_protocol": score_protocol, "comparison": comparison, "stimuli": stimuli}
    rows = pairs = with_scorings(pairs)
    for name, value in wanted.items():
        rows = rows if value is None else rows[rows[name] == value]
    if rows.empty:
        held = pairs[["scoring", "score_protocol", "comparison", "stimuli"]].drop_duplicates()
        there = "; ".join(", ".join(one) for one in held.itertuples(index=False)) or "nothing"
        asked = ", ".join(value for value in wanted.values() if value is not None)
        raise ValueError(f"no score of {asked} is here to draw: the table holds {there}. Change the options.")
    measured = rows["metric"].iloc[0]
    return drawn(list(_matrices(rows, measured)), measured, style.metric_words(metric, score_protocol, rows), width)


@style.styled
def draw_layers(found: LayerScores, a: str, b: str, width: str = "page") -> tuple[Figure, pd.DataFrame]:
    """Draw the scores of all pairs of layers of two models, marked where they are not beyond chance for the best pair.

    Parameters
    ----------
    found : what `whyalike.similarity.layers.layers` gives.
    a, b : names of the models; layers of A stand in rows.
    width : as in `draw`.
    """
    names = [list(dict.fromkeys(found.table[side])) for side in ("layer_a", "layer_b")]
    of_best = {"null_mean": found.null_mean, "null_p95": found.null_end, "n": found.n, "pairs": 1}
    cells = found.table.dropna(subset="value").rename(columns={"layer_a": "a", "layer_b": "b"}).assign(**of_best)
    cells = cells.assign(p_value=cells["p_corrected"], ci_low=np.nan, ci_high=np.nan, untrained=np.nan)
    facts = [
        f"n = {found.n}",
        f"most alike: {found.layer_a} x {found.layer_b}",
        f"p = {found.p_value:.3g} for the best of {len(cells)}",
    ]
    key = dict.fromkeys([*_OF, "layer_a", "layer_b"]) | {"comparison": f"{a} x {b}"}
    matrix = Matrix(key, facts, cells, *names, "layers as given", False, f"{a} x {b}")
    return drawn([matrix], found.scoring.metric, label_of(found.scoring), width, "the best's null", untrained=False)


def label_of(chosen: Scoring) -> str:
    """A scoring in words, its numbers among them."""
    parameters = pd.DataFrame([{"scoring": chosen.name, "metric": chosen.metric, "score_protocol": chosen.protocol,
                                "parameters": chosen.parameters_text}])  # fmt: skip
    return style.metric_words(chosen.name, chosen.protocol, parameters)


def _matrices(rows: pd.DataFrame, metric: str) -> Iterator[Matrix]:
    of_all = rows.get("condition", pd.Series("", rows.index)) == ALL
    yield from _of_pairs(rows[~of_all], metric)
    for values, group in rows[of_all].groupby(_OF[:3], sort=False):
        yield _of_representations(dict(zip(_OF[:3], values, strict=True)), group, metric)


def _of_representations(key: dict[str, Any], rows: pd.DataFrame, metric: str) -> Matrix:
    """Representations x representations: every model at every layer and step."""
    a, b = named(rows)
    cells = rows.assign(a=a, b=b, pairs=1)
    every = list(dict.fromkeys([*a, *b]))
    facts = [kind_words(key["stimuli_kind"]), f"n = {style.span(rows['n'].min(), rows['n'].max())}",
             style.count(len(every), len(every), "representation", "representations")]  # fmt: skip
    one = Matrix(key, facts, cells, every, every, "as configured", METRICS[metric].facts.symmetric)
    found = clustered(one, metric)
    return replace(found, order=found.order.removeprefix("models "))


def _of_pairs(rows: pd.DataFrame, metric: str) -> Iterator[Matrix]:
    for values, group in rows.groupby(_OF, sort=False, dropna=False):
        key = dict(zip(_OF, values, strict=True))
        layers = group[["layer_a", "layer_b"]].drop_duplicates()
        own = (group["comparison"] == group["setting"]).all()
        if len(layers) > 1 and not own:
            yield _of_layers(key, group)
        else:
            for (layer_a, layer_b), one in group.groupby(["layer_a", "layer_b"], sort=False):
                yield _of_models(key | {"layer_a": layer_a, "layer_b": layer_b}, one, metric)


def _of_layers(key: dict[str, Any], rows: pd.DataFrame) -> Matrix:
    """Layers of A x layers of B: the mean over pairs."""
    groups = rows.groupby(["layer_a", "layer_b"], sort=False)
    cells = groups[_CELL].mean().assign(ci_low=np.nan, ci_high=np.nan, p_value=np.nan, pairs=groups.size())
    cells = cells.reset_index().assign(a=lambda table: table["layer_a"], b=lambda table: table["layer_b"])
    facts = [*_said(key, rows), f"mean of {style.count(*[len(rows) // len(cells)] * 2, 'pair', 'pairs')}"]
    rows_of, columns = (list(dict.fromkeys(rows[name])) for name in ("layer_a", "layer_b"))
    return Matrix(key, facts, cells, rows_of, columns, "layers as configured", False)


def _of_models(key: dict[str, Any], rows: pd.DataFrame, metric: str) -> Matrix:
    """Models x models, of one setting or of one in rows and another in columns."""
    cells = rows.assign(a=rows["name_a"], b=rows["name_b"], pairs=1)
    layers = " x ".join(dict.fromkeys((key["layer_a"], key["layer_b"])))
    shown = [] if layers == "max" else [f"layer {layers}"]
    if rows["setting_b"].notna().any():
        names = [list(dict.fromkeys(cells[side])) for side in "ab"]
        return Matrix(key, [*shown, *_said(key, rows)], cells, *names, "models as configured", False)
    models = list(dict.fromkeys([*cells["a"], *cells["b"]]))
    facts = [*shown, *_said(key, rows), style.count(len(models), len(models), "model", "models")]
    symmetric = METRICS[metric].facts.symmetric
    return clustered(Matrix(key, facts, cells, models, models, "models as configured", symmetric), metric)


def clustered(given: Matrix, metric: str) -> Matrix:
    """Models x models with those that are alike beside each other; as given where the clustering is not possible."""
    order = _leaves(given.values(), sign_of_closer(metric)) if given.mirrored else None
    if order is None:
        return given
    models = [given.rows[i] for i in order]
    return replace(given, rows=models, columns=models, order="models clustered, average linkage")


def _said(key: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    """What holds of all scores of a panel: its settings if two, steps that are not the final one, stimuli."""
    steps = [None if pd.isna(key[name]) else int(key[name]) for name in ("step_a", "step_b")]
    ends = list(dict.fromkeys("final" if step is None else f"step {step}" for step in steps))
    words = [] if ends == ["final"] else [" vs ".join(ends)]
    if rows["setting_b"].notna().all():
        words = [f"rows {rows['setting'].iloc[0]}", f"columns {rows['setting_b'].iloc[0]}", *words]
    return [*words, kind_words(key["stimuli_kind"]), f"n = {style.span(rows['n'].min(), rows['n'].max())}"]


def _leaves(values: np.ndarray, sign: int) -> np.ndarray | None:
    """The order of the leaves of average linkage; None for fewer than three models, or where a pair is missing."""
    upper = values[np.triu_indices(len(values), 1)]
    if len(values) < FEWEST_TO_CLUSTER or np.isnan(upper).any():
        return None
    distances = (sign * upper).max() - sign * upper
    linkage = scipy.cluster.hierarchy.linkage(distances, "average", optimal_ordering=True)
    return scipy.cluster.hierarchy.leaves_list(linkage)


def drawn(
    matrices: Sequence[Matrix], metric: str, label: str, width: str, null: str = "its null", untrained: bool = True
) -> tuple[Figure, pd.DataFrame]:
    """The figure of panels of one metric, ``label`` in words, and its numbers.

    Parameters
    ----------
    null : whose end a score is set against, in words.
    untrained : whether scores could have an untrained pair: then it is said where none is known.
    """
    most = max(len(one.columns) for one in matrices)
    columns = style.side_by_side(width, len(matrices), 2 if most <= LARGE else 1)
    labels, below = (_inches_of_names(matrices, side) for side in ("rows", "columns"))
    small = width == "column" or (len(matrices) == 1 and most <= LARGE and labels <= LONGEST_OF_COLUMN)
    wide = style.COLUMN_INCHES if small else style.PAGE_INCHES
    room = wide / columns - labels - 0.3  # inches of a panel's cells across, at most
    grid = [matrices[i : i + columns] for i in range(0, len(matrices), columns)]
    cells = [[min(room / len(one.columns), TALLEST / len(one.rows), one.largest_cell) for one in row] for row in grid]
    tall = sum(max(cell * len(one.rows) for cell, one in zip(of_row, row, strict=True))
               for of_row, row in zip(cells, grid, strict=True))  # fmt: skip
    figure = style.new_figure(wide, tall + len(grid) * (below + 5 * style.LINE_INCHES) + 1.1)
    figure.get_layout_engine().set(w_pad=0.08)
    all_axes = figure.subplots(len(grid), columns, squeeze=False)
    every = pd.concat([one.cells for one in matrices])
    ends = every[["value", "null_mean", "untrained"]].astype(float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    colours = Normalize(low, high if high > low else low + 1)
    numbers, meshes, fitting = [], [], []
    for place, axes in enumerate(all_axes.ravel()):
        if place >= len(matrices):
            axes.set_axis_off()
            continue
        one = matrices[place]
        letter = chr(ord("a") + place) if len(matrices) <= 26 else str(place + 1)
        cell = cells[place // columns][place % columns]
        fitting.append(style.room(cell, style.SMALL_POINTS) >= max(map(len, one.intervals().flat)))
        meshes.append(_panel(axes, one, colours, metric, cell, fitting[-1]))
        name = one.title or panel_words(one.key["comparison"], one.key["stimuli"])
        facts = style.packed([*one.facts, one.order], style.room(wide / columns - labels))
        axes.set_title("\n".join([f"{letter}  {name}" if len(matrices) > 1 else name, *facts]), linespacing=1.25)
        numbers.append(_marked(one.cells, metric).assign(panel=letter, **one.key))
    bar = figure.colorbar(meshes[0], ax=list(all_axes.ravel()), location="bottom", aspect=30, shrink=0.8, pad=0.03,
                          panchor=False)  # fmt: skip
    bar.set_label(f"{label}; bright is alike")
    bar.ax.tick_params(labelsize=style.SMALL_POINTS)
    _legend(figure, bar.ax, every, metric, null, all(fitting), untrained)
    return figure, pd.concat(numbers).reindex(columns=_COLUMNS)


def _inches_of_names(matrices: Sequence[Matrix], side: str) -> float:
    """Inches of the longest name of the rows, or of the columns."""
    longest = max(len(short(name)) for one in matrices for name in getattr(one, side))
    return longest * style.CHARACTER_INCHES * style.SMALL_POINTS / style.TEXT_POINTS


def _panel(axes: Axes, one: Matrix, colours: Normalize, metric: str, cell: float, with_intervals: bool) -> Any:
    """Cells of ``cell`` inches with their numbers where there is room, and their marks."""
    values, intervals = one.values(), one.intervals()
    axes.set_facecolor(style.PALE)
    palette = "viridis" if sign_of_closer(metric) > 0 else "viridis_r"
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), norm=colours, cmap=palette, edgecolors="white", linewidth=0.4)
    axes.set_aspect("equal")
    axes.set_anchor("W")  # a title begins at the cells, and a few cells leave it no room if they stand in the middle
    axes.invert_yaxis()
    axes.grid(False)
    axes.spines[:].set_visible(False)
    every = math.ceil(style.LINE_INCHES * style.SMALL_POINTS / style.TEXT_POINTS / cell)  # a name takes a line
    for axis, names in ((axes.xaxis, one.columns), (axes.yaxis, one.rows)):
        axis.set_ticks(np.arange(0, len(names), every) + 0.5, [short(name) for name in names[::every]])
    axes.tick_params(length=0, labelsize=style.SMALL_POINTS)
    axes.tick_params(axis="x", labelrotation=90)
    if every > 1:
        axes.set_xlabel(f"every {every}. is named", fontsize=style.SMALL_POINTS)
    written = style.room(cell, style.SMALL_POINTS) >= 5  # a sign, three digits with their point, and a gap
    not_null, not_untrained = (beyond(values, one.values(name), metric) == 0 for name in ("null_p95", "untrained"))
    for i, j in np.argwhere(~np.isnan(values)):
        ink = "black" if mesh.cmap(colours(values[i, j]))[1] > 0.55 else "white"
        if written:
            below = intervals[i, j] if with_intervals else ""
            text = f"{values[i, j]:z.2f}".replace("-", MINUS) + (f"\n{below}" if below else "")
            middle = {"ha": "center", "va": "center", "fontsize": style.SMALL_POINTS, "color": ink}
            axes.text(j + 0.5, i + (0.55 if below else 0.5), text, **middle)
        size, up = (3.2, 0.2) if written else (min(4.0, 30 * cell), 0.5)
        if not_null[i, j]:
            axes.plot(j + 0.75 if written else j + 0.5, i + up, "x", color=ink, markersize=size, markeredgewidth=0.8)
        if not_untrained[i, j]:
            mark = {"markersize": size, "markeredgewidth": 0.8, "fillstyle": "none"}
            axes.plot(j + 0.25 if written else j + 0.5, i + up, "o", color=ink, **mark)
    return mesh


def _marked(cells: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The cells with what is marked in them: whether the score is beyond the end of its null and its untrained pair."""
    found = {f"beyond_{name}": beyond(cells["value"], cells[column], metric)
             for name, column in (("null", "null_p95"), ("untrained", "untrained"))}  # fmt: skip
    return cells.assign(**found)


def _legend(
    figure: Figure, bar: Axes, cells: pd.DataFrame, metric: str, null: str, with_intervals: bool, untrained: bool
) -> None:
    """What the marks mean and how many cells have them; on the colour bar the means of the nulls and of untrained."""
    marked = _marked(cells, metric)
    entries: list[tuple[Any, str]] = []
    # a cell of layers is a mean over pairs, and so are the ends of nulls and untrained scores beside it
    means = (cells["pairs"] > 1).any()
    beginning = "mean score not beyond the mean of" if means else "score not beyond"
    ends = (
        ("the ends of nulls (95 %)", "untrained pairs")
        if means
        else (f"the end of {null} (95 %)", "its untrained pair")
    )
    for name, words, marker, full in (("null", ends[0], "x", "full"), ("untrained", ends[1], "o", "none")):
        known = marked[f"beyond_{name}"].dropna()
        if len(known):
            handle = Line2D([], [], marker=marker, color="black", linestyle="", markersize=4, fillstyle=full)
            entries.append((handle, f"{beginning} {words}: {int((known == 0).sum())} of {len(known)}"))
    for column, words, marker in (
        ("null_mean", null.removeprefix("the ").replace("its null", "nulls"), "v"),
        ("untrained", "untrained pairs", "D"),
    ):
        if (mean := cells[column].astype(float).mean()) == mean:
            look = {"marker": marker, "color": "black", "markersize": 4, "linestyle": ""}
            bar.plot([mean], [1.25], **look, transform=bar.get_xaxis_transform(), clip_on=False)
            entries.append((Line2D([], [], **look), f"on the scale: mean of the {words}, {style.number(mean)}"))
    if cells["null_p95"].isna().all():
        entries.append((Line2D([], [], linestyle=""), "no null is known: nothing is marked beside it"))
    if untrained and cells["untrained"].isna().all():
        entries.append((Line2D([], [], linestyle=""), "no untrained pair is known"))
    if cells["ci_low"].notna().any():
        where = "in brackets" if with_intervals else "in the CSV"
        entries.append((Line2D([], [], linestyle=""), f"95 % intervals over stimuli: {where}"))
    entries.append((Patch(facecolor=style.PALE), "not scored"))
    handles, labels = zip(*entries, strict=True)
    figure.legend(handles, labels, loc="outside lower center", ncols=1)


def _brief(value: float) -> str:
    """Two decimals without the 0 before them."""
    return f"{value:z.2f}".replace("0.", ".", 1).replace("-", MINUS) if abs(value) < 1 else f"{value:z.2f}"


def short(name: str) -> str:
    """A name as it is drawn: the middle of a long one is left out."""
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[:half]}…{name[-half + 1 :]}"
