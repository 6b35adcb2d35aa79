"""Constructed models: close in distribution and unlike (circle); the bound of likeness by d_LLV (copies)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whyalike.figures import style

PREDICTIONS = {
    "kl_divergence": ("KL divergence (nats)", style.BLUE, "o"),
    "logit_distance": ("logit distance", style.GREY, "D"),
}
LIKENESS = {
    "llv_distance": ("$d_{LLV}$", style.VERMILLION, "s"),
    "max_d_svd": ("max $d_{SVD}$ of f", style.GREEN, "^"),
    "d_svd_unembeddings": ("$d_{SVD}$ of g", style.PURPLE, "v"),
    "m_cca": ("$m_{CCA}$ of f", style.BLACK, "P"),
    "cka": ("CKA of f", style.ORANGE, "X"),
}


@style.with_formulas
def draw_circle(scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw divergence, distances and similarities of both models against the radius of the unembeddings.

    Parameters
    ----------
    scores : columns x (radius), metric, value, n.

    Raises
    ------
    ValueError : no scores.
    """
    _need(scores)
    figure = style.new_figure(style.PAGE_INCHES, 2.4)
    left, right = figure.subplots(1, 2)
    for axes, shown in ((left, PREDICTIONS), (right, LIKENESS)):
        for i, (metric, (label, colour, marker)) in enumerate(shown.items()):
            rows = scores[scores["metric"] == metric]
            # lines that coincide are told apart by their markers, which take turns
            axes.plot(rows["x"], rows["value"], marker=marker, markevery=(i % 2, 2), markersize=3.5, color=colour,
                      label=label, clip_on=False)  # fmt: skip
        axes.set_xlabel(r"length $\rho$ of the unembeddings")
        axes.legend(loc="best")
    left.set_yscale("log")
    left.set_title("a  what the predictions say")
    right.set_title(f"b  how unlike the models are (n = {scores['n'].iloc[0]:,} inputs)")
    right.set_ylim(bottom=0)
    left.set_ylabel("divergence, distance")
    right.set_ylabel("$d$ (0: alike)\n$m_{CCA}$, CKA (1: alike)")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    return figure, scores[["x", "metric", "value", "n", "width"]]


@style.with_formulas
def draw_copies(scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw max d_SVD (and d_SVD of the unembeddings) against d_LLV of every copy, with the bound 2 M d_LLV.

    Parameters
    ----------
    scores : columns x (SD of the noise), metric, value, n, width.

    Returns
    -------
    the figure, and a row a copy: noise, llv_distance, bound, max_d_svd, d_svd_unembeddings.

    Raises
    ------
    ValueError : no scores.
    """
    _need(scores)
    width = int(scores["width"].iloc[0])
    table = scores.pivot(index="x", columns="metric", values="value").sort_values("llv_distance").reset_index()
    table["bound"] = 2 * width * table["llv_distance"]
    figure = style.new_figure(style.COLUMN_INCHES, 2.8)
    axes = figure.subplots()
    for metric in ("max_d_svd", "d_svd_unembeddings"):
        label, colour, marker = LIKENESS[metric]
        axes.scatter(table["llv_distance"], table[metric], s=7, marker=marker, color=colour, alpha=0.7, linewidths=0,
                     label=label, zorder=3)  # fmt: skip
    ends = table["llv_distance"].iloc[[0, -1]]
    axes.plot(ends, 2 * width * ends, color=style.BLACK, linestyle="--", label=f"bound {2 * width} $d_{{LLV}}$")
    axes.set(xscale="log", yscale="log", xlabel="$d_{LLV}$", ylabel="dissimilarity of representations")
    above = int((table[["max_d_svd", "d_svd_unembeddings"]].max(axis=1) > table["bound"]).sum())
    axes.set_title(f"{len(table)} copies of growing noise, {above} above the bound (M = {width})")
    axes.legend(loc="upper left")
    columns = {"x": "noise"}
    shown = ["noise", "kl_divergence", "llv_distance", "bound", "max_d_svd", "d_svd_unembeddings"]
    return figure, table.rename(columns=columns)[shown].sort_values("noise")


def _need(scores: pd.DataFrame) -> None:
    if scores.empty:
        raise ValueError("the score table of constructed models holds no row to draw. Run the similarity stage again.")
