"""Similarities of every two models on one stimulus set by one metric, with and without rows of length 1.

Beside each value stand those on two halves of the stimuli, of which the reliability of the similarities follows, and
of RBF kernels how many neighbours they reach (`whyalike.studies.consistency.reach`). The work on a model is done once
for each scoring and half. A metric that no scale of a row changes has one value with rows raw and of length 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.randomness import keyed
from whyalike.similarity.absent import metadata
from whyalike.similarity.metrics.registry import METRICS
from whyalike.studies.consistency.pair_scores import PairScores, absent_of, chosen_of, score_pairs, tell
from whyalike.studies.consistency.parameters import MatrixParameters, Scored
from whyalike.studies.consistency.representations import classes_of, read_models, to_unit_rows
from whyalike.studies.consistency.section import RAW

HALVES = ("value_half_1", "value_half_2")
#: A row a scoring and pair (a, b), a before b in the order of the models.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in (
            "stimuli", "source", "category", "metric", "analysis", "scoring", "rows", "parameters", "a", "b")),
        pa.field("value", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in HALVES),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("n", "width_a", "width_b")),
        *(pa.field(name, pa.float64()) for name in ("neighbours_a", "neighbours_b")),
    ]
)  # fmt: skip


def score_set(parameters: MatrixParameters, activations: Sequence[Path], labels: Sequence[Path], output: Path) -> None:
    """Write the similarities of all pairs of models on a stimulus set.

    Parameters
    ----------
    activations : a file a setting, on this set. labels : the label file of its data set.
    output : a table of `SCHEMA`. A model or pair without a score has no row; metadata and log name it and say why.

    Raises
    ------
    ValueError : files of different stimuli, or a model that none holds.
    """
    ids, arrays = read_models(parameters.models, activations)
    classes, _ = classes_of(labels, parameters.of.labelling, ids)
    halves = halves_of(classes, parameters.seed, parameters.stimuli)
    rows: list[dict[str, Any]] = []
    absent: list[dict[str, Any]] = []
    for scored, found in _scored(parameters.scored, arrays, halves):
        absent += _absent(parameters, scored, found, list(arrays))
        rows += _rows(parameters, scored, found, arrays)
    tell(absent)
    write_table(output, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain(), **metadata(absent)})
    note(
        f"similarity {parameters.stimuli} · {parameters.metric} · {len(rows)} scores of {len(arrays)} models, "
        f"{len(ids)} stimuli"
    )


def halves_of(classes: np.ndarray, seed: int, stimuli: str) -> tuple[np.ndarray, np.ndarray]:
    """The places of the stimuli in two halves, ascending: as many of each class in both, or one more, and of all.

    Parameters
    ----------
    classes : of each stimulus, n. seed, stimuli : key of the draw.

    Example
    -------
    >>> one, two = halves_of(np.array([0, 0, 0, 0, 1, 1]), 0, "digits")
    >>> (one < 4).sum().item(), (two < 4).sum().item(), sorted([*one.tolist(), *two.tolist()])
    (2, 2, [0, 1, 2, 3, 4, 5])
    """
    draw = keyed(seed, "halves of stimuli", stimuli)
    _, codes = np.unique(classes, return_inverse=True)
    turn = draw.permutation(codes.max(initial=0) + 1)[codes]  # of classes, so that chance halves those of one stimulus
    order = draw.permutation(len(codes))
    order = order[np.argsort(turn[order], kind="stable")]  # class by class, each in an order of its own
    return np.sort(order[::2]), np.sort(order[1::2])


def _scored(
    scored: Sequence[Scored], arrays: dict[str, np.ndarray], halves: Sequence[np.ndarray]
) -> Iterator[tuple[Scored, list[PairScores]]]:
    """Each scoring with its scores on all stimuli and on both halves; the arrays get unit rows when raw ones are done.

    Scorings of raw rows come first, whatever their order.
    """
    same: dict[str, list[PairScores]] = {}  # parameters -> scores that no scale of rows changes
    is_raw = True
    for one in sorted(scored, key=lambda one: one.rows != RAW):
        key = chosen_of(one).parameters_text
        found = same.get(key)
        if found is None:
            if is_raw and one.rows != RAW:
                to_unit_rows(arrays)
                is_raw = False
            found = [score_pairs(arrays, one)]
            found += [score_pairs({name: x[half] for name, x in arrays.items()}, one) for half in halves]
            if ignores_row_scale(one):
                same[key] = found
        yield one, found


def ignores_row_scale(scored: Scored) -> bool:
    """Whether rows of length 1 have the scores of raw ones: the metric is invariant, and in its default form.

    RSA is, of correlations; of Euclidean distances it is not.

    Example
    -------
    >>> given = {"analysis": "corrected", "scoring": "rsa", "rows": "raw"}
    >>> [ignores_row_scale(Scored(**given, parameters=own)) for own in ({}, {"rdm": "euclidean"})]
    [True, False]
    """
    chosen = chosen_of(scored)
    facts = METRICS[chosen.metric].facts
    is_default = all(chosen.parameters.get(name) == facts.parameters.get(name) for name in facts.choices)
    return "row_scale" in facts.invariances and is_default


def _absent(
    parameters: MatrixParameters, scored: Scored, found: Sequence[PairScores], models: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """What has no score on all stimuli, and of the rest what has none on a half of them."""
    whole, *halves = found
    told = {"stimuli": parameters.stimuli, "analysis": scored.analysis, "scoring": scored.scoring}
    yield from absent_of(whole, models, told)
    there = [name for name in models if any(name in pair for pair in whole.values)]
    for number, half in enumerate(halves, 1):
        reasons = {pair: reason for pair, reason in half.reasons.items() if pair in whole.values}
        yield from absent_of(replace(half, reasons=reasons), there, {**told, "half": f"half {number}"})


def _rows(
    parameters: MatrixParameters, scored: Scored, found: Sequence[PairScores], arrays: Mapping[str, np.ndarray]
) -> Iterator[dict[str, Any]]:
    whole, *halves = found
    shared = {
        "stimuli": parameters.stimuli,
        "source": parameters.of.source,
        "category": parameters.of.category,
        "metric": parameters.metric,
        "analysis": scored.analysis,
        "scoring": scored.scoring,
        "rows": scored.rows,
        "parameters": chosen_of(scored).parameters_text,
        "n": len(next(iter(arrays.values()))),
    }
    for (a, b), value in whole.values.items():
        yield {
            **shared, "a": a, "b": b, "value": value,
            **{name: half.values.get((a, b)) for name, half in zip(HALVES, halves, strict=True)},
            "width_a": arrays[a].shape[1], "width_b": arrays[b].shape[1],
            "neighbours_a": whole.neighbours.get(a), "neighbours_b": whole.neighbours.get(b),
        }  # fmt: skip
