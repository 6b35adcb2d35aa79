"""Scores of layers against layers as a table to read and one to keep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.table import Table
from rich.text import Text

from whyalike.similarity.layers import LayerScores
from whyalike.similarity.score_files import write_frame

SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "layer_a", "layer_b")),
        *(pa.field(name, pa.float64()) for name in ("value", "null_mean", "null_p95", "p_value", "p_corrected")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("null_end_of_best", "null_mean_of_best")),
        pa.field("n", pa.int64(), nullable=False),
    ]
)


def write_layers(path: Path, found: LayerScores, made_by: Mapping[str, Any]) -> None:
    """Write a row a pair of layers, as `whyalike.similarity.score_files.write_frame` does."""
    frame = found.table.assign(
        metric=found.scoring.metric,
        null_end_of_best=found.null_end,
        null_mean_of_best=found.null_mean,
        n=found.n,
    )
    write_frame(path, frame, SCHEMA, made_by)


def printed(found: LayerScores) -> Table:
    """Layers of A in rows and of B in columns, with a star where the corrected p is at most .05."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    values, corrected = found.matrix(), found.matrix("p_corrected")
    for name in ("", *values.columns):
        table.add_column(Text(name), justify="right" if name else "left", no_wrap=True)
    for name, row in values.iterrows():
        marks = ["*" if p <= 0.05 else " " for p in corrected.loc[name]]
        cells = ["–" if value != value else f"{value:.3f}{mark}" for value, mark in zip(row, marks, strict=True)]
        table.add_row(Text(str(name)), *map(Text, cells))
    return table


def said(found: LayerScores) -> str:
    """The most alike pair in words, and what its p counts."""
    pairs = len(found.table) - len(found.undefined)
    return (
        f"most alike: {found.layer_a} and {found.layer_b}, {found.scoring.name} {found.value:.3f}, "
        f"p {found.p_value:.3g} for the best of {pairs} pairs; by chance the best is {found.null_mean:.3f} on average "
        f"and beyond {found.null_end:.3f} in 5 % ({found.permutations} draws, n = {found.n}). "
        "*: p at most .05, corrected so."
    )
