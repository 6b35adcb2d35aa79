"""Own-test accuracy or loss of every run, one panel a (setting, factor): the published Table 5 as a figure.

Models that do not classify have a loss in its own unit in place of an accuracy; their panels come last.

Runs stand over the level they were trained for, runs that have none over their labelling; run A of a seed serves every
level and stands once, under "A" (of the factorial on the paper's labels under "A:shape" and "A:digit"). Points are
seeds, the bar and the figures above it mean ± SD over runs (ddof 1), the dotted line chance.
"""

import textwrap
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.designs.registry import design
from whyalike.figures import style

COLUMNS = ("run", "setting", "factor", "seed", "replica", "level", "labelling", "classes", "accuracy", "loss",
           "loss_unit", "device")  # fmt: skip
FIGURE_COLUMNS = ["panel", "setting", "factor", "mark", "category", "seed", "run", "y", "sd", "n", "unit", "device"]
PANEL_HEIGHT = 2.1
SHARED_A = "A"
TOP = 132  # percent: above 100 stand mean and SD in figures
HEADROOM = 0.9  # of the losses' range, above the highest: mean and SD in figures, on end
NARROWEST = 2.0  # inches of a panel's axes
# categories, a quarter of an inch each; above more of them stands the mean alone, and the SD as a bar
MOST_WITH_SD = 8
WIDEST = 7  # so many accuracies stand side by side, as "97.1"; more of them, and losses, stand on end


@dataclass(frozen=True)
class Measure:
    """What a panel shows of its runs.

    Attributes
    ----------
    column : of the manifests.
    factor : from the column to the axis.
    unit : of the axis.
    label : of the axis.
    digits : decimals of mean and SD.
    limits : of the axis.
    written : height at which mean and SD stand.
    """

    column: str
    factor: float
    unit: str
    label: str
    digits: int
    limits: tuple[float, float]
    written: float

    @classmethod
    def of(cls, runs: pd.DataFrame) -> Self:
        """The measure of a panel's runs: accuracy where they have one, else loss."""
        if runs["accuracy"].notna().all():
            return cls("accuracy", 100, "%", "own-test accuracy (%)", 1, (0, TOP), 103)
        groups = runs["loss"].groupby(_categories(runs))
        mean, sd = groups.mean(), groups.std().fillna(0)
        low, high = min(runs["loss"].min(), (mean - sd).min()), max(runs["loss"].max(), (mean + sd).max())
        spread = high - low or abs(high) or 1.0
        unit = runs["loss_unit"].iloc[0]
        limits = (low - 0.1 * spread, high + HEADROOM * spread)
        digits = 2 if abs(high) >= 10 else 3
        return cls("loss", 1, unit, f"own-test loss ({unit})", digits, limits, high + 0.06 * spread)


@style.styled
def draw(manifests: pd.DataFrame, *, width: str = "page") -> tuple[Figure, pd.DataFrame]:
    """Draw the accuracies of all runs, and the losses of those without.

    Parameters
    ----------
    manifests : one row a run, columns `COLUMNS` (accuracy in [0, 1]); a run that stands twice counts once, one with
        neither accuracy nor loss (a model from files) not at all.
    width : "page", or "column" of a page of two: then a panel stands below the other.

    Returns
    -------
    the figure (it says so where runs of several device types meet), and its numbers: one row a run, a mean, a chance
    level where there is one.

    Raises
    ------
    ValueError : no runs, or a column is missing.
    """
    missing = [name for name in COLUMNS if name not in manifests.columns]
    if missing and len(manifests):
        raise ValueError(f"manifests need the columns {', '.join(COLUMNS)}: {', '.join(missing)} missing. Train again.")
    if manifests.empty or manifests[["accuracy", "loss"]].isna().all(axis=None):
        raise ValueError(
            f"the {len(manifests)} runs of the manifests have neither an accuracy nor a loss to draw. Run the training "
            "stage, then this figure again; leave the figure out where all models come from files."
        )
    runs = manifests[list(COLUMNS)].drop_duplicates(["setting", "factor", "seed", "run"])
    runs = runs.dropna(subset=["accuracy", "loss"], how="all")
    panels = [
        (key, of_panel, Measure.of(of_panel)) for key, of_panel in runs.groupby(["setting", "factor"], sort=False)
    ]
    panels.sort(key=lambda panel: panel[2].column)  # accuracies first; stable
    columns = style.side_by_side(width, len(panels), 3)
    lines = -(-len(panels) // columns)
    figure = style.new_figure(style.COLUMN_INCHES if columns == 1 else style.PAGE_INCHES, PANEL_HEIGHT * lines + 0.4)
    axes = figure.subplots(lines, columns, squeeze=False)
    numbers: list[dict] = []
    for i, (one, ((setting, factor), of_panel, measure)) in enumerate(zip(axes.flat, panels, strict=False)):
        key = {"panel": chr(ord("a") + i), "setting": setting, "factor": factor, "unit": measure.unit}
        numbers += [{**key, **mark} for mark in _draw_panel(one, of_panel, measure)]
        if i % columns and measure.column == "accuracy":  # the same axis as its neighbour's
            one.tick_params(labelleft=False)
        else:
            one.set_ylabel(measure.label)
        one.set_title(f"{key['panel']}  {style.words(setting)}\n{style.words(factor)} overlap, {_seeds(of_panel)}")
    for unused in axes.flat[len(panels) :]:
        unused.set_axis_off()
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=3 if columns > 1 else 2)
    _tell_devices(figure, runs)
    return figure, pd.DataFrame(numbers, columns=FIGURE_COLUMNS).astype({"seed": "Int64", "n": "Int64"})


def _tell_devices(figure: Figure, runs: pd.DataFrame) -> None:
    """Say so above the panels where runs of several device types meet."""
    devices = sorted(runs["device"].dropna().unique())
    if len(devices) > 1:
        text = f"Trained on {len(devices)} device types: {', '.join(devices)}"
        room = int(figure.get_figwidth() / style.CHARACTER_INCHES)
        figure.suptitle(textwrap.fill(text, room), color=style.VERMILLION, fontsize=style.TEXT_POINTS)


def _seeds(runs: pd.DataFrame) -> str:
    seeds = runs["seed"].nunique()
    return style.count(seeds, seeds, "seed", "seeds")


def _draw_panel(axes: Axes, runs: pd.DataFrame, measure: Measure) -> list[dict]:
    categories = _categories(runs)
    names = sorted(categories.unique(), key=_order)
    on_end = len(names) > WIDEST or measure.column == "loss"
    numbers: list[dict] = []
    for place, name in enumerate(names):
        rows = runs[categories == name]
        values = measure.factor * rows[measure.column].to_numpy(float)
        mean, sd = values.mean(), values.std(ddof=1) if len(values) > 1 else np.nan
        point, bar = ({"label": "one run"}, {"label": "mean ± SD"}) if place == 0 else ({}, {})
        offsets = 0.16 * np.linspace(-1, 1, len(rows)) if len(rows) > 1 else np.zeros(1)
        axes.scatter(place + offsets, values, s=9, color=style.BLUE, alpha=0.75, linewidths=0, zorder=3, **point)
        spread = f"\n±{sd:.{measure.digits}f}" if np.isfinite(sd) else ""
        error = sd if spread else None
        axes.errorbar(place + 0.3, mean, error, color=style.BLACK, marker="_", markersize=5, elinewidth=1, **bar)
        text = f"{mean:.{measure.digits}f}{spread if len(names) <= MOST_WITH_SD else ''}"
        axes.text(place, measure.written, text, ha="center", va="bottom", rotation=90 if on_end else 0)
        numbers += [
            {"mark": "run", "category": name, "seed": int(row.seed), "run": row.run, "y": value, "device": row.device}
            for row, value in zip(rows.itertuples(), values, strict=True)
        ]
        numbers.append({"mark": "mean", "category": name, "y": mean, "sd": sd, "n": len(rows)})
        if measure.column == "accuracy":
            numbers.append(_draw_chance(axes, rows, place, name))
    labels = [_label(name) for name in names]
    widest = max(len(line) for label in labels for line in label.split("\n"))
    if widest * style.CHARACTER_INCHES > NARROWEST / len(names):
        shown = [name if ":" in name else label.replace("\n", " ") for name, label in zip(names, labels, strict=True)]
        axes.set_xticks(range(len(names)), shown, rotation=90)
    else:
        tight = (widest + 1) * style.CHARACTER_INCHES > NARROWEST / len(names)
        axes.set_xticks(range(len(names)), labels, fontsize=style.SMALL_POINTS if tight else style.TEXT_POINTS)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(*measure.limits)
    if measure.column == "accuracy":
        axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel("labelling" if runs["level"].isna().all() else "level of run B (A: run A)")
    return numbers


def _draw_chance(axes: Axes, rows: pd.DataFrame, place: int, name: str) -> dict:
    """The accuracy of guessing among equally frequent classes."""
    chance = 100 * float((1 / rows["classes"]).mean())
    label = {"label": "chance (1 / classes)"} if place == 0 else {}
    axes.hlines(chance, place - 0.45, place + 0.45, color=style.GREEN, linestyle=":", linewidth=1.4, **label)
    return {"mark": "chance", "category": name, "y": chance}


def _categories(runs: pd.DataFrame) -> pd.Series:
    """What each run stands over: its level, its labelling where no run has a level, else A."""
    if runs["level"].isna().all():
        return runs["labelling"].astype(str)
    named = [
        design(factor).name_of_a(str(labels)) for factor, labels in zip(runs["factor"], runs["labelling"], strict=True)
    ]
    alone = pd.Series(named, runs.index)
    return runs["level"].map(_spelled, na_action="ignore").where(runs["level"].notna(), alone)


def _spelled(level: str) -> str:
    """A level in its shortest spelling; a condition that is no number as it is."""
    try:
        return f"{float(level):g}"
    except ValueError:
        return level


def _label(name: str) -> str:
    """A category as a tick label: levels to three digits, a word a line."""
    try:
        return f"{float(name):.3g}"
    except ValueError:
        return style.words(name).replace(" ", "\n").replace(":", "\n")  # of a crossed level, data over labels


def _order(name: str) -> tuple[int, float, str]:
    """A first, then levels by size; labellings by number of attributes, then by name."""
    try:
        return 1, float(name), ""
    except ValueError:
        return (0, 0.0, "") if name == SHARED_A else (2, float(name.count("_")), name)
