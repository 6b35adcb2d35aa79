"""Scores of representations in files, each beside its null and interval, as a table to keep.

The row-permutation null is the chance level: what the score would be if stimuli did not correspond. The interval is
over stimuli (`whyalike.similarity.intervals`).
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from tqdm import tqdm

from whyalike.files import canonical_json, file_sha256, write_table, write_text
from whyalike.similarity.api import LAYER, choose, forms_for
from whyalike.similarity.beside import Beside
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.deconfounding import DECONFOUNDED, check_deconfoundable
from whyalike.similarity.excess import SPLIT_HALVES, excess
from whyalike.similarity.how_made import beside
from whyalike.similarity.intervals import over_stimuli, scores_of_interval
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.read_files import Pairs
from whyalike.similarity.workbench import Workbench

ALL = "all"  # in place of the names of metrics
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "a", "b")),
        pa.field("value", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("ci_low", "ci_high")),
        pa.field("interval", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("null_mean", "null_p95", "null_within_class", "p_value")),
        pa.field("n", pa.int64(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in ("preprocessing", "estimator", "score_protocol")),
        *(pa.field(name, pa.float64()) for name in ("null_within_class_p95", "p_within_class")),
        *(pa.field(name, pa.float64()) for name in ("ceiling", "excess", "excess_low", "excess_high")),
    ]
)


def parse_metrics(text: str, protocol: str = "exact") -> dict[str, dict[str, Any]]:
    """Metrics as written on the command line: names joined by commas, parameters behind colons; "all" for every one.

    Raises
    ------
    ValueError : a part that is no parameter, or a metric given twice.

    Example
    -------
    >>> parse_metrics("cka,mutual_knn:k=5,rsa:rdm=cosine:comparison=pearson")["rsa"]
    {'rdm': 'cosine', 'comparison': 'pearson'}
    """
    if text.strip() == ALL:
        return {name: {} for name, metric in METRICS.items() if protocol in metric.facts.protocols}
    metrics: dict[str, dict[str, Any]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, *given = part.split(":")
        if "=" in name:
            raise ValueError(
                f"'{name}' is no metric: several parameters of one are joined by colons, as in rsa:rdm=cosine:k=5"
            )
        for one in given:
            if "=" not in one:
                raise ValueError(f"a parameter is written name=value behind a colon; got '{one}' in '{part}'")
        if name in metrics:
            raise ValueError(f"each metric can be scored once; '{name}' is given twice. Score it in another call.")
        metrics[name] = {key: _parsed(value, part) for key, _, value in (one.partition("=") for one in given)}
    return metrics


def _parsed(value: str, part: str) -> Any:
    try:
        found = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # the latter of a date that is none
        raise ValueError(f"a parameter's value is a number, word or truth; got '{value}' in '{part}'") from None
    with suppress(ValueError):
        return float(found) if isinstance(found, str) else found  # YAML 1.1 reads 1e-3 as text
    return found


def parse_metric(text: str, command: str) -> tuple[str, dict[str, Any]]:
    """The one metric that a command takes, and its parameters; faults as of `parse_metrics`.

    Example
    -------
    >>> parse_metric("linear:ridge=0.1", "sweep")
    ('linear', {'ridge': 0.1})
    """
    asked = parse_metrics(text)
    if len(asked) != 1:
        raise ValueError(f"{command} takes one metric; got {', '.join(asked) or 'none'}.")
    return next(iter(asked.items()))


def parse_ceiling(text: str) -> float | str:
    """A ceiling as written on the command line: a number, or split-halves (split_halves too).

    Example
    -------
    >>> parse_ceiling("split-halves"), parse_ceiling(".9")
    ('split_halves', 0.9)
    """
    if text.replace("-", "_") == SPLIT_HALVES:
        return SPLIT_HALVES
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"a ceiling is a number or split-halves; got '{text}'. Give one of them.") from None


def score_pairs_of_files(
    files: Pairs,
    metrics: Mapping[str, Mapping[str, Any]],
    labels: np.ndarray | None = None,
    permutations: int = 99,
    protocol: str = "exact",
    seed: int = 0,
    intervals: bool = True,
    device: str = "cpu",
    confound: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    ceiling: float | str | None = None,
    finished: Callable[[pd.DataFrame, list[str]], object] = lambda scores, missing: None,
    progress: bool = False,
    memory: int | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Score all pairs.

    Parameters
    ----------
    labels : class code of each stimulus, for the null of permutations within class; None: that null is absent.
    permutations : draws of each null; where there are no more orders of rows, all of them. 0: the nulls of
        whole rows and within class in closed form, for the metrics that have them.
    seed : key of permutations and of the groups of stimuli.
    intervals : whether to make intervals over stimuli, up to 100 further scores each.
    confound : n x c, as in `whyalike.similarity.api.score`; the estimators' names then end in "deconfounded".
    groups, ceiling : as in `whyalike.similarity.api.score`. The ends of an excess are those of the score's interval:
        what mean and ceiling lack in precision is not in them.
    device : "cpu", or "cuda" for the heavy work of the metrics that `whyalike.similarity.on_device` has.
    finished : is told the scores so far and what is undefined of a metric when that metric is done: a later one may
        fail.
    progress : whether a terminal shows a bar, which counts scores: those of nulls and intervals too.
    memory : bytes that a score may take, as in `whyalike.similarity.api.score`; None: no bound.

    Returns
    -------
    A row a metric and pair, columns of `SCHEMA`; and, a line each, what is undefined and why.

    Raises
    ------
    KeyError, ValueError : unknown metrics, wrong parameters, labels or groups of other stimuli, no such GPU, a confound
        and a metric from which it cannot be taken; as `score` of groups and ceiling.
    MemoryError : as `score`; where ``memory`` is too little, before the first score.
    """
    _check_lengths(files, labels=labels, groups=groups)
    layers = {name: {LAYER: x} for name, x in files.representations.items()}
    bench = Workbench(
        layers, seed, permuted=permutations > 0, forms=forms_for(device), confound=confound, memory=memory
    )
    asked = choose(metrics, protocol)
    if confound is not None:
        asked = [_deconfounded(one) for one in asked]
    work = [(chosen, _directed(files, chosen)) for chosen in asked]
    beside = Beside(bench, asked, permutations, labels, groups, ceiling)

    def planned(chosen: Scoring, a: str) -> int:
        n = len(files.representations[a])
        bench.streams(chosen, n)  # raises where it does not fit, before the first score
        return 1 + beside.scores + (scores_of_interval(bench, chosen, n, beside.groups) if intervals else 0)

    total = sum(planned(chosen, a) for chosen, pairs in work for a, _ in pairs)
    tables, missing = [], []
    with tqdm(total=total, desc="score", unit=" scores", leave=False, disable=None if progress else True) as bar:
        for chosen, pairs in work:
            rows, undefined = [], []
            for a, b in pairs:
                end = bar.n + planned(chosen, a)
                try:
                    rows.append(_row(bench, a, b, chosen, beside, undefined, bar.update))
                    if intervals:
                        rows[-1] |= _interval(bench, rows[-1], chosen, beside.groups, undefined, bar.update)
                except UndefinedScore as reason:
                    undefined.append(f"{chosen.metric} of {a} and {b}: {reason}")
                bar.update(end - bar.n)
            tables.append(pa.Table.from_pylist(rows, schema=SCHEMA))
            missing += undefined
            scores = pa.concat_tables(tables).to_pandas()
            finished(scores, undefined)
    return scores, missing


def _check_lengths(files: Pairs, **given: np.ndarray | None) -> None:
    for a, _ in files.pairs:
        n = len(files.representations[a])
        for called, one in given.items():
            if one is not None and len(one) != n:
                raise ValueError(f"{called} must be one a stimulus: {a} has {n} rows, there are {len(one)} {called}.")


def _deconfounded(chosen: Scoring) -> Scoring:
    """The scoring under its estimator's name with a confound; a ValueError where none can be taken."""
    check_deconfoundable(chosen.metric, chosen.protocol)
    return replace(chosen, estimator=f"{chosen.estimator}{DECONFOUNDED}")


def _directed(files: Pairs, chosen: Scoring) -> list[tuple[str, str]]:
    """The pairs that a scoring scores: both directions where neither the files nor the metric have one."""
    both = files.both_ways and not METRICS[chosen.metric].facts.symmetric
    return [pair for a, b in files.pairs for pair in ([(a, b), (b, a)] if both else [(a, b)])]


def _interval(
    bench: Workbench,
    row: Mapping[str, Any],
    chosen: Scoring,
    groups: np.ndarray | None,
    undefined: list[str],
    tick: Callable[[], object],
) -> dict[str, Any]:
    """The columns of the interval; none where it has no value, and the reason among ``undefined``."""
    a, b = row["a"], row["b"]
    try:
        found = over_stimuli(bench, a, b, chosen, bench.seed, tick, groups)
    except UndefinedScore as reason:
        undefined.append(f"interval of {chosen.metric} of {a} and {b}: {reason}")
        return {}
    columns = {"ci_low": found.low, "ci_high": found.high, "interval": found.method}
    if "excess" not in row:
        return columns
    ends = [excess(end, row["null_within_class"], row["ceiling"], chosen.metric) for end in (found.low, found.high)]
    return columns | {"excess_low": min(ends), "excess_high": max(ends)}


def _row(
    bench: Workbench,
    a: str,
    b: str,
    chosen: Scoring,
    beside: Beside,
    undefined: list[str],
    tick: Callable[[], object],
) -> dict[str, Any]:
    """The score of one pair and what stands beside it; ``tick`` is called after each of these."""
    value, found, no_excess = beside.score(a, b, chosen, tick)
    if no_excess:
        undefined.append(f"excess of {chosen.metric} of {a} and {b}: {no_excess}")
    return {
        **{"metric": chosen.metric, "a": a, "b": b, "value": value, "n": len(bench.representations[a][LAYER])},
        **{"preprocessing": chosen.preprocessing, "estimator": chosen.estimator, "score_protocol": chosen.protocol},
        **found,
    }


def write_scores(path: Path, scores: pd.DataFrame, made_by: Mapping[str, Any]) -> None:
    """Write the scores as `write_frame` does."""
    write_frame(path, scores, SCHEMA, made_by)


def write_frame(path: Path, frame: pd.DataFrame, schema: pa.Schema, made_by: Mapping[str, Any]) -> None:
    """Write the columns of a schema as CSV if the path ends so, else as Parquet, with how they were made.

    That is in the metadata of a Parquet file, and beside a CSV (`whyalike.similarity.how_made.beside`).
    """
    if path.suffix.lower() == ".csv":
        write_text(path, frame[schema.names].to_csv(index=False, lineterminator="\n"))
        write_text(beside(path), canonical_json(made_by) + "\n")
        return
    write_table(path, pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False), made_by)


def origin(inputs: Iterable[Path]) -> dict[str, Any]:
    """What scores were made of and by: the hash of each file (None of a pipe, which is read once), and versions."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "inputs": [{"file": path.name, "sha256": file_sha256(path) if path.is_file() else None} for path in inputs],
        "versions": {"python": python, **{name: version(name) for name in ("whyalike", "numpy", "scipy")}},
    }
