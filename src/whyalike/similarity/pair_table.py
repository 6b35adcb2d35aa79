"""The pair table of a comparison: its scores, each with its 95 % interval over stimuli, for studies of single pairs.

A study of overlap has its intervals over seeds, in the statistics. Where models come from files each pair is a result
of its own, and what can be drawn anew are the stimuli (`whyalike.similarity.intervals`). Scores as published have none.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.activations.table import read_activations, runs_of
from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.similarity.api import workbench_of
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.intervals import over_stimuli
from whyalike.similarity.parameters import PairParameters
from whyalike.similarity.protocols import Scoring, scoring
from whyalike.similarity.table import SCORE_SCHEMA
from whyalike.similarity.unfinished import Unfinished

INTERVAL = ("ci_low", "ci_high", "interval")
#: That of the score table, and behind it the interval and how it was made; null where there is none.
PAIR_SCHEMA = pa.schema([*SCORE_SCHEMA, *(pa.field(name, pa.float64()) for name in INTERVAL[:2]),
                         pa.field(INTERVAL[2], pa.string())])  # fmt: skip


def write_pairs(
    parameters: PairParameters, scores: Path, activations: Mapping[str, Sequence[Path]], output: Path
) -> None:
    """Write the pair table of one comparison on one stimulus set, of `PAIR_SCHEMA`.

    Parameters
    ----------
    parameters : the scorings, and whether there are to be intervals.
    scores : the score table.
    activations : layer -> activation files.
    output : path of the table.

    Raises
    ------
    ValueError : a score of a run or layer that no activation file holds.
    """
    table = read_table(scores)
    of_layers = {layer: _read(paths) for layer, paths in activations.items()} if parameters.intervals else {}
    rows = table.select(["run_a", "run_b", "layer_a", "layer_b", "scoring", "score_protocol"]).to_pylist()
    wanted = [i for i, row in enumerate(rows) if row["score_protocol"] == "exact" and of_layers]
    inputs = [scores, *chain.from_iterable(activations.values())]
    with Unfinished(output, parameters.plain(), inputs, parameters.title, len(wanted), "intervals") as found:
        for i in wanted:
            if i not in found:
                name = rows[i]["scoring"]
                chosen = scoring(name, "exact", parameters.metrics[name])
                found[i] = _interval(rows[i], chosen, of_layers, parameters.seed)
        columns = zip(*(found.get(i, (None, None, None)) for i in range(len(rows))), strict=True)
        for name, values in zip(INTERVAL, list(columns) or [()] * len(INTERVAL), strict=True):
            table = table.append_column(PAIR_SCHEMA.field(name), pa.array(values, PAIR_SCHEMA.field(name).type))
        write_table(output, table.replace_schema_metadata(None), {"work": parameters.plain()})


def _read(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Run -> (n, d) at one layer; the files' stimuli are the same, since their scores are made."""
    return {run: read_activations(path, run) for path in paths for run in runs_of(path)}


def _interval(
    row: Mapping[str, Any], chosen: Scoring, of_layers: Mapping[str, Mapping[str, np.ndarray]], seed: int
) -> tuple[float | None, float | None, str | None]:
    """Low and high and the method of one row's interval; all None where it is undefined."""
    a, b = (of_layers.get(row[f"layer_{side}"], {}).get(row[f"run_{side}"]) for side in "ab")
    if a is None or b is None:
        raise ValueError(f"no activation file holds {row['run_a']} and {row['run_b']}: extract the activations again")
    try:
        one = over_stimuli(workbench_of({"a": a, "b": b}, 0, chosen.metric), "a", "b", chosen, seed)
    except UndefinedScore as reason:
        note(f"no interval of {chosen.name} of {row['run_a']} and {row['run_b']}: {reason}")
        return None, None, None
    return one.low, one.high, one.method
