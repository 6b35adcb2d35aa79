"""Own-test accuracy of every run, one panel a (setting, factor): the published Table 5 as a figure.

Runs stand over the level they were trained for, runs that have none over their labelling; run A of a seed serves every
level and stands once, under "A". Points are seeds, the bar and the figures above it mean ± SD over runs (ddof 1), the
dotted line chance.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style

COLUMNS = ("run", "setting", "factor", "seed", "replica", "level", "labelling", "classes", "accuracy", "device")
FIGURE_COLUMNS = ["panel", "setting", "factor", "mark", "category", "seed", "run", "y", "sd", "n", "device"]
PANEL_HEIGHT = 2.1
SHARED_A = "A"
TOP = 132  # percent: above 100 stand mean and SD in figures


@style.styled
def draw(manifests: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the accuracies of all runs.

    Parameters
    ----------
    manifests : one row a run, columns `COLUMNS` (accuracy and chance in [0, 1]); a run that stands twice counts
        once, one without accuracy (a model that does not classify) not at all.

    Returns
    -------
    the figure (it says so where runs of several device types meet), and its numbers: one row a run, a mean, a chance
    level.

    Raises
    ------
    ValueError : no runs, or a column is missing.
    """
    missing = [name for name in COLUMNS if name not in manifests.columns]
    if missing and len(manifests):
        raise ValueError(f"manifests need the columns {', '.join(COLUMNS)}: {', '.join(missing)} missing. Train again.")
    if manifests.empty or manifests["accuracy"].isna().all():
        raise ValueError(
            "the manifests of the study hold no run with an accuracy to draw. Run the training stage, then this figure "
            "again."
        )
    runs = manifests[list(COLUMNS)].drop_duplicates(["setting", "factor", "seed", "run"]).dropna(subset="accuracy")
    panels = list(runs.groupby(["setting", "factor"], sort=False))
    columns = min(len(panels), 3)
    lines = -(-len(panels) // columns)
    figure = style.new_figure(style.COLUMN_INCHES if columns == 1 else style.PAGE_INCHES, PANEL_HEIGHT * lines + 0.4)
    axes = figure.subplots(lines, columns, sharey=True, squeeze=False)
    numbers: list[dict] = []
    for i, (one, ((setting, factor), of_panel)) in enumerate(zip(axes.flat, panels, strict=False)):
        key = {"panel": chr(ord("a") + i), "setting": setting, "factor": factor}
        numbers += [{**key, **mark} for mark in _draw_panel(one, of_panel)]
        one.set_title(f"{key['panel']}  {style.words(setting)}\n{style.words(factor)} overlap, {_seeds(of_panel)}")
    for unused in axes.flat[len(panels) :]:
        unused.set_axis_off()
    for row in axes:
        row[0].set_ylabel("own-test accuracy (%)")
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    devices = sorted(runs["device"].dropna().unique())
    if len(devices) > 1:
        text = f"Trained on {len(devices)} device types: {', '.join(devices)}"
        room = int(figure.get_figwidth() / style.CHARACTER_INCHES)
        figure.suptitle(textwrap.fill(text, room), color=style.VERMILLION, fontsize=style.TEXT_POINTS)
    return figure, pd.DataFrame(numbers, columns=FIGURE_COLUMNS).astype({"seed": "Int64", "n": "Int64"})


def _seeds(runs: pd.DataFrame) -> str:
    seeds = runs["seed"].nunique()
    return style.count(seeds, seeds, "seed", "seeds")


def _draw_panel(axes: Axes, runs: pd.DataFrame) -> list[dict]:
    categories = _categories(runs)
    names = sorted(categories.unique(), key=_order)
    numbers: list[dict] = []
    for place, name in enumerate(names):
        rows = runs[categories == name]
        percent, chance = 100 * rows["accuracy"].to_numpy(float), 100 * float((1 / rows["classes"]).mean())
        mean, sd = percent.mean(), percent.std(ddof=1) if len(percent) > 1 else np.nan
        first = {"label": "one run"}, {"label": "mean ± SD"}, {"label": "chance (1 / classes)"}
        point, bar, line = first if place == 0 else ({}, {}, {})
        offsets = 0.16 * np.linspace(-1, 1, len(rows)) if len(rows) > 1 else np.zeros(1)
        axes.scatter(place + offsets, percent, s=9, color=style.BLUE, alpha=0.75, linewidths=0, zorder=3, **point)
        spread = f"\n± {sd:.1f}" if np.isfinite(sd) else ""
        error = sd if spread else None
        axes.errorbar(place + 0.3, mean, error, color=style.BLACK, marker="_", markersize=5, elinewidth=1, **bar)
        axes.text(place, 103, f"{mean:.1f}{spread}", ha="center", va="bottom", rotation=90 if len(names) > 7 else 0)
        axes.hlines(chance, place - 0.45, place + 0.45, color=style.GREEN, linestyle=":", linewidth=1.4, **line)
        numbers += [
            {"mark": "run", "category": name, "seed": int(row.seed), "run": row.run, "y": value, "device": row.device}
            for row, value in zip(rows.itertuples(), percent, strict=True)
        ]
        numbers.append({"mark": "mean", "category": name, "y": mean, "sd": sd, "n": len(rows)})
        numbers.append({"mark": "chance", "category": name, "y": chance})
    labels = [style.words(name).replace(" ", "\n") for name in names]
    axes.set_xticks(range(len(names)), labels)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(0, TOP)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel("labelling" if runs["level"].isna().all() else "level of run B (A: run A)")
    return numbers


def _categories(runs: pd.DataFrame) -> pd.Series:
    """What each run stands over: its level, its labelling where no run has a level, else A."""
    if runs["level"].isna().all():
        return runs["labelling"].astype(str)
    return runs["level"].map(lambda level: SHARED_A if pd.isna(level) else f"{float(level):g}")


def _order(name: str) -> tuple[int, float, str]:
    """A first, then levels by size; labellings by number of attributes, then by name."""
    try:
        return 1, float(name), ""
    except ValueError:
        return (0, 0.0, "") if name == SHARED_A else (2, float(name.count("_")), name)
