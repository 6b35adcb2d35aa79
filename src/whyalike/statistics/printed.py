"""Rows of numbers as a table for a terminal."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text


def table_of(found: pd.DataFrame, cells: Mapping[str, Callable[[Any], str]], left: int) -> Table:
    """A line a row, without the columns that no row has.

    Parameters
    ----------
    cells : heading -> what stands below it, of a row as `itertuples` gives it.
    left : so many columns are words, and begin at the left.
    """
    lines = [[cell(row) for cell in cells.values()] for row in found.itertuples()]
    table = Table(box=None, pad_edge=False, header_style="bold")
    shown = [i for i in range(len(cells)) if any(line[i] for line in lines)]
    for i in shown:
        table.add_column(Text(list(cells)[i]), justify="left" if i < left else "right", no_wrap=True)
    for line in lines:
        table.add_row(*(Text(line[i]) for i in shown))
    return table
