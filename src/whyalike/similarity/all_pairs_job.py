"""The score table of all pairs of many representations on one stimulus set, by the metrics of one job.

The work on a representation is done once, in memory that does not grow with their number. Scores have no nulls unless
they are asked for: then pairs are scored one by one, as those of other comparisons are.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.data.prepared import open_prepared
from whyalike.files import write_table
from whyalike.job import note
from whyalike.similarity.absent import constant, metadata
from whyalike.similarity.all_pairs_parameters import ALL, AllPairsParameters, Representation, memory_of
from whyalike.similarity.many import scores
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.protocols import Scoring, metric_of, scoring
from whyalike.similarity.scoring import LAYERS, score_pairs
from whyalike.similarity.table import PART_SCHEMA, PLACE, to_table
from whyalike.similarity.unfinished import Unfinished
from whyalike.similarity.workbench import Workbench

MANY = 3  # representations: of fewer the memory is that of a pair
LAYER = "x"  # the one layer of each representation on the workbench
_log = logging.getLogger(__name__)


def score_all_pairs(
    parameters: AllPairsParameters, activations: Mapping[str, Sequence[Path]], stimuli_data: Path, output: Path
) -> None:
    """Write the scores of all pairs of representations.

    Parameters
    ----------
    activations : layer -> activation files of the cells.
    stimuli_data : prepared data set of the stimuli.
    output : path of the table, which `joining.join_scores` puts together with those of the other jobs.

    Raises
    ------
    ValueError : activation files whose stimuli differ, or that lack a representation.
    """
    ids, arrays = _read(parameters.representations, activations)
    data = open_prepared(stimuli_data)
    labelling = parameters.labelling if parameters.in_distribution else "_".join(data.attributes)
    groups, _ = data.labelling(labelling, ids)
    if parameters.permutations is None:
        table = _without_nulls(parameters, arrays, groups)
    else:
        inputs = [*chain.from_iterable(activations.values()), stimuli_data / "labels.parquet"]
        table = _with_nulls(parameters, arrays, groups, inputs, output)
    held = ((one.view, one.layer, x) for one, x in zip(parameters.representations, arrays, strict=True))
    write_table(output, table, {"work": parameters.plain(), **metadata(constant(held, parameters.stimuli))})
    note(f"{parameters.title} · {', '.join(parameters.metrics)} · {len(table)} scores")


def _read(
    representations: Sequence[Representation], activations: Mapping[str, Sequence[Path]]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Stimulus ids, and n x d of each representation."""
    places = {layer: {view: path for path in paths for view in runs_of(path)} for layer, paths in activations.items()}
    ids, read = None, {}
    for path in dict.fromkeys(chain.from_iterable(activations.values())):
        own = read_ids(path)
        if ids is not None and not np.array_equal(ids, own):
            raise ValueError(f"{path} holds other stimuli than other models' files: extract the activations again")
        ids = own
    for one in representations:
        path = places.get(one.layer, {}).get(one.view)
        if path is None:
            raise ValueError(
                f"no activation file holds {one.name} of {one.setting} at layer {one.layer}: extract them again"
            )
        read[one.view, one.layer] = read_activations(path, one.view)
    return ids, [read[one.view, one.layer] for one in representations]


def compared(parameters: AllPairsParameters) -> list[tuple[int, int]]:
    """The pairs, by places of their representations."""
    layers = [one.layer for one in parameters.representations]
    places = ((i, j) for i in range(len(layers)) for j in range(i + 1, len(layers)))
    return [(i, j) for i, j in places if not parameters.same_layers or layers[i] == layers[j]]


# ---- without nulls ----


def _without_nulls(parameters: AllPairsParameters, arrays: Sequence[np.ndarray], groups: np.ndarray) -> pa.Table:
    pairs, n = compared(parameters), len(groups)
    families = [METRICS[metric_of(*one)].facts.family for one in parameters.metrics.items()]
    memory, tables = memory_of(families, n), []
    held = {str(i): {LAYER: x} for i, x in enumerate(arrays)}
    bench = Workbench(held, parameters.seed, permuted=False, memory=memory if len(held) >= MANY else None)
    for name, given in parameters.metrics.items():
        chosen, undefined = scoring(name, "exact", given), {}
        named = [(str(i), str(j)) for i, j in pairs]
        found = scores(bench, named, LAYER, chosen, memory // 4, undefined) if named else {}
        values = np.array([found[pair] for pair in named])
        tables.append(_columns(parameters, arrays, np.array(pairs), values, chosen, groups))
        _warn(parameters, chosen, undefined)
    return pa.concat_tables(tables)


def _warn(parameters: AllPairsParameters, chosen: Scoring, undefined: Mapping[tuple[str, str], str]) -> None:
    """One line a reason, however many pairs lack their score for it."""
    reasons: dict[str, int] = {}
    for reason in undefined.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        words = _in_words(parameters.representations, reason)
        _log.warning("no %s score of %d pairs, %s: %s", chosen.name, count, parameters.stimuli, words)


def _in_words(representations: Sequence[Representation], reason: str) -> str:
    """A reason that names a representation by its place, with its names."""
    start, mark, place = reason.rpartition(f"layer '{LAYER}' of ")
    number = place.split(".")[0].split(")")[0].split(";")[0].split(" ")[0]
    if not mark or not number.isdigit():
        return reason
    one = representations[int(number)]
    step = "" if one.step is None else f", step {one.step}"
    return f"{start}layer '{one.layer}' of {one.name} ({one.setting}{step}){place[len(number) :]}"


def _columns(
    parameters: AllPairsParameters,
    arrays: Sequence[np.ndarray],
    pairs: np.ndarray,
    values: np.ndarray,
    chosen: Scoring,
    groups: np.ndarray,
) -> pa.Table:
    """The rows of one scoring, of the pairs that have a value; a column at a time, for there may be millions."""
    kept = np.flatnonzero(np.isfinite(values))
    sides = dict(zip("ab", pairs[kept].T if len(pairs) else np.empty((2, 0), int), strict=True))
    of_each = {
        "run": [one.view for one in parameters.representations],
        "layer": [one.layer for one in parameters.representations],
        "name": [one.name for one in parameters.representations],
        "step": [one.step for one in parameters.representations],
        "width": [x.shape[1] for x in arrays],
    }
    columns: dict[str, Any] = {
        f"{what}_{side}": pa.array(own).take(pa.array(places)) for what, own in of_each.items()
        for side, places in sides.items()
    }  # fmt: skip
    settings, seeds = (np.array([getattr(one, what) for one in parameters.representations]) for what in
                       ("setting", "seed"))  # fmt: skip
    of_a, of_b = (settings[places] for places in sides.values())
    columns |= {
        "setting": of_a,
        "setting_b": pa.array(of_b, mask=of_a == of_b),
        "seed": seeds[sides["a"]],
        "value": values[kept],
        PLACE: kept * LAYERS,
    }
    same = {
        **_facts(parameters, groups),
        "n": len(groups),
        "metric": chosen.metric,
        "preprocessing": chosen.preprocessing,
        "estimator": chosen.estimator,
        "eps": chosen.eps,
        "score_protocol": chosen.protocol,
        "scoring": chosen.name,
        "parameters": chosen.parameters_text,
    }
    arrays_of = [
        pa.array(columns[field.name]).cast(field.type) if field.name in columns
        else pa.repeat(pa.scalar(same.get(field.name), field.type), len(kept)) for field in PART_SCHEMA
    ]  # fmt: skip
    return pa.table(arrays_of, schema=PART_SCHEMA)


def _facts(parameters: AllPairsParameters, groups: np.ndarray) -> dict[str, Any]:
    """What is said of every pair."""
    return {
        "study": parameters.study,
        "comparison": parameters.comparison,
        "factor": parameters.factor,
        "condition": ALL,
        "stimuli": parameters.stimuli,
        "stimuli_kind": "in_distribution" if parameters.in_distribution else "out_of_distribution",
        "classes": len(np.unique(groups)),
    }


# ---- with nulls ----


def _with_nulls(
    parameters: AllPairsParameters,
    arrays: Sequence[np.ndarray],
    groups: np.ndarray,
    inputs: Sequence[Path],
    output: Path,
) -> pa.Table:
    pairs = [_pair(parameters, groups, i, j) for i, j in compared(parameters)]
    runs: dict[str, dict[str, np.ndarray]] = {}
    for one, x in zip(parameters.representations, arrays, strict=True):
        runs.setdefault(one.view, {})[one.layer] = x
    title = f"{parameters.title} · {', '.join(parameters.metrics)}"
    with Unfinished(output, parameters.plain(), inputs, title, len(pairs), "pairs") as kept:
        frame = score_pairs(
            runs,
            pairs,
            parameters.metrics,
            ("exact",),
            parameters.permutations,
            parameters.seed,
            kept,
            places=range(len(pairs)),
        )
    return to_table(frame, PART_SCHEMA)


def _pair(parameters: AllPairsParameters, groups: np.ndarray, i: int, j: int) -> PairOnStimuli:
    a, b = (parameters.representations[place] for place in (i, j))
    names = {"name_a": a.name, "name_b": b.name, "step_a": a.step, "step_b": b.step}
    other = {"setting_b": b.setting} if b.setting != a.setting else {}
    columns = {**_facts(parameters, groups), "setting": a.setting, "seed": a.seed, **names, **other}
    rows = (np.arange(len(groups)),)
    return PairOnStimuli(a.view, b.view, None, None, rows, groups, None, None, columns, ((a.layer, b.layer),))
