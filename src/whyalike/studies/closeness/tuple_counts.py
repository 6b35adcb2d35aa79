"""How llv_distance depends on the number of its random tuples of inputs, of which the best counts.

Some pairs of trained models, every number of tuples, several keys. More tuples of one key begin with the same ones, so
the distance of a pair and key never rises with their number. Row: group, a, b, key, num_samples, value, n.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.files import write_table
from whyalike.jobs import note
from whyalike.similarity.llv import llv_distance
from whyalike.studies.closeness.activations import read_embeddings


def score_tuples(work: Mapping[str, Any], activations: Sequence[Path], output: Path) -> None:
    """Write the table of one part of the study.

    Parameters
    ----------
    work : counts, keys, pairs (of each file), as JSON values.
    activations : tables of the embeddings of groups.
    output : path of the table.
    """
    rows = []
    for path in activations:
        models = {seed: model for (trained, seed), model in read_embeddings(path).items() if trained}
        first = pq.read_table(path, columns=["run"])["run"][0].as_py()
        shared = {"group": first.rpartition("_seed")[0], "n": len(models[0][0])}
        for a, b in islice(combinations(models, 2), work["pairs"]):
            for key in range(work["keys"]):
                for count in work["counts"]:
                    value = llv_distance(models[a], models[b], num_samples=count, seed=key)
                    rows.append({**shared, "a": a, "b": b, "key": key, "num_samples": count, "value": value})
    table = pd.DataFrame(rows)
    write_table(output, pa.Table.from_pandas(table, preserve_index=False), {"work": dict(work)})
    note(f"similarity tuples of inputs · {len(table)} scores")
