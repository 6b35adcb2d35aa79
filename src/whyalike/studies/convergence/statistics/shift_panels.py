"""The scores of one group under all shifts, by one scoring of an analysis, as arrays; and rows of numbers of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.shifts.registry import CONTROL, SHIFTS
from whyalike.studies.convergence.looks import NONE
from whyalike.studies.convergence.section import FINAL, PUBLISHED
from whyalike.studies.convergence.statistics.leaving_out import LeftOut, leave_out, mean, over_models

PANEL = ("group", "setting", "analysis", "scoring", "metric")

Row = dict[str, Any]


@dataclass(frozen=True)
class StimulusPoint:
    """A stimulus set: its shift and level, the level's strength where it is a number, and how many stimuli it has."""

    shift: str
    level: str
    strength: float | None
    n: int

    @property
    def is_shifted(self) -> bool:
        """Whether it counts as shifted: neither undistorted nor the control."""
        return self.level not in (NONE, CONTROL)


@dataclass(frozen=True)
class Panel:
    """Scores of P pairs of models on L layers and S stimulus sets.

    Attributes
    ----------
    named : columns of `PANEL`. scores : its rows. accuracy : rows of the group and the analysis.
    """

    named: Row
    scores: pd.DataFrame
    accuracy: pd.DataFrame

    @property
    def is_published(self) -> bool:
        """Whether it is of the analysis as published: sets pool levels, and differ in their number of stimuli."""
        return self.named["analysis"] == PUBLISHED

    @property
    def where(self) -> str:
        """What notes call it."""
        return "{group}, {scoring} ({analysis})".format(**self.named)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The two models of each pair, in the order of the scores."""
        return list(self.scores[["a", "b"]].drop_duplicates().itertuples(index=False, name=None))

    @cached_property
    def layers(self) -> list[Row]:
        """layer, index, depth and width of each."""
        columns = self.scores[["layer", "index", "depth", "width"]].drop_duplicates()
        return columns.sort_values("index").to_dict("records")

    @cached_property
    def depths(self) -> np.ndarray:
        """Depth of each layer (L,)."""
        return np.array([one["depth"] for one in self.layers])

    @cached_property
    def points(self) -> list[StimulusPoint]:
        """The stimulus sets, by shift: those without a number first, then levels from weak to strong."""
        own = self.scores[["shift", "level", "strength", "n"]].drop_duplicates()
        shifts = list(dict.fromkeys(own["shift"]))
        found = [StimulusPoint(shift, level, None if pd.isna(strength) else strength, int(n))
                 for shift, level, strength, n in own.itertuples(index=False)]  # fmt: skip
        return sorted(
            found, key=lambda one: (shifts.index(one.shift), -np.inf if one.strength is None else _weakness(one))
        )

    @cached_property
    def shifts(self) -> list[str]:
        """Those that have shifted sets."""
        return list(dict.fromkeys(one.shift for one in self.points if one.is_shifted))

    def places(self, shift: str, *, with_control: bool = False) -> list[int]:
        """Places of a shift's shifted sets from weak to strong, behind its control where that counts."""
        of = [(at, one) for at, one in enumerate(self.points) if one.shift == shift]
        control = [at for at, one in of if with_control and one.level == CONTROL]
        return control + [at for at, one in of if one.is_shifted]

    def place_of(self, shift: str, level: str) -> int:
        """The place of a set."""
        return next(at for at, one in enumerate(self.points) if (one.shift, one.level) == (shift, level))

    def values(self, checkpoint: str, column: str = "value") -> np.ndarray:
        """A column of the scores, S x L x P; NaN where there is no score."""
        own = self.scores[self.scores["checkpoint"] == checkpoint]
        place = {(one.shift, one.level): at for at, one in enumerate(self.points)}
        at_layer = {one["layer"]: at for at, one in enumerate(self.layers)}
        at_pair = {pair: at for at, pair in enumerate(self.pairs)}
        found = np.full((len(place), len(at_layer), len(at_pair)), np.nan)
        sets = [place[one] for one in zip(own["shift"], own["level"], strict=True)]
        pairs = [at_pair[one] for one in zip(own["a"], own["b"], strict=True)]
        found[sets, own["layer"].map(at_layer), pairs] = own[column]
        return found

    def of_models(self, column: str, checkpoint: str = FINAL) -> np.ndarray:
        """A column of the accuracies, the mean of both models of each pair, S x P; NaN where a model has none."""
        own = self.accuracy[self.accuracy["checkpoint"] == checkpoint]
        known = own.set_index(["shift", "level", "model"])[column].to_dict()
        sides = [[[known.get((one.shift, one.level, pair[side]), np.nan) for pair in self.pairs] for one in self.points]
                 for side in (0, 1)]  # fmt: skip
        return np.array(sides, float).mean(axis=0)


@dataclass(frozen=True)
class Number:
    """A number of every pair of models, on every layer or as a whole.

    Attributes
    ----------
    quantity, checkpoint, shift, level : as in the table; no shift: over all of them.
    values : L x P, or (P,) of all layers together. of_shifts : the same of each shift alone, of a mean over shifts.
    without_shifts : the same without each shift, of what is made of all their stimulus sets at once.
    n : stimuli. levels : how many stimulus sets it is made of.
    is_z : values are Fisher's z of correlations.
    """

    quantity: str
    checkpoint: str
    values: np.ndarray
    n: int
    levels: int
    shift: str | None = None
    level: str | None = None
    of_shifts: np.ndarray | None = None
    is_z: bool = False
    without_shifts: list[np.ndarray] = field(default_factory=list)

    @property
    def sets(self) -> int:
        """How many shifts it is made of."""
        return len(self.without_shifts) or (1 if self.of_shifts is None else len(self.of_shifts))


def rows_of(panel: Panel, number: Number) -> Iterator[Row]:
    """The rows of the table that a number makes: one, or one a layer; those without a value are left out."""
    values = np.atleast_2d(number.values)
    back = np.tanh if number.is_z else np.asarray
    found = over_models(lambda kept: mean(values, kept), panel.pairs)
    sets = _over_sets(panel, number)
    there = np.isfinite(values)
    for at, value in enumerate(found.value):
        if not np.isfinite(value):
            continue
        ends = {"ci_low": found.low[at], "ci_high": found.high[at]}
        if sets is not None:
            ends |= {"ci_low_sets": sets.low[at], "ci_high_sets": sets.high[at]}
        own = [pair for pair, is_there in zip(panel.pairs, there[at], strict=True) if is_there]
        yield {
            **panel.named,
            **({"layer": None} if number.values.ndim == 1 else panel.layers[at]),
            **{name: getattr(number, name) for name in ("quantity", "checkpoint", "shift", "level", "n", "levels")},
            **{"comparison": "pearson", "value": float(back(value))},
            **{name: float(back(end)) if np.isfinite(end) else None for name, end in ends.items()},
            **{"models": len({model for pair in own for model in pair}), "pairs": len(own)},
            **{"sets": number.sets},
        }


def _over_sets(panel: Panel, number: Number) -> LeftOut | None:
    """The interval over shifts: one left out in turn; as published the mean -+ its standard error over them."""
    every = np.ones(len(panel.pairs), bool)
    if number.without_shifts:  # made of all shifts at once
        without = [mean(np.atleast_2d(one), every) for one in number.without_shifts]
        whole = mean(np.atleast_2d(number.values), every)
        return leave_out(lambda kept: whole if kept.all() else without[int(np.argmin(kept))], len(without))
    if number.of_shifts is None:
        return None
    each = mean(number.of_shifts, every).reshape(len(number.of_shifts), -1)  # shifts x layers
    if number.quantity == "within":  # shifts share the undistorted stimuli: a spread over them is none of draws
        return None
    if panel.is_published:
        if len(each) < 2:
            return None
        error = each.std(axis=0, ddof=1) / np.sqrt(len(each))
        return LeftOut(each.mean(axis=0), each.mean(axis=0) - error, each.mean(axis=0) + error, len(each))
    return leave_out(lambda kept: mean(each, kept, axis=0), len(each))


def theil_sen(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The median of the slopes through every two points, over the first axis of y; NaN where there is none.

    Example
    -------
    >>> theil_sen(np.array([0.0, 0.5, 1.0]), np.array([[1.0], [0.5], [0.2]])).tolist()
    [-0.8]
    """
    i, j = np.triu_indices(len(x), 1)
    apart = x[i] != x[j]
    slopes = (y[j] - y[i])[apart] / (x[j] - x[i])[apart].reshape(-1, *[1] * (y.ndim - 1))
    there = np.isfinite(slopes).any(axis=0) if len(slopes) else np.zeros(y.shape[1:], bool)
    found = np.full(y.shape[1:], np.nan)
    found[there] = np.nanmedian(slopes[:, there], axis=0) if there.any() else []
    return found


def common_n(points: Sequence[StimulusPoint]) -> int:
    """The number of stimuli that most sets have; of several the largest.

    Example
    -------
    >>> common_n([StimulusPoint("contrast", level, None, n) for level, n in (("0p5", 600), ("0p1", 600), ("file", 80))])
    600
    """
    counts = [one.n for one in points]
    return max(set(counts), key=lambda n: (counts.count(n), n))


def _weakness(point: StimulusPoint) -> float:
    """How far a level is from the control, so that weak ones come first."""
    control = SHIFTS[point.shift].facts.control
    return -point.strength if np.isinf(control) else abs(point.strength - control)
