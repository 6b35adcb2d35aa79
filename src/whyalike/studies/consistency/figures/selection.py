"""What the figures of the study share: one scoring of each analysis, models and sets in their order, looks of groups.

The first metric of a table is the main one. Groups are the values of the first category, in the order in which models
have them: their colours are the same in all figures.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are used: `scipy.cluster` takes a while

from whyalike.figures import style
from whyalike.statistics.consistency import ALL
from whyalike.statistics.table import MINUS
from whyalike.studies.consistency.section import CORRECTED, PUBLISHED

ANALYSES = {CORRECTED: "corrected", PUBLISHED: "as published"}
ANCHOR = "anchor"
FEWEST_TO_CLUSTER = 3


def need(table: pd.DataFrame, what: str, stage: str) -> None:
    """Refuse an empty table.

    Raises
    ------
    ValueError : it holds no row.
    """
    if table.empty:
        raise style.NothingToDraw(f"the table of {what} holds no row to draw. Run the {stage} stage again.")


def analyses(table: pd.DataFrame) -> list[str]:
    """The analyses that a table holds, the corrected one first."""
    return [one for one in ANALYSES if (table["analysis"] == one).any()]


def scorings(table: pd.DataFrame, analysis: str) -> dict[str, pd.DataFrame]:
    """The scorings of an analysis, in the table's order, the main one first: name -> its rows.

    The main one is the first of the table in both analyses, or else the first of its metric.
    """
    first = table[table["analysis"] == analyses(table)[0]].iloc[0]
    rows = table[table["analysis"] == analysis]
    found = dict(list(rows.groupby("scoring", sort=False)))
    of_metric = [name for name, own in found.items() if own["metric"].iloc[0] == first["metric"]]
    main = first["scoring"] if first["scoring"] in of_metric else next(iter(of_metric), None)
    order = [main, *(name for name in found if name != main)] if main else []
    return {name: found[name] for name in order}


def main_scoring(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Analysis -> the rows of its main scoring, of the analyses that have it."""
    found = {one: scorings(table, one) for one in analyses(table)}
    return {one: next(iter(of.values())) for one, of in found.items() if of}


def scoring_words(rows: pd.DataFrame) -> str:
    """The name of a scoring, of which the rows are, and its numbers where the table has them."""
    return style.metric_words(rows["scoring"].iloc[0], None, rows)


def value_words(value: object) -> str | None:
    """A value of a category as the tables of statistics write it; None where a model has none."""
    if pd.isna(value):
        return None
    # whole numbers are floats in a column that lacks some
    return f"{value:g}" if isinstance(value, float) else str(value)


def groups_of(models: pd.DataFrame, category: str) -> list[str | None]:
    """The value of a category of each model."""
    return [value_words(value) for value in models[category]]


def looks(values: Iterable[str | None]) -> dict[str, dict[str, str]]:
    """Colour and marker of each value, in order of appearance; values beyond the 16th begin again."""
    known = [one for one in dict.fromkeys(values) if one is not None]
    return {name: style.look_of(place % 16) for place, name in enumerate(known)}


def strips(models: pd.DataFrame, consistency: pd.DataFrame) -> tuple[list[str | None], dict[str, dict[str, str]], str]:
    """The group of each model by the first category, the groups' looks, and the category; none if there is none."""
    category = next((one for one in categories(consistency) if one in models), None)
    if category is None:
        return [None] * len(models), {}, ""
    groups = groups_of(models, category)
    return groups, looks(groups), category


def categories(consistency: pd.DataFrame) -> list[str]:
    """The categories of a table of consistency, in its order."""
    return [one for one in dict.fromkeys(consistency["category"]) if one not in (ALL, ANCHOR)]


def values_of(consistency: pd.DataFrame, category: str) -> list[str]:
    """The values of a category in the order of the models."""
    rows = consistency.loc[consistency["category"] == category, ["theta", "phi"]].drop_duplicates()
    return list(dict.fromkeys(rows.to_numpy().ravel()))


def cells_of(consistency: pd.DataFrame, category: str) -> dict[tuple[str, str], pd.DataFrame]:
    """(theta, phi) -> its rows: pairs within a value first, then those of two values."""
    rows = consistency[consistency["category"] == category]
    found = dict(list(rows.groupby(["theta", "phi"], sort=False)))
    return dict(sorted(found.items(), key=lambda cell: cell[0][0] != cell[0][1]))


def cell_words(theta: str, phi: str) -> str:
    """The name of a pair of groups."""
    if theta == phi:
        return "all models" if theta == ALL else f"within {style.words(theta)}"
    return f"{style.words(theta)} × {style.words(phi)}"


def apart(consistency: pd.DataFrame) -> pd.DataFrame:
    """Rows of two sets from different sources.

    Raises
    ------
    ValueError : there are none.
    """
    rows = consistency[~consistency["same_source"].astype(bool)]
    if rows.empty:
        raise style.NothingToDraw(
            "the table of consistency holds no two sets of different sources to draw. Add a source."
        )
    return rows


def stacked(rows: pd.DataFrame, models: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The sets of a scoring in order, and the similarities S x M x M; NaN in the diagonal and where there is none."""
    sets = list(dict.fromkeys(rows["stimuli"]))
    found = np.full((len(sets), len(models), len(models)), np.nan)
    at = pd.Index(sets).get_indexer(rows["stimuli"])
    i, j = (pd.Index(models).get_indexer(rows[side]) for side in "ab")
    found[at, i, j] = found[at, j, i] = rows["value"]
    return sets, found


def table_of(rows: pd.DataFrame, models: Sequence[str], column: str = "value") -> np.ndarray:
    """A column of rows a, b as M x M, NaN in the diagonal and where there is none."""
    return stacked(rows.assign(stimuli="", value=rows[column]), models)[1][0]


def complete(table: np.ndarray) -> np.ndarray:
    """The places of models (M x M) of which every two have a number: the one that lacks most is left out, and so on."""
    kept = np.arange(len(table))
    while len(kept) > 1:
        own = np.isnan(table[np.ix_(kept, kept)])
        np.fill_diagonal(own, False)
        if not own.any():
            break
        kept = np.delete(kept, own.sum(axis=0).argmax())
    return kept


def clustered(mean: np.ndarray) -> np.ndarray:
    """The places of models in the order of average linkage on 1 - mean; those that lack a pair stand at the end."""
    kept = complete(mean)
    rest = [place for place in range(len(mean)) if place not in set(kept)]
    if len(kept) < FEWEST_TO_CLUSTER:
        return np.array([*kept, *rest])
    distances = 1 - mean[np.ix_(kept, kept)][np.triu_indices(len(kept), 1)]
    tree = scipy.cluster.hierarchy.linkage(np.maximum(distances, 0), "average", optimal_ordering=True)
    return np.array([*kept[scipy.cluster.hierarchy.leaves_list(tree)], *rest])


def shown_sets(similarity: pd.DataFrame, most: int = 3) -> list[str]:
    """Up to ``most`` sets: the first of each category, of sources of their own where there are some; then others."""
    sets = similarity[["stimuli", "source", "category"]].drop_duplicates("stimuli")
    chosen: list[str] = []

    def add(candidates: pd.DataFrame) -> None:
        used = sets.loc[sets["stimuli"].isin(chosen), "source"]
        new = candidates[~candidates["stimuli"].isin(chosen)]
        new = pd.concat([new[~new["source"].isin(used)], new])
        chosen.extend(new["stimuli"].iloc[: 1 if len(chosen) < most else 0])

    for _, of in sets.groupby("category", sort=False):
        add(of)
    for _ in range(most):
        add(sets)
    return [name for name in sets["stimuli"] if name in chosen]


def with_interval(value: float, interval: tuple[float, float] | None, digits: int = 2) -> str:
    """A number with its interval as text: "0.81 [0.70, 0.88]"."""
    text = f"{value:z.{digits}f}"
    if interval is not None and pd.notna(list(interval)).all():
        text += f" [{interval[0]:z.{digits}f}, {interval[1]:z.{digits}f}]"
    return text.replace("-", MINUS)


def titled(figure, lines: Sequence[str]) -> None:
    """What holds of the whole figure, above it, in lines that fit."""
    packed = [one for line in lines for one in style.packed([line], style.room(figure.get_figwidth() - 0.2))]
    figure.suptitle("\n".join(packed), x=0.01, ha="left", fontsize=style.TEXT_POINTS)
