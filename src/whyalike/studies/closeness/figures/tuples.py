"""How far d_LLV depends on the number of random tuples of inputs: the mean over pairs, and its spread over keys."""

import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures import style

LOOKS = ((style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "^"), (style.PURPLE, "D"))


@style.with_formulas
def draw(scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw, against the number of tuples, d_LLV over its value with the most tuples, and its spread over keys.

    Parameters
    ----------
    scores : columns group, a, b, key, num_samples, value, n.

    Returns
    -------
    the figure, and a row a group and number: mean (of d_LLV), ratio (to the most tuples, mean over pairs), spread (SD
    over keys as a share of the mean over keys, mean over pairs).

    Raises
    ------
    ValueError : no scores.
    """
    if scores.empty:
        raise ValueError("the table of numbers of tuples holds no row to draw. Run the similarity stage again.")
    pairs = scores.groupby(["group", "a", "b", "num_samples"])["value"].agg(["mean", "std"]).reset_index()
    most = pairs[pairs["num_samples"] == pairs["num_samples"].max()].set_index(["group", "a", "b"])["mean"]
    pairs["ratio"] = pairs["mean"] / most.loc[pd.MultiIndex.from_frame(pairs[["group", "a", "b"]])].to_numpy()
    pairs["spread"] = pairs["std"] / pairs["mean"]
    table = pairs.groupby(["group", "num_samples"])[["mean", "ratio", "spread"]].mean().reset_index()
    figure = style.new_figure(style.PAGE_INCHES, 2.4)
    left, right = figure.subplots(1, 2)
    for (group, rows), (colour, marker) in zip(table.groupby("group"), LOOKS * len(table), strict=False):
        label = group.replace("k", "K = ", 1).replace("_width", ", width ")
        for axes, column in ((left, "ratio"), (right, "spread")):
            axes.plot(rows["num_samples"], rows[column], color=colour, marker=marker, markersize=3, label=label)
    for axes, words in ((left, "$d_{LLV}$ / its value with the most tuples"), (right, "SD over keys / mean")):
        axes.set(xscale="log", xlabel="random tuples of inputs", ylabel=words)
    keys, count = (
        scores["key"].nunique(),
        scores.groupby("group")[["a", "b"]].apply(lambda of: len(of.drop_duplicates())),
    )
    left.set_title(f"a  {style.count(count.min(), count.max(), 'pair', 'pairs')} of trained models a line")
    right.set_title(f"b  {keys} keys (n = {scores['n'].iloc[0]:,} inputs)")
    left.legend()
    return figure, table
