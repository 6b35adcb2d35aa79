"""Mutual information between overlap and similarity, one row of marks a study: the published Table 3 as a figure.

Left, as published: nats, with the ceiling H (the entropy of the levels) of each study as a bar; a study with more
levels has a higher ceiling and more information, so that the bars of two studies cannot be compared. Right, corrected:
the share (MI - null) / (H - null) with its delete-one-seed jackknife interval, which can be.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.figures.style import number

COLUMNS = ("study", "protocol", "estimator", "value", "ci_low", "ci_high", "entropy", "n", "n_seeds")
PUBLISHED, CORRECTED = "mi_ksg", "mi_adjusted"  # the estimators that the two panels show
ROW_HEIGHT = 0.36  # inches a study
FRAME_HEIGHT = 1.2


@style.styled
def draw(table: pd.DataFrame, *, width: str = "page") -> tuple[Figure, pd.DataFrame]:
    """Draw the table of mutual information.

    Parameters
    ----------
    table : columns `COLUMNS`; protocol as_published has values in nats,
        corrected has shares of the ceiling; entropy is the ceiling in nats.
        Rows of other estimators than `PUBLISHED` and `CORRECTED` are left out.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure, and the rows that it shows.

    Raises
    ------
    ValueError : a column is missing, or no row is left to draw.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        needed = ", ".join(COLUMNS)
        raise ValueError(f"a table of mutual information needs the columns {needed}: {', '.join(missing)} missing.")
    shown = table[_is(table, "as_published", PUBLISHED) | _is(table, "corrected", CORRECTED)].dropna(subset="value")
    if shown.empty:
        studies = ", ".join(dict.fromkeys(table["study"])) or "no study"
        raise ValueError(
            f"the table of mutual information has no row of {PUBLISHED} or {CORRECTED} to draw (studies: {studies}). "
            "Each study needs two levels and five scores of the metric; run its similarity and statistics stages again."
        )
    studies = list(dict.fromkeys(shown["study"]))
    columns = style.side_by_side(width, 2, 2)
    figure = style.new_figure(style.inches(width), (FRAME_HEIGHT + ROW_HEIGHT * len(studies)) * 2 / columns)
    left, right = figure.subplots(2 // columns, columns, sharey=True)
    _draw_published(left, shown[shown["protocol"] == "as_published"], studies)
    _draw_corrected(right, shown[shown["protocol"] == "corrected"], studies)
    for axes in (left, right)[: 3 - columns]:
        axes.set_yticks(range(len(studies)), [_study_words(name, shown) for name in studies])
    left.set_ylim(len(studies) - 0.5, -0.5)
    return figure, shown[list(COLUMNS)].reset_index(drop=True)


def _is(table: pd.DataFrame, protocol: str, estimator: str) -> pd.Series:
    return (table["protocol"] == protocol) & (table["estimator"] == estimator)


def _study_words(study: str, shown: pd.DataFrame) -> str:
    rows = shown[shown["study"] == study]
    seeds = rows["n_seeds"]
    return f"{style.words(study)}\n{style.count(seeds.min(), seeds.max(), 'seed', 'seeds')}"


def _draw_published(axes: Axes, rows: pd.DataFrame, studies: list[str]) -> None:
    places = [studies.index(name) for name in rows["study"]]
    axes.barh(places, rows["value"], height=0.5, color=style.SKY, label="mutual information")
    axes.vlines(
        rows["entropy"], [y - 0.36 for y in places], [y + 0.36 for y in places],
        color=style.BLACK, linewidth=1.6, label="ceiling H",
    )  # fmt: skip
    for place, value in zip(places, rows["value"], strict=True):
        axes.annotate(number(value), (0, place), xytext=(3, 0), textcoords="offset points", va="center")
    axes.set_title("a  as published: depends on the number of levels")
    _dress(axes, "mutual information (nats)")


def _draw_corrected(axes: Axes, rows: pd.DataFrame, studies: list[str]) -> None:
    axes.axvline(0, color=style.GREY, linewidth=0.6)
    axes.axvline(1, color=style.BLACK, linewidth=1.6, label="ceiling: the score tells the level")
    interval = rows["ci_low"].notna()
    places = pd.Series([studies.index(name) for name in rows["study"]], index=rows.index, dtype=float)
    axes.hlines(
        places[interval], rows.loc[interval, "ci_low"], rows.loc[interval, "ci_high"],
        color=style.VERMILLION, linewidth=1.4, label="95 % interval, one seed left out at a time",
    )  # fmt: skip
    axes.plot(rows["value"], places, "o", color=style.VERMILLION, markersize=5, label="share")
    for place, value in zip(places, rows["value"], strict=True):
        axes.annotate(number(value), (value, place), xytext=(0, 5), textcoords="offset points", ha="center")
    axes.set_title("b  corrected: share of the ceiling, above chance")
    _dress(axes, "(MI \N{MINUS SIGN} null) / (H \N{MINUS SIGN} null)")


def _dress(axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, **style.below(axes, 0.45), ncols=1)
