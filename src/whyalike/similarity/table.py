"""The score table: its columns, in order, and how rows become a frame and a frame becomes Parquet.

`SCORE_SCHEMA` is that of studies of overlap. The tables of other studies have the same core (`CORE`), and pair columns
of their own: `score_schema`.

Missing means absent: NaN in a frame's float columns, NA in ``classes``, null in Parquet.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()

SCORE_SCHEMA = pa.schema(
    [
        pa.field("study", _TEXT, nullable=False),
        pa.field("comparison", _TEXT, nullable=False),
        pa.field("setting", _TEXT, nullable=False),
        pa.field("factor", _TEXT, nullable=False),
        pa.field("seed", _COUNT, nullable=False),
        pa.field("seeds_asked", _COUNT),  # of the whole comparison: more than there are in a partial result
        pa.field("condition", _TEXT, nullable=False),
        pa.field("data_overlap", _NUMBER),
        pa.field("label_overlap", _NUMBER),
        pa.field("label_information", _NUMBER),
        pa.field("run_a", _TEXT, nullable=False),
        pa.field("run_b", _TEXT, nullable=False),
        pa.field("layer_a", _TEXT, nullable=False),
        pa.field("layer_b", _TEXT, nullable=False),
        pa.field("stimuli", _TEXT, nullable=False),
        pa.field("stimuli_kind", _TEXT, nullable=False),
        pa.field("classes", _COUNT),
        pa.field("n", _COUNT, nullable=False),
        pa.field("metric", _TEXT, nullable=False),
        pa.field("preprocessing", _TEXT, nullable=False),
        pa.field("estimator", _TEXT, nullable=False),
        pa.field("eps", _NUMBER, nullable=False),
        pa.field("score_protocol", _TEXT, nullable=False),
        pa.field("value", _NUMBER, nullable=False),
        pa.field("null_mean", _NUMBER),
        pa.field("null_p95", _NUMBER),
        pa.field("null_within_class", _NUMBER),
        pa.field("untrained", _NUMBER),
        pa.field("label_gram", _NUMBER),
        pa.field("p_value", _NUMBER),
        pa.field("scoring", _TEXT),  # the user's name of metric and parameters; null in old and imported tables: metric
        pa.field("parameters", _TEXT),  # all of them, defaults included, as JSON; eps has its column
        pa.field("name_a", _TEXT),  # of the runs, unique within setting, factor and seed
        pa.field("name_b", _TEXT),
        pa.field("setting_b", _TEXT),  # of model B, where that is another one
        pa.field("step_a", _COUNT),  # of training; null for the final weights
        pa.field("step_b", _COUNT),
        pa.field("width_a", _COUNT),  # units of the layer; null where all layers are scored together
        pa.field("width_b", _COUNT),
        pa.field("null_within_class_p95", _NUMBER),
        pa.field("p_within_class", _NUMBER),
    ]
)

#: The columns that score tables of all studies have, whatever is compared: of the models, the scoring and its value.
CORE = (
    *("study", "comparison", "run_a", "run_b", "layer_a", "layer_b", "stimuli", "n"),
    *("metric", "preprocessing", "estimator", "eps", "score_protocol", "value"),
    *("null_mean", "null_p95", "null_within_class", "untrained", "label_gram", "p_value", "scoring", "parameters"),
    *("null_within_class_p95", "p_within_class"),
)


def score_schema(pair_fields: Iterable[pa.Field]) -> pa.Schema:
    """The columns of a study's score tables: the core, then what its design says of a pair."""
    return pa.schema([*(SCORE_SCHEMA.field(name) for name in CORE), *pair_fields])


# of the tables of single families: where a row stands in the table of the comparison, by pair and layer
PLACE = "place"
PART_SCHEMA = SCORE_SCHEMA.append(pa.field(PLACE, _COUNT, nullable=False))


def to_frame(rows: Sequence[Mapping[str, Any]], schema: pa.Schema = SCORE_SCHEMA) -> pd.DataFrame:
    """The frame of score rows (column -> value, absent or None where missing), columns in the schema's order.

    Raises
    ------
    pyarrow.ArrowInvalid, pyarrow.ArrowTypeError : a value does not fit its column.
    """
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def to_table(frame: pd.DataFrame, schema: pa.Schema = SCORE_SCHEMA) -> pa.Table:
    """The Arrow table of a frame made by `to_frame`: missing values become null, nothing else changes."""
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
