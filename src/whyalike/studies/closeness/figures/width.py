"""Do wider networks learn closer distributions and more similar representations? Means over all pairs, by width."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style

ROWS = {"llv_distance": "mean $d_{LLV}$", "max_d_svd": "mean max $d_{SVD}$", "kl_divergence": "mean KL (nats)"}
LOOKS = {True: ("trained", style.BLUE, "o", "-"), False: ("untrained", style.GREY, "s", "--")}


@style.with_formulas
def draw(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the means of closeness and dissimilarity against width, a column a number of labels.

    Parameters
    ----------
    statistics : columns kind, classes, width, trained, metric, value, ci_low, ci_high, n_seeds, n_pairs, n.

    Raises
    ------
    ValueError : no means of these metrics.
    """
    means = statistics[(statistics["kind"] == "mean") & statistics["metric"].isin(list(ROWS))]
    if means.empty:
        raise ValueError(f"the statistics hold no mean of {', '.join(ROWS)} to draw. Run the statistics stage again.")
    counts = sorted(means["classes"].unique())
    figure = style.new_figure(min(style.PAGE_INCHES, 0.6 + 1.9 * len(counts)), 1.7 * len(ROWS) + 0.4)
    axes = figure.subplots(len(ROWS), len(counts), squeeze=False, sharex=True, sharey="row")
    for line, (metric, words) in zip(axes, ROWS.items(), strict=True):
        for one, classes in zip(line, counts, strict=True):
            rows = means[(means["metric"] == metric) & (means["classes"] == classes)]
            _draw_panel(one, rows)
        line[0].set_ylabel(words)
        of_metric = means[means["metric"] == metric]
        if metric == "kl_divergence":  # intervals may reach below 0, where a logarithm has no place
            line[0].set_yscale("log")
            line[0].set_ylim(of_metric["value"].min() / 3, 2 * of_metric["ci_high"].max())
        else:
            line[0].set_ylim(0, 1.05 * of_metric["ci_high"].max())
    for top, bottom, classes in zip(axes[0], axes[-1], counts, strict=True):
        top.set_title(f"K = {classes} labels")
        bottom.set_xlabel("units of a hidden layer")
    # of all panels, which share the axis
    widths = sorted(means["width"].unique())
    axes[0, 0].set_xscale("log", base=2)
    axes[0, 0].set_xticks(widths, [f"{width:g}" for width in widths])
    axes[0, 0].minorticks_off()
    first = means.iloc[0]
    handles = axes[0, 0].get_legend_handles_labels()
    details = [
        f"{first['n_pairs']} pairs among {first['n_seeds']} seeds",
        "95 % node jackknife",
        f"n = {first['n']:,} inputs",
    ]
    title = "\n".join(style.packed(details, style.room(figure.get_figwidth() - 0.2)))
    figure.legend(*handles, loc="outside lower center", ncols=2, title=title)
    shown = ["classes", "width", "trained", "metric", "value", "ci_low", "ci_high", "n_seeds", "n_pairs", "n"]
    return figure, means[shown].sort_values(["metric", "classes", "trained", "width"])


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    for trained, (label, colour, marker, line) in LOOKS.items():
        of = rows[rows["trained"] == trained].sort_values("width")
        x, y = of["width"].astype(float), of["value"]
        errors = [y - of["ci_low"], of["ci_high"] - y]
        axes.errorbar(x, y, errors, color=colour, marker=marker, markersize=3.5, linestyle=line, elinewidth=0.8,
                      capsize=1.5, label=label)  # fmt: skip
