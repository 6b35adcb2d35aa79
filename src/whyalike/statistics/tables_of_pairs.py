"""Tables of pairs and attributes of models in files, as symmetric tables of the same models in the same order."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.file_faults import readable
from whyalike.files import read_table
from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS
from whyalike.statistics.dyadic import square
from whyalike.statistics.representations import named, of_models

Report = Callable[[str], None]
MODEL = "model"  # the column of names in a file of attributes
MODELS = "models"  # attribute of a frame of representations: of how many models they are
NEEDED = ("metric", "a", "b", "value")
NAMES = dict.fromkeys(NEEDED[:3], str)  # they may look like numbers: 01
NO_NUMBER = ("NA", "N/A", "NaN", "nan", "null", "None")  # missing among numbers, a value like others among words
SAME, DIFFERENCE, SCORES = "same", "difference", "scores"


@dataclass(frozen=True)
class Likeness:
    """A table of pairs (M x M) in which more is more alike, ``name``d by its metric or attribute.

    ``relation``: "scores" of a metric, with the sign of a distance turned; "same": 1 where two models have the same
    value, else 0; "difference": that of two numbers, without sign, times -1. ``own``: scores of the same table that
    they are set against, in which each metric passes over itself.
    """

    name: str
    relation: str
    table: np.ndarray
    own: bool = False


def read_pairs(path: Path) -> pd.DataFrame:
    """A table of pairs as `whyalike score --out` writes it: columns metric, a, b, value; others are passed on.

    A score table of the workflow is one too: its pairs are those of representations, its metrics its exact scorings.

    Raises
    ------
    ValueError : it cannot be read, lacks a column or rows, or has scores that are no numbers.
    """
    missing_as = {"keep_default_na": False, "na_values": {"value": ["", "nan", "NaN"]}}
    frame = _read(path, "a table of pairs", {"dtype": NAMES, **missing_as})
    if "a" not in frame and {"name_a", "name_b", "scoring"} <= set(frame):
        frame = frame[frame["score_protocol"] == "exact"]
        a, b = named(frame)
        shared = of_models(frame)
        frame = frame.assign(a=a, b=b, metric=frame["scoring"].fillna(frame["metric"]))
        frame.attrs[MODELS] = shared
    if missing := [name for name in NEEDED if name not in frame]:
        raise ValueError(
            f"{path} must have the columns {', '.join(NEEDED)}; it lacks {', '.join(missing)}. "
            "Write it with `whyalike score --out`."
        )
    if frame.empty:
        raise ValueError(f"{path} has no pairs. Write it again with `whyalike score --out`.")
    frame = frame.astype(NAMES)
    if not pd.api.types.is_numeric_dtype(frame["value"]) or np.isinf(frame["value"]).any():
        raise ValueError(f"{path} must have finite numbers as `value`. Remove the rows that have none.")
    return frame


def models_of(pairs: pd.DataFrame, without: Collection[str] = ()) -> list[str]:
    """The models of a table in the order of their first appearance, but for those that are left out.

    Raises
    ------
    ValueError : one that is left out is not there.
    """
    named = list(dict.fromkeys([*pairs["a"], *pairs["b"]]))
    if unknown := [name for name in without if name not in named]:
        raise ValueError(f"there is no model {unknown[0]} to leave out. Known: {', '.join(named)}.")
    return [name for name in named if name not in without]


def score_tables(pairs: pd.DataFrame, models: Sequence[str], report: Report) -> dict[str, np.ndarray]:
    """metric -> its scores (M x M); of an asymmetric metric the mean of both directions.

    A metric that lacks a pair, or has one twice, is left out; ``report`` is told why.
    """
    tables = {}
    among = pairs[pairs["a"].isin(models) & pairs["b"].isin(models)].dropna(subset="value")
    for metric in dict.fromkeys(pairs["metric"]):
        rows = among[among["metric"] == metric]
        try:
            _check_directions(rows, metric)
            tables[metric] = square(rows, models)
        except ValueError as error:
            report(f"no {metric}: {error}")
    return tables


def likeness_of_scores(metric: str, table: np.ndarray, report: Report, own: bool = False) -> Likeness:
    """Scores with the sign of likeness; a name that is no metric is taken for a similarity, and ``report`` is told.

    ``own`` as in `Likeness`.
    """
    known = METRICS if metric in METRICS else OTHER_METRICS
    if metric not in known:
        report(f"{metric} is no metric of whyalike: it is taken for a similarity, of which more is more alike")
        return Likeness(metric, SCORES, table, own)
    return Likeness(metric, SCORES, sign_of_likeness(known[metric].facts.kind) * table, own)


def read_attributes(path: Path, models: Sequence[str], report: Report) -> list[Likeness]:
    """The attributes of models in a file: column ``model``, then a column an attribute.

    A column of numbers gives the difference of two models, any other whether they have the same value.

    Raises
    ------
    ValueError : no such column, a model that is missing or there twice, or an attribute that one of them lacks.
    """
    frame = attribute_table(path, models, report)
    return [_of_attribute(name, frame[name], path) for name in frame]


def attribute_table(path: Path, models: Sequence[str], report: Report) -> pd.DataFrame:
    """The attributes as they are, a row a model in their order; of a study's table of models, what all of them have.

    Raises
    ------
    ValueError : no such column, or a model that is missing or there twice.
    """
    frame = _read(path, "a table of models", {"dtype": {MODEL: str}, "keep_default_na": False, "na_values": [""]})
    if {"run", "name", "setting", MODEL} <= set(frame):
        frame = _of_study(frame, models, path, report)
    if MODEL not in frame or len(frame.columns) < 2:
        raise ValueError(f"{path} must have a column `{MODEL}` and one an attribute; it has {', '.join(frame)}.")
    frame = frame.astype({MODEL: str})
    if twice := frame.loc[frame[MODEL].duplicated(), MODEL].tolist():
        raise ValueError(f"{path} must name each model once; {twice[0]} is there twice. Remove a row.")
    frame = frame.set_index(MODEL)
    if missing := [name for name in models if name not in frame.index]:
        raise ValueError(f"{path} lacks {', '.join(missing)}. Add a row each, or leave them out with --without.")
    if others := [name for name in frame.index if name not in models]:
        report(f"{path}: passed by, as they are not among the models: {', '.join(others)}")
    return frame.loc[list(models)]


def _of_study(frame: pd.DataFrame, models: Sequence[str], path: Path, report: Report) -> pd.DataFrame:
    """Attributes from `models/models.parquet` of a study, under the names that its score tables give to models.

    The names are those of `representations.named`. A run that two designs share counts once. What numbers the models is
    left out, and what one of them lacks. Their architecture, column ``model`` there, is ``architecture``.
    """
    forms = (frame["setting"] + " " + frame["name"], frame["name"], frame["setting"])
    called = max(forms, key=lambda form: len(set(models) & set(form)))
    frame = frame.rename(columns={MODEL: "architecture"}).assign(**{MODEL: called})
    own = frame[called.isin(models)].drop_duplicates(["run", MODEL])
    numbering = ["run", "name", "factor", "seed", "start", "order", "level", "sha256"]
    own = own.drop(columns=numbering, errors="ignore")
    if lacking := list(own.columns[own.isna().any()]):
        report(f"{path}: passed by, as not all of the models have them: {', '.join(lacking)}")
    return own.drop(columns=lacking)


def words_of(frame: pd.DataFrame, column: str, path: Path) -> list[str]:
    """One attribute of every model, as text.

    Raises
    ------
    ValueError : no such attribute, or a model that has none.
    """
    if column not in frame:
        raise ValueError(f"{path} has no column {column}. Known: {', '.join(frame)}.")
    if (absent := frame[column].isna()).any():
        raise ValueError(f"{path} must give {column} of every model; {frame.index[absent][0]} has none. Write it.")
    return [str(value) for value in frame[column]]


def _of_attribute(name: str, values: pd.Series, path: Path) -> Likeness:
    numbers = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    absent = values.isna() | (np.isinf(values.astype(float)) if numbers else False)
    without = values.isin(NO_NUMBER)
    if not without.all() and pd.to_numeric(values[~without], errors="coerce").notna().all():
        absent |= without
    if absent.any():
        raise ValueError(
            f"{path} must give {name} of every model; {values.index[absent][0]} has none. Write it, or leave the model "
            "out with --without."
        )
    own = values.to_numpy()
    if numbers:
        return Likeness(name, DIFFERENCE, -np.abs(np.subtract.outer(own.astype(float), own.astype(float))))
    return Likeness(name, SAME, (own[:, None] == own).astype(float))


def _read(path: Path, what: str, csv: dict) -> pd.DataFrame:
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise ValueError(f"{path} must be {what}, .parquet or .csv. Give such a file.")
    with readable(path, f"{what}, .parquet or .csv", "Write it again."):
        return read_table(path).to_pandas() if path.suffix.lower() == ".parquet" else pd.read_csv(path, **csv)


def _check_directions(rows: pd.DataFrame, metric: str) -> None:
    """Refuse a model with itself, both directions of some pairs alone, or one of a metric that has two."""
    there = set(rows[["a", "b"]].itertuples(index=False, name=None))
    if own := sorted(a for a, b in there if a == b):
        raise ValueError(f"a pair is of two models; there is {own[0]} with itself. Remove this row.")
    lacking = [f"{b} to {a}" for a, b in there if (b, a) not in there]
    has_two = len(lacking) < len(there) or (metric in METRICS and not METRICS[metric].facts.symmetric)
    if lacking and has_two:
        raise ValueError(
            f"each pair needs both directions; {len(lacking)} lack one: {', '.join(sorted(lacking)[:5])}. "
            "Score them, or leave a model out."
        )
