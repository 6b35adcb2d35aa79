"""The statistics table: one row a number, with the points and seeds behind it.

A number that cannot be computed (too few points, levels or seeds) has no row. Intervals and p-values are null where the
estimator has none.
"""

import pandas as pd
import pyarrow as pa

#: What tells one panel from another: a panel is one comparison on one set of stimuli, under one scoring (a metric with
#: its parameters) and score protocol.
PANEL = ("study", "comparison", "factor", "stimuli", "stimuli_kind", "metric", "score_protocol", "scoring")

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
    return frame.astype({field.name: types[field.type] for field in STATISTICS_SCHEMA})


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
