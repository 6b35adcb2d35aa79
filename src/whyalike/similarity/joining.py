"""One score table of a comparison on one stimulus set, from those that its family jobs wrote.

Each of them says of its rows where they stand among all (`places` of `scoring.score_pairs`): by pair and layer. At one
place the scorings stand in the order of the configuration, so the table is the one that a single job would have made.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from whyalike.files import made_by, read_table, write_table
from whyalike.job import note
from whyalike.similarity.absent import ABSENT, metadata
from whyalike.similarity.parameters import ScoreParameters
from whyalike.similarity.table import PLACE, SCORE_SCHEMA


def join_scores(parameters: ScoreParameters, parts: Sequence[Path], output: Path) -> None:
    """Write the score table of a comparison.

    Parameters
    ----------
    parameters : with the metrics of all parts.
    parts : tables of the family jobs.
    output : path of the score table.
    """
    table = pa.concat_tables([read_table(path) for path in parts])
    rank = {name: i for i, name in enumerate(parameters.metrics)}
    ranks = [rank[name] for name in table["scoring"].to_pylist()]
    order = np.lexsort((ranks, table[PLACE].to_numpy()))
    joined = table.take(order).select(SCORE_SCHEMA.names).replace_schema_metadata(None).combine_chunks()
    absent = [one for path in parts for one in made_by(path).get(ABSENT, ())]
    write_table(output, joined, {"work": parameters.plain(), **metadata(absent)})
    note(f"{parameters.title} · {len(joined)} scores in all")
