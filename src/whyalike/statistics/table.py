"""The statistics table: one row a number, with the points and seeds behind it.

A number that cannot be computed (too few points, levels or seeds) has no row. Intervals and p-values are null where the
estimator has none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

#: What tells one panel from another: a panel is one comparison on one set of stimuli, under one scoring (a metric with
#: its parameters) and score protocol.
PANEL = ("study", "comparison", "factor", "stimuli", "stimuli_kind", "metric", "score_protocol", "scoring")
#: What tells the panels of a comparison that a study names from one another; null in a setting's own comparison, whose
#: layers are averaged and whose weights are the final ones.
VIEWS = ("layer_a", "layer_b", "step_a", "step_b")

#: Kinds of stimuli as a reader would say them, in the order of their panels.
KIND_WORDS = {
    "in_distribution": "in distribution",
    "common": "classes of both models",
    "fixed_classes_1": "one class at a time",
    "fixed_classes_2": "two classes at a time",
    "ood_one": "classes of one model only",
    "ood_both": "classes of neither model",
    "out_of_distribution": "out of distribution",
}
MINUS = "\N{MINUS SIGN}"

STATISTICS_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in PANEL),
        pa.field("protocol", pa.string(), nullable=False),  # as_published or corrected: how the scores were analysed
        pa.field("estimator", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("ci_low", pa.float64()),
        pa.field("ci_high", pa.float64()),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("n_seeds", pa.int64(), nullable=False),
        pa.field("seeds_asked", pa.int64(), nullable=False),  # more than n_seeds in a partial result
        pa.field("p_value", pa.float64()),
        pa.field("p_holm", pa.float64()),
        *(pa.field(name, pa.string() if name.startswith("layer") else pa.int64()) for name in VIEWS),
        pa.field("panels", pa.int64()),  # for how many p_holm is adjusted; null where there is no p
    ]
)


def with_scorings(table: pd.DataFrame) -> pd.DataFrame:
    """A table of scores or statistics with the column ``scoring``; where there is none, it is the metric."""
    if "metric" not in table:
        return table
    named = table["scoring"].fillna(table["metric"]) if "scoring" in table else table["metric"]
    return table.assign(scoring=named)


def speaking(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one scoring a metric: that of the metric's own name, or else the first. It speaks for the metric."""
    table = with_scorings(table)
    names = {
        metric: metric if (own == metric).any() else own.iloc[0] for metric, own in table.groupby("metric")["scoring"]
    }
    return table[table["scoring"] == table["metric"].map(names)]


def by_panel(scores: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The panels of a score table in the order in which they first appear: the values of PANEL and VIEWS, and the rows.

    A comparison that a study names, which has not the name of its setting, has a panel for each pair of layers and
    of steps.
    """
    scores = with_scorings(scores)
    views = pd.Series("", scores.index)
    if {"setting", *VIEWS} <= {*scores} and len(named := scores[scores["comparison"] != scores["setting"]]):
        views[named.index] = list(map(str, named[list(VIEWS)].itertuples(index=False, name=None)))
    for (*values, view), rows in scores.groupby([*PANEL, views.rename("view")], sort=False):
        first = rows.iloc[0]
        seen = {name: _value(first[name]) if view else None for name in VIEWS}
        yield dict(zip(PANEL, values, strict=True)) | seen, rows


def of_panel(statistics: pd.DataFrame, key: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of the statistics table of one panel, given as `by_panel` has it."""
    statistics = with_scorings(statistics)
    mask = (statistics[list(PANEL)] == pd.Series({name: key[name] for name in PANEL})).all(axis=1)
    for name in VIEWS if VIEWS[0] in statistics else ():
        mask &= statistics[name].isna() if key[name] is None else statistics[name] == key[name]
    return statistics[mask]


def of_settings(statistics: pd.DataFrame) -> pd.DataFrame:
    """The rows of the comparisons that settings have, without those that studies name."""
    return statistics[statistics[VIEWS[0]].isna()] if VIEWS[0] in statistics else statistics


def view_words(key: Mapping[str, Any]) -> str:
    """ "layer1 x layer4, step 0 vs final" of a panel of a named comparison, "" of a setting's own."""
    layers, steps = ([_value(key.get(name)) for name in VIEWS[i : i + 2]] for i in (0, 2))
    words = " x ".join(dict.fromkeys(layer for layer in layers if layer not in (None, "max")))
    ends = list(dict.fromkeys("final" if step is None else f"step {step}" for step in steps))
    return ", ".join(part for part in (words, " vs ".join(ends) if ends != ["final"] else "") if part)


PLACE = ["comparison", "stimuli", "stimuli_kind"]


def views(statistics: pd.DataFrame) -> pd.Series:
    """`view_words` of each row."""
    rows = statistics.reindex(columns=list(VIEWS)).to_dict("records")
    return pd.Series([view_words(row) for row in rows], statistics.index, dtype=object).rename("view")


def kind_words(kind: str, view: str = "") -> str:
    """ "in distribution", or of a named comparison "in distribution, layer1 x layer4"."""
    return ", ".join(part for part in (KIND_WORDS.get(kind, kind.replace("_", " ")), view) if part)


def panel_words(comparison: str, stimuli: str) -> str:
    """The name of a panel wherever it is named: "digits on digits_test"; its kind (`kind_words`) stands behind it."""
    return f"{comparison} on {stimuli}"


def signed(value: float) -> str:
    """A change: three decimals, its sign, a true minus."""
    return f"{value:+z.3f}".replace("-", MINUS)


def percent(share: float) -> str:
    """A share as whole percent, without the sign "%"; the minus is a true one."""
    return f"{100 * share:z.0f}".replace("-", MINUS)


def share_words(row: Mapping[str, Any]) -> str:
    """ "4 % [−2, 10]": a row that is a share and, where it has one, its 95 % interval."""
    interval = "" if pd.isna(row["ci_low"]) else f" [{percent(row['ci_low'])}, {percent(row['ci_high'])}]"
    return f"{percent(row['value'])} %{interval}"


def holm_words(row: Mapping[str, Any]) -> str:
    """ "p (Holm, 3 panels) = 0.562": the panels are those that it is adjusted for."""
    panels = int(row["panels"])
    return f"p (Holm, {panels} panel{'' if panels == 1 else 's'}) = {row['p_holm']:.3f}"


def change_words(row: Mapping[str, Any]) -> str:
    """ "+0.018 [−0.008, +0.044]": a row's value and, where it has one, its 95 % interval."""
    interval = "" if pd.isna(row["ci_low"]) else f" [{signed(row['ci_low'])}, {signed(row['ci_high'])}]"
    return f"{signed(row['value'])}{interval}"


def gain_words(row: Mapping[str, Any]) -> list[str]:
    """The effect of a panel, in parts: "gain +0.018 [...]", "5 seeds", "p = 0.188", "p (Holm, 3 panels) = 0.562"."""
    seeds = seeds_words(int(row["n_seeds"]), int(row["seeds_asked"]))
    p_values = [] if pd.isna(row["p_holm"]) else [f"p = {row['p_value']:.3f}", holm_words(row)]
    return [f"gain {change_words(row)}", seeds, *p_values]


def _value(value: Any) -> Any:
    """A cell of a table as text or a whole number, None where it is null."""
    if value is None or pd.isna(value):
        return None
    return value if isinstance(value, str) else int(value)


def seeds_asked(scores: pd.DataFrame) -> int:
    """The seeds asked for of one panel's scores; those that are there, where the table does not say."""
    asked = scores["seeds_asked"].dropna() if "seeds_asked" in scores else []
    return int(max(asked)) if len(asked) else scores["seed"].nunique()


def seeds_words(used: int, asked: int) -> str:
    """ "10 seeds", "1 seed", or "7 of 10 seeds"."""
    return f"{used} of {asked} seeds" if used < asked else f"{used} seed{'' if used == 1 else 's'}"


def to_frame(rows: list[dict]) -> pd.DataFrame:
    """Rows as a data frame with the columns and types of `STATISTICS_SCHEMA`; missing is NaN (null on disk)."""
    frame = pd.DataFrame(rows, columns=STATISTICS_SCHEMA.names)
    types = {pa.string(): "str", pa.float64(): "float64", pa.int64(): "int64"}
    found = {field.name: types[field.type] for field in STATISTICS_SCHEMA}
    return frame.astype(found | dict.fromkeys((*VIEWS[2:], "panels"), "Int64"))


def to_arrow(statistics: pd.DataFrame) -> pa.Table:
    """The table for `files.write_table`: `STATISTICS_SCHEMA`, NaN as null, without pandas' own metadata.

    Parameters
    ----------
    statistics : result of `study.study_statistics`.

    Raises
    ------
    KeyError : a column is missing.
    pyarrow.ArrowInvalid : a column has another type than the schema's.
    """
    table = pa.Table.from_pandas(statistics, schema=STATISTICS_SCHEMA, preserve_index=False)
    # pandas' metadata holds library versions, which would make equal numbers unequal bytes
    return table.replace_schema_metadata(None)
