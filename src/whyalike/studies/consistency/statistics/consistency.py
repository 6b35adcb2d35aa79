"""The table of consistency: every measure for each pair of stimulus sets, of each pair of groups of models.

R(Theta, Phi) is `pearson`. A category "all" has all pairs of models; "anchor" the pairs of one model with each group of
the first category. Pairs of sets are described here, and tested in the table of groups: they share models and stimuli.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.statistics.consistency import (
    ALL,
    FEWEST_PAIRS,
    SCALES,
    SCALES_OF_HALVES,
    agreement,
    reliability,
)
from whyalike.statistics.consistency_groups import Groups, Scores
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.statistics.reading import Scoring, families, models_of, read_scores, words

ANCHOR = "anchor"
_TEXT = ("metric", "analysis", "scoring", "category", "theta", "phi", "set_a", "set_b")
_COUNTS = ("pairs", "models", "models_theta", "models_phi")
_NUMBERS = (
    *("spread_a", "spread_b", "pearson", "spearman", "concordance", "slope", "residual_sd"),
    *("pearson_at_common_spread", "pearson_within", "reliability_a", "reliability_b", "ceiling", "pearson_of_ceiling"),
)
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXT),
        pa.field("same_source", pa.bool_(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in _COUNTS),
        *(pa.field(name, pa.float64()) for name in _NUMBERS),
    ]
)

Row = dict[str, Any]


def analyse(parameters: ConsistencyStatistics, similarity: list[Path], output: Path) -> None:
    """Write the table.

    `pearson_at_common_spread` of all pairs, and `pearson_within` of the groups of the first category, would be their
    `pearson`: they are null. So is what needs a reliability that is 0 or less; `pearson_of_ceiling` is not clipped.

    Raises
    ------
    ValueError : similarities that do not fit, see `read_scores`.
    """
    scores, absent = read_scores(parameters, similarity)
    rows = [row for of, one in scores.items() for row in consistency_rows(parameters, of, one)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    write_table(output, table, {"work": parameters.plain(), "absent": absent})
    note(f"consistency · {len(rows)} numbers of {len(scores)} scorings")


def consistency_rows(parameters: ConsistencyStatistics, of: Scoring, scores: Scores) -> Iterator[Row]:
    """The rows of one scoring."""
    for category, groups in categories(parameters, scores).items():
        for (theta, phi), columns in zip(groups.names, groups.columns(), strict=True):
            counts = _counts(groups, columns, theta, phi)
            shared = {**of._asdict(), "category": category, "theta": theta, "phi": phi, **counts}
            yield from _of_sets(shared, scores, _of_cell(groups, columns))
        for theta, phi in groups.too_few:
            note(
                f"{of.scoring}, {of.analysis}: no {category} {theta} x {phi}: fewer than {FEWEST_PAIRS} pairs of models"
            )
    yield from _anchors(parameters, of, scores)


def categories(parameters: ConsistencyStatistics, scores: Scores) -> dict[str, Groups]:
    """The cells of all pairs, and of each category; a category that no model has is told and left out."""
    models = models_of(parameters, scores)
    own, first = families(parameters, scores.models), words(models, parameters.categories[0])
    found = {ALL: Groups(scores, [ALL] * len(models), own, first)}
    for name in parameters.categories:
        labels = words(models, name)
        if gone := [model.name for model, label in zip(models, labels, strict=True) if label is None]:
            note(f"without {name}, in none of its groups: {', '.join(gone)}")
        if len(gone) < len(models):
            found[name] = Groups(scores, labels, own, None if name == parameters.categories[0] else first)
    return found


def _counts(groups: Groups, columns: np.ndarray, theta: str, phi: str) -> Row:
    there = groups.models_of(columns)
    labels = groups.codes[there]
    of = {side: int((labels == groups.levels.index(name)).sum()) for side, name in (("theta", theta), ("phi", phi))}
    return {"pairs": len(columns), "models": len(there), "models_theta": of["theta"], "models_phi": of["phi"]}


def _of_cell(groups: Groups, columns: np.ndarray) -> dict[str, np.ndarray]:
    """The measures of a cell, S x S, and what is known of each set, S."""
    scores = groups.scores
    found = groups.on_sets(columns, groups.common)
    x, halves = scores.values[:, columns], scores.halves[:, :, columns]
    kept = {name: found[name] for name in (*SCALES, *SCALES_OF_HALVES) if name in found}
    return {**kept, "slope": agreement(x).slope, "spread": x.std(axis=1, ddof=1), "reliability": reliability(halves)}


def _of_sets(shared: Row, scores: Scores, found: dict[str, np.ndarray]) -> Iterator[Row]:
    """A row for every two sets."""
    for a, b in itertools.combinations(range(len(scores.sets)), 2):
        same = scores.sources[a] == scores.sources[b]
        row = {**shared, "set_a": scores.sets[a], "set_b": scores.sets[b], "same_source": same}
        for name, values in found.items():
            own = {name: values[a, b]} if values.ndim == 2 else {f"{name}_a": values[a], f"{name}_b": values[b]}
            row |= {key: float(one) if np.isfinite(one) else None for key, one in own.items()}
        yield row


def _anchors(parameters: ConsistencyStatistics, of: Scoring, scores: Scores) -> Iterator[Row]:
    """Rows of the first model of each anchor with the other models of each group of the first category."""
    models = models_of(parameters, scores)
    labels = np.array(words(models, parameters.categories[0]), dtype=object)
    i, j = scores.pairs
    for setting in parameters.anchors:
        anchor = next((at for at, one in enumerate(models) if one.setting == setting), None)
        if anchor is None:
            note(f"{of.scoring}, {of.analysis}: no anchor {setting}: some set lacks its models")
            continue
        other = np.where(i == anchor, j, i)
        for phi in dict.fromkeys(label for label in labels if label is not None):
            columns = np.flatnonzero(((i == anchor) | (j == anchor)) & (labels[other] == phi))
            if len(columns) < FEWEST_PAIRS:
                told = f"no anchor {models[anchor].name} x {phi}: fewer than {FEWEST_PAIRS} pairs"
                note(f"{of.scoring}, {of.analysis}: {told}")
                continue
            counts = {"pairs": len(columns), "models": len(columns) + 1, "models_theta": 1, "models_phi": len(columns)}
            shared = {**of._asdict(), "category": ANCHOR, "theta": models[anchor].name, "phi": phi, **counts}
            own = agreement(scores.values[:, columns])
            yield from _of_sets(shared, scores, {"pearson": own.pearson, "spearman": own.spearman})
