"""The panels of the figures of one kind of models: each knows its rows, how it is drawn, and what its legend says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from whyalike.figures import style
from whyalike.studies.convergence.figures import curves
from whyalike.studies.convergence.figures.depth import draw_lines
from whyalike.studies.convergence.section import ANALYSES, CORRECTED, FINAL

MOST_CHECKPOINTS = 7  # lines of the panel of training: as many have a line each in its legend
MOST_NAMED = 8  # layers of a map whose numbers fit
EQUIVALENT = 0.05  # an effect whose interval stays within counts as none
OVER_UPDATES = (0.0, 0.5, 1.0)  # depths of language models, as published
NATIVE, ROTATED, BOTH = "native", "rotated", "rotated_both"
BASES = {
    NATIVE: ("native units", {"color": style.BLACK, "marker": "v"}),
    ROTATED: ("one model's units rotated", {"color": style.VERMILLION, "marker": "P", "linestyle": "--"}),
    BOTH: ("both models' units rotated", {"color": style.SKY, "marker": "X", "linestyle": ":"}),
}  # no look of a metric: both stand in one figure
_SEEN = {"linestyle": "", "color": "white", "markeredgecolor": style.BLACK, "markeredgewidth": 0.6}  # on all colours
RING, CROSS = _SEEN | {"marker": "o"}, _SEEN | {"marker": "X"}
EFFECT = {"color": style.CLASS_COLOURS[5], "marker": "*"}


@dataclass(frozen=True)
class Drawn:
    """A panel: its letter, title, the rows that it shows, how to draw it, its entries of the figure's legend."""

    letter: str
    title: str
    rows: pd.DataFrame
    draw: Callable[[Axes], None]
    entries: Sequence[tuple[Any, str]] = ()


def metrics(letter: str, depth: pd.DataFrame, group: str) -> list[Drawn]:
    """Final scores of every metric by depth beside untrained ones, a panel an analysis."""
    every = curves.of_layers(depth, group=group, quantity=("final", "start"))
    scorings = sorted(
        dict.fromkeys(every["scoring"]), key=lambda one: curves.METRIC_PLACES.get(one, len(curves.METRIC_PLACES))
    )
    found = []
    for analysis in (one for one in ANALYSES if (every["analysis"] == one).any()):
        rows = every[every["analysis"] == analysis]

        def draw(axes: Axes, rows: pd.DataFrame = rows) -> None:
            draw_lines(axes, rows, scorings, scorings)
            curves.depth_axis(axes)
            axes.set_ylabel("alignment")

        entries = [curves.entry(curves.metric_look(one, scorings), style.metric_words(one))
                   for one in scorings if (rows["scoring"] == one).any()]  # fmt: skip
        if (rows["quantity"] == "start").any():
            entries.append(curves.untrained_entry())
        found.append(Drawn(letter, f"metrics, {style.words(analysis)}", rows, draw, entries))
    return found


def training(letter: str, time: pd.DataFrame, group: str) -> list[Drawn]:
    """Alignment by depth, a line a checkpoint, with the accuracy, or the loss, that models have there."""
    own = time[time["group"] == group]
    own = own[own["analysis"] == curves.analysis_of(own)]
    rows = curves.of_layers(own, quantity="alignment")
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    if not curves.has_times(rows):
        return []
    order = curves.in_order(rows.drop_duplicates("checkpoint"), curves.step_of(rows))["checkpoint"].tolist()
    chosen = _spread(order, MOST_CHECKPOINTS)
    known = own[own["layer"].isna() & own["quantity"].isin(["accuracy", "loss"])]
    rows = rows[rows["checkpoint"].isin(chosen)]

    performance = "accuracy" if (known["quantity"] == "accuracy").any() else "loss" if len(known) else None
    if performance and own["kind"].eq(curves.SELF_SUPERVISED).all():
        performance += " of\na linear probe"

    def draw(axes: Axes) -> None:
        for place, one in enumerate(chosen):
            of = rows[rows["checkpoint"] == one].sort_values("depth")
            colour = matplotlib.colormaps["viridis_r"](0.08 + 0.92 * place / (len(chosen) - 1))
            look = {"color": colour, "marker": style.MARKERS[place], "label": _told(one, known)}
            curves.line(axes, of["depth"], of, look, markersize=2.5, linewidth=0.9)
        curves.depth_axis(axes)
        axes.set_ylabel("alignment")
        axes.legend(title=performance, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=style.SMALL_POINTS,
                    title_fontsize=style.SMALL_POINTS, labelspacing=0.25, handlelength=1.2,
                    borderaxespad=0.2)  # fmt: skip

    words = f"{style.metric_words(rows['scoring'].iloc[0])}, {style.words(rows['analysis'].iloc[0])}"
    kept = known[known["checkpoint"].isin(chosen)]
    return [Drawn(letter, f"training, {words}", pd.concat([rows, kept]), draw)]


def _spread(order: Sequence[str], most: int) -> list[str]:
    """The first, the last, and so many between them at equal distances in the order."""
    places = np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int))
    return [order[place] for place in places]


def _told(checkpoint: str, known: pd.DataFrame) -> str:
    """A checkpoint with its accuracy, or else its loss."""
    name = {"start": "untrained"}.get(checkpoint, checkpoint.replace("step", "step ").replace("epoch", "epoch "))
    own = known[known["checkpoint"] == checkpoint].set_index("quantity")["value"]
    if "accuracy" in own:
        return f"{name}: {100 * own['accuracy']:.0f} %"
    return f"{name}: {own['loss']:.2f} nats" if "loss" in own else name


def rotated(letter: str, bases: pd.DataFrame, group: str, *, band: bool) -> list[Drawn]:
    """Native against rotated permutation scores by depth, both analyses, and their difference of the first."""
    every = curves.of_layers(bases, group=group, checkpoint=FINAL)
    found = []
    for analysis in (one for one in ANALYSES if (every["analysis"] == one).any()):
        own = every[every["analysis"] == analysis]
        found.append(_native(letter, own[own["quantity"].isin(BASES)], analysis, bases, group))
        if analysis == CORRECTED:
            found.append(_effect(letter, own[own["quantity"] == "effect"], bases, group, band=band))
    return found


def _native(letter: str, rows: pd.DataFrame, analysis: str, bases: pd.DataFrame, group: str) -> Drawn:
    """A line of native units, of one model's rotated, of both."""
    known = [one for one in BASES if (rows["quantity"] == one).any()]

    def draw(axes: Axes) -> None:
        for one in known:
            own = rows[rows["quantity"] == one].sort_values("depth")
            curves.line(axes, own["depth"], own, BASES[one][1])
        curves.depth_axis(axes)
        axes.set_ylabel("permutation score")

    loss = curves.only(bases, group=group, analysis=analysis, checkpoint=FINAL, quantity="mean_ratio_to_native")
    told = f"\nrotation takes {curves.interval(loss.iloc[0], digits=1)} %" if len(loss) else ""
    entries = [curves.entry(BASES[one][1], BASES[one][0]) for one in known]
    return Drawn(letter, f"bases, {style.words(analysis)}{told}", pd.concat([rows, loss]), draw, entries)


def _effect(letter: str, rows: pd.DataFrame, bases: pd.DataFrame, group: str, *, band: bool) -> Drawn:
    """Native less rotated by depth; with a band the number of layers whose interval stays within."""
    start = curves.of_layers(bases, group=group, checkpoint="start", analysis=CORRECTED, quantity="effect")

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=style.BLACK, linewidth=0.6)
        if band:
            axes.axhspan(-EQUIVALENT, EQUIVALENT, color=style.PALE, linewidth=0)
        for own, look in ((start, curves.untrained(EFFECT)), (rows, EFFECT)):
            ordered = own.sort_values("depth")
            curves.line(axes, ordered["depth"], ordered, look)
        curves.depth_axis(axes)
        axes.set_ylabel("native less rotated")

    entries: list[tuple[Any, str]] = [curves.entry(EFFECT, "native less rotated")]
    if len(start):
        entries.append(curves.untrained_entry())
    title = "effect of the basis, corrected"
    if band:
        entries.append((Patch(facecolor=style.PALE), f"±{EQUIVALENT:g}: no effect to speak of"))
        within = int(((rows["ci_low"] > -EQUIVALENT) & (rows["ci_high"] < EQUIVALENT)).sum())
        title += f"\n{within} of {len(rows)} layers within ±{EQUIVALENT:g}"
    return Drawn(letter, title, pd.concat([rows, start]), draw, entries)


def maps(letter: str, layer_scores: pd.DataFrame, a: str, b: str, metrics: Sequence[str]) -> list[Drawn]:
    """All layers of a group against all of another, or of its own: means over pairs of models, a panel a metric."""
    rows = curves.only(layer_scores, group_a=a, group_b=b)
    if rows.empty:
        a, b, rows = b, a, curves.only(layer_scores, group_a=b, group_b=a)
    rows = rows[rows["analysis"] == curves.analysis_of(rows)]
    scorings = [rows.loc[rows["metric"] == metric, "scoring"] for metric in metrics]
    return [_map(letter, rows[rows["scoring"] == own.iloc[0]], a, b) for own in scorings if len(own)]


def _map(letter: str, own: pd.DataFrame, a: str, b: str) -> Drawn:
    """The matrix, with a ring at the best match of each row and a cross at that of each column."""
    scoring = own["scoring"].iloc[0]
    sides = ["layer_a", "index_a", "depth_a", "layer_b", "index_b", "depth_b"]
    pairs = own.drop_duplicates(["a", "b"])
    cells = own.groupby(sides, as_index=False)["value"].mean().assign(
        group=a, group_b=b, scoring=scoring, analysis=own["analysis"].iloc[0], pairs=len(pairs),
        models=len({*pairs["a"], *pairs["b"]}), n=own["n"].max())  # fmt: skip
    table = cells.pivot(index="index_a", columns="index_b", values="value")

    def draw(axes: Axes) -> None:
        image = axes.imshow(table.to_numpy(float), origin="lower", interpolation="none", aspect="auto")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        for axis, side, group in ((axes.yaxis, "a", a), (axes.xaxis, "b", b)):
            _number_layers(axis, cells, side)
            axis.set_label_text(f"layer of {style.words(group)}")
        values = np.nan_to_num(table.to_numpy(float), nan=-np.inf)
        size = 1.0 if len(table) <= 16 else 0.6
        axes.plot(values.argmax(axis=1), range(len(values)), **RING | {"markersize": 6.5 * size})
        axes.plot(range(values.shape[1]), values.argmax(axis=0), **CROSS | {"markersize": 4.5 * size})
        axes.figure.colorbar(image, ax=axes, fraction=0.06, pad=0.03).ax.tick_params(labelsize=style.SMALL_POINTS)

    entries = [curves.entry(RING | {"markersize": 6}, "best match of a row's layer"),
               curves.entry(CROSS | {"markersize": 5}, "best match of a column's layer")]  # fmt: skip
    return Drawn(letter, f"all layers, {style.metric_words(scoring)}, {len(pairs)} pairs", cells, draw, entries)


def _number_layers(axis: Any, cells: pd.DataFrame, side: str) -> None:
    """Numbers from 1 in the order of execution; names stand in the CSV."""
    count = cells[f"index_{side}"].nunique()
    every = -(-count // MOST_NAMED)
    axis.set_ticks(range(0, count, every), [f"{place + 1}" for place in range(0, count, every)])
    axis.set_tick_params(labelsize=style.SMALL_POINTS, length=0)


def over_updates(letter: str, time: pd.DataFrame, group: str) -> list[Drawn]:
    """Alignment of three depths over updates."""
    rows = curves.of_layers(time[time["group"] == group], quantity="alignment")
    rows = rows[rows["analysis"] == curves.analysis_of(rows)]
    rows = rows[rows["scoring"] == curves.main_scoring(rows)]
    if not curves.has_times(rows):
        return []
    rows = curves.at_depths(rows, OVER_UPDATES)
    column = curves.step_of(rows)
    batches = (rows["samples"] / rows["step"].where(rows["step"] > 0)).dropna().round().unique()
    label = "epochs" if column == "epoch" else "updates"
    if column == "step" and len(batches) == 1:
        label = f"updates of {batches[0]:,.0f} windows"

    def draw(axes: Axes) -> None:
        for depth, own in rows.groupby("shown_depth"):
            ordered = curves.in_order(own, column)
            curves.line(axes, ordered[column], ordered, curves.depth_look(depth))
        curves.update_axis(axes, list(rows[column].dropna()), label)
        axes.set_ylabel("alignment")

    entries = curves.depth_entries(rows["shown_depth"])
    words = f"{style.metric_words(rows['scoring'].iloc[0])}, {style.words(rows['analysis'].iloc[0])}"
    return [Drawn(letter, f"training, {words}", rows, draw, entries)]
