"""Models in the plane by their similarities on single sets (t-SNE), coloured by each category.

t-SNE of 1 - similarity, perplexity 5 as published, from a fixed random start. Distances in the plane have no scale, and
clusters that one sees there are no test: `statistics.groups` has that of silhouettes. The published
Figure 4.
"""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.randomness import key
from whyalike.studies.consistency.figures import boxes, selection

PERPLEXITY = 5  # as published; a third of the other models where that is less
FEWEST = 4  # models: of three the perplexity would be below 1
MOST_VALUES = 16  # of a category, with colours and markers that can be told apart


@style.styled
def draw(similarity: pd.DataFrame, models: pd.DataFrame, consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row a category, and for each analysis a column a set: up to three, the first of each category of sets.

    Parameters
    ----------
    similarity : columns stimuli, source, category, metric, analysis, scoring, a, b, value.
    models : columns model and those of the categories.
    consistency : its categories are the rows.

    Returns
    -------
    the figure, and a row a model and embedding: analysis, scoring, stimuli, model, x, y, perplexity, its categories.

    Raises
    ------
    ValueError : no similarities, or fewer than four models on a set.
    """
    selection.need(similarity, "similarities", "similarity")
    shown, rows = selection.shown_sets(similarity), selection.main_scoring(similarity)
    categories = [one for one in selection.categories(consistency) if one in models] or [None]
    embedded = [_embedded(of[of["stimuli"] == name], models, analysis, name)
                for analysis, of in rows.items() for name in shown]  # fmt: skip
    height = style.PAGE_INCHES / (len(embedded) + 1.2)
    figure = boxes.new_figure(style.PAGE_INCHES, len(categories) * min(height, 2.0) + 1.0)
    axes = figure.subplots(len(categories), len(embedded), squeeze=False)
    for place, (line, category) in enumerate(zip(axes, categories, strict=True)):
        groups = dict(zip(models["model"], selection.groups_of(models, category), strict=True)) if category else {}
        looks = selection.looks(groups.values())
        for axis, found in zip(line, embedded, strict=True):
            _draw_panel(axis, found, groups, looks)
            if place == 0:
                analysis = selection.ANALYSES[found["analysis"].iloc[0]]
                name = textwrap.fill(style.words(found["stimuli"].iloc[0]), style.room(height - 0.1))
                axis.set_title(f"{analysis}\n{name}")
        _legend(line[-1], looks, category)
    selection.titled(figure, _said(embedded, next(iter(rows.values())), len(models)))
    columns = [one for one in categories if one]
    return figure, pd.concat(embedded, ignore_index=True).merge(models[["model", *columns]], on="model", how="left")


def _embedded(rows: pd.DataFrame, models: pd.DataFrame, analysis: str, stimuli: str) -> pd.DataFrame:
    """The models of one set in the plane, in units that mean nothing; those without a score are left out."""
    from sklearn.manifold import TSNE  # a second to import, in the start of every figure otherwise

    names = list(models["model"])
    table = selection.table_of(rows, names)
    kept = selection.complete(table)
    if len(kept) < FEWEST:
        raise style.NothingToDraw(
            f"the table of similarities holds no {FEWEST} models that are compared on {stimuli} to draw. "
            "Run the similarity stage again."
        )
    distances = np.maximum(1 - table[np.ix_(kept, kept)], 0)  # an unbiased similarity may be above 1
    np.fill_diagonal(distances, 0)
    perplexity = min(PERPLEXITY, (len(kept) - 1) / 3)
    state = key("t-SNE of models") % 2**32
    made = TSNE(perplexity=perplexity, metric="precomputed", init="random", random_state=state).fit_transform(distances)
    return pd.DataFrame({"analysis": analysis, "scoring": rows["scoring"].iloc[0], "stimuli": stimuli,
                         "model": np.array(names)[kept], "x": made[:, 0], "y": made[:, 1],
                         "perplexity": perplexity})  # fmt: skip


def _draw_panel(axes: Axes, found: pd.DataFrame, groups: dict[str, str | None], looks: dict[str, dict]) -> None:
    of = found["model"].map(groups)
    none = of.isna()
    axes.scatter(found["x"][none], found["y"][none], s=9, color=style.PALE, marker=".", linewidths=0)
    for name, look in looks.items():
        own = found[of == name]
        axes.scatter(own["x"], own["y"], s=13, alpha=0.8, linewidths=0, **look)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.PALE)  # a frame, and no scale
    axes.set_box_aspect(1)
    axes.margins(0.12)


def _legend(axes: Axes, looks: dict[str, dict], category: str | None) -> None:
    """The values of a category on the right of its row."""
    if category is None:
        return
    handles = [Line2D([], [], linestyle="", markersize=4, **look) for look in looks.values()]
    labels = list(map(style.words, looks))
    axes.legend(handles[:MOST_VALUES], labels[:MOST_VALUES], loc="center left", bbox_to_anchor=(1.02, 0.5),
                title=style.words(category), alignment="left", handlelength=1, borderaxespad=0,
                fontsize=style.SMALL_POINTS, ncols=1 + (len(looks) > MOST_VALUES // 2))  # fmt: skip


def _said(embedded: Sequence[pd.DataFrame], rows: pd.DataFrame, models: int) -> list[str]:
    perplexity = sorted({float(found["perplexity"].iloc[0]) for found in embedded})
    counts = style.span(min(map(len, embedded)), max(map(len, embedded)))
    lacking = "" if min(map(len, embedded)) == models else f" of {models} (the others lack scores on the set)"
    words = " to ".join(f"{one:.3g}" for one in dict.fromkeys((perplexity[0], perplexity[-1])))
    return [f"t-SNE of 1 − {selection.scoring_words(rows)}, {counts} models{lacking}, perplexity {words}, one random "
            "start; clusters that one sees are no test: that of silhouettes stands in the table of groups"]  # fmt: skip
