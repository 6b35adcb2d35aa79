"""How the similarities of models depend on the number of stimuli a class, and whether their consistency does.

Two sizes of nested draws are compared pair of models by pair: the mean and the largest change, and the share of pairs
that change by less than .01. The last measure is the mean correlation (on Fisher's scale) of the similarities at a size
with those of the same metric, analysis and parameters on the other stimulus sets: whether what the study concludes
moves, though no similarity may.

Intervals leave out models, never pairs: of changes each model in turn, of correlations each family of models and each
source of stimuli (`whyalike.statistics.crossed`). The largest change has none: a jackknife does not hold for a maximum.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.statistics.consistency import correlations
from whyalike.statistics.consistency_groups import Scores
from whyalike.statistics.crossed import crossed_jackknife
from whyalike.statistics.dyadic import FEWEST_TO_LEAVE_OUT, node_jackknife, upper
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.statistics.reading import (
    FEWEST_MODELS,
    Scoring,
    common,
    families,
    pairs_of,
    read_scores,
)

SMALL = 0.01  # change of a similarity: the paper's figures are read to two digits
WITH_OTHERS = "pearson_with_other_sets"
SCORED = ["metric", "analysis", "scoring"]
LIKE = ["metric", "analysis", "rows", "parameters"]  # what is compared with other sets
BySize = dict[int, tuple[np.ndarray, int]]  # stimuli of each class -> similarities of all pairs, number of stimuli
#: A row a measure of a size. ``previous`` is the size that it is compared with: of the smallest there is none, and only
#: the correlation with other sets.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in SCORED),
        pa.field("per_class", pa.int64(), nullable=False),
        pa.field("previous", pa.int64()),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("ci_low", "ci_high")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("models", "pairs", "n")),
    ]
)
#: measure -> its value of the changes of all pairs, and the largest that it can be
CHANGES = {
    "mean_change": (np.mean, np.inf),
    "largest_change": (np.max, np.inf),
    "share_below_01": (lambda changes: np.mean(changes < SMALL), 1.0),
}


def analyse(parameters: ConsistencyStatistics, similarity: Sequence[Path], sizes: Sequence[Path], output: Path) -> None:
    """Write the table of the sizes.

    Parameters
    ----------
    similarity : tables of `matrices.score_set`. sizes : tables of `sizes.score_sizes`, one a scoring.
    output : a table of `SCHEMA`. What has no value has no row, and the log says so.
    """
    scores, _ = read_scores(parameters, similarity)
    columns = [*SCORED, *LIKE[2:]]
    known = pd.concat([read_table(path, columns=columns).to_pandas().drop_duplicates() for path in similarity])
    rows: list[dict[str, Any]] = []
    for path in sizes:
        table = read_table(path).to_pandas()
        if table.empty:
            note(f"no statistics of {path}: it holds no scores")
        for (metric, analysis, scoring), own in table.groupby(SCORED, sort=False):
            told = {"metric": metric, "analysis": analysis, "scoring": scoring}
            where = f"{scoring} of {own['stimuli'].iloc[0]}"
            models, _ = common(parameters, own.groupby(["per_class"]), f"{where}, {{}} a class")
            by_size = {k: (pairs_of(one, models, f"{where}, {k} a class,")[0], one["n"].iloc[0])
                       for k, one in own.groupby("per_class")}  # fmt: skip
            alike = known[(known[LIKE] == own[LIKE].iloc[0]).all(axis=1)]
            others = next((scores[Scoring(*one)] for one in alike[SCORED].itertuples(index=False)), None)
            stimuli = own["stimuli"].iloc[0]
            found = [*_changes(by_size, models), *_with_others(by_size, models, others, stimuli, where, parameters)]
            rows += ({**told, **row} for row in sorted(found, key=lambda row: row["per_class"]))
    write_table(output, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain()})
    note(f"statistics, sizes · {len(rows)} values")


def _changes(by_size: BySize, models: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The measures of every two consecutive sizes."""
    for (previous, (before, _)), (size, (after, n)) in pairwise(by_size.items()):
        changes = _square(np.abs(after - before), len(models))
        shared = {"per_class": size, "previous": previous, "models": len(models), "pairs": len(after), "n": n}
        for measure, (value, largest) in CHANGES.items():
            yield {**shared, "measure": measure, **_jackknifed(changes, measure, value, largest)}


def _square(pairs: np.ndarray, models: int) -> np.ndarray:
    """Pairs as a symmetric table, 0 in the diagonal."""
    table = np.zeros((models, models))
    table[np.triu_indices(models, 1)] = pairs
    return table + table.T


def _jackknifed(changes: np.ndarray, measure: str, value: Any, largest: float) -> dict[str, float | None]:
    if measure == "largest_change":
        return {"value": float(value(upper(changes)))}
    found = node_jackknife(changes, lambda table: float(value(upper(table))))
    return {"value": found.value, "ci_low": max(found.low, 0.0), "ci_high": min(found.high, largest)}


def _with_others(
    by_size: BySize,
    models: list[str],
    others: Scores | None,
    stimuli: str,
    where: str,
    parameters: ConsistencyStatistics,
) -> Iterator[dict[str, Any]]:
    """The correlation with sets of other sources at each size, of the models that both have."""
    if stimuli not in parameters.sets:
        note(f"{stimuli} is no set of the study, and its source unknown: all sets count as others")
    source = parameters.sets[stimuli].source if stimuli in parameters.sets else None
    apart = [] if others is None else [at for at, one in enumerate(others.sources) if one != source]
    if not apart:
        note(f"no {WITH_OTHERS}, {where}: sets of other sources lack the metric with these parameters")
        return
    kept = [name for name in models if name in others.models]
    own, theirs = ([of.index(name) for name in kept] for of in (models, others.models))
    sets = others.square()[np.ix_(apart, theirs, theirs)]
    leaves = families(parameters, kept), [others.sources[at] for at in apart]
    for (previous, _), (size, (pairs, n)) in pairwise([(None, None), *by_size.items()]):
        table = _square(pairs, len(models))[np.ix_(own, own)]
        found = _correlation(table, sets, *leaves, f"{where}, {size} a class")
        if found is not None:
            yield {"per_class": size, "previous": previous, "measure": WITH_OTHERS, "n": n, **found}


def _correlation(
    table: np.ndarray, others: np.ndarray, families: Sequence[str], sources: Sequence[str], where: str
) -> dict[str, Any] | None:
    """The mean correlation of a table (M x M) with those of S sets (S x M x M), with the interval over both.

    None where it, or a set, does not vary.
    """

    def mean(kept: np.ndarray, sets: np.ndarray) -> float:
        if len(kept) < FEWEST_MODELS:
            return np.nan
        places = np.triu_indices(len(kept), 1)
        own, *others_ = (one[np.ix_(kept, kept)][places] for one in (table, *others[sets]))
        with np.errstate(divide="ignore"):  # of equal tables it is infinite
            return float(np.arctanh(correlations(np.stack([own, *others_]))[0, 1:]).mean())

    value = mean(np.arange(len(table)), np.arange(len(others)))
    if np.isnan(value):
        note(f"no {WITH_OTHERS}, {where}: similarities do not vary, or there are fewer than {FEWEST_MODELS} models")
        return None
    found = {"value": float(np.tanh(value)), "models": len(table), "pairs": len(upper(table))}
    few = [f"{len(set(of))} {name}" for name, of in (("families", families), ("sources", sources))
           if len(set(of)) < FEWEST_TO_LEAVE_OUT]  # fmt: skip
    interval = None if few else crossed_jackknife(mean, families, sources)
    if interval is None or not np.isfinite([interval.low, interval.high]).all():
        why = f"there are {' and '.join(few)}" if few else "without some of the models there is no correlation"
        note(f"no interval of {WITH_OTHERS}, {where}: {why}")
        return found
    return {**found, "ci_low": float(np.tanh(interval.low)), "ci_high": float(np.tanh(interval.high))}
