"""Similarities of every two models on nested draws of one stimulus set: of each class 1, 5, 10, ... stimuli.

A smaller draw is the beginning of a larger one: the stimuli of a class have one keyed order, whatever other classes
there are, so that a change between two sizes comes from the stimuli that are added.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.randomness import keyed
from whyalike.similarity.absent import metadata
from whyalike.similarity.protocols import metric_of
from whyalike.studies.consistency.pair_scores import absent_of, chosen_of, score_pairs, tell
from whyalike.studies.consistency.parameters import SizesParameters
from whyalike.studies.consistency.representations import classes_of, read_models, to_unit_rows
from whyalike.studies.consistency.section import RAW

#: A row a size and pair (a, b), a before b in the order of the models.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in (
            "stimuli", "metric", "analysis", "scoring", "rows", "parameters")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("per_class", "n")),
        *(pa.field(name, pa.string(), nullable=False) for name in "ab"),
        pa.field("value", pa.float64(), nullable=False),
    ]
)  # fmt: skip
NAMED = 5  # classes that a message names


def score_sizes(parameters: SizesParameters, activations: Sequence[Path], labels: Sequence[Path], output: Path) -> None:
    """Write the similarities of all pairs of models for each number of stimuli a class.

    Parameters
    ----------
    activations : a file a setting, on the largest draw or more. labels : the label file of the data set.
    output : a table of `SCHEMA`. What has no score has no row; metadata and log name it and say why.

    Raises
    ------
    ValueError : a class with too few stimuli, files of different stimuli, or a model that none holds.
    """
    scored, sizes = parameters.scored, sorted(parameters.per_class)
    ids, arrays = read_models(parameters.models, activations)
    classes, names = classes_of(labels, parameters.labelling, ids)
    places = places_within(classes, names, parameters.seed, parameters.stimuli)
    _check_counts(classes, names, sizes[-1], parameters.stimuli)
    if scored.rows != RAW:
        to_unit_rows(arrays)
    shared = {"stimuli": parameters.stimuli, "analysis": scored.analysis, "scoring": scored.scoring}
    facts = {"metric": metric_of(scored.scoring, scored.parameters), "rows": scored.rows,
             "parameters": chosen_of(scored).parameters_text}  # fmt: skip
    rows: list[dict[str, Any]] = []
    absent: list[dict[str, Any]] = []
    for size in sizes:
        drawn = np.flatnonzero(places < size)
        own = arrays if len(drawn) == len(ids) else {name: x[drawn] for name, x in arrays.items()}
        found = score_pairs(own, scored)
        absent += absent_of(found, list(arrays), {**shared, "per_class": size})
        told = {**shared, **facts, "per_class": size, "n": len(drawn)}
        rows += [{**told, "a": a, "b": b, "value": value} for (a, b), value in found.values.items()]
        note(f"similarity {parameters.stimuli} · {scored.scoring} · {size} a class: {len(found.values)} scores")
    tell(absent)
    write_table(output, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain(), **metadata(absent)})


def places_within(classes: np.ndarray, names: Sequence[str], seed: int, stimuli: str) -> np.ndarray:
    """The place of each stimulus (n,) in the order of its class, from 0: those below k are the draw of k a class.

    Parameters
    ----------
    classes : of each stimulus, places in ``names``. seed, stimuli : key of the order, with the name of the class.

    Example
    -------
    >>> places = places_within(np.array([0, 0, 0, 1, 1]), ["cat", "dog"], 0, "photographs")
    >>> sorted(places[:3].tolist()), sorted(places[3:].tolist())
    ([0, 1, 2], [0, 1])
    """
    places = np.empty(len(classes), np.int64)
    for code in np.unique(classes):
        own = np.flatnonzero(classes == code)
        places[own] = keyed(seed, "stimuli of a class", stimuli, names[code]).permutation(len(own))
    return places


def _check_counts(classes: np.ndarray, names: Sequence[str], largest: int, stimuli: str) -> None:
    found, counts = np.unique(classes, return_counts=True)
    few = [f"{names[code]} ({count})" for code, count in zip(found, counts, strict=True) if count < largest]
    if few:
        told = ", ".join([*few[:NAMED], *["..."] * (len(few) > NAMED)])
        raise ValueError(
            f"consistency.sizes draws up to {largest} stimuli of each class of {stimuli}; {len(few)} of {len(found)} "
            f"classes have fewer: {told}. Draw more stimuli, make the largest of `per_class` smaller, or name another "
            "labelling."
        )
