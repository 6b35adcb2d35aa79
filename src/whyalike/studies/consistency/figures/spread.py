"""How similarities vary over stimulus sets: SD against mean, of similarities and of transforms; two metrics' means.

A similarity between 0 and 1 cannot vary where its mean is close to either end, so SD against mean is an inverse U of
necessity; on the logit scale it need not be. Intervals leave out a model with all its pairs. The published Figures 3
and 11.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.statistics.dyadic import FEWEST_TO_LEAVE_OUT, correlation_interval
from whyalike.studies.consistency.figures import boxes, selection

BINS, FEWEST_OF_BIN = 10, 3  # of pairs by their means, for the line of medians
PANEL = 2.0  # inches
SCALE_WORDS = {
    "plain": "similarity s",
    "arccos": "arccos s (radians; 0: alike)",
    "tan": "tan s",
    "logit": "logit s",
}
CROSS = "pairs of two groups"
CROSS_LOOK = {"color": style.GREY, "marker": "."}


@style.styled
def draw(spread: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row an analysis: SD against mean of the main metric, and its means against those of other metrics.

    Parameters
    ----------
    spread : columns metric, analysis, scoring, scale, a, b, group_a, group_b, mean, sd, sets.

    Returns
    -------
    the figure, and a row a point: panel, analysis, scoring_x, scoring_y, a, b, x, y; and a row a correlation: value,
    ci_low, ci_high, models.

    Raises
    ------
    ValueError : no rows of the plain scale.
    """
    selection.need(spread, "spreads over sets", "statistics")
    plain = spread[spread["scale"] == "plain"]
    selection.need(plain, "spreads over sets on the plain scale", "statistics")
    found = {one: selection.scorings(plain, one) for one in selection.main_scoring(plain)}
    columns = max(map(len, found.values()))
    figure, axes, looks = _panels(plain, len(found), columns)
    numbers = []
    for line, (analysis, own) in zip(axes, found.items(), strict=True):
        main = next(iter(own.values()))
        words = selection.ANALYSES[analysis]
        numbers.append(_spread(line[0], main, looks).assign(panel=f"{words}, spread"))
        line[0].set(xlabel=f"mean of {selection.scoring_words(main)}", ylabel="SD over sets")
        line[0].set_title(f"{words}: {style.span(main['sets'].min(), main['sets'].max())} sets")
        for one, other in zip(line[1:], list(own.values())[1:], strict=False):
            numbers.append(_means(one, main, other, looks).assign(panel=f"{words}, means"))
        for one in line[len(own) :]:
            one.set_axis_off()
    _legend(figure, looks, [f"{_models(plain)}; r over pairs with its 95 % interval over models (leave one out)"])
    return figure, pd.concat(numbers, ignore_index=True)


@style.styled
def draw_transforms(spread: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw SD against mean of the main metric as it is, after arccos and after tan, a row an analysis; see `draw`."""
    return _scales(spread, ("plain", "arccos", "tan"), "both transforms spread what is close to 1")


@style.styled
def draw_logit(spread: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw SD against mean of the main metric as it is and on the logit scale, a row an analysis; see `draw`."""
    return _scales(spread, ("plain", "logit"), "close to 0 and 1 s must vary less, logit s need not")


def _scales(spread: pd.DataFrame, scales: Sequence[str], note: str) -> tuple[Figure, pd.DataFrame]:
    selection.need(spread, "spreads over sets", "statistics")
    if missing := [one for one in scales if one not in set(spread["scale"])]:
        raise style.NothingToDraw(f"the table of spreads over sets holds no scale {missing[0]} to draw. "
                         "Run the statistics stage again.")  # fmt: skip
    found = selection.main_scoring(spread)
    figure, axes, looks = _panels(spread, len(found), len(scales))
    numbers = []
    for line, (analysis, own) in zip(axes, found.items(), strict=True):
        for one, scale in zip(line, scales, strict=True):
            rows = own[own["scale"] == scale]
            words = selection.ANALYSES[analysis]
            numbers.append(_spread(one, rows, looks).assign(panel=f"{words}, {scale}"))
            one.set(xlabel=f"mean of {SCALE_WORDS[scale]}", ylabel="SD over sets")
            one.set_title(f"{words}: {style.span(own['sets'].min(), own['sets'].max())} sets")
    metric = selection.scoring_words(next(iter(found.values())))
    _legend(figure, looks, [f"{metric}, {_models(spread)}; {note}"])
    return figure, pd.concat(numbers, ignore_index=True)


def _panels(table: pd.DataFrame, rows: int, columns: int) -> tuple[Figure, np.ndarray, dict]:
    """The figure, its axes, and the looks of the groups in the order of the models."""
    looks = selection.looks(map(selection.value_words, table[["group_a", "group_b"]].to_numpy().ravel()))
    figure = boxes.new_figure(min(style.PAGE_INCHES, 2.7 * columns), rows * PANEL + 1.1)
    return figure, figure.subplots(rows, columns, squeeze=False), looks


def _models(table: pd.DataFrame) -> str:
    models = len(set(table["a"]) | set(table["b"]))
    pairs = len(table[["a", "b"]].drop_duplicates())
    return f"{models} models, {pairs:,} {'pair' if pairs == 1 else 'pairs'}"


def _points(axes: Axes, rows: pd.DataFrame, x: np.ndarray, y: np.ndarray, looks: Mapping[str, dict]) -> None:
    """Pairs of two groups below, pairs within a group in its colour above."""
    group = np.where(rows["group_a"] == rows["group_b"], rows["group_a"].map(selection.value_words), None)
    boxes.points(axes, x[group == None], y[group == None], CROSS_LOOK)  # noqa: E711
    for name, look in looks.items():
        boxes.points(axes, x[group == name], y[group == name], look)


def _spread(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, dict]) -> pd.DataFrame:
    """SD against mean, and the line of medians in tenths of the pairs."""
    x, y = rows["mean"].to_numpy(), rows["sd"].to_numpy()
    _points(axes, rows, x, y, looks)
    parts = [part for part in np.array_split(np.argsort(x, kind="stable"), BINS) if len(part) >= FEWEST_OF_BIN]
    axes.plot([np.median(x[part]) for part in parts], [np.median(y[part]) for part in parts], color=style.BLACK,
              linewidth=1, zorder=4)  # fmt: skip
    axes.set_ylim(bottom=0)
    return _told(rows, rows, x, y)


def _means(axes: Axes, main: pd.DataFrame, other: pd.DataFrame, looks: Mapping[str, dict]) -> pd.DataFrame:
    """The means of two scorings of the pairs that both have, with their correlation."""
    both = main.merge(other[["a", "b", "mean", "scoring"]], on=["a", "b"], suffixes=("", "_other"))
    x, y = both["mean"].to_numpy(), both["mean_other"].to_numpy()
    _points(axes, both, x, y, looks)
    axes.set(xlabel=f"mean of {selection.scoring_words(main)}", ylabel=f"mean of {selection.scoring_words(other)}")
    value = float(np.corrcoef(x, y)[0, 1]) if min(np.ptp(x), np.ptp(y)) > 0 else np.nan
    interval = interval_of(both, "mean", "mean_other")
    axes.set_title(f"r = {selection.with_interval(value, interval, 3)}")
    low, high = interval or (np.nan, np.nan)
    correlation = {"scoring_x": main["scoring"].iloc[0], "scoring_y": other["scoring"].iloc[0], "value": value,
                   "ci_low": low, "ci_high": high, "models": len(set(both["a"]) | set(both["b"]))}  # fmt: skip
    return pd.concat([_told(both, other, x, y), pd.DataFrame([correlation | {"analysis": main["analysis"].iloc[0]}])])


def interval_of(rows: pd.DataFrame, x: str, y: str) -> tuple[float, float] | None:
    """The interval over models of the correlation of two columns of rows a, b; models that lack a pair are left out."""
    models = list(dict.fromkeys([*rows["a"], *rows["b"]]))
    tables = [selection.table_of(rows, models, column) for column in (x, y)]
    kept = selection.complete(sum(tables))
    if len(kept) <= FEWEST_TO_LEAVE_OUT:  # without one of three models a single pair is left, which has no correlation
        return None
    return correlation_interval(*(np.nan_to_num(one[np.ix_(kept, kept)]) for one in tables))


def _told(x_of: pd.DataFrame, y_of: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    first = {"analysis": x_of["analysis"].iloc[0], "scoring_x": x_of["scoring"].iloc[0]}
    of = x_of[["a", "b"]].reset_index(drop=True)
    return of.assign(**first, scoring_y=y_of["scoring"].iloc[0], x=x, y=y)


def _legend(figure: Figure, looks: Mapping[str, dict], lines: Sequence[str]) -> None:
    within = {f"within {name}": look for name, look in looks.items()} if len(looks) > 1 else {}
    more = [(Line2D([], [], color=style.BLACK, linewidth=1), "median of each tenth of the pairs")]
    if within:
        more = [(Line2D([], [], linestyle="", markersize=4, **CROSS_LOOK), CROSS), *more]
    boxes.legend(figure, within, "", more)
    selection.titled(figure, lines)
