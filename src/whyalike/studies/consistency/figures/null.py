"""Contrasts of groups against permuted labels of models, and how often a test over pairs of sets errs."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes, group_rows
from whyalike.studies.consistency.figures.selection import ANALYSES, cell_words, scoring_words

KEY = ["category", "theta", "phi", "theta_2", "phi_2"]
ROW_INCHES, NAIVE = 0.17, 0.01
SIDES = {"same": "equal values", "different": "different values", "others": "the other cells"}


@style.styled
def draw(groups: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw every contrast of R over the middle 95 % of permuted labels, with both p, and the naive test's false alarms.

    Parameters
    ----------
    groups : the table of groups.

    Raises
    ------
    ValueError : it holds no contrast.
    """
    by_analysis = group_rows.of_kind(groups, "contrast", "contrast of groups", ["pearson"])
    alarms = groups[(groups["kind"] == "false_alarms") & (groups["measure"] == "pearson")]
    first = next(iter(by_analysis.values()))
    contrasts = pd.MultiIndex.from_frame(first[KEY])
    figure = boxes.new_figure(style.PAGE_INCHES, 1.3 + ROW_INCHES * len(contrasts))
    ratios = [*([1] * len(by_analysis)), 0.45]
    axes = figure.subplots(1, len(ratios), squeeze=False, sharey=True, width_ratios=ratios)[0]
    for place, (one, (analysis, rows)) in enumerate(zip(axes, by_analysis.items(), strict=False)):
        own = rows.set_index(KEY).reindex(contrasts)
        _draw_contrasts(one, own)
        one.set_title(f"{ANALYSES[analysis]}\n{scoring_words(rows)}")
        of = alarms[(alarms["analysis"] == analysis) & (alarms["scoring"] == rows["scoring"].iloc[0])]
        values = of.set_index(KEY)["value"].reindex(contrasts)
        axes[-1].plot(
            values, range(len(values)), linestyle="", markersize=3.5, **_looks(place), label=ANALYSES[analysis]
        )
    axes[-1].axvline(NAIVE, color=style.BLACK, linewidth=0.8, linestyle="--")
    axes[-1].set_title("false alarms of\nthe naive test")
    axes[-1].set_xlabel(f"share, p < {NAIVE:g}")
    axes[-1].set_xlim(left=min(0, axes[-1].get_xlim()[0]))
    axes[0].set_yticks(range(len(contrasts)), [_words(*one) for one in contrasts])
    axes[0].set_ylim(len(contrasts) - 0.4, -0.6)
    boxes.upright_grid(*axes)
    for one in axes:
        _separate(one, first["category"].tolist())
    _legend(figure, list(by_analysis), int(first["pairs_of_sets"].max()), int(groups["models"].max()))
    counts = ["models", "pairs", "sets", "sources", "pairs_of_sets"]
    columns = ["metric", "analysis", "scoring", "kind", *KEY, "stratum", "value", "null_low", "null_high"]
    columns += ["p", "p_holm", "p_naive", *counts]
    kept = alarms.merge(pd.concat(by_analysis.values())[["analysis", "scoring"]].drop_duplicates())
    return figure, pd.concat([*by_analysis.values(), kept])[columns]


def _legend(figure: Figure, analyses: list[str], pairs: int, models: int) -> None:
    """The marks, and what both p are of."""
    handles = [Patch(facecolor=style.PALE), Line2D([], [], linestyle="", marker="o", color=style.BLUE, markersize=4)]
    labels = ["middle 95 % under permuted labels", "observed"]
    for place, analysis in enumerate(analyses):
        handles.append(Line2D([], [], linestyle="", markersize=3.5, **_looks(place)))
        labels.append(f"false alarms, {ANALYSES[analysis]}")
    title = (
        f"{models} models; a group's name alone: pairs within it\n"
        f"p: permutation, for each contrast alone (Holm's is in the CSV) | naive: rank-sum of {pairs} pairs of sets, "
        "which are not independent"
    )
    boxes.legend(figure, {}, title, list(zip(handles, labels, strict=True)))


def _draw_contrasts(axes, own: pd.DataFrame) -> None:
    """A band and a point a contrast, and its p on the right."""
    for place, row in enumerate(own.itertuples()):
        if pd.isna(row.value):
            continue
        if pd.notna(row.null_low):
            axes.barh(place, row.null_high - row.null_low, left=row.null_low, height=0.8, color=style.PALE, zorder=1)
        axes.plot(row.value, place, marker="o", color=style.BLUE, markersize=4, zorder=3)
        text = f"{_p(row.p)} | {_p(row.p_naive)}"
        axes.annotate(text, (1.0, place), xycoords=("axes fraction", "data"), ha="right", va="center",
                      fontsize=style.SMALL_POINTS, color=style.GREY, zorder=4)  # fmt: skip
    axes.axvline(0, color=style.BLACK, linewidth=0.6)
    low, high = axes.get_xlim()
    axes.set_xlim(low - 0.03 * (high - low), high + 0.65 * (high - low))  # room for the p
    axes.annotate("p | naive", (1.0, -0.6), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                  fontsize=style.SMALL_POINTS, color=style.GREY)  # fmt: skip
    axes.set_xlabel("difference of R (Fisher's z)")


def _looks(place: int) -> dict[str, str]:
    return {"color": (style.VERMILLION, style.PURPLE)[place % 2], "marker": ("s", "^")[place % 2]}


def _separate(axes, categories: list[str]) -> None:
    """A line between categories."""
    for place in range(1, len(categories)):
        if categories[place] != categories[place - 1]:
            axes.axhline(place - 0.5, color=style.GREY, linewidth=0.4)


def _p(value: float) -> str:
    return "–" if pd.isna(value) else "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _words(category: str, theta: str, phi: str, theta_2: str, phi_2: str) -> str:
    if theta == "same":
        return f"{style.words(category)}: equal less different"
    own = style.words(theta) if theta == phi else cell_words(theta, phi)
    other = SIDES.get(theta_2) or (style.words(theta_2) if theta_2 == phi_2 else cell_words(theta_2, phi_2))
    return f"{own} less {other}"
