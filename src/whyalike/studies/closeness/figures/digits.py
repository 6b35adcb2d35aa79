"""Models of images: two embeddings side by side, and loss against similarity over all pairs.

Models of equal loss may embed alike or not: a pair's difference of test losses stands against m_CCA and d_LLV.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from whyalike.figures import style

HALO = [withStroke(linewidth=1.5, foreground="white")]  # words are read over points of any colour
SHOWN = 2  # dimensions that can be drawn as they are
LOOKS = ((style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "^"), (style.PURPLE, "D"))


@style.with_formulas
def draw(embeddings: pd.DataFrame, manifests: pd.DataFrame, scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the first two models with two dimensions, and a point a pair of models of every number of dimensions.

    Parameters
    ----------
    embeddings : columns run, seed, trained, part, row, label, vector.
    manifests : columns run, seed, loss, accuracy; and class_names, where labels are more than numbers.
    scores : columns group, dimensions, trained, a, b, metric, value, n.

    Returns
    -------
    the figure, and a row a pair: group, dimensions, a, b, loss_difference, m_cca, llv_distance, max_d_svd, n.

    Raises
    ------
    ValueError : no scores.
    """
    if scores.empty:
        raise ValueError("the score tables of images hold no row to draw. Run the similarity stage again.")
    pairs = _pairs(manifests, scores)
    figure = style.new_figure(style.PAGE_INCHES, 4.6)
    axes = figure.subplots(2, 2)
    names = manifests["class_names"].iloc[0] if "class_names" in manifests else range(len(embeddings))
    shown = embeddings[embeddings["trained"] & (embeddings["vector"].str.len() == SHOWN)]
    for one, (letter, seed) in zip(axes[0], zip("ab", sorted(shown["seed"].unique())[:2], strict=False), strict=False):
        _draw_embedding(one, shown[shown["seed"] == seed], names)
        loss = manifests.set_index("run").loc[shown[shown["seed"] == seed]["run"].iloc[0], "loss"]
        one.set_title(f"{letter}  seed {seed} (M = {SHOWN}): f, and g as lines; loss {loss:.3f} nats")
    if shown.empty:
        for one in axes[0]:
            one.set_axis_off()
    for one, metric, words in zip(axes[1], ("m_cca", "llv_distance"), ("$m_{CCA}$ of f", "$d_{LLV}$"), strict=True):
        for (dimensions, of), (colour, marker) in zip(pairs.groupby("dimensions"), LOOKS * len(pairs), strict=False):
            one.scatter(of["loss_difference"], of[metric], s=9, color=colour, marker=marker, alpha=0.7, linewidths=0,
                        label=f"M = {dimensions}")  # fmt: skip
        one.set(xlabel="difference of test losses (nats)", ylabel=words)
    count = pairs.groupby("dimensions").size()
    words = style.count(count.min(), count.max(), "pair", "pairs")
    axes[1, 0].set_title(f"c  {words} of seeds each (n = {pairs['n'].iloc[0]} images)")
    axes[1, 1].set_title("d  the same pairs")
    axes[1, 1].legend()
    return figure, pairs


def _pairs(manifests: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    loss = manifests.set_index("run")["loss"]
    wanted = scores[scores["trained"] & scores["metric"].isin(["m_cca", "llv_distance", "max_d_svd"])]
    index = ["group", "dimensions", "a", "b", "n"]
    pairs = wanted.pivot(index=index, columns="metric", values="value").reset_index()
    losses = [loss.loc[pairs["group"] + "_seed" + pairs[side].astype(str)].to_numpy() for side in "ab"]
    pairs["loss_difference"] = np.abs(losses[0] - losses[1])
    return pairs.rename_axis(columns=None)


def _draw_embedding(axes: Axes, rows: pd.DataFrame, names: Sequence[Any]) -> None:
    """Inputs as points, each label at the middle of its own; the directions of unembeddings as lines."""
    f, g = (rows[rows["part"] == part] for part in "fg")
    points = np.stack(f["vector"].to_numpy())
    labels = f["label"].to_numpy()
    for label, direction in zip(g["label"], np.stack(g["vector"].to_numpy()), strict=True):
        of = points[labels == label]
        cycle, place = divmod(label, len(style.MARKER_COLOURS))
        # labels of one colour have markers of their own
        colour, marker = style.MARKER_COLOURS[place], style.MARKERS[(label + cycle) % len(style.MARKERS)]
        axes.scatter(*of.T, s=5, linewidths=0, alpha=0.6, color=colour, marker=marker)
        if len(of):
            middle = np.median(of, axis=0)
            axes.annotate(str(names[label]), middle, ha="center", va="center", weight="bold", path_effects=HALO)
        end = 0.5 * np.abs(points).max() * direction / np.linalg.norm(direction)
        axes.plot(*zip((0, 0), end, strict=True), color=colour, linewidth=0.8, alpha=0.6, zorder=0)
    axes.set(xlabel="$f_1$", ylabel="$f_2$")
    axes.set_aspect("equal", "datalim")
    axes.grid(False)
