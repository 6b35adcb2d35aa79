"""Groups of models as rows of a panel: what the figures of the table of groups share."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from whyalike.figures import style
from whyalike.statistics.consistency import ALL
from whyalike.studies.consistency.figures.selection import cell_words, looks, main_scoring, need

ROW_INCHES, HEAD_INCHES = 0.19, 0.75  # a row of a panel; its title and its axis
INTERVAL = "mean, 95 % interval over models, by family, and sources; arrow: it goes on; no line: fewer than 3 of these"
COLUMNS = [
    "metric", "analysis", "scoring", "theta", "phi", "measure", "value", "ci_low", "ci_high", "models", "pairs", "sets",
    "sources", "pairs_of_sets",
]  # fmt: skip
Cell = tuple[str, str]
_MIXED = {"color": style.GREY, "marker": "o"}
_ALL = {"color": style.BLACK, "marker": "D"}


def of_kind(groups: pd.DataFrame, kind: str, what: str, measures: Collection[str]) -> dict[str, pd.DataFrame]:
    """Analysis -> the rows of a kind and of some measures under its main scoring.

    Raises
    ------
    ValueError : there are none.
    """
    need(groups, "groups", "statistics")
    rows = groups[(groups["kind"] == kind) & groups["measure"].isin(list(measures))]
    if rows.empty:
        raise style.NothingToDraw(
            f"the table of groups holds no {what} to draw: it needs more models, groups or sources."
        )
    return main_scoring(rows)


def first_category(groups: pd.DataFrame) -> str | None:
    """The first category of the table; None where it is of all models alone."""
    return next((one for one in groups["category"].dropna() if one != ALL), None)


def cell_looks(rows: pd.DataFrame, category: str | None) -> dict[Cell, dict[str, str]]:
    """All models, then the cells within a value of a category, then those of two values, with colour and marker.

    A group has its own, as in all figures; two groups are grey, all models black.
    """
    there = rows.loc[rows["category"].isin([ALL, category]), ["theta", "phi"]].drop_duplicates()
    found = [tuple(one) for one in there.itertuples(index=False)]
    # in the order of the table: a first group of two models has no cell of its own, and yet the first colour
    of = looks(name for cell in found if cell[0] != ALL for name in cell)
    return {cell: _ALL if cell[0] == ALL else of[cell[0]] if cell[0] == cell[1] else _MIXED
            for cell in sorted(found, key=lambda cell: (cell[0] != ALL, cell[0] != cell[1]))}  # fmt: skip


def of_cells(rows: pd.DataFrame, found: list[Cell], measure: str) -> pd.DataFrame:
    """The rows of a measure in the order of the cells; NaN where a cell has none."""
    own = rows[rows["measure"] == measure]
    own = own.loc[[one in found for one in zip(own["theta"], own["phi"], strict=True)]]
    return own.set_index(["theta", "phi"]).reindex(pd.MultiIndex.from_tuples(found))


def name_cells(axes: Axes, found: list[Cell], rows: pd.DataFrame) -> None:
    """The names of the cells with their numbers of models, from the top."""
    models = rows.groupby(["theta", "phi"])["models"].max()
    labels = [f"{cell_words(*cell)} ({models[cell]:.0f})" if cell in models else cell_words(*cell) for cell in found]
    axes.set_yticks(range(len(found)), labels)
    axes.set_ylim(len(found) - 0.4, -0.6)


def draw_intervals(
    axes: Axes, values: pd.DataFrame, shown: dict[Cell, dict[str, str]], shift: float = 0, **more: object
) -> None:
    """Values with their intervals, a row a cell; one without an interval is a point."""
    for place, (cell, look) in enumerate(shown.items()):
        row = values.loc[cell]
        if pd.notna(row["value"]):
            bar = None if pd.isna(row["ci_low"]) else [[row["value"] - row["ci_low"]], [row["ci_high"] - row["value"]]]
            axes.errorbar(row["value"], place + shift, xerr=bar, **{**look, "markersize": 4, "elinewidth": 1.0, **more})


def frame(
    axes: Axes, values: np.ndarray, room: float = 0.5, least: float | None = None, most: float | None = None
) -> None:
    """Limits of the values' axis, cut where intervals reach further than values by more than a share of their range."""
    known = values[np.isfinite(values)]
    if not known.size:  # of a measure that no cell has
        return
    reach = room * max(np.ptp(known), 0.1)
    low, high = axes.get_xlim()
    low, high = max(low, known.min() - reach), min(high, known.max() + reach)
    axes.set_xlim(low if least is None else max(low, least), high if most is None else min(high, most))


def numbers(by_analysis: dict[str, pd.DataFrame], found: list[Cell]) -> pd.DataFrame:
    """The rows of the cells that are drawn, with their counts."""
    every = pd.concat(by_analysis.values())
    drawn = [cell in found for cell in zip(every["theta"], every["phi"], strict=True)]
    return every.loc[drawn, COLUMNS]


def mark_cut(axes: Axes, values: pd.DataFrame, shown: dict[Cell, dict[str, str]]) -> None:
    """An arrow at each interval that the limits, which are set by now, cut."""
    low, high = axes.get_xlim()
    for place, (cell, look) in enumerate(shown.items()):
        row = values.loc[cell]
        for end, marker in ((low, "<"), (high, ">")):
            if row["ci_low"] < low if end == low else row["ci_high"] > high:
                axes.plot(end, place, marker=marker, markersize=3.5, color=look["color"], clip_on=False, zorder=4)


def counted(rows: pd.DataFrame) -> str:
    """The numbers of sets, of sources and of pairs of sets, in words."""
    sets, sources, pairs = (int(rows[name].max()) for name in ("sets", "sources", "pairs_of_sets"))
    return f"{sets} sets from {sources} sources: {pairs} pairs of sets"
