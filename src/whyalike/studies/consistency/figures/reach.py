"""How many stimuli the RBF kernel of each model reaches: its effective number of neighbours as a share of the stimuli.

A kernel whose width is absolute, on rows of length 1, is local for models whose representations point in all
directions, and reaches nearly everything for those that lie in a narrow cone; one relative to the median distance is
alike for all.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.consistency.figures.selection import ANALYSES, looks, main_scoring, need, scoring_words, strips


@style.styled
def draw(similarity: pd.DataFrame, models: pd.DataFrame, consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the reach of each model's kernel, by group in each analysis, and of one analysis against the other.

    Parameters
    ----------
    similarity : columns stimuli, metric, analysis, scoring, parameters, a, b, n, neighbours_a, neighbours_b.
    models : the table of models.
    consistency : its first category is that of the groups.

    Raises
    ------
    ValueError : no metric has neighbours.
    """
    need(similarity, "similarities", "similarity")
    rows = similarity[similarity["neighbours_a"].notna()]
    if rows.empty:
        raise style.NothingToDraw(
            "the table of similarities holds no metric with a kernel to draw. Run the similarity stage again, with "
            "cka_rbf_unbiased in consistency.metrics."
        )
    by_analysis = main_scoring(rows)
    groups = _groups(models, consistency)
    numbers = pd.concat([_reach(own, groups) for own in by_analysis.values()], ignore_index=True)
    shown = looks(groups.values())
    figure = boxes.new_figure(style.PAGE_INCHES, 3.1)
    both = len(by_analysis) == 2
    axes = figure.subplots(1, len(by_analysis) + both, squeeze=False)[0]
    for one, (analysis, own) in zip(axes, by_analysis.items(), strict=False):
        _draw_groups(one, numbers[numbers["analysis"] == analysis], shown)
        one.set_title(
            f"{ANALYSES[analysis]}\n" + "\n".join(style.packed([scoring_words(own)], 36)), fontsize=style.SMALL_POINTS
        )
    axes[0].set_ylabel("effective number of neighbours / n\n(mean over sets; line: range)")
    limits = [min(one.get_ylim()[0] for one in axes[: len(by_analysis)]), 1.5]
    for one in axes[: len(by_analysis)]:
        one.set_ylim(limits)
    if both:
        _draw_both(axes[-1], numbers, shown, list(by_analysis), limits)
    sets, n = rows["stimuli"].nunique(), style.span(rows["n"].min(), rows["n"].max())
    boxes.legend(figure, shown, f"{numbers['model'].nunique()} models; {sets} sets, n = {n}")
    return figure, numbers


def _groups(models: pd.DataFrame, consistency: pd.DataFrame) -> dict[str, str | None]:
    """The value of the first category of each model; "models" where there is no category."""
    values, _, category = strips(models, consistency)
    return dict(zip(models["model"], values if category else ["models"] * len(models), strict=True))


def _reach(rows: pd.DataFrame, groups: dict[str, str | None]) -> pd.DataFrame:
    """A row a model: its share of the stimuli, mean and range over sets."""
    names = ["stimuli", "model", "neighbours", "n"]
    sides = [rows[["stimuli", side, f"neighbours_{side}", "n"]].set_axis(names, axis=1) for side in ("a", "b")]
    each = pd.concat(sides).drop_duplicates(["stimuli", "model"])
    each["share"] = each["neighbours"] / (each["n"] - 1)
    found = each.groupby("model", sort=False)["share"].agg(["mean", "min", "max", "size"]).reset_index()
    found = found.set_axis(["model", "share", "lowest", "highest", "sets"], axis=1)
    first = {name: rows[name].iloc[0] for name in ("metric", "analysis", "scoring")}
    return found.assign(group=found["model"].map(groups), **first)


def _draw_groups(axes, rows: pd.DataFrame, shown: dict) -> None:
    """A column a group, its models from the least reach to the most."""
    boxes.plain_log(axes, "y")
    for place, (group, look) in enumerate(shown.items()):
        own = rows[rows["group"] == group].sort_values("share")
        x = place + np.linspace(-0.35, 0.35, len(own)) if len(own) > 1 else np.full(len(own), place)
        axes.vlines(x, own["lowest"], own["highest"], color=look["color"], linewidth=0.6, alpha=0.6)
        axes.scatter(x, own["share"], s=9, linewidths=0, zorder=3, **look)
    axes.axhline(1, color=style.BLACK, linewidth=0.6)
    axes.set_xticks([])
    axes.set_xlabel("models by group, in it by reach")
    axes.set_xlim(-0.6, len(shown) - 0.4)


def _draw_both(axes, numbers: pd.DataFrame, shown: dict, analyses: list[str], limits: list[float]) -> None:
    """One analysis against the other, a point a model."""
    wide = numbers.pivot(index="model", columns="analysis", values="share").dropna()
    group = numbers.drop_duplicates("model").set_index("model")["group"]
    for name, look in shown.items():
        own = wide[group.reindex(wide.index) == name]
        axes.scatter(own[analyses[0]], own[analyses[1]], s=9, linewidths=0, zorder=3, **look)
    axes.plot(limits, limits, color=style.GREY, linewidth=0.6, zorder=1)
    boxes.plain_log(axes, "x", "y")
    axes.set(xlim=limits, ylim=limits)
    axes.set_xlabel(f"{ANALYSES[analyses[0]]}")
    axes.set_ylabel(f"{ANALYSES[analyses[1]]}")
    axes.set_title("each model (line: equal reach)", fontsize=style.SMALL_POINTS)
