"""What the corrections change: the estimate as published against the corrected one, for every cell of every study.

A row is a panel (comparison, stimuli, kind of stimuli). Left the slope per unit of overlap: of one line over all points
(as published; for labels twice the published slope a level), and the mean of the seeds' own lines with its 95 %
interval. Right what the score tells of the level: MI/H as published, with H the entropy over pairs, which the estimate
is of; and (MI - null)/(H - null) with its jackknife interval, of one mean a seed and level. Scores are those of the
protocol: as published, and exact; so between the two marks of our rows scores and analysis change. The sentence above
counts what changes. Published scores of others, where the configuration has them, are rows like ours; they have no
exact scores, so that there the analysis alone changes.
"""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.designs.registry import design
from whyalike.figures import style
from whyalike.statistics.table import kind_words, of_settings, panel_words, with_scorings

KEY = ["study", "comparison", "stimuli", "stimuli_kind"]
FIGURE_COLUMNS = [*KEY, "quantity", "as_published", "corrected", "low", "high", "n_seeds"]
ROW_HEIGHT, FRAME_HEIGHT = 0.17, 1.25  # inches
LABEL_CHARACTERS = 64
COLUMN_CHARACTERS, LABEL_LINES = 28, 2.4  # of a label in a column
DIGITS = 12  # beyond them a slope is rounding, and has no sign
ANOTHER_SIZE = 0.1  # slopes that differ by more than this share of the larger one
QUANTITIES = {
    "slope": "slope of the score per unit of overlap",
    "information": "square: MI / H\ndot: (MI \N{MINUS SIGN} chance) / (H \N{MINUS SIGN} chance)",
}


@style.styled
def draw(statistics: pd.DataFrame, *, metric: str = "cka", width: str = "page") -> tuple[Figure, pd.DataFrame]:
    """Draw every cell of the statistics that has an estimate under both protocols.

    Parameters
    ----------
    statistics : statistics tables of all studies, and of published scores.
    metric : whose scores.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure, and its numbers: a row a (cell, quantity).

    Raises
    ------
    ValueError : no cell has both estimates.
    """
    numbers = cells(statistics, metric)
    if numbers.empty:
        raise ValueError(
            f"no panel has a slope of {metric} as published and corrected: there are {len(statistics)} statistics. "
            "Score the metric under both protocols, at two levels of overlap."
        )
    rows = _rows(numbers)
    columns = style.side_by_side(width, 2, 2)
    height = FRAME_HEIGHT + ROW_HEIGHT * len(rows) * (1 if columns == 2 else LABEL_LINES)
    figure = style.new_figure(style.inches(width), height * 2 / columns)
    axes = figure.subplots(2 // columns, columns, sharey=True)
    for letter, one, (quantity, label) in zip("ab", axes, QUANTITIES.items(), strict=True):
        _draw(one, numbers[numbers["quantity"] == quantity], rows)
        one.set_xlabel(label)
        one.set_title(f"{letter}  {style.metric_words(metric)}: {quantity}")
    narrow = COLUMN_CHARACTERS if columns == 1 else LABEL_CHARACTERS
    for one in axes[: 3 - columns]:
        one.set_yticks(range(len(rows)), [textwrap.fill(_label(row), narrow) for row in rows])
        for tick, row in zip(one.get_yticklabels(), rows, strict=True):
            tick.set_fontweight("bold" if len(row) == 1 else "normal")
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns)
    figure.suptitle(textwrap.fill(sentence(numbers), style.room(style.inches(width))), fontsize=style.TEXT_POINTS)
    return figure, numbers


def cells(statistics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The two estimates of every cell, one row a (cell, quantity), cells in the order of the statistics."""
    statistics = of_settings(with_scorings(statistics))
    own = statistics[statistics["scoring"] == metric]
    found = []
    for key, panel in own.groupby(KEY, sort=False):
        named = dict(zip(KEY, key, strict=True))
        published = panel[(panel["protocol"] == "as_published") & (panel["score_protocol"] == "as_published")]
        corrected = panel[panel["protocol"] == "corrected"]
        exact = corrected[corrected["score_protocol"] == "exact"]
        # published tables have no exact scores
        found += [{**named, **one} for one in _pair(published, exact if len(exact) else corrected)]
    return pd.DataFrame(found, columns=FIGURE_COLUMNS)


def _pair(published: pd.DataFrame, corrected: pd.DataFrame) -> list[dict]:
    """Slope and information of one cell, those that exist under both protocols."""
    before, after = published.set_index("estimator"), corrected.set_index("estimator")
    found = []
    if "ols_slope" in before.index and "slope" in after.index:
        # the published line of labels is over the levels 1, 2, 3
        slope = before.loc["ols_slope", "value"] * design(before["factor"].iloc[0]).axis.step
        found.append({"quantity": "slope", "as_published": slope, **_corrected(after.loc["slope"])})
    if {"mi_ksg", "mi_ksg_ceiling"} <= set(before.index) and "mi_adjusted" in after.index:
        share = before.loc["mi_ksg", "value"] / before.loc["mi_ksg_ceiling", "value"]
        found.append({"quantity": "information", "as_published": share, **_corrected(after.loc["mi_adjusted"])})
    return found


def _corrected(row: pd.Series) -> dict:
    return {"corrected": row["value"], "low": row["ci_low"], "high": row["ci_high"], "n_seeds": row["n_seeds"]}


def sentence(numbers: pd.DataFrame) -> str:
    """What the corrections change, counted: signs, sizes, and intervals that include zero."""
    slopes = numbers[numbers["quantity"] == "slope"]
    before, after = (slopes[name].round(DIGITS) for name in ("as_published", "corrected"))
    sign = np.sign(before) != np.sign(after)
    size = ~sign & ((before - after).abs() > ANOTHER_SIZE * np.maximum(before.abs(), after.abs()))
    zero = (slopes["low"] <= 0) & (slopes["high"] >= 0)
    text = (
        f"Corrected, with exact scores where there are any, {sign.sum()} of {len(slopes)} slopes have another sign and "
        f"{size.sum()} others another size (by over {100 * ANOTHER_SIZE:.0f}\N{NO-BREAK SPACE}%); {zero.sum()} of "
        f"{len(slopes)} intervals, over seeds and not over points, include zero"
    )
    shares = numbers[numbers["quantity"] == "information"]
    smaller = (shares["corrected"] < shares["as_published"]).sum()
    return f"{text}; {smaller} of {len(shares)} shares of information are smaller." if len(shares) else f"{text}."


def _rows(numbers: pd.DataFrame) -> list[tuple[str, ...]]:
    """The lines of the figure: a study's name, then its cells."""
    rows: list[tuple[str, ...]] = []
    for study, of_study in numbers.groupby("study", sort=False):
        rows += [(study,), *dict.fromkeys(of_study[KEY].itertuples(index=False, name=None))]
    return rows


def _label(row: Sequence[str]) -> str:
    if len(row) == 1:
        return style.words(row[0])
    _, comparison, stimuli, kind = row
    text = f"{panel_words(comparison, stimuli)}, {kind_words(kind)}"
    return textwrap.shorten(text, LABEL_CHARACTERS, placeholder=" …")


def _draw(axes: Axes, numbers: pd.DataFrame, rows: list[tuple[str, ...]]) -> None:
    places = np.array([rows.index(key) for key in numbers[KEY].itertuples(index=False, name=None)], float)
    axes.axvline(0, color=style.GREY, linewidth=0.6)
    axes.hlines(places, numbers["as_published"], numbers["corrected"], color=style.PALE, linewidth=3, zorder=1)
    axes.hlines(places, numbers["low"], numbers["high"], color=style.VERMILLION, linewidth=1.2, zorder=2)
    look = {"linestyle": "", "markersize": 4.5}
    axes.plot(
        numbers["as_published"], places, marker="s", markerfacecolor="white", color=style.BLACK, zorder=3,
        label="as published (no interval)", **look,
    )  # fmt: skip
    axes.plot(
        numbers["corrected"], places, marker="o", color=style.VERMILLION, zorder=4,
        label="corrected, 95 % interval over seeds", **look,
    )  # fmt: skip
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    _fit(axes, numbers)


def _fit(axes: Axes, numbers: pd.DataFrame) -> None:
    """Limits that show every estimate; of an interval as much as three times their spread allows."""
    values = numbers[["as_published", "corrected"]].to_numpy(float)
    ends = np.concatenate([values.ravel(), numbers[["low", "high"]].to_numpy(float).ravel(), [0.0]])
    least, most = min(np.nanmin(values), 0.0), max(np.nanmax(values), 0.0)
    room = max(most - least, 0.1)
    axes.set_xlim(max(np.nanmin(ends), least - room) - 0.04 * room, min(np.nanmax(ends), most + room) + 0.04 * room)
