"""Statistics of all pairs among models of several widths: means by width, and which metrics follow closeness.

Models (seeds) are the independent units, see `whyalike.statistics.dyadic`. A table has one row a number:
mean: of a metric over all pairs of a group, with the node-jackknife interval;
rank: Spearman correlation over pairs of a metric with a distance of distributions, positive where the metric follows it
(of similarities the sign is turned); scope "width" with the p of permuted models, "within" the mean of the widths'
correlations, "across" all pairs of all widths together, both with the interval that leaves a seed out of all widths.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS
from whyalike.statistics.dyadic import Estimate, mantel, node_jackknife, node_jackknife_of_two, square, upper
from whyalike.statistics.table import with_scorings
from whyalike.studies.closeness.parameters import ClosenessStatistics

REFERENCES = ("llv_distance", "kl_divergence", "logit_distance")
COLUMNS = (
    "kind", "scope", "classes", "width", "trained", "metric", "reference", "value", "ci_low", "ci_high", "p_value",
    "n_seeds", "n_pairs", "n", "scoring",
)  # fmt: skip

Row = dict[str, Any]
Tables = dict[int, np.ndarray]  # width -> pairs of a metric, seeds x seeds


def analyse_closeness(parameters: ClosenessStatistics, scores: Sequence[Path], output: Path) -> None:
    """Write the statistics of one part of the study from its score tables."""
    table = closeness_statistics(pd.concat([read_table(path).to_pandas() for path in scores]), parameters.draws)
    write_table(output, pa.Table.from_pandas(table, preserve_index=False), {"work": parameters.plain()})
    note(f"statistics of closeness · {len(table)} numbers")


def closeness_statistics(scores: pd.DataFrame, draws: int) -> pd.DataFrame:
    """The table described above.

    Parameters
    ----------
    scores : columns classes, width, trained, a, b, metric, scoring (the metric if it is not there), value, n, of all
        pairs of each group.
    draws : permutations of the models.
    """
    scores = with_scorings(scores)
    metrics = dict(zip(scores["scoring"], scores["metric"], strict=True))
    rows: list[Row] = []
    for (classes, trained), of_classes in scores.groupby(["classes", "trained"]):
        shared = {"classes": classes, "trained": trained, "n": int(of_classes["n"].iloc[0])}
        tables = {name: _tables(rows) for name, rows in of_classes.groupby("scoring", sort=False)}
        found = [*_means(tables), *(_ranks(tables, metrics, draws) if trained else ())]
        rows += [{**shared, "metric": metrics[row["scoring"]], **row} for row in found]
    types = {"width": "Int64", "n_seeds": "Int64", "n_pairs": "Int64"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def sign(metric: str) -> int:
    """1 for distances, -1 for similarities."""
    table = METRICS if metric in METRICS else OTHER_METRICS
    return -sign_of_likeness(table[metric].facts.kind) if metric in table else 1


def _tables(scores: pd.DataFrame) -> Tables:
    """The tables of a metric; a width with pairs that have no score is left out, and a note says so."""
    tables = {}
    for width, rows in scores.groupby("width"):
        pairs, seeds = rows[["a", "b", "value"]], sorted({*rows["a"], *rows["b"]})
        try:
            tables[width] = square(pairs, seeds)
        except ValueError as error:
            note(f"{rows['scoring'].iloc[0]}, width {width}, is left out: {error}")
    return tables


def _means(tables: Mapping[str, Tables]) -> Iterator[Row]:
    for name, of_name in tables.items():
        for width, table in of_name.items():
            estimate = node_jackknife(table)
            yield {"kind": "mean", "width": width, "scoring": name, **_numbers(estimate), "n_pairs": len(upper(table))}


def _ranks(tables: Mapping[str, Tables], metrics: Mapping[str, str], draws: int) -> Iterator[Row]:
    for reference, (name, of_name) in product(REFERENCES, tables.items()):
        of_reference = tables.get(reference, {})
        widths = [width for width in of_name if width in of_reference]
        if name == reference or not widths:
            continue
        a, b = (np.stack([table[width] for width in widths]) for table in (of_name, of_reference))
        a = sign(metrics[name]) * a
        shared = {"kind": "rank", "scoring": name, "reference": reference}
        for width, one, other in zip(widths, a, b, strict=True):
            found = mantel(one, other, draws, method="spearman")
            value = {"value": found.value, "p_value": found.p_value, "n_seeds": found.models}
            yield {**shared, "scope": "width", "width": width, **value, "n_pairs": len(upper(one))}
        for scope, statistic in (("within", _within), ("across", _across)):
            estimate = node_jackknife_of_two(a, b, statistic)
            yield {**shared, "scope": scope, **_numbers(estimate), "n_pairs": len(widths) * len(upper(a[0]))}


def _within(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean([scipy.stats.spearmanr(one, other).statistic for one, other in zip(a, b, strict=True)]))


def _across(a: np.ndarray, b: np.ndarray) -> float:
    return float(scipy.stats.spearmanr(a.ravel(), b.ravel()).statistic)


def _numbers(estimate: Estimate) -> Row:
    return {"value": estimate.value, "ci_low": estimate.low, "ci_high": estimate.high, "n_seeds": estimate.models}
