"""How similarity depends on the number of stimuli: matrices, and changes from one size to the next.

The draws are nested, so a change is what further stimuli of the same classes add. The published Figures 9 and 10.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes, selection
from whyalike.studies.consistency.figures.matrices import SIMILARITY_MAP

CONVERGED = 0.01  # a change of similarity below this is called none
TALL = 7.0  # inches of all matrices
LOWEST = 1e-5  # of the logarithmic axis of changes
QUANTILES = {"p5": 5, "p25": 25, "median": 50, "p75": 75, "p95": 95}  # of the boxes
WITH_OTHERS = "pearson_with_other_sets"


@style.styled
def draw_matrices(
    size_scores: pd.DataFrame, models: pd.DataFrame, consistency: pd.DataFrame
) -> tuple[Figure, pd.DataFrame]:
    """Draw a row a number of stimuli of each class, a column a scoring.

    Parameters
    ----------
    size_scores : columns stimuli, metric, analysis, scoring, parameters, per_class, n, a, b, value.
    models : columns model and those of the categories.
    consistency : its first category is that of the strips.

    Returns
    -------
    the figure, and a row a pair of models and matrix: scoring, per_class, n, place_a, place_b, a, b, value.

    Raises
    ------
    ValueError : no scores.
    """
    selection.need(size_scores, "scores by size", "similarity")
    names, scorings = list(models["model"]), list(dict.fromkeys(size_scores["scoring"]))
    counts = sorted(size_scores["per_class"].unique())
    rows = {(count, one): size_scores[(size_scores["per_class"] == count) & (size_scores["scoring"] == one)]
            for count in counts for one in scorings}  # fmt: skip
    tables = {key: selection.table_of(of, names) for key, of in rows.items()}
    order = selection.clustered(np.mean([tables[counts[-1], one] for one in scorings], axis=0))
    groups, looks, category = selection.strips(models, consistency)
    cell = min((style.PAGE_INCHES - 0.6) / len(scorings), TALL / len(counts), 1.35)  # inches
    width = max(cell * len(scorings) + 0.6, style.COLUMN_INCHES)
    figure = boxes.new_figure(width, len(counts) * (cell + 0.08) + 1.8)
    axes = figure.subplots(len(counts), len(scorings), squeeze=False)
    low = min(0.0, float(size_scores["value"].min()))
    for place, (key, table) in enumerate(tables.items()):
        one = axes.ravel()[place]
        image = boxes.matrix(one, table[np.ix_(order, order)], cmap=SIMILARITY_MAP, norm=Normalize(low, 1))
        boxes.strip(one, [groups[model] for model in order], looks)
        if place < len(scorings):
            one.set_title(_titled(rows[key], cell))
        if place % len(scorings) == 0:
            n = style.span(rows[key]["n"].min(), rows[key]["n"].max()) if len(rows[key]) else "0"
            one.set_ylabel(f"{key[0]} of a class\nn = {n}", labelpad=boxes.PAD * cell)
    figure.colorbar(image, ax=list(axes.ravel()), location="bottom", aspect=40, shrink=0.6, pad=0.02,
                    label="similarity; bright is alike; grey: no score")  # fmt: skip
    boxes.legend(figure, looks, style.words(category), patches=True)
    stimuli = style.words(size_scores["stimuli"].iloc[0])
    selection.titled(figure, [f"{len(names)} models on nested draws of {stimuli}; one order of models: average linkage "
                              f"on 1 − mean over columns at {counts[-1]} of a class"])  # fmt: skip
    return figure, _numbers(tables, rows, order, names)


def _titled(rows: pd.DataFrame, cell: float) -> str:
    """The scoring, its numbers on a line of their own."""
    name = selection.scoring_words(rows)
    return name.replace(" (", "\n(", 1) if len(name) > style.room(cell) else name


def _numbers(tables: dict, rows: dict, order: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    i, j = np.triu_indices(len(order), 1)
    of = np.array(names)[order]
    return pd.concat([
        pd.DataFrame({"scoring": scoring, "per_class": count, "n": rows[count, scoring]["n"].max(), "place_a": i,
                      "place_b": j, "a": of[i], "b": of[j], "value": table[np.ix_(order, order)][i, j]})
        for (count, scoring), table in tables.items()
    ], ignore_index=True)  # fmt: skip


@style.styled
def draw_changes(size_scores: pd.DataFrame, sizes: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the absolute changes of similarity between consecutive sizes, and R with other sets by size.

    Parameters
    ----------
    size_scores : as `draw_matrices` takes them.
    sizes : columns metric, analysis, scoring, per_class, previous, measure, value, ci_low, ci_high, models, pairs, n.

    Returns
    -------
    the figure, and a row a box (mark "change": scoring, previous, per_class, p5, p25, median, p75, p95, largest,
    share_below, pairs) and a row a point of R (mark "consistency": scoring, per_class, value, ci_low, ci_high, models).

    Raises
    ------
    ValueError : no scores, or one size alone.
    """
    selection.need(size_scores, "scores by size", "similarity")
    selection.need(sizes, "statistics by size", "statistics")
    counts = sorted(size_scores["per_class"].unique())
    if len(counts) < 2:
        raise style.NothingToDraw(
            "the table of scores by size holds no two sizes to draw. Give consistency.sizes.per_class two."
        )
    looks = selection.looks(size_scores["scoring"])
    with_others = sizes[sizes["measure"] == WITH_OTHERS]
    heights = [3, 2] if len(with_others) else [3]
    figure = boxes.new_figure(style.PAGE_INCHES, sum(heights) + 0.4)
    first, *rest = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    numbers = [_changes(first, size_scores, looks, list(itertools.pairwise(counts)))]
    numbers += [_with_others(axes, with_others, looks, counts) for axes in rest]
    words = {selection.scoring_words(size_scores[size_scores["scoring"] == name]): look for name, look in looks.items()}
    boxes.legend(figure, words, "")
    models, n = len({*size_scores["a"], *size_scores["b"]}), style.span(size_scores["n"].min(), size_scores["n"].max())
    stimuli = style.words(size_scores["stimuli"].iloc[0])
    lacking = [] if rest else ["no R with other sets: they are compared by no metric of these"]
    said = f"{models} models on nested draws of {stimuli}, n = {n}; boxes: quartiles of pairs, lines: 5 to 95 %, mark: "
    selection.titled(figure, [said + "the largest", *lacking])
    return figure, pd.concat(numbers, ignore_index=True)


def _changes(axes: Axes, scores: pd.DataFrame, looks: dict, steps: list[tuple[int, int]]) -> pd.DataFrame:
    """A box a step and scoring."""
    found, width = [], 0.8 / len(looks)
    for place, (name, look) in enumerate(looks.items()):
        wide = scores[scores["scoring"] == name].pivot(index=["a", "b"], columns="per_class", values="value")
        wide = wide.reindex(columns=[*dict.fromkeys(itertools.chain(*steps))])
        for step, (previous, count) in enumerate(steps):
            change = (wide[count] - wide[previous]).abs().dropna().to_numpy()
            if len(change):
                _box(axes, step + (place - (len(looks) - 1) / 2) * width, change, look, 0.8 * width)
                quantiles = dict(zip(QUANTILES, np.percentile(change, list(QUANTILES.values())), strict=True))
                found.append({"mark": "change", "scoring": name, "previous": previous, "per_class": count, **quantiles,
                              "largest": change.max(), "share_below": float((change < CONVERGED).mean()),
                              "pairs": len(change)})  # fmt: skip
    axes.axhline(CONVERGED, color=style.GREY, linewidth=0.8, linestyle="--", zorder=1)
    boxes.plain_log(axes, "y")
    axes.set_xticks(range(len(steps)), [f"{previous} → {count}" for previous, count in steps])
    axes.set(xlabel="stimuli of each class", ylabel="absolute change of similarity")
    axes.set_title(f"a  changes from one size to the next; dashed: {CONVERGED}")
    return pd.DataFrame(found)


def _box(axes: Axes, place: float, change: np.ndarray, look: dict[str, str], width: float) -> None:
    """A standing box of changes, raised to the lowest of the axis, and a mark at the largest."""
    ends = np.maximum(np.percentile(change, list(QUANTILES.values())), LOWEST)
    drawn = dict(zip(("whislo", "q1", "med", "q3", "whishi"), ends, strict=True))
    line = {"color": look["color"], "linewidth": 0.8}
    axes.bxp([drawn], positions=[place], widths=width, showfliers=False, manage_ticks=False, patch_artist=True,
             boxprops={"facecolor": look["color"], "edgecolor": look["color"], "alpha": 0.5},
             medianprops={"color": style.BLACK}, whiskerprops=line, capprops=line)  # fmt: skip
    axes.plot(place, max(change.max(), LOWEST), markersize=3, linestyle="", **look)


def _with_others(axes: Axes, rows: pd.DataFrame, looks: dict, counts: Sequence[int]) -> pd.DataFrame:
    """R of each size with the other sets, a line a scoring, with its interval."""
    known = [name for name in looks if (rows["scoring"] == name).any()]
    for place, name in enumerate(known):
        own = rows[rows["scoring"] == name].sort_values("per_class")
        x = np.searchsorted(counts, own["per_class"]) + (place - (len(known) - 1) / 2) * 0.06
        errors = [own["value"] - own["ci_low"], own["ci_high"] - own["value"]]
        axes.errorbar(x, own["value"], np.nan_to_num(errors), markersize=3.5, linewidth=1, elinewidth=0.8, capsize=2,
                      **looks[name])  # fmt: skip
    axes.set_xticks(range(len(counts)), [f"{count}" for count in counts])
    axes.set(xlabel="stimuli of each class", ylabel="consistency R\nwith other sets")
    models = style.span(rows["models"].min(), rows["models"].max())
    axes.set_title(f"b  mean over other sets, 95 % interval over models, by family, and sources; {models} models")
    columns = ["scoring", "per_class", "value", "ci_low", "ci_high", "models"]
    return rows[columns].assign(mark="consistency")
