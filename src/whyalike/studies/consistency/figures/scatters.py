"""Similarity of pairs of models on one set against that on another: all pairs, and those within each group.

Beside each correlation stands its 95 % interval over models and the residual SD about the line nearest to the points,
which does not depend on how far a group's similarities spread. The published Figure 5.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.statistics.consistency import FEWEST_PAIRS, agreement
from whyalike.studies.consistency.figures import boxes, selection
from whyalike.studies.consistency.figures.spread import interval_of

PANEL, TEXT, TALL = 1.6, 1.9, 9.9  # inches: of a panel's height, of the words above it; of a page
TICKS = (0, 0.5, 1)
ALL_LOOK = {"color": style.BLACK, "marker": "."}


@style.styled
def draw(similarity: pd.DataFrame, models: pd.DataFrame, consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw for each analysis a row of all pairs and one of pairs within groups, a column a pair of sets, up to three.

    Parameters
    ----------
    similarity : columns stimuli, source, category, metric, analysis, scoring, a, b, value.
    models : columns model and those of the categories.
    consistency : its first category is that of the groups.

    Returns
    -------
    the figure, and a row a pair of models (mark "pair": a, b, group, x, y) and a row a correlation (mark "correlation":
    group, value, ci_low, ci_high, residual_sd, pairs, models).

    Raises
    ------
    ValueError : no similarities, or no two sets of different sources.
    """
    selection.need(similarity, "similarities", "similarity")
    of_sets, rows = _pairs_of_sets(similarity), selection.main_scoring(similarity)
    groups, looks, category = selection.strips(models, consistency)
    group = dict(zip(models["model"], groups, strict=True))
    lines = 2 if looks else 1
    wide = min(style.PAGE_INCHES, 2.6 * len(of_sets) + 0.4)
    text = (2 + len(looks)) * style.LINE_INCHES
    rest = len(rows) * (lines * 0.15 + text + 0.35) + 0.65
    panels = min(len(rows) * lines * PANEL, TALL - rest)
    figure = boxes.new_figure(wide, panels + rest)
    axes = figure.subplots(lines * len(rows), len(of_sets), squeeze=False)
    numbers = []
    for place, (analysis, of) in enumerate(rows.items()):
        for column, sets in enumerate(of_sets):
            pairs = _on_two(of, sets).assign(analysis=analysis, set_a=sets[0], set_b=sets[1])
            pairs["group"] = np.where(pairs["a"].map(group) == pairs["b"].map(group), pairs["a"].map(group), None)
            above, *below = axes[lines * place : lines * (place + 1), column]
            numbers.append(_panel(above, pairs, {"all pairs": ALL_LOOK}, selection.ANALYSES[analysis]))
            for one in below:
                numbers.append(_panel(one, pairs, looks, "", "group"))
                above.set(xlabel="", xticklabels=[])
    told = pd.concat(numbers, ignore_index=True)
    selection.titled(
        figure,
        [f"{selection.scoring_words(next(iter(rows.values())))} of pairs of {len(models)} models on two sets"
         + (f"; in lower rows pairs within one {style.words(category)}" if looks else ""),
         *_counts(told), "r [95 % over models, leave one out], SD: residual about the nearest line"],
    )  # fmt: skip
    return figure, told


def _counts(numbers: pd.DataFrame) -> list[str]:
    """How many pairs of models each correlation has."""
    pairs = numbers[numbers["mark"] == "correlation"].groupby("group", sort=False)["pairs"].agg(["min", "max"])
    return ["; ".join(f"{style.words(name)}: {style.span(*of)}" for name, of in pairs.iterrows())]


def _pairs_of_sets(similarity: pd.DataFrame) -> list[tuple[str, str]]:
    """Up to three pairs of sets from different sources."""
    source = dict(similarity[["stimuli", "source"]].drop_duplicates().itertuples(index=False, name=None))
    found = [one for one in itertools.combinations(selection.shown_sets(similarity), 2)
             if source[one[0]] != source[one[1]]]  # fmt: skip
    if not found:
        raise style.NothingToDraw(
            "the table of similarities holds no two sets of different sources to draw. Add a set of another source."
        )
    return found


def _on_two(rows: pd.DataFrame, sets: tuple[str, str]) -> pd.DataFrame:
    """The pairs of models that have a score on both sets: x and y."""
    x, y = (rows[rows["stimuli"] == one][["a", "b", "value"]] for one in sets)
    both = x.merge(y, on=["a", "b"], suffixes=("_x", "_y")).rename(columns={"value_x": "x", "value_y": "y"})
    if both.empty:
        raise style.NothingToDraw(
            f"the table of similarities holds no pair of models on both {sets[0]} and {sets[1]} to draw. Run the "
            "similarity stage again."
        )
    return both


def _panel(
    axes: Axes, pairs: pd.DataFrame, looks: Mapping[str, dict], title: str, column: str | None = None
) -> pd.DataFrame:
    """The pairs of each look, and above them its correlation."""
    found, labels = [], []
    for name, look in looks.items():
        own = pairs[pairs[column] == name] if column else pairs
        boxes.points(axes, own["x"].to_numpy(), own["y"].to_numpy(), look)
        found.append(_correlation(own, name))
        labels.append(_words(name if column else "r", found[-1]))
    axes.axline((0.5, 0.5), slope=1, color=style.PALE, linewidth=0.8, zorder=1)
    low, first = min(0, pairs["x"].min(), pairs["y"].min()) - 0.02, pairs.iloc[0]
    axes.set(xlim=(low, 1.02), ylim=(low, 1.02), xlabel=style.words(first["set_a"]), ylabel=style.words(first["set_b"]))
    axes.set(xticks=TICKS, yticks=TICKS)
    axes.set_box_aspect(1)
    handles = [Line2D([], [], linestyle="", markersize=4, **look) for look in looks.values()]
    axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(-0.08, 1), borderaxespad=0.2, title=title,
                alignment="left", handlelength=1, fontsize=style.SMALL_POINTS, labelspacing=0.25)  # fmt: skip
    told = pd.DataFrame(found).assign(mark="correlation")
    both = told if column else pd.concat([pairs.assign(mark="pair"), told])
    return both.assign(**{name: first[name] for name in ("analysis", "set_a", "set_b")})


def _correlation(pairs: pd.DataFrame, name: str) -> dict[str, object]:
    x = pairs[["x", "y"]].to_numpy().T
    found = agreement(x) if x.shape[1] >= FEWEST_PAIRS else None
    low, high = (interval_of(pairs, "x", "y") or (np.nan, np.nan)) if found else (np.nan, np.nan)
    return {"group": name, "value": float(found.pearson[0, 1]) if found else np.nan, "ci_low": low, "ci_high": high,
            "residual_sd": float(found.residual_sd[0, 1]) if found else np.nan, "pairs": len(pairs),
            "models": len(set(pairs["a"]) | set(pairs["b"]))}  # fmt: skip


def _words(name: str, of: Mapping[str, object]) -> str:
    if np.isnan(of["value"]):
        return f"{style.words(name)}: {of['pairs']} {'pair' if of['pairs'] == 1 else 'pairs'}, no r"
    told = selection.with_interval(of["value"], (of["ci_low"], of["ci_high"])).replace("0.", ".")
    sd = f"SD {of['residual_sd']:.3f}".replace("0.", ".")
    return "\n".join(style.packed([f"{style.words(name)} {told}", sd], style.room(TEXT, style.SMALL_POINTS)))
