"""Similarity of two models against the gap of their accuracies, and its correlation on every stimulus set.

As in the paper a panel shows one set, never several pooled: sets differ in level and range of accuracy, which would
make correlations that no set has. Three sets of a category are shown; the others stand in the figure of all sets.
"""

import itertools
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import (
    ANALYSES,
    analyses,
    main_scoring,
    scoring_words,
    with_interval,
)

SHOWN = 3  # sets of a category, as in the paper
ACROSS = 4  # panels side by side: 1.7 inches, room for "r = -0.43 [-0.60, -0.21]"
PANEL_INCHES, TITLE_INCHES, COLOURS_INCHES, SET_INCHES = 1.44, 0.4, 0.45, 0.24
KEY = ("stimuli", "metric", "analysis", "scoring")
COLOURS = "cividis"  # the same order with every common colour blindness
VECTOR = 1000  # points of a panel: more are pixels, of which a file stays small
SCALES = {
    "accuracy": ("gap of accuracies", style.BLUE, "o"),
    "logit": ("gap of their logits", style.ORANGE, "s"),
    "errors": ("consistency of errors (kappa)", style.GREEN, "^"),
}


@style.styled
def draw(similarity: pd.DataFrame, probes: pd.DataFrame, gap: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a point a pair of models in a panel a set, coloured by the accuracy of the better one.

    Parameters
    ----------
    similarity : columns stimuli, metric, analysis, scoring, a, b, value; the first scoring of each analysis is drawn.
    probes : columns model, stimuli, accuracy; a row a seed.
    gap : correlations, columns as in `whyalike.studies.consistency.statistics.gap`; those of scale "accuracy" stand in
        the panels.

    Returns
    -------
    the figure, and a row a pair: analysis, scoring, category, stimuli, a, b, similarity, gap, better (accuracy), and
    pearson, ci_low, ci_high, p, models, pairs of the set.

    Raises
    ------
    ValueError : no similarities, probes or correlations.
    """
    told = _main(gap[gap["scale"] == "accuracy"] if "scale" in gap else gap)
    if similarity.empty or probes.empty or told.empty:
        raise style.NothingToDraw(
            "the tables of similarities, probes and gaps hold no set with all three to draw. Run the statistics stage "
            "again."
        )
    rows = _arranged(told)
    found = analyses(told)
    heights = [*[len(rows) * PANEL_INCHES + TITLE_INCHES] * len(found), COLOURS_INCHES]
    figure = boxes.new_figure(style.PAGE_INCHES, sum(heights))
    *blocks, last = figure.subfigures(len(heights), 1, height_ratios=heights)
    accuracies = probes.groupby(["stimuli", "model"])["accuracy"].mean()
    shown: list[pd.DataFrame] = []
    for block, analysis in zip(blocks, found, strict=True):
        own = told[told["analysis"] == analysis]
        shown += _draw_sets(block, rows, own, similarity, accuracies)
        models, pairs = (style.span(own[one].min(), own[one].max()) for one in ("models", "pairs"))
        block.suptitle(f"{ANALYSES[analysis]}: {scoring_words(own)}; {models} models, {pairs} pairs a set")
    count = len({*itertools.chain.from_iterable(rows)} - {""})
    _draw_colours(last, f"{count} of {told['stimuli'].nunique()} sets")
    return figure, pd.concat(shown, ignore_index=True)


def _main(told: pd.DataFrame) -> pd.DataFrame:
    """The rows of the main scoring of each analysis."""
    return told if told.empty else pd.concat(main_scoring(told).values())


def _arranged(told: pd.DataFrame) -> list[list[str]]:
    """The sets that are shown, in rows of panels, "" for a place that stays empty: a column a category.

    Where columns would not be full, sets stand side by side in the order of categories.
    """
    of = told.drop_duplicates("stimuli").groupby("category", sort=False)["stimuli"].agg(list)
    if len(of) == 1 or of.map(len).min() < SHOWN:
        most = SHOWN * ACROSS if len(of) == 1 else SHOWN
        names = [name for names in of for name in names[:most]]
        across = min(ACROSS, -(-len(names) // -(-len(names) // ACROSS)))  # rows of like length
        return [names[start : start + across] for start in range(0, len(names), across)]
    rows = []
    for start in range(0, len(of), ACROSS):
        some = [names[:SHOWN] for names in of.iloc[start : start + ACROSS]]
        rows += [list(row) for row in itertools.zip_longest(*some, fillvalue="")]
    return rows


def _draw_sets(
    block: Any, rows: Sequence[Sequence[str]], told: pd.DataFrame, similarity: pd.DataFrame, accuracies: pd.Series
) -> list[pd.DataFrame]:
    """The panels of one analysis, and the numbers of each."""
    across = max(map(len, rows))
    axes = block.subplots(len(rows), across, squeeze=False, sharex=True)
    shown = []
    for line, row in zip(axes, rows, strict=True):
        for one, stimuli in itertools.zip_longest(line, row, fillvalue=""):
            found = told[told["stimuli"] == stimuli]
            if found.empty:
                one.set_axis_off()
                continue
            shown.append(_pairs(similarity, accuracies[stimuli], found.iloc[0]))
            _draw_set(one, shown[-1], room=style.PAGE_INCHES / across)
    for column in axes.T:
        for lowest in [one for one in column if one.axison][-1:]:
            lowest.tick_params(labelbottom=True)
    block.supxlabel("similarity", fontsize=style.TEXT_POINTS)
    block.supylabel("gap of accuracies (percentage points)", fontsize=style.TEXT_POINTS)
    return shown


def _pairs(similarity: pd.DataFrame, accuracies: pd.Series, told: pd.Series) -> pd.DataFrame:
    """A row a pair of models with probes, beside the correlation of the set."""
    own = (similarity[list(KEY)] == told[list(KEY)]).all(axis=1)
    pairs = similarity[own & similarity["a"].isin(accuracies.index) & similarity["b"].isin(accuracies.index)]
    a, b = (accuracies[pairs[side]].to_numpy() for side in "ab")
    of_pairs = {"similarity": pairs["value"].to_numpy(), "gap": np.abs(a - b), "better": np.maximum(a, b)}
    shared = {name: told[name] for name in ("analysis", "scoring", "category", "stimuli")}
    of_set = {name: told[name] for name in ("pearson", "ci_low", "ci_high", "p", "models", "pairs")}
    return pd.DataFrame({**shared, "a": pairs["a"].to_numpy(), "b": pairs["b"].to_numpy(), **of_pairs, **of_set})


def _draw_set(axes: Axes, pairs: pd.DataFrame, room: float) -> None:
    of = pairs.iloc[0]
    better = pairs["better"]
    low, high = better.min(), better.max()
    shade = (better - low) / (high - low) if high > low else np.full(len(better), 0.5)
    axes.scatter(pairs["similarity"], 100 * pairs["gap"], c=shade, vmin=0, vmax=1, cmap=COLOURS, s=5, linewidths=0,
                 alpha=0.8, rasterized=len(pairs) > VECTOR)  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=style.SMALL_POINTS)
    r = with_interval(of["pearson"], (of["ci_low"], of["ci_high"]))
    p = "" if pd.isna(of["p"]) else f"p {style.equals(of['p'])}, "
    name = textwrap.shorten(
        f"{style.words(of['category'])}: {style.words(of['stimuli'])}", style.room(room - 0.3, style.SMALL_POINTS),
        placeholder="…",
    )  # fmt: skip
    best = f"colour: {style.span(100 * low, 100 * high)} %"
    axes.set_title(f"{name}\nr = {r}\n{p}{best}", fontsize=style.SMALL_POINTS)


def _draw_colours(figure: Any, sets: str) -> None:
    """What the colours of points mean, beside their scale, and which sets there are."""
    words, scale = figure.subplots(1, 2, width_ratios=(3, 1))
    words.set_axis_off()
    text = (
        "Colour: accuracy of the better model of a pair, from the lowest to the highest of the set.\n"
        f"r: Pearson, 95 % interval over models (leave one out); p: Mantel test. {sets}."
    )
    words.text(0, 0.5, text, va="center", fontsize=style.SMALL_POINTS)
    scale.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=COLOURS, extent=(0, 1, 0, 1))
    scale.set(yticks=[], xticks=[0, 1], xticklabels=["lowest", "highest"])
    scale.grid(False)


@style.styled
def draw_sets(gap: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the correlation of similarity with the gap on every set, by category, with intervals.

    Parameters
    ----------
    gap : columns as in `whyalike.studies.consistency.statistics.gap`; the first scoring of each analysis is drawn.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    ValueError : no correlations.
    """
    told = _main(gap)
    if told.empty or "pearson" not in told:
        raise style.NothingToDraw("the table of gaps holds no correlation to draw. Run the statistics stage again.")
    places, labels = _places(told)
    found = analyses(told)
    figure = boxes.new_figure(style.PAGE_INCHES, SET_INCHES * len(labels) + 1.0)
    axes = figure.subplots(1, len(found), sharey=True, sharex=True, squeeze=False)[0]
    for one, analysis in zip(axes, found, strict=True):
        own = told[told["analysis"] == analysis]
        _draw_correlations(one, own, places)
        models, pairs = (style.span(own[name].min(), own[name].max()) for name in ("models", "pairs"))
        one.set_title(f"{ANALYSES[analysis]}: {scoring_words(own)}; {models} models, {pairs} pairs")
        one.set_xlabel("correlation r with similarity, over pairs of models")
    axes[0].set_yticks(list(labels), list(labels.values()))
    axes[0].set_ylim(max(labels) + 0.6, min(labels) - 0.6)
    for label, place in zip(axes[0].get_yticklabels(), labels, strict=True):
        label.set_weight("normal" if place in places.values() else "bold")
    marks = list(zip(*axes[0].get_legend_handles_labels(), strict=True))
    boxes.legend(figure, {}, "lines: 95 % interval over models (leave one out)", marks)
    return figure, told.reset_index(drop=True)


def _places(told: pd.DataFrame) -> tuple[dict[str, int], dict[int, str]]:
    """The place of each set, and the words at each place: a category, then its sets."""
    places: dict[str, int] = {}
    labels: dict[int, str] = {}
    for category, sets in told.groupby("category", sort=False)["stimuli"].unique().items():
        labels[len(labels)] = style.words(category)
        for stimuli in sets:
            places[stimuli] = len(labels)
            labels[len(labels)] = style.words(stimuli)
    return places, labels


def _draw_correlations(axes: Axes, told: pd.DataFrame, places: dict[str, int]) -> None:
    axes.axvline(0, color=style.GREY, linewidth=0.6)
    for number, (scale, (words, colour, marker)) in enumerate(SCALES.items()):
        own = told[told["scale"] == scale]
        y = own["stimuli"].map(places) + (number - 1) * 0.26
        axes.scatter(own["pearson"], y, s=11, color=colour, marker=marker, linewidths=0, label=words, zorder=3)
        axes.hlines(y, own["ci_low"], own["ci_high"], color=colour, linewidth=0.9)
    axes.set_xlim(-1.03, 1.03)
    axes.grid(axis="x")
