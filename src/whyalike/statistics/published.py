"""Published score tables as score tables of ours: what there is a set of stimuli for as rows, the rest set aside.

The published analysis counts numbers that are no scores: sentinels of -1 where no such set of stimuli exists. They are
no rows of the table made here, so that nothing that reads it can count them; they stand in the file's metadata, each
with its place among the rows, and `with_set_aside` alone puts them back, for the published analysis (whose mutual
information depends on the order of the rows). Lines for the same models and level (re-runs that were appended) are
further pairs: further points as published, one point a seed and level in the corrected analysis.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from whyalike.designs.registry import design
from whyalike.files import made_by, read_table, write_table
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import scoring
from whyalike.similarity.table import SCORE_SCHEMA
from whyalike.statistics import published_format as form
from whyalike.statistics.published_format import Description, Line, number

#: As `SCORE_SCHEMA`, but for the number of stimuli, which published tables do not say.
PUBLISHED_SCHEMA = SCORE_SCHEMA.set(SCORE_SCHEMA.get_field_index("n"), pa.field("n", pa.int64()))
_METRICS = {"unbiased_cka": "cka_unbiased"}  # published name -> ours, where they differ
_LAYERS = "max"  # the published layer rule: the largest score over all pairs of layers
_LABEL_OVERLAP = {"partition1": 0.0, "partition2": 0.5, "partition3": 1.0}
_CONDITIONS = {
    ("partition1", "shape", "digit"): "1",
    ("partition2", "shape_digit", "shape_color"): "2A",
    ("partition2", "shape_digit", "digit_color"): "2B",
    ("partition2", "shape_color", "digit_color"): "2C",
    ("partition3", "all0", "all1"): "3",
}
_VALUES = {"shape": 8, "digit": 10, "color": 10}  # of ColorShapeDigit800K; labels are independent of each other
_ALL = {"all0": "shape_digit_color", "all1": "shape_digit_color"}


@dataclass(frozen=True)
class Imported:
    """Published scores: a score table, and what is set aside.

    Parameters
    ----------
    scores : columns of `PUBLISHED_SCHEMA`, in the order of the files: line by line, then column by column.
    aside : place among rows and set aside together -> row, what the published analysis counts and is no score.
    repeated : how many scores are of a metric, level, seed and stimuli that came before.
    empty : how many fields of score columns are empty, by column.
    sources : SHA-256 of each file.
    """

    scores: pd.DataFrame
    aside: Mapping[int, Mapping[str, Any]]
    repeated: int
    empty: Mapping[str, int]
    sources: tuple[str, ...]

    def summary(self) -> str:
        """How many scores there are, of what, and what they are not."""
        scores = self.scores
        columns, metrics = (
            len(scores[["setting", "factor", "stimuli", "stimuli_kind"]].drop_duplicates()),
            scores["metric"],
        )
        text = f"{len(scores)} scores: {metrics.nunique()} metrics, {columns} stimuli, {scores['seed'].nunique()} seeds"
        if self.aside:
            text += f"; set aside {len(self.aside)} that the published analysis counts where there are no such stimuli"
        if self.repeated:
            text += f"; {self.repeated} are of models, level and seed that came before"
        if self.empty:
            told = ", ".join(f"{count} of {column}" for column, count in self.empty.items())
            text += f"; empty fields are left out: {told}"
        return text


def parse_stimuli(given: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Score column -> (name, kind), from "COLUMN=NAME:KIND" each.

    Raises
    ------
    ValueError : a text of another form.
    """
    found = {}
    for text in given:
        column, _, rest = text.partition("=")
        name, _, kind = rest.partition(":")
        if not (column and name and kind):
            raise ValueError(f"stimuli of a column are written COLUMN=NAME:KIND; got '{text}'.")
        found[column] = (name, kind)
    return found


def read_published(paths: Sequence[Path], given: Description) -> Imported:
    """Read published tables of one description, one behind the other.

    Parameters
    ----------
    paths : long-format CSV files (`whyalike.statistics.published_format`).
    given : what their columns do not say.

    Raises
    ------
    ValueError : a file, column or field that is not as it must be; the message names the line.
    """
    rows, aside, seen, empty = [], {}, Counter(), Counter()
    for path in paths:
        for row, exists, counts in _scores(path, given, empty):
            if exists:
                rows.append(_distinct(row, seen))
            elif counts:
                aside[len(rows) + len(aside)] = _distinct(row, seen)
    if not rows:
        raise ValueError(f"there must be a score: {', '.join(map(str, paths))} hold none. Add lines of scores.")
    frame = pa.Table.from_pylist(rows, schema=PUBLISHED_SCHEMA).to_pandas()
    sources = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    return Imported(frame, aside, sum(seen.values()) - len(seen), empty, sources)


def _scores(path: Path, given: Description, empty: Counter) -> Iterator[tuple[dict[str, Any], bool, bool]]:
    """Every number of a file: its row, whether there are such stimuli, and whether the published analysis counts it.

    Fields without one are counted in ``empty``, by column.
    """
    header, lines = form.lines(path)
    form.check_header(path, header, given)
    columns: dict[str, dict[str, tuple[str, str]]] = {}
    for line in lines:
        pair = _pair(line, given)
        factor = pair["factor"]
        if factor not in columns:
            columns[factor] = form.score_columns(path, header, factor, given)
        level = pair[design(factor).overlap]
        empty.update(column for column in columns[factor] if not line.fields[column])
        for column, value in form.cells(line, columns[factor]):
            _check_score(line, column, pair["metric"], value)
            name, kind = columns[factor][column]
            row = {**pair, "stimuli": name or given.own or pair["setting"], "stimuli_kind": kind, "value": value}
            exists = form.exists(kind, factor, level, value)
            yield row, exists, form.published_counts(column, factor, level)


def _check_score(line: Line, column: str, metric: str, value: float) -> None:
    """Refuse what no rounding makes of a score: per cent, or the second half of a number with a decimal comma."""
    low, high = METRICS[metric].facts.range
    if value != form.SENTINEL and not 2 * low - high <= value <= 2 * high - low:
        raise ValueError(
            f"{column} must be a score of {metric}, {low:g} to {high:g}: {line.place} has {value:g}. Is it in per "
            "cent, or has it a decimal comma? Repair or remove the line."
        )


def _distinct(row: dict[str, Any], seen: Counter) -> dict[str, Any]:
    """The row with run names that no earlier row of the same panel, seed and level has."""
    names = ("study", "setting", "factor", "seed", "run_a", "run_b", "metric", "stimuli", "stimuli_kind")
    key = tuple(row[name] for name in names)
    seen[key] += 1
    again = f" repeat {seen[key] - 1}" if seen[key] > 1 else ""
    return {**row, "run_a": row["run_a"] + again, "run_b": row["run_b"] + again}


def _pair(line: Line, given: Description) -> dict[str, Any]:
    """What a line says of its pair of runs and its metric, as columns of the score table."""
    described = {name: line.fields.get(name) or getattr(given, name) for name in ("study", "setting", "factor")}
    if described["setting"] is None:
        raise ValueError(f"every score needs a setting: {line.place} has none. Give it (--setting).")
    by_label = "partition" in line.fields
    described["study"] = described["study"] or "published"
    described["factor"] = described["factor"] or (form.designs_of(by_partition=True)[0] if by_label else None)
    seed = number(line, "seed")
    if seed != int(seed) or abs(seed) >= 2**63:  # as a table holds it
        raise ValueError(f"a seed must be a whole number: {line.place} has '{line.fields['seed']}'.")
    metric = line.fields["metric"]
    try:
        facts = scoring(_METRICS.get(metric, metric), "as_published", {})
    except (KeyError, ValueError) as error:
        raise ValueError(f"{error.args[0]} It stands in {line.place}.") from None
    pair = _label(line) if by_label else _overlap(line, described["factor"])
    runs = {name: f"{described['setting']} seed {int(seed)} {pair[name]}" for name in ("run_a", "run_b")}
    return {
        **{**described, "comparison": described["setting"], "seed": int(seed)},
        **pair,
        **runs,
        **{"layer_a": _LAYERS, "layer_b": _LAYERS, "metric": facts.metric, "preprocessing": facts.preprocessing},
        **{"estimator": facts.estimator, "eps": facts.eps, "score_protocol": facts.protocol},
        **{"scoring": facts.name, "parameters": facts.parameters_text},
    }


def _overlap(line: Line, factor: str | None) -> dict[str, Any]:
    level = number(line, "frac_overlap")
    if not 0 <= level <= 1:
        raise ValueError(f"frac_overlap must be in [0, 1]: {line.place} has {level:g}. Repair or remove the line.")
    condition = f"{level:g}"
    # shared classes bring their images along
    known = factor in form.designs_of(by_partition=False)
    label = design(factor).overlaps(repr(level))[1] if known else None
    found = {"condition": condition, "data_overlap": level, "label_overlap": label}
    return {**found, "run_a": f"A@{condition}", "run_b": f"B@{condition}"}


def _label(line: Line) -> dict[str, Any]:
    partition, *models = (line.fields[name] for name in ("partition", "model0", "model1"))
    if (key := (partition, *models)) not in _CONDITIONS:
        known = "; ".join(" ".join(one) for one in _CONDITIONS)
        raise ValueError(f"partition, model0 and model1 must be one of {known}: {line.place} has {' '.join(key)}.")
    labels = [set(_ALL.get(name, name).split("_")) for name in models]
    # sorted: the order of a set, and so the last bit of a sum, is another in each process
    entropies = [np.log([_VALUES[name] for name in sorted(own)]).sum() for own in labels]
    shared = np.log([_VALUES[name] for name in sorted(labels[0] & labels[1])]).sum()
    found = {"condition": _CONDITIONS[key], "label_overlap": _LABEL_OVERLAP[partition]}
    found |= {"label_information": float(shared / np.sqrt(np.prod(entropies)))}
    return {**found, "run_a": models[0], "run_b": models[1]}


def write_published(path: Path, found: Imported, given: Description) -> None:
    """Write imported scores as a score table, with what is set aside and how it was made as metadata."""
    aside = [{"place": place, "row": row} for place, row in found.aside.items()]
    published = {"sources": found.sources, "given": asdict(given), "rows": len(found.scores), "aside": aside}
    table = pa.Table.from_pandas(found.scores, schema=PUBLISHED_SCHEMA, preserve_index=False)
    write_table(path, table, {"published": published})


def with_set_aside(path: Path) -> pd.DataFrame:
    """A score table with what was set aside at its import put back in its place: for the published analysis alone.

    Raises
    ------
    ValueError : the table has other rows than it was imported with.
    """
    table = read_table(path)
    published = made_by(path).get("published", {"rows": len(table), "aside": []})
    if len(table) != published["rows"]:
        raise ValueError(
            f"an imported table must have the rows that it was imported with: {path} has {len(table)} of "
            f"{published['rows']}, and what was set aside has no place among them. Import it again."
        )
    aside = {one["place"]: one["row"] for one in published["aside"]}
    if not aside:
        return table.to_pandas()
    kept = [place for place in range(len(table) + len(aside)) if place not in aside]
    back = pa.Table.from_pylist(list(aside.values()), schema=table.schema)
    order = np.argsort([*kept, *aside], kind="stable")
    return pa.concat_tables([table, back]).take(order).to_pandas()
