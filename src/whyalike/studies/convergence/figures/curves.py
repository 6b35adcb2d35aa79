"""What several figures of the study share: which rows they show, lines by depth or update, their axes and words.

Intervals are those of the tables: 95 %, over models. Where a group has many layers, those nearest to depths 0, 1/4,
1/2, 3/4 and 1 are drawn as lines; the tables of statistics hold all.
"""

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from whyalike.figures import style
from whyalike.statistics.table import MINUS
from whyalike.studies.consistency.figures import selection
from whyalike.studies.convergence.figures import layout
from whyalike.studies.convergence.section import ANALYSES, CORRECTED

MAIN = "procrustes"  # the metric of figures that show one, where the table has it
DEPTHS = (0.0, 1.0, 0.5, 0.25, 0.75)  # in the order in which they choose their layers
FEW = 20  # points of a line: of more, intervals are a band and some points have markers
METRIC_PLACES = {"linear": 0, "procrustes": 1, "permutation": 2, "soft_matching": 3}  # colours of all figures
INTERVAL = "bars and bands: 95 % interval over models"
OPEN = {"markerfacecolor": "white"}
WIDE = {"linewidth": 2.6, "markersize": 5, "zorder": 1.9}  # soft matching is permutation where widths are equal
SELF_SUPERVISED = "self_supervised"  # the kind of models whose accuracy is that of a linear probe


def of_tables(draw: Callable) -> Callable:
    """Decorate a function as `whyalike.figures.style.styled` does, so that it refuses an empty first table too.

    Raises
    ------
    NothingToDraw : of the decorated function, where the table holds no row.
    """
    name = next(iter(inspect.signature(draw).parameters)).replace("_", " ")
    styled, stage = style.styled(draw), "similarity" if name.endswith("scores") else "statistics"

    @functools.wraps(draw)
    def checked(first: pd.DataFrame, *others: pd.DataFrame) -> Any:
        selection.need(first, name, stage)
        return styled(first, *others)

    return checked


def only(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """The rows whose columns hold the values, or one of several; None: those that have none.

    Example
    -------
    >>> only(pd.DataFrame({"layer": ["a", None], "n": [5, 6]}), layer=None)["n"].tolist()
    [6]
    """
    kept = np.ones(len(table), dtype=bool)
    for column, value in wanted.items():
        several = isinstance(value, Collection) and not isinstance(value, str)
        own = table[column]
        kept &= own.isna() if value is None else own.isin(list(value)) if several else own == value
    return table[kept]


def of_layers(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """As `only`, of the rows of single layers whose scores are correlations of values, not of ranks."""
    rows = only(table, **wanted)
    return rows[rows["layer"].notna() & rows["comparison"].fillna("pearson").eq("pearson")]


def need(rows: pd.DataFrame, what: str, remedy: str) -> pd.DataFrame:
    """The rows, if there are any.

    Raises
    ------
    NothingToDraw : there are none.
    """
    if rows.empty:
        raise style.NothingToDraw(f"{what}. {remedy}")
    return rows


def by(rows: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """The rows of each value of a column, in the order of the table."""
    return dict(list(rows.groupby(column, sort=False)))


def analysis_of(table: pd.DataFrame) -> str:
    """The corrected analysis, or the one that the table has."""
    return next((one for one in ANALYSES if (table["analysis"] == one).any()), CORRECTED)


def main_scoring(rows: pd.DataFrame) -> str:
    """The scoring that a figure of one shows: Procrustes where it is there, else the first."""
    known = rows.dropna(subset="scoring")
    return next(iter([*known.loc[known["metric"] == MAIN, "scoring"], *known["scoring"]]), MAIN)


def depth_layers(rows: pd.DataFrame) -> dict[float, str]:
    """Depth -> the layer that stands for it, of one group: no layer for two depths, in the order of depth.

    Example
    -------
    >>> depth_layers(pd.DataFrame({"layer": list("abc"), "depth": [0.0, 0.5, 1.0]}))
    {0.0: 'a', 0.5: 'b', 1.0: 'c'}
    """
    depths = rows.drop_duplicates("layer").set_index("layer")["depth"]
    chosen: dict[float, str] = {}
    for depth in DEPTHS:
        nearest = (depths - depth).abs().idxmin()
        if nearest not in chosen.values():
            chosen[depth] = nearest
    return dict(sorted(chosen.items()))


def at_depths(rows: pd.DataFrame, depths: Collection[float] = DEPTHS) -> pd.DataFrame:
    """Of one group the rows of the layers that stand for these depths, with the depth in ``shown_depth``."""
    depth_of = {layer: depth for depth, layer in depth_layers(rows).items() if depth in depths}
    return rows[rows["layer"].isin(depth_of)].assign(shown_depth=lambda kept: kept["layer"].map(depth_of))


def probed(rows: pd.DataFrame) -> str:
    """What a title says where some of the models are self-supervised."""
    return "; of self-supervised models accuracy is a linear probe's" if (rows["kind"] == SELF_SUPERVISED).any() else ""


def depth_look(depth: float) -> dict[str, str]:
    """Colour and marker of a depth, in all figures of layers: the deeper the paler."""
    colour = to_hex(matplotlib.colormaps["viridis"](0.9 * depth))
    return {"color": colour, "marker": style.MARKERS[sorted(DEPTHS).index(depth)]}


def depth_words(depth: float) -> str:
    """The depth in words, as legends name it."""
    ends = {0.0: "0 (first layer)", 1.0: "1 (last layer)"}
    return f"depth {ends.get(depth, f'{depth:g}')}"


def depth_entries(depths: Collection[float]) -> list[tuple[Line2D, str]]:
    """Entries of a legend for the depths that were drawn."""
    return [entry(depth_look(one), depth_words(one)) for one in sorted(set(depths))]


def entry(look: dict[str, Any], words: str) -> tuple[Line2D, str]:
    """The entry of a legend for a line or mark that looks so."""
    return Line2D([], [], **{"markersize": 3.5, **look}), words


def untrained(look: dict[str, Any]) -> dict[str, Any]:
    """The look of untrained models beside that of trained ones: lighter, dashed, hollow."""
    return {**look, **OPEN, "color": layout.pale(look["color"]), "linestyle": "--"}


def untrained_entry() -> tuple[Line2D, str]:
    """The entry of a legend for what `untrained` makes of a look."""
    return entry(untrained({"color": style.BLACK, "marker": "o"}), "untrained: lighter, hollow")


def metric_look(scoring: str, scorings: Sequence[str]) -> dict[str, Any]:
    """Colour and marker of a scoring, in all figures of metrics; what may coincide with another is wide, behind it."""
    others = [one for one in dict.fromkeys(scorings) if one not in METRIC_PLACES]
    look = style.look_of(
        METRIC_PLACES.get(scoring, len(METRIC_PLACES) + others.index(scoring) if scoring in others else 0)
    )
    return look | (WIDE if scoring == "soft_matching" else {})


def line(axes: Axes, x: Any, rows: pd.DataFrame, look: dict[str, Any], **more: Any) -> None:
    """Values over ``x`` with their intervals: bars of a few points, a band of many."""
    x, value = np.asarray(x, float), rows["value"].to_numpy(float)
    low, high = (rows[end].to_numpy(float) for end in ("ci_low", "ci_high"))
    drawn = {"markersize": 3, "linewidth": 1.0, **look, **more}
    if len(x) <= FEW:
        known = np.isfinite(low)
        axes.plot(x, value, **drawn)
        axes.vlines(x[known], low[known], high[known], color=drawn["color"], linewidth=0.7, alpha=drawn.get("alpha"))
        return
    axes.plot(x, value, **drawn, markevery=0.12)  # of the diagonal: evenly on a logarithmic axis too
    axes.fill_between(x, low, high, color=drawn["color"], alpha=0.2, linewidth=0)


def depth_axis(axes: Axes) -> None:
    """Depth from the first layer to the last."""
    axes.set_xlim(-0.04, 1.04)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes.set_xlabel("depth")


def step_of(rows: pd.DataFrame) -> str:
    """The column that orders checkpoints: "step", or "epoch" where steps are not known of two checkpoints.

    Raises
    ------
    NothingToDraw : neither is known of two checkpoints.
    """
    for column in ("step", "epoch"):
        if column in rows and rows.loc[rows[column].notna(), "checkpoint"].nunique() > 1:
            return column
    raise style.NothingToDraw("neither steps nor epochs of two checkpoints of the models are known.")


def has_times(rows: pd.DataFrame) -> bool:
    """Whether the steps or epochs of two checkpoints are known."""
    try:
        step_of(rows)
    except style.NothingToDraw:
        return False
    return True


def in_order(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows whose step (or epoch) is known, in its order; those of equal steps, such as the last epoch and the end,
    in that of the table.
    """
    return rows.dropna(subset=column).sort_values(column, kind="stable")


def update_axis(axes: Axes, steps: Sequence[float], label: str) -> None:
    """A logarithmic axis of updates on which 0, the untrained models, has a place left of the first."""
    positive = sorted({float(one) for one in steps if one > 0}) or [1.0]
    first, last = positive[0], positive[-1]
    axes.set_xscale("symlog", linthresh=first, linscale=0.6)
    powers = 10.0 ** np.arange(np.ceil(np.log10(first)), np.floor(np.log10(last)) + 1)
    ticks = [0, *(powers if len(powers) > 1 else {first, last})]
    while len(ticks) > 6:
        ticks = [0, *ticks[2::2]]
    axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: plain(value))
    axes.set_xlim(-0.15 * first, last * 1.15)
    axes.set_xlabel(label)


@functools.cache
def plain(value: float) -> str:
    """A number of updates as an axis has room for.

    Example
    -------
    >>> plain(40.0), plain(143_000.0), plain(2e6)
    ('40', '143k', '2M')
    """
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def counts(rows: pd.DataFrame) -> str:
    """Numbers of models, pairs and stimuli in words."""
    told = [style.count(*_ends(rows, "models"), "model", "models"), style.count(*_ends(rows, "pairs"), "pair", "pairs")]
    return ", ".join([*told, f"n = {style.span(*_ends(rows, 'n'))}"])


def _ends(rows: pd.DataFrame, column: str) -> tuple[float, float]:
    known = rows[column].dropna()
    return (known.min(), known.max()) if len(known) else (0, 0)


def interval(row: pd.Series, scale: float = 1, digits: int = 2) -> str:
    """A value with its interval as text."""
    value, low, high = (scale * row[name] for name in ("value", "ci_low", "ci_high"))
    text = f"{value:z.{digits}f}" + ("" if pd.isna(low) else f" [{low:z.{digits}f}, {high:z.{digits}f}]")
    return text.replace("-", MINUS)


def group_looks(groups: Collection[str]) -> dict[str, dict[str, str]]:
    """Colour and marker of each group, in the order of the table."""
    return {name: style.look_of(place % 16) for place, name in enumerate(dict.fromkeys(groups))}
