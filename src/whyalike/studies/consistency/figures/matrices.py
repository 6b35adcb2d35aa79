"""Similarity of every two models as matrices: on single sets, its mean over all sets, and its standard deviation.

Models stand in one order throughout, that of average linkage on 1 - mean of the first analysis, and beside each matrix
their group is a strip of colours. The published Figure 2.
"""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.figures.heatmap import short
from whyalike.studies.consistency.figures import boxes, selection

MOST_NAMED = 14  # models: more names do not fit beside a matrix of 1.2 inches
SIMILARITY_MAP, SPREAD_MAP = "viridis", "magma"
MEAN, SPREAD = "mean over sets", "SD over sets"


@style.styled
def draw(similarity: pd.DataFrame, models: pd.DataFrame, consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row an analysis: up to three sets, the first of each category, then mean and SD over all sets.

    Parameters
    ----------
    similarity : columns stimuli, source, category, metric, analysis, scoring, a, b, value.
    models : columns model and those of the categories.
    consistency : its first category is that of the strips.

    Returns
    -------
    the figure, and a row a pair of models and matrix: analysis, scoring, panel (a set, or over sets), place_a, place_b
    (in the drawn order), a, b, value.

    Raises
    ------
    ValueError : no similarities.
    """
    selection.need(similarity, "similarities", "similarity")
    names, rows = list(models["model"]), selection.main_scoring(similarity)
    stacks = {one: selection.stacked(of, names) for one, of in rows.items()}
    order = selection.clustered(next(iter(stacks.values()))[1].mean(axis=0))
    shown = selection.shown_sets(similarity)
    panels = {one: _panels(*of, order, shown) for one, of in stacks.items()}
    groups, looks, category = selection.strips(models, consistency)
    named = len(names) <= MOST_NAMED
    left = boxes.inches_of_names(list(map(short, names))) if named else 0.3
    cell = (style.PAGE_INCHES - left) / (len(shown) + 2)  # inches
    figure = boxes.new_figure(style.PAGE_INCHES, len(stacks) * (cell + 0.1) + 1.45)
    axes = figure.subplots(len(stacks), len(shown) + 2, squeeze=False)
    images = _draw_panels(axes, panels, [groups[place] for place in order], looks, cell)
    for line, analysis in zip(axes, panels, strict=True):
        line[0].set_ylabel(selection.ANALYSES[analysis], labelpad=4 if named else 12)
        if named:
            line[0].set_yticks(range(len(names)), [short(names[place]) for place in order])
            line[0].tick_params(length=0, pad=boxes.PAD * cell if looks else 2, labelsize=style.SMALL_POINTS)
    words = selection.scoring_words(next(iter(rows.values())))
    for image, of, label in ((images[0], axes[:, :-1], words), (images[1], axes[:, -1:], SPREAD)):
        look = {"aspect": 35, "shrink": 0.6} if image is images[0] else {"aspect": 9, "shrink": 0.9}
        figure.colorbar(image, ax=list(of.ravel()), location="bottom", pad=0.02, label=label, **look)
    boxes.legend(figure, looks, style.words(category), patches=True)
    selection.titled(figure, _said(stacks, rows, names))
    return figure, _numbers(panels, rows, [names[place] for place in order])


def _panels(sets: list[str], stack: np.ndarray, order: np.ndarray, shown: Sequence[str]) -> list[tuple]:
    """Titles and matrices in the order; mean and SD (ddof 0) are of pairs that have all sets."""
    blank = np.full(stack.shape[1:], np.nan)
    own = [(name, stack[sets.index(name)] if name in sets else blank) for name in shown]
    found = [*own, (MEAN, stack.mean(axis=0)), (SPREAD, stack.std(axis=0))]
    return [(title, values[np.ix_(order, order)]) for title, values in found]


def _draw_panels(axes: np.ndarray, panels: Mapping[str, list[tuple]], groups: list, looks: dict, cell: float) -> tuple:
    """Draw all matrices, ``cell`` inches wide; an image of the similarities and one of the SDs."""
    similar = np.array([values for of in panels.values() for _, values in of[:-1]])
    spread = np.array([of[-1][1] for of in panels.values()])
    low, most = (
        np.nan if np.isnan(one).all() else pick(one) for one, pick in ((similar, np.nanmin), (spread, np.nanmax))
    )
    images: tuple = (None, None)
    scales = Normalize(min(0, low), 1), Normalize(0, most if most > 0 else 1)
    for row, (line, of) in enumerate(zip(axes, panels.values(), strict=True)):
        for place, (one, (title, values)) in enumerate(zip(line, of, strict=True)):
            last = place == len(of) - 1
            image = boxes.matrix(one, values, cmap=SPREAD_MAP if last else SIMILARITY_MAP, norm=scales[last])
            boxes.strip(one, groups, looks)
            if row == 0:
                one.set_title(textwrap.fill(style.words(title), style.room(cell)))
            images = (images[0], image) if last else (image, None)
    return images


def _said(stacks: Mapping[str, tuple], rows: Mapping[str, pd.DataFrame], names: Sequence[str]) -> list[str]:
    """What the matrices are of, and which models lack a set."""
    first = next(iter(stacks))
    counts = f"{len(names)} models, {len(stacks[first][0])} sets"
    stimuli = style.span(rows[first]["n"].min(), rows[first]["n"].max())
    said = [f"{counts} of n = {stimuli} stimuli; one order of models: average linkage on 1 − mean, "
            f"{selection.ANALYSES[first]}; grey: itself, or no score"]  # fmt: skip
    for analysis, (_, stack) in stacks.items():
        lacking = [name for place, name in enumerate(names) if place not in selection.complete(stack.mean(axis=0))]
        if lacking:
            said.append(f"{selection.ANALYSES[analysis]}: {', '.join(lacking)} "
                        f"{'lacks' if len(lacking) == 1 else 'lack'} a set, and so mean and SD")  # fmt: skip
    return said


def _numbers(panels: Mapping[str, list[tuple]], rows: Mapping[str, pd.DataFrame], ordered: list[str]) -> pd.DataFrame:
    i, j = np.triu_indices(len(ordered), 1)
    names = np.array(ordered)
    frames = [
        pd.DataFrame({"analysis": analysis, "scoring": rows[analysis]["scoring"].iloc[0], "panel": title,
                      "place_a": i, "place_b": j, "a": names[i], "b": names[j], "value": values[i, j]})
        for analysis, of in panels.items() for title, values in of
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)
