"""Which metrics follow closeness in distribution: rank correlation over pairs, a row a metric, with intervals."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.statistics.table import with_scorings

REFERENCES = {
    "llv_distance": "rank correlation with $d_{LLV}$",
    "kl_divergence": "… with KL divergence",
    "logit_distance": "… with logit distance",
}
WORDS = {
    "llv_distance": "$d_{LLV}$",
    "kl_divergence": "KL divergence",
    "logit_distance": "logit distance",
    "max_d_svd": "max $d_{SVD}$ of f",
    "d_svd_unembeddings": "$d_{SVD}$ of g",
    "m_cca": "$m_{CCA}$ of f",
    "cca": "CCA",
    "pwcca": "PWCCA",
    "rsa": "RSA",
    "procrustes_distance": "Procrustes distance",
    "linear": "linear map, held out",
    "procrustes": "Procrustes, held out",
    "permutation": "permutation, held out",
    "soft_matching": "soft matching, held out",
}
LOOKS = ((style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "^"), (style.PURPLE, "D"))
ROW_INCHES = 0.17


@style.with_formulas
def draw(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the correlations of every metric with three distances of distributions, within a width and across widths.

    Parameters
    ----------
    statistics : columns kind, scope, classes, metric, reference, value, ci_low, ci_high, n_seeds, n_pairs.

    Raises
    ------
    ValueError : no correlations.
    """
    statistics = with_scorings(statistics)
    ranks = statistics[(statistics["kind"] == "rank") & statistics["scope"].isin(["within", "across"])]
    if ranks.empty:
        raise ValueError("the statistics hold no rank correlation to draw. Run the statistics stage again.")
    ours = ranks[(ranks["scope"] == "within") & (ranks["reference"] == "llv_distance")]
    order = ["llv_distance", *ours.groupby("scoring")["value"].mean().sort_values(ascending=False).index]
    counts = sorted(ranks["classes"].unique())
    figure = style.new_figure(style.PAGE_INCHES, 2 * (ROW_INCHES * len(order) + 0.5) + 0.4)
    axes = figure.subplots(2, len(REFERENCES), sharex=True, sharey=True)
    for line, scope in zip(axes, ("within", "across"), strict=True):
        for one, (reference, words) in zip(line, REFERENCES.items(), strict=True):
            rows = ranks[(ranks["scope"] == scope) & (ranks["reference"] == reference)]
            for i, classes in enumerate(counts):
                of = rows[rows["classes"] == classes].set_index("scoring").reindex(order)
                colour, marker = LOOKS[i % len(LOOKS)]
                y = np.arange(len(order)) + 0.7 * ((i + 0.5) / len(counts) - 0.5)
                errors = [of["value"] - of["ci_low"], of["ci_high"] - of["value"]]
                one.errorbar(of["value"], y, xerr=errors, color=colour, marker=marker, markersize=2.5, linestyle="",
                             elinewidth=0.7, label=f"K = {classes}")  # fmt: skip
            one.axvline(0, color=style.GREY, linewidth=0.6)
            one.set_title(words if scope == "within" else "")
            one.set_xlabel("" if scope == "within" else "Spearman correlation")
            one.grid(axis="x")
        line[0].set_yticks(range(len(order)), [WORDS.get(name, style.metric_words(name)) for name in order])
        line[0].set_ylabel("within a width (mean)" if scope == "within" else "across widths")
    axes[0, 0].set_ylim(len(order) - 0.4, -0.6)
    axes[0, 0].set_xlim(min(-0.3, ranks["ci_low"].min()), 1.03)
    words = f"above 0: the metric follows; 95 % interval over {ranks['n_seeds'].iloc[0]} seeds"
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(counts), title=words)
    shown = ["scope", "classes", "metric", "reference", "value", "ci_low", "ci_high", "n_seeds", "n_pairs", "scoring"]
    return figure, ranks[shown]
