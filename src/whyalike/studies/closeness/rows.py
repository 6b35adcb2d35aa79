"""What score tables say of two models (f, g): the core columns of a row, and the pair columns of such studies.

Layers are what is compared: "f", "g", or "f, g" of metrics of the distributions that both make together. A parameter
that is another one for each pair, or that another metric finds, is named by a word.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from whyalike.files import canonical_json
from whyalike.similarity.metrics.registry import OTHER_METRICS
from whyalike.similarity.protocols import scoring
from whyalike.similarity.table import score_schema

Row = dict[str, Any]
LAYERS = {"m_cca": "f", "max_d_svd": "f", "d_svd_unembeddings": "g"}
LESS_THAN_ONE = {"d_svd_unembeddings": "m_svd_unembeddings"}  # 1 - the metric of the registry
FOUND = {"d_svd_unembeddings": {"pivot": "llv_distance"}}  # parameters that are those of the tuple that it found
EACH_PAIR = "each pair"  # a key of its own
_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()
#: Pair columns: of trained models (a, b are seeds), of constructed ones (x is a radius or noise), of numbers of tuples.
GROUP_FIELDS = (
    pa.field("group", _TEXT),
    *(pa.field(name, _COUNT) for name in ("classes", "width", "dimensions")),
    pa.field("trained", pa.bool_()),
    *(pa.field(name, _COUNT) for name in ("a", "b")),
)
CONSTRUCTED_FIELDS = (pa.field("x", _NUMBER), pa.field("width", _COUNT))
TUPLE_FIELDS = (pa.field("group", _TEXT), *(pa.field(name, _COUNT) for name in ("a", "b", "key", "num_samples")))


def of_distributions(metric: str, **given: Any) -> Row:
    """The columns that say which metric of distributions a score is of, with which parameters."""
    facts = OTHER_METRICS[LESS_THAN_ONE.get(metric, metric)].facts
    layer = LAYERS.get(metric, "f, g")
    parameters = canonical_json({**facts.parameters, **FOUND.get(metric, {}), **given})
    return {
        **{"metric": metric, "scoring": metric, "parameters": parameters, "layer_a": layer, "layer_b": layer},
        **{"preprocessing": facts.preprocessing, "estimator": facts.estimator, "eps": 0.0, "score_protocol": "exact"},
    }


def of_embeddings(name: str, given: Mapping[str, Any]) -> Row:
    """The same of a scoring of the embeddings f."""
    one = scoring(name, "exact", given)
    return {
        **{"metric": one.metric, "scoring": name, "parameters": one.parameters_text, "layer_a": "f", "layer_b": "f"},
        **{"preprocessing": one.preprocessing, "estimator": one.estimator, "eps": one.eps, "score_protocol": "exact"},
    }


def run_of(group: str, seed: int, trained: bool = True) -> str:
    """The name of a model of a group; its start is a model too."""
    return f"{group}_seed{seed}" if trained else f"{group}_seed{seed}_untrained"


def to_table(rows: Iterable[Row], pair_fields: Iterable[pa.Field]) -> pa.Table:
    """Rows as a score table: core columns, then the pair columns.

    Raises
    ------
    pyarrow.ArrowInvalid, pyarrow.ArrowTypeError : a value does not fit its column.
    """
    return pa.Table.from_pylist(list(rows), schema=score_schema(pair_fields))
