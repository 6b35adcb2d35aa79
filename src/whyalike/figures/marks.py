"""The marks of a score panel, each drawn by one function that returns the numbers it drew.

Row of numbers: mark, condition, seed, x (level), y, low, high; what a mark does not have is absent. Points of one level
that belong to several conditions (2A, 2B, 2C) stand side by side, each with its own marker. A seed's points have the
same sideways offset at every level, so that a seed can be followed by eye.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats

from whyalike.figures import style
from whyalike.figures.score_panels import ScorePanel

Numbers = list[dict]

FEWEST_FOR_A_BOX = 3  # fewer points have no quartiles to speak of
MOST_LARGE = 7  # conditions in a panel that leave room for large points
_GOLDEN = (5**0.5 - 1) / 2  # multiples of it, modulo 1, spread any number of seeds evenly
NULL_WORDS = "null: mean to its 95 % end towards likeness"
UNTRAINED_WORDS = "untrained pair"
LABEL_GRAM_WORDS = "label Gram (the labels alone)"


@dataclass(frozen=True)
class Slots:
    """Where conditions lie on the level axis: ``place`` by (level, condition), and the ``width`` of a box."""

    place: dict[tuple[float, str], float]
    width: float
    margin: float

    @property
    def conditions(self) -> list[str]:
        """The conditions from left to right."""
        return [condition for _, condition in self.place]

    @property
    def side_by_side(self) -> bool:
        """Whether any level has several conditions."""
        return len({level for level, _ in self.place}) < len(self.place)


def slots(panel: ScorePanel) -> Slots:
    """Conditions of one level side by side around it, the others on their level."""
    pairs = panel.pairs[["level", "condition"]].drop_duplicates().sort_values(["level", "condition"])
    by_level = pairs.groupby("level")["condition"].apply(list)
    levels = by_level.index.to_numpy()
    gap = float(np.diff(levels).min()) if len(levels) > 1 else 0.25 * panel.axis.step
    most = max(len(conditions) for conditions in by_level)
    place = {
        (level, condition): level + (i - (len(conditions) - 1) / 2) * 0.84 * gap / most
        for level, conditions in by_level.items()
        for i, condition in enumerate(conditions)
    }
    return Slots(place, width=0.6 * gap / most, margin=0.5 * gap)


def condition_markers(panels: list[ScorePanel]) -> dict[str, tuple[str, str]]:
    """Marker and colour of every condition of a figure; all alike where no level has several conditions."""
    if not any(slots(panel).side_by_side for panel in panels):
        return {condition: ("o", style.BLUE) for panel in panels for condition in panel.pairs["condition"]}
    names = sorted({condition for panel in panels for condition in panel.pairs["condition"]})
    looks = zip(style.MARKERS, style.MARKER_COLOURS, strict=True)
    return dict(zip(names, list(looks) * (1 + len(names) // len(style.MARKERS)), strict=False))


def draw_boxes(axes: Axes, panel: ScorePanel, *, line_width: float = 0.8) -> Numbers:
    """Median, quartiles and whiskers (to the last point within 1.5 interquartile ranges) over a condition's pairs."""
    where, numbers = slots(panel), []
    for (level, condition), place in where.place.items():
        values = _of(panel, level, condition)["value"].to_numpy()
        if len(values) < FEWEST_FOR_A_BOX:
            continue
        [box] = boxplot_stats(values)
        line = {"color": style.GREY, "linewidth": line_width}
        axes.bxp(
            [box], positions=[place], widths=where.width, showfliers=False, manage_ticks=False, patch_artist=True,
            boxprops={"facecolor": "none", "edgecolor": style.GREY, "linewidth": line_width},
            medianprops={**line, "linewidth": 1.6 * line_width}, whiskerprops=line, capprops=line, zorder=3,
        )  # fmt: skip
        at = {"condition": condition, "x": level}
        numbers.append({"mark": "box", **at, "y": box["med"], "low": box["q1"], "high": box["q3"]})
        numbers.append({"mark": "whiskers", **at, "low": box["whislo"], "high": box["whishi"]})
    return numbers


def draw_points(
    axes: Axes, panel: ScorePanel, looks: dict[str, tuple[str, str]], *, size: float | None = None
) -> Numbers:
    """Every pair's score, at its condition's place, moved sideways by its seed.

    ``size`` is the area of a marker in square points; by default smaller where many conditions stand side by side.
    """
    where, numbers = slots(panel), []
    size = (9 if len(where.place) <= MOST_LARGE else 4) if size is None else size
    for (level, condition), place in where.place.items():
        rows = _of(panel, level, condition)
        offset = ((rows["seed"] * _GOLDEN) % 1 - 0.5) * where.width * 0.8
        marker, colour = looks[condition]
        axes.scatter(
            place + offset, rows["value"], s=size, marker=marker, color=colour, alpha=0.75, linewidths=0, zorder=4
        )
        for seed, value in zip(rows["seed"], rows["value"], strict=True):
            numbers.append({"mark": "score", "condition": condition, "seed": int(seed), "x": level, "y": value})
    return numbers


def draw_baselines(axes: Axes, panel: ScorePanel) -> Numbers:
    """Null band, untrained pair and label Gram: the mean of each at every level that has it."""
    margin = slots(panel).margin
    means = panel.pairs.groupby("level")[["null_mean", "null_p95", "untrained", "label_gram"]].mean()
    numbers: Numbers = []
    null = means[["null_mean", "null_p95"]].dropna()
    if len(null):
        x = _widened(null.index, margin)
        low, high = (np.pad(null[column], 1, mode="edge") for column in null)
        axes.fill_between(x, low, high, color=style.PALE, linewidth=0.6, zorder=1, label=NULL_WORDS)
        numbers += [
            {"mark": "null_band", "x": level, "low": row["null_mean"], "high": row["null_p95"]}
            for level, row in null.iterrows()
        ]
    untrained, gram = means["untrained"].dropna(), means["label_gram"].dropna()
    if len(untrained):
        x, y = _widened(untrained.index, margin), np.pad(untrained, 1, mode="edge")
        axes.plot(x, y, color=style.GREEN, linestyle=(0, (1, 1)), zorder=1.5, label=UNTRAINED_WORDS)
        numbers += [{"mark": "untrained", "x": level, "y": value} for level, value in untrained.items()]
    if len(gram):
        # a bar a level and no line: between two levels there are no labels
        x, bar = gram.index.to_numpy(), {"color": style.PURPLE, "linestyle": "-.", "linewidth": 1.2}
        axes.hlines(gram, x - 0.9 * margin, x + 0.9 * margin, **bar, zorder=1.5, label=LABEL_GRAM_WORDS)
        numbers += [{"mark": "label_gram", "x": level, "y": value} for level, value in gram.items()]
    return numbers


def draw_published_line(axes: Axes, panel: ScorePanel) -> Numbers:
    """The OLS line over all points, dashed, from the lowest to the highest level; nothing where there is none."""
    slope, intercept, r2 = (panel.statistic("as_published", f"ols_{name}") for name in ("slope", "intercept", "r2"))
    if slope is None or intercept is None:
        return []
    x = np.array([panel.pairs["level"].min(), panel.pairs["level"].max()])
    y = slope["value"] * x + intercept["value"]
    axes.plot(x, y, color=style.BLACK, linestyle="--", linewidth=1.0, zorder=2.2)
    numbers = [{"mark": "published_line", "x": at, "y": value} for at, value in zip(x, y, strict=True)]
    return numbers + [
        {"mark": row["estimator"], "y": row["value"]} for row in (slope, intercept, r2) if row is not None
    ]


def draw_corrected_line(axes: Axes, panel: ScorePanel) -> Numbers:
    """The mean of the per-seed lines, and the lines through the same centre within the slope's 95 % interval."""
    slope = panel.statistic("corrected", "slope")
    if slope is None:
        return []
    overlap = np.array([panel.pairs["overlap"].min(), panel.pairs["overlap"].max()])
    centre, height = panel.centre()
    x, lever = panel.axis.position(overlap), overlap - centre
    y = height + slope["value"] * lever
    axes.plot(x, y, color=style.VERMILLION, linewidth=1.4, zorder=2.1)
    numbers = [{"mark": "corrected_line", "x": at, "y": value} for at, value in zip(x, y, strict=True)]
    if pd.notna(slope["ci_low"]):
        # a bow tie: evaluated at its waist as well, where both edges meet
        x, lever = np.insert(x, 1, panel.axis.position(centre)), np.insert(lever, 1, 0.0)
        edges = np.sort([height + slope[end] * lever for end in ("ci_low", "ci_high")], axis=0)
        axes.fill_between(x, *edges, color=style.VERMILLION, alpha=0.22, linewidth=0, zorder=2)
        numbers += [
            {"mark": "corrected_band", "x": at, "low": low, "high": high}
            for at, low, high in zip(x, *edges, strict=True)
        ]
    at = {"y": slope["value"], "low": slope["ci_low"], "high": slope["ci_high"], "n_seeds": int(slope["n_seeds"])}
    return [*numbers, {"mark": "slope", **at}]


def to_frame(numbers: Numbers, key_columns: list[str]) -> pd.DataFrame:
    """Numbers as a table: which panel, which mark, where, how high; columns that stay empty are kept."""
    columns = [*key_columns, "mark", "condition", "seed", "x", "y", "low", "high", "n_seeds", "p_holm"]
    return pd.DataFrame(numbers, columns=columns).astype({"seed": "Int64", "n_seeds": "Int64"})


def _of(panel: ScorePanel, level: float, condition: str) -> pd.DataFrame:
    pairs = panel.pairs
    return pairs[(pairs["level"] == level) & (pairs["condition"] == condition)]


def _widened(levels: pd.Index, margin: float) -> np.ndarray:
    """Levels with one more x on either side, so that one level alone is still a band."""
    return np.concatenate([[levels[0] - margin], levels, [levels[-1] + margin]])
