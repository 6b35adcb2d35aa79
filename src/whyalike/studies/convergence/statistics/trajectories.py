"""Curves of alignment, accuracy and loss over the checkpoints of a group, and when they have a share of their gain."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from whyalike.statistics.growth import share_of_gain, time_to, value_at
from whyalike.studies.convergence.section import FINAL, START
from whyalike.studies.convergence.statistics.reading import Found, Pairs, main_models, of_both, over_models

UPDATES = "updates"
#: unit of a time -> its column of the tables of accuracy
UNITS = {UPDATES: "step", "samples": "samples", "lr_sum": "lr_sum"}
ON_AXIS = ("step", "epoch", "samples", "lr_sum")
LOSS = "loss"


@dataclass(frozen=True)
class Curve:
    """A quantity of pairs over checkpoints.

    Attributes
    ----------
    of : "alignment", "accuracy" or "loss".
    axis : columns `ON_AXIS` by checkpoint, C of them, in order of steps from start to final.
    pairs : P of them. values : C x P; of models the mean of both.
    """

    of: str
    axis: pd.DataFrame
    pairs: Pairs
    values: np.ndarray

    @cached_property
    def rising(self) -> np.ndarray:
        """The values, of a loss with their sign turned: what it gains is by how much it falls."""
        return -self.values if self.of == LOSS else self.values

    @cached_property
    def gain(self) -> Found | None:
        """From start to final."""
        return over_models(self.pairs, self.rising[-1] - self.rising[0])

    @property
    def grows(self) -> bool:
        """Whether the gain is at least 2 errors above 0; of two models, whose error is unknown, whether it is above."""
        return self.gain is not None and self.gain.exceeds()

    def over(self, statistic: Callable[[np.ndarray], float]) -> Found | None:
        """A statistic of the mean rising curve (C) over pairs, with its interval."""
        return over_models(self.pairs, self.rising, lambda kept: statistic(kept.mean(axis=1)))

    def in_unit(self, unit: str) -> tuple[np.ndarray, np.ndarray] | None:
        """The times in a unit and the places of their checkpoints; None where they are not known.

        Of checkpoints at one time, as where the learning rate is 0, the last counts, of those at the start the first.
        """
        times = self.axis[UNITS[unit]].to_numpy(float)
        if not np.isfinite(times).all() or not times[-1] > times[0]:
            return None
        later = [at for at in range(1, len(times)) if times[at] > times[0]]
        kept = [0, *(at for at in later if at == len(times) - 1 or times[at] < times[at + 1])]
        return times[kept], np.array(kept)

    def time(self, share: float, unit: str = UPDATES) -> Found | None:
        """When the mean has a share of its gain (`time_to`); its interval ends at 0.

        Of 250 simulated worlds each, with 4, 6 or 10 models of different speeds, intervals of 50 and of 90 % held the
        time of the expected curve in 94 to 98 %; the noise of single scores makes 90 % late by 2 to 5 %.
        """
        if (own := self.in_unit(unit)) is None:
            return None
        times, places = own
        found = self.over(lambda mean: time_to(times, mean[places], share))
        return found if found is None or found.low is None else replace(found, low=max(found.low, 0.0))

    def times_of_each(self, share: float) -> np.ndarray:
        """Updates until each pair has it, P; NaN of one without a gain."""
        times, places = self.in_unit(UPDATES)
        return np.array([time_to(times, one[places], share) if np.isfinite(one).all() else np.nan
                         for one in self.rising.T])  # fmt: skip

    def share_at(self, place: int) -> Found | None:
        """The share of the gain at a checkpoint, a ratio of means."""
        return self.over(lambda mean: share_of_gain(mean[0], mean[place], mean[-1]))

    def value_at(self, time: float, unit: str) -> Found | None:
        """The mean at a time in a unit, interpolated."""
        times, places = self.in_unit(unit)
        return over_models(self.pairs, self.values, lambda kept: value_at(times, kept.mean(axis=1)[places], time))

    def with_other(self, other: "Curve", statistic: Callable[[np.ndarray, np.ndarray], float]) -> Found | None:
        """A statistic of the mean rising curves of both, of the pairs of this one; the other is of models."""
        count = len(self.values)
        both = np.concatenate([self.rising, other.rising])
        return over_models(self.pairs, both, lambda kept: statistic(kept[:count].mean(1), kept[count:].mean(1)))

    def lag(self, other: "Curve", share: float) -> Found | None:
        """Updates until the other one has a share of its gain, less those until this one has; below 0: it is first."""
        (times, own), (others, theirs) = self.in_unit(UPDATES), other.in_unit(UPDATES)
        return self.with_other(other, lambda a, b: time_to(others, b[theirs], share) - time_to(times, a[own], share))

    def loss_at(self, loss: "Curve", share: float) -> Found | None:
        """The loss when this one has a share of its gain."""
        (times, own), (others, theirs) = self.in_unit(UPDATES), loss.in_unit(UPDATES)
        return self.with_other(
            loss, lambda a, b: -value_at(others, b[theirs], time_to(times, a[own], share))
        )  # `rising` of a loss is its negative


def axis_of(scores: pd.DataFrame, accuracy: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Where the checkpoints of a group lie, by checkpoint in order of steps, and those whose step nobody knows.

    Parameters
    ----------
    scores, accuracy : rows of one group; a number is the mean over its models.
    """
    known = accuracy.groupby("checkpoint", sort=False)[list(ON_AXIS)].mean()
    steps = scores.groupby("checkpoint", sort=False)["step"].mean()
    axis = known.reindex(dict.fromkeys([*known.index, *steps.index]))
    axis["step"] = axis["step"].fillna(steps)
    if START in axis.index:
        axis.loc[START] = axis.loc[START].fillna(0.0)
    unknown = list(axis.index[axis["step"].isna()])
    place = {START: -1, FINAL: 1}
    order = sorted(axis.index.difference(unknown), key=lambda one: (axis.loc[one, "step"], place.get(one, 0)))
    return axis.loc[order], unknown


def curve_of(of: str, axis: pd.DataFrame, pairs: Pairs, values: Mapping[str, np.ndarray]) -> Curve | None:
    """A curve from start to final, of the checkpoints between them that have scores; None where an end has none.

    Parameters
    ----------
    values : checkpoint -> a number a pair, NaN where it has none.
    """
    there = [one for one in axis.index if one in values and np.isfinite(values[one]).any()]
    if START not in there or FINAL not in there:
        return None
    there = [one for one in there if axis.loc[one, "step"] <= axis.loc[FINAL, "step"]]
    own = axis.loc[there]
    # of several checkpoints at one step the start or the final one counts, else the first
    ends = own.index.isin([START, FINAL])
    own = own[ends | ~own["step"].isin(own.loc[ends, "step"])]
    own = own[~own["step"].duplicated()]
    return Curve(of, own, pairs, np.array([values[one] for one in own.index])) if len(own) > 1 else None


def curve_of_models(of: str, axis: pd.DataFrame, rows: pd.DataFrame, pairs: Pairs | None = None) -> Curve | None:
    """The same of a column of a group's accuracies: the means of both models of pairs, by default of every two.

    None where an end, or every pair, has none.
    """
    by_checkpoint = {one: dict(zip(own["model"], own[of], strict=True)) for one, own in rows.groupby("checkpoint")}
    if pairs is None:
        names = main_models(dict.fromkeys(rows["model"]))
        pairs = all_pairs(names)
    return curve_of(of, axis, pairs, {one: of_both(own, pairs) for one, own in by_checkpoint.items()})


def all_pairs(names: Iterable[str]) -> Pairs:
    """Every two of some models."""
    names = list(names)
    i, j = np.triu_indices(len(names), 1)
    return Pairs(tuple(names[at] for at in i), tuple(names[at] for at in j))


def between(curve: Curve) -> bool:
    """Whether it has a checkpoint between start and final: two points say nothing of times."""
    return len(curve.axis) > 2


def of_each_model(curve: Curve, rows: pd.DataFrame) -> Curve:
    """A curve of pairs of models as one of the models: columns of a model each, its pair with itself."""
    names = curve.pairs.models
    values = [rows[rows["checkpoint"] == one].set_index("model")[curve.of].reindex(names) for one in curve.axis.index]
    return replace(curve, pairs=Pairs(names, names), values=np.array(values, float))
