"""Consistency by one metric against consistency by another: the published Figure 12.

A point is a pair of sets from different sources and a pair of groups of the first category. The interval of r leaves
out a source with all its sets and their points; that points share models too makes it rather too narrow.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.statistics.inference import jackknife_interval
from whyalike.studies.consistency.figures import boxes, selection
from whyalike.studies.consistency.figures.spread import CROSS, CROSS_LOOK

KEY = ["category", "theta", "phi", "set_a", "set_b"]
FEWEST = 3  # points of a correlation
PANEL = 2.1  # inches
ROUNDING = 1e-12


@style.styled
def draw(consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a row an analysis, a column a metric beside the main one.

    Parameters
    ----------
    consistency : columns metric, analysis, scoring, category, theta, phi, set_a, set_b, same_source, pearson.

    Returns
    -------
    the figure, and a row a point: analysis, scoring_x, scoring_y, theta, phi, set_a, set_b, x, y; and a row a
    correlation: value, ci_low, ci_high, sets, points, sources.

    Raises
    ------
    ValueError : no rows, none of two sources, or one metric alone.
    """
    selection.need(consistency, "consistency", "statistics")
    rows = selection.apart(consistency)
    category = next(iter(selection.categories(rows)), "all")
    rows = rows[rows["category"] == category]
    found = {one: selection.scorings(rows, one) for one in selection.main_scoring(rows)}
    found = {one: of for one, of in found.items() if len(of) > 1}
    if not found:
        raise style.NothingToDraw(
            "the table of consistency holds no second metric to draw. Add one to consistency.metrics."
        )
    looks = selection.looks(selection.values_of(rows, category)) if category != "all" else {}
    sources = sources_of(consistency)
    columns = max(map(len, found.values())) - 1
    figure = boxes.new_figure(min(style.PAGE_INCHES, 2.9 * columns + 0.3), len(found) * (PANEL + 0.5) + 0.9)
    axes = figure.subplots(len(found), columns, squeeze=False)
    numbers = []
    for line, (analysis, own) in zip(axes, found.items(), strict=True):
        main, *others = own.values()
        for one, other in zip(line, others, strict=False):
            numbers.append(_panel(one, main, other, looks, sources))
            one.set_title(f"{selection.ANALYSES[analysis]}\n{one.get_title(loc='left')}")
        for one in line[len(others) :]:
            one.set_axis_off()
    within = {f"within {name}": look for name, look in looks.items()} if len(looks) > 1 else {}
    cross = Line2D([], [], linestyle="", markersize=4, **CROSS_LOOK)
    boxes.legend(figure, within, style.words(category) if within else "", [(cross, CROSS)] if within else [])
    selection.titled(figure, ["a point: a pair of sets from different sources and a pair of groups; r with its "
                              "95 % interval over sources (leave one out), models taken as they are"])  # fmt: skip
    return figure, pd.concat(numbers, ignore_index=True)


def sources_of(consistency: pd.DataFrame) -> dict[str, str]:
    """Set -> the first set of its source."""
    pairs = consistency[["set_a", "set_b", "same_source"]].drop_duplicates()
    first = {name: name for name in pairs[["set_a", "set_b"]].to_numpy().ravel()}
    for a, b in pairs.loc[pairs["same_source"].astype(bool), ["set_a", "set_b"]].itertuples(index=False):
        one, other = first[a], first[b]
        first = {name: one if of == other else of for name, of in first.items()}
    return first


def _panel(
    axes: Axes, main: pd.DataFrame, other: pd.DataFrame, looks: Mapping[str, dict], sources: Mapping[str, str]
) -> pd.DataFrame:
    both = main.merge(other[[*KEY, "pearson", "scoring"]], on=KEY, suffixes=("_x", "_y"))
    both = both.rename(columns={"pearson_x": "x", "pearson_y": "y"}).dropna(subset=["x", "y"])
    within = np.where(both["theta"] == both["phi"], both["theta"], None)
    for name, look in [(None, CROSS_LOOK), *looks.items()]:
        own = both[pd.isna(within)] if name is None else both[within == name]
        boxes.points(axes, own["x"].to_numpy(), own["y"].to_numpy(), look)
    low = float(min(both["x"].min(), both["y"].min(), 0.9))
    axes.axline((1, 1), slope=1, color=style.PALE, linewidth=0.8, zorder=1)
    axes.set(xlim=(low - 0.03, 1.02), ylim=(low - 0.03, 1.02), xlabel=f"R of {selection.scoring_words(main)}",
             ylabel=f"R of {selection.scoring_words(other)}")  # fmt: skip
    axes.set_box_aspect(1)
    value, interval = correlation(both, sources)
    counts = {"sets": len({*both["set_a"], *both["set_b"]}), "points": len(both)}
    counts["sources"] = len({sources[name] for name in (*both["set_a"], *both["set_b"])})
    words = f"{len(both):,} points, {counts['sources']} sources"
    axes.set_title(f"r = {selection.with_interval(value, interval)}, {words}")
    low, high = interval or (np.nan, np.nan)
    first = {"analysis": both["analysis"].iloc[0], "scoring_x": both["scoring_x"].iloc[0],
             "scoring_y": both["scoring_y"].iloc[0]}  # fmt: skip
    told = {**first, "value": value, "ci_low": low, "ci_high": high, **counts}
    columns = ["analysis", "scoring_x", "scoring_y", "theta", "phi", "set_a", "set_b", "x", "y"]
    return pd.concat([both[columns], pd.DataFrame([told])])


def correlation(points: pd.DataFrame, sources: Mapping[str, str]) -> tuple[float, tuple[float, float] | None]:
    """The correlation of x and y of pairs of sets, and its 95 % interval over sources on the scale of Fisher's z."""
    whole = _fisher_z(points)
    if whole is None:
        return np.nan, None
    a, b = (points[side].map(sources) for side in ("set_a", "set_b"))
    left_out = [_fisher_z(points[(a != one) & (b != one)]) for one in dict.fromkeys([*a, *b])]
    interval = jackknife_interval(whole, left_out)
    return float(np.tanh(whole)), None if interval is None else (
        float(np.tanh(interval[0])),
        float(np.tanh(interval[1])),
    )


def _fisher_z(points: pd.DataFrame) -> float | None:
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    if len(x) < FEWEST or min(np.ptp(x), np.ptp(y)) == 0:
        return None
    r = np.corrcoef(x, y)[0, 1]
    return float(np.arctanh(r)) if abs(r) < 1 - ROUNDING else None
