"""Mean and standard deviation of the similarity of each pair of models over stimulus sets, on several scales.

A similarity between 0 and 1 can vary most in the middle of its range, whatever varies; so the logit stands beside the
plain number, with the two transformations that the paper has (appendix D: arccos, and tan of s in radians), which leave
that shape. Each set's similarity is transformed first; mean and SD (ddof 0) are of the transformed ones.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.statistics.consistency_groups import Scores
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.statistics.reading import Scoring, models_of, read_scores, words

EDGE = 0.001  # of the logit, which has no value at 0 and 1: similarities are brought within [.001, .999]
SCALES = {
    "plain": lambda s: s,
    "arccos": lambda s: np.arccos(np.clip(s, -1, 1)),
    "tan": np.tan,
    "logit": lambda s: np.log((kept := np.clip(s, EDGE, 1 - EDGE)) / (1 - kept)),
}
TEXTS = ("metric", "analysis", "scoring", "scale", "a", "b")
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in TEXTS),
        *(pa.field(name, pa.string()) for name in ("group_a", "group_b")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("mean", "sd")),
        pa.field("sets", pa.int64(), nullable=False),
    ]
)


def analyse(parameters: ConsistencyStatistics, similarity: list[Path], output: Path) -> None:
    """Write means and SDs of all pairs; groups are values of the first category."""
    first, (scores, _) = parameters.categories[0], read_scores(parameters, similarity)
    frames = [
        frame for of, one in scores.items() for frame in spread(of, one, words(models_of(parameters, one), first))
    ]
    table = pa.Table.from_pandas(pd.concat(frames, ignore_index=True), SCHEMA, preserve_index=False)
    write_table(output, table, {"work": parameters.plain()})
    note(f"spread over sets · {len(table)} numbers")


def spread(of: Scoring, scores: Scores, groups: list[str | None]) -> Iterator[pd.DataFrame]:
    """The rows of one scoring, a frame a scale; ``groups`` : of each model."""
    (i, j), names, groups = scores.pairs, np.array(scores.models), np.array(groups, dtype=object)
    own = {"a": names[i], "b": names[j], "group_a": groups[i], "group_b": groups[j], **of._asdict()}
    for scale, change in SCALES.items():
        changed = change(scores.values)
        numbers = {"mean": changed.mean(axis=0), "sd": changed.std(axis=0), "sets": len(scores.sets)}
        yield pd.DataFrame({**own, "scale": scale, **numbers})[SCHEMA.names]
