"""How llv_distance depends on the number of its random tuples of inputs, of which the best counts.

Some pairs of trained models, every number of tuples, several keys. More tuples of one key begin with the same ones, so
the distance of a pair and key never rises with their number. A table has the core columns, then group, a, b, key and
num_samples; each number of tuples is a scoring of its own.
"""

from collections.abc import Sequence
from itertools import combinations, islice
from pathlib import Path

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.similarity.metrics.llv import llv_distance
from whyalike.studies.closeness.activations import read_embeddings
from whyalike.studies.closeness.parameters import TupleScores
from whyalike.studies.closeness.rows import TUPLE_FIELDS, of_distributions, run_of, to_table


def score_tuples(parameters: TupleScores, activations: Sequence[Path], output: Path) -> None:
    """Write the table of one part of the study.

    Parameters
    ----------
    parameters : what is scored.
    activations : tables of the embeddings of groups.
    output : path of the table.
    """
    rows = []
    for path in activations:
        models = {seed: model for (trained, seed), model in read_embeddings(path).items() if trained}
        first = read_table(path, columns=["run"])["run"][0].as_py()
        group = first.rpartition("_seed")[0]
        shared = {"study": parameters.study, "stimuli": parameters.stimuli}
        shared |= {"comparison": group, "group": group, "n": len(models[0][0])}
        for a, b in islice(combinations(models, 2), parameters.pairs):
            runs = {"a": a, "b": b, "run_a": run_of(group, a), "run_b": run_of(group, b)}
            for key in range(parameters.keys):
                for count in parameters.counts:
                    value = llv_distance(models[a], models[b], num_samples=count, seed=key)
                    told = of_distributions("llv_distance", num_samples=count, seed=key)
                    told["scoring"] = f"llv_distance_{count}"
                    rows.append({**shared, **runs, **told, "key": key, "num_samples": count, "value": value})
    write_table(output, to_table(rows, TUPLE_FIELDS), {"work": parameters.plain()})
    note(f"similarity tuples of inputs · {len(rows)} scores")
