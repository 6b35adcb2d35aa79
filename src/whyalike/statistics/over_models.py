"""Statistics of all pairs among M models whose unit is the model: means, and correlations with what models share.

A mean over pairs has the interval that leaves one model out in turn (`node_jackknife`). A correlation is set against
permutations of the models (Mantel 1967), and has such an interval on the scale of Fisher's z. It is positive where
pairs that are alike in one table are so in the other, whatever is a distance. No p is adjusted for how many there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from rich.table import Table

from whyalike.similarity.table import to_frame
from whyalike.statistics.dyadic import (
    FEWEST,
    FEWEST_TO_LEAVE_OUT,
    correlation_interval,
    mantel,
    node_jackknife,
    upper,
)
from whyalike.statistics.printed import table_of
from whyalike.statistics.tables_of_pairs import Likeness, Report, likeness_of_scores

MEAN, CORRELATION = "mean", "correlation"
#: A row a number. ``against`` and ``relation``: the other table, and what it holds (`Likeness`); ``orders`` of the
#: models that p counts, the given one included, ``all_orders`` if these are all M!; null where a row has none.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "statistic")),
        *(pa.field(name, pa.string()) for name in ("against", "relation")),
        pa.field("value", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("ci_low", "ci_high", "p_value")),
        pa.field("orders", pa.int64()),
        pa.field("all_orders", pa.bool_()),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("models", "pairs")),
    ]
)


def over_models(
    tables: Mapping[str, np.ndarray],
    others: Sequence[Likeness],
    report: Report,
    draws: int = 9999,
    seed: int = 0,
    method: str = "pearson",
) -> pd.DataFrame:
    """The mean of each metric over pairs, and its correlation with each of the other tables.

    Parameters
    ----------
    tables : metric -> scores, M x M, of the same models in the same order.
    others : what they are set against, of these models; ``own`` scores of a metric are passed over for this metric.
    report : is told of a correlation that does not exist or is passed over.
    draws, seed, method : as `whyalike.statistics.dyadic.mantel` takes them.

    Returns
    -------
    Columns of `SCHEMA`.

    Raises
    ------
    ValueError : fewer than three models, or fewer than four and a correlation is asked for; as `mantel`.

    Example
    -------
    >>> apart = abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    >>> found = over_models({"cka": 1 / (1 + apart)}, [Likeness("depth", "difference", -apart)], print)
    >>> found["statistic"].tolist(), found["against"][1], int(found["orders"][1])
    (['mean', 'correlation'], 'depth', 120)
    """
    count = len(next(iter(tables.values()), ()))
    least = FEWEST if others else FEWEST_TO_LEAVE_OUT
    if tables and count < least:
        what = "a test over models" if count >= FEWEST_TO_LEAVE_OUT else "an interval over models"
        raise ValueError(f"{what} needs {least} models or more; there are {count}. Score more of them.")
    options = {"draws": draws, "seed": seed, "method": method}
    rows = [row for metric, table in tables.items() for row in _of_metric(metric, table, others, report, options)]
    counts = {"models": count, "pairs": count * (count - 1) // 2}
    return to_frame([{**row, **counts} for row in rows], SCHEMA)


def printed(found: pd.DataFrame) -> Table:
    """A row a number, the columns that no row has left out."""
    cells = {
        "metric": lambda row: row.metric,
        "statistic": lambda row: row.statistic,
        "against": lambda row: f"{row.against} ({row.relation})" if isinstance(row.against, str) else "",
        "value": lambda row: f"{row.value:.3f}",
        "95 % over models": lambda row: "" if pd.isna(row.ci_low) else f"[{row.ci_low:.3f}, {row.ci_high:.3f}]",
        "p": lambda row: "" if pd.isna(row.p_value) else f"{row.p_value:.4f}",
        "orders": lambda row: "" if pd.isna(row.orders) else f"{row.orders:,}{' (all)' * row.all_orders}",
        "models": lambda row: str(row.models),
        "pairs": lambda row: str(row.pairs),
    }
    return table_of(found, cells, left=3)


def _of_metric(
    metric: str, table: np.ndarray, others: Sequence[Likeness], report: Report, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    mean = node_jackknife(table)
    yield {"metric": metric, "statistic": MEAN, "value": mean.value, "ci_low": mean.low, "ci_high": mean.high}
    own = likeness_of_scores(metric, table, report).table if others else table
    for other in others:
        if other.own and other.name == metric:
            report(f"no correlation of {metric} with itself, in the same table")
            continue
        if constant := [
            name for name, pairs in ((metric, own), (other.name, other.table)) if np.ptp(upper(pairs)) == 0
        ]:
            report(f"no correlation of {metric} with {other.name}: {constant[0]} is the same for all pairs")
            continue
        found = mantel(own, other.table, **options)
        low, high = correlation_interval(own, other.table, options["method"]) or (None, None)
        yield {
            **{"metric": metric, "statistic": CORRELATION, "against": other.name, "relation": other.relation},
            **{"value": found.value, "ci_low": low, "ci_high": high, "p_value": found.p_value},
            **{"orders": found.orders, "all_orders": found.exact},
        }
