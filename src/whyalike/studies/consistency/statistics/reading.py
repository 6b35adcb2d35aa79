"""The tables of similarity of all stimulus sets, joined by pairs of models."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from whyalike.files import read_table
from whyalike.job import note
from whyalike.statistics.consistency_groups import Scores
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model

FEWEST_MODELS = 3  # three pairs
COLUMNS = ["stimuli", "metric", "analysis", "scoring", "a", "b", "value", "value_half_1", "value_half_2"]


class Scoring(NamedTuple):
    """What similarities are of: a metric, with the parameters of a scoring, in one of the analyses."""

    metric: str
    analysis: str
    scoring: str


#: metric -> set -> the models that it has no scores of
Absent = dict[str, dict[str, list[str]]]


def read_scores(parameters: ConsistencyStatistics, similarity: Sequence[Path]) -> tuple[dict[Scoring, Scores], Absent]:
    """The similarities of each scoring: of the models that every set has, in the order of the parameters.

    A model that a set lacks under one scoring of a metric is absent from all of that metric, and a note says so.

    Raises
    ------
    ValueError : fewer than three models are left, a set has no scores by a scoring, or a pair of models has none.
    """
    if not similarity:
        raise ValueError("no tables of similarity are given. Give those of every stimulus set.")
    rows = pd.concat([read_table(path, columns=COLUMNS).to_pandas() for path in similarity], ignore_index=True)
    rows, scores, absent = rows[rows["stimuli"].isin(list(parameters.sets))], {}, {}
    if rows.empty:
        raise ValueError("the tables of similarity hold no scores of any stimulus set. Score the sets anew.")
    for metric, of_metric in rows.groupby("metric", sort=False):
        by_table = of_metric.groupby(["stimuli", "scoring", "analysis"], sort=False)
        models, lacking = common(parameters, by_table, f"{metric}, on {{}} ({{}}, {{}})")
        for (stimuli, *_), gone in lacking.items():
            told = absent.setdefault(metric, {}).setdefault(stimuli, [])
            told += [name for name in gone if name not in told]
        for (analysis, scoring), own in of_metric.groupby(["analysis", "scoring"], sort=False):
            scores[Scoring(metric, analysis, scoring)] = _scores(parameters, models, own, scoring)
    return scores, absent


def common(parameters: ConsistencyStatistics, tables: Iterable[tuple[tuple, pd.DataFrame]], words: str) -> tuple:
    """The models that all tables of pairs have, in the order of the parameters, and what each table lacks by its key.

    A note names the models that are left out, and where; ``words`` : of a table, filled with its key.

    Raises
    ------
    ValueError : fewer than three models are left.
    """
    names, lacking = [one.name for one in parameters.models], {}
    for key, own in tables:
        there = {*own["a"], *own["b"]}
        if gone := [name for name in names if name not in there]:
            lacking[key] = gone
            note(f"{words.format(*key)}: no scores of {', '.join(gone)}, left out everywhere")
    left_out = {name for gone in lacking.values() for name in gone}
    kept = [name for name in names if name not in left_out]
    if len(kept) < FEWEST_MODELS:
        told = "; ".join(f"{words.format(*key)} lacks {', '.join(gone)}" for key, gone in lacking.items())
        raise ValueError(
            f"{FEWEST_MODELS} models with scores in every table are needed; there are {len(kept)} of {len(names)}"
            f"{f': {told}' if told else ''}. Add models, or leave out what lacks most."
        )
    return kept, lacking


def pairs_of(rows: pd.DataFrame, models: Sequence[str], words: str, columns: Sequence[str] = ("value",)) -> np.ndarray:
    """Columns of a table of pairs, joined by names: columns x M(M - 1)/2, in the order of `numpy.triu_indices`.

    Raises
    ------
    ValueError : a pair of models has no value in the first column, or several.

    Example
    -------
    >>> table = pd.DataFrame({"a": ["w", "u", "u"], "b": ["v", "v", "w"], "value": [0.5, 0.25, 0.75]})
    >>> pairs_of(table, ["u", "v", "w"], "photographs").tolist()
    [[0.25, 0.75, 0.5]]
    """
    place = {name: at for at, name in enumerate(models)}
    own = rows[rows["a"].isin(place) & rows["b"].isin(place)]
    a, b = (own[side].map(place).to_numpy(int) for side in ("a", "b"))
    ends = np.minimum(a, b), np.maximum(a, b)
    table, count = np.full((len(columns), len(models), len(models)), np.nan), np.zeros((len(models), len(models)), int)
    table[:, *ends] = own[list(columns)].to_numpy(float).T
    np.add.at(count, ends, 1)
    upper = np.triu_indices(len(models), 1)
    if len(wrong := np.flatnonzero((count[upper] != 1) | np.isnan(table[0][upper]))):
        one, other = (models[side[wrong[0]]] for side in upper)
        raise ValueError(
            f"{words} must have one score of every two models; {len(wrong)} pairs have none or several, such as "
            f"{one}, {other}. Score the set anew."
        )
    return table[:, *upper]


def words(models: Iterable[Model], attribute: str) -> list[str | None]:
    """An attribute of each model as a word; None where it has none.

    Example
    -------
    >>> one = Model(name="u", setting="u", view="0", seed=0, trained=True, attributes={"depth": 2})
    >>> words([one], "depth"), words([one], "data")
    (['2'], [None])
    """
    found = [one.attributes.get(attribute) for one in models]
    return [None if value is None else str(value) for value in found]


def models_of(parameters: ConsistencyStatistics, scores: Scores) -> list[Model]:
    """The models that scores are of, in their order."""
    known = {one.name: one for one in parameters.models}
    return [known[name] for name in scores.models]


def families(parameters: ConsistencyStatistics, names: Sequence[str]) -> list[str]:
    """The family of each of these models; a model without one is its own, by its name."""
    known = {one.name: one for one in parameters.models}
    return [one or name for one, name in zip(words(map(known.get, names), parameters.families), names, strict=True)]


def _scores(parameters: ConsistencyStatistics, models: list[str], rows: pd.DataFrame, scoring: str) -> Scores:
    by_set = dict(tuple(rows.groupby("stimuli", sort=False)))
    if missing := [name for name in parameters.sets if name not in by_set]:
        raise ValueError(f"{missing[0]} has no scores by {scoring}. Score it, or remove it from consistency.stimuli.")
    tables = [pairs_of(by_set[name], models, f"{name}, {scoring},", COLUMNS[-3:]) for name in parameters.sets]
    values, *halves = np.stack(tables, axis=1)
    sources = tuple(one.source for one in parameters.sets.values())
    return Scores(values, np.stack(halves), tuple(models), tuple(parameters.sets), sources)
