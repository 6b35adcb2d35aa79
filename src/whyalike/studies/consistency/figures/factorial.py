"""Shares of variance of similarity and of consistency by the factors that trained models cross."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whyalike.figures import style
from whyalike.statistics.power import LEVEL
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import ANALYSES, analyses

QUANTITIES = {
    "similarity": "mean similarity of a pair",
    "similarity_by_set": "how it differs by set",
    "consistency": "consistency R",
}
WORDS = {"residual": "factors together", "seed": "models of equal levels"}
ROW_INCHES = 0.42


@style.styled
def draw(factorial: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the share of each factor with its interval, a column a quantity, a row of panels an analysis.

    Parameters
    ----------
    factorial : the table of shares.

    Raises
    ------
    ValueError : trained models cross no factors.
    """
    if factorial.empty:
        raise style.NothingToDraw(
            "the table of shares of variance holds no factor that trained models cross to draw. Run the statistics "
            "stage again, with two trained models or more of every combination of consistency.factorial."
        )
    factors, found = list(dict.fromkeys(factorial["factor"])), analyses(factorial)
    quantities = [one for one in QUANTITIES if one in set(factorial["quantity"])]
    figure = boxes.new_figure(style.PAGE_INCHES, 0.7 + len(found) * (0.55 + ROW_INCHES * len(factors)))
    axes = figure.subplots(len(found), len(quantities), squeeze=False, sharex=True, sharey=True)
    looks = {name: style.look_of(place) for place, name in enumerate(dict.fromkeys(factorial["metric"]))}
    for line, analysis in zip(axes, found, strict=True):
        rows = factorial[factorial["analysis"] == analysis]
        for one, quantity in zip(line, quantities, strict=True):
            own = rows[rows["quantity"] == quantity]
            scorings = list(dict.fromkeys(rows["scoring"]))
            for place, scoring in enumerate(scorings):
                of = own[own["scoring"] == scoring]
                shift = 0.6 * ((place + 0.5) / len(scorings) - 0.5)
                _draw(one, of, factors, shift, looks)
            one.axvline(0, color=style.BLACK, linewidth=0.6)
        boxes.upright_grid(*line)
        line[0].set_ylabel(ANALYSES[analysis])
    for one, quantity in zip(axes[0], quantities, strict=True):
        one.set_title(QUANTITIES[quantity])
    axes[0, 0].set_yticks(range(len(factors)), [_named(factorial, one) for one in factors])
    axes[0, 0].set_ylim(len(factors) - 0.5, -0.5)
    axes[0, 0].set_xlim(-0.05, 1.05)
    for one, quantity in zip(axes[-1], quantities, strict=True):
        one.set_xlabel("share of what factors explain" if quantity == "consistency" else "share of variance")
    _legend(figure, factorial, looks)
    return figure, factorial


def _legend(figure: Figure, factorial: pd.DataFrame, looks: dict) -> None:
    """The metrics, and over what intervals are."""
    metrics = factorial.drop_duplicates("metric")
    handles = [Line2D([], [], linestyle="", markersize=4, **looks[one]) for one in metrics["metric"]]
    labels = [style.metric_words(one) for one in metrics["metric"]]
    handles.append(Line2D([], [], linestyle="", marker="o", markersize=4, color=style.GREY, markerfacecolor="white"))
    labels.append(f"p > {LEVEL:g}, permuted levels")
    models, sets, sources = (
        style.span(factorial[name].min(), factorial[name].max()) for name in ("models", "sets", "sources")
    )
    known = factorial["ci_low"].notna().any()
    interval = (
        "95 % jackknife over seeds (of fewer than 3: models), cut at 0 and 1"
        if known
        else "too few seeds for intervals"
    )
    title = f"{interval}; {models} trained models that cross the factors, {sets} sets from {sources} sources"
    boxes.legend(figure, {}, title, list(zip(handles, labels, strict=True)))


def _draw(axes, of: pd.DataFrame, factors: list[str], shift: float, looks: dict) -> None:
    for row in of.itertuples():
        if pd.isna(row.share):
            continue
        look, y = looks[row.metric], factors.index(row.factor) + shift
        if pd.notna(row.ci_low):
            axes.hlines(y, *np.clip([row.ci_low, row.ci_high], 0, 1), color=look["color"], linewidth=1.0)
        unsure = pd.notna(row.p) and row.p > LEVEL
        axes.plot(row.share, y, linestyle="", markersize=4, **look, **({"markerfacecolor": "white"} if unsure else {}))


def _named(factorial: pd.DataFrame, factor: str) -> str:
    levels = factorial.loc[factorial["factor"] == factor, "levels"].dropna()
    name = WORDS.get(factor, style.words(factor))
    return f"{name} ({levels.iloc[0]:.0f} levels)" if len(levels) else name
