"""The table of grids of starts and orders: whether models that share one of them stay more alike. By ``quantity``:

same_start, same_order, independent : the mean of a layer at a checkpoint over pairs that share their initial weights,
the order of their stimuli, or neither; of each seed's own grid, then over the seeds that have one.
order_less_start : same_start (other orders) less same_order (other starts): above 0 while the start is remembered more.
start_share, order_share : the share of the variance over pairs that share a start (an order) or nothing that sharing it
explains: one-way analysis of variance, eta squared.
crossing : the first step at which the whole interval of order_less_start lies within +-.02; crossing_to_end : the first
from which on it does at every later checkpoint. Rows without a ``layer`` are of each pair's mean over layers.

Seeds are independent, each with starts and orders of its own: with three grids or more intervals are t intervals over
seeds. With fewer the models share starts and orders, and none is independent: within each seed a start is left out with
all its models in turn, then an order, and all variances are added (t by Satterthwaite's degrees of freedom). That needs
three starts and three orders a seed. In simulated grids of 3 x 3, of one seed or of two, it held the difference in 95
to 98 % where what pairs of one start (or order) share varies, and in 99 % and more where nothing but levels or pairs
do, which are in both terms: there it is up to three times too wide, and three grids are worth their models.
Intervals of shares are made on the scale arcsin(root).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.statistics.crossed import ROUNDING
from whyalike.statistics.dyadic import FEWEST_TO_LEAVE_OUT
from whyalike.statistics.inference import CONFIDENCE, Interval, t_interval
from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.statistics.reading import (
    INDEPENDENT,
    OF_LAYER,
    PANEL,
    SAME_ORDER,
    SAME_START,
    Absences,
    Found,
    Row,
    mean_over_layers,
    place_of,
    read,
    write,
)

SAME = 0.02  # differences of alignment that count as none
RELATIONS = (SAME_START, SAME_ORDER, INDEPENDENT)
DIFFERENCE, CROSSING, CROSSING_TO_END = "order_less_start", "crossing", "crossing_to_end"


def analyse(parameters: ConvergenceStatistics, scores: list[Path], output: Path) -> None:
    """Write the table, of all scorings; groups without a grid are absent.

    Parameters
    ----------
    scores : tables of `checkpoint_scores.score_checkpoint`, of all checkpoints.

    Raises
    ------
    ValueError : no tables, or a pair twice.
    """
    rows = []
    for group, own in read(scores).groupby("group", sort=False):
        absences = Absences(f"grid, {group}")
        own = of_grids(own)
        if own.empty:
            absences.add("no two models of a seed that share a start or an order")
        for panel, of_panel in own.groupby(list(PANEL), sort=False):
            told = dict(zip(PANEL, panel, strict=True))
            rows += [{**told, **row} for row in _of_scoring(of_panel, absences)]
        absences.tell()
    write(parameters, rows, output, "checkpoint", "step")


def of_grids(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of pairs within the seeds that have several models, some of which share a start or an order."""
    shared = rows[rows["relation"].isin([SAME_START, SAME_ORDER])]
    seeds = {place_of(name)[0] for name in {*shared["a"], *shared["b"]}}
    a, b = ([place_of(name)[0] for name in rows[side]] for side in ("a", "b"))
    within = np.array([one == other and one in seeds for one, other in zip(a, b, strict=True)], bool)
    return rows[within & rows["relation"].isin(RELATIONS).to_numpy()]


def share_of_kind(values: np.ndarray, kind: np.ndarray) -> float:
    """The share of the variance of pairs that lies between those of a kind and the others: eta squared.

    Parameters
    ----------
    values : P. kind : a mask of P.

    Returns
    -------
    1 - sum of squares within both/their sum about the common mean, in 0..1; NaN where nothing varies, or all pairs are
    of the kind, or none.

    Example
    -------
    >>> start = np.array([True, True, False, False])
    >>> share_of_kind(np.array([3.0, 3.0, 1.0, 1.0]), start), share_of_kind(np.array([3.0, 1.0, 3.0, 1.0]), start)
    (1.0, 0.0)
    """
    if kind.all() or not kind.any() or not np.ptp(values) > ROUNDING:
        return np.nan
    return float(1 - (_squares(values[kind]) + _squares(values[~kind])) / _squares(values))


def _squares(values: np.ndarray) -> float:
    return float(((values - values.mean()) ** 2).sum())


@dataclass(frozen=True)
class Grid:
    """The grid of a seed at a checkpoint.

    Attributes
    ----------
    values : of P pairs. kinds : P relations. ends : 2 (start, order) x 2 (models) x P; 1 and 2 are two starts.
    models : how many they have.
    """

    values: np.ndarray
    kinds: np.ndarray
    ends: np.ndarray
    models: int

    def of(self, kept: np.ndarray) -> "Grid":
        """Some of the pairs."""
        return replace(self, values=self.values[kept], kinds=self.kinds[kept], ends=self.ends[..., kept])

    def without_each(self, place: int) -> list["Grid"]:
        """The grids without each start (place 0) or order (1) and all its models."""
        own = self.ends[place]
        return [self.of((own != one).all(axis=0)) for one in np.unique(own)]


Statistic = Callable[[Grid], float]


def grids(rows: pd.DataFrame) -> list[Grid]:
    """Those of rows of one layer and checkpoint, a seed each."""
    places = {name: place_of(name) for name in dict.fromkeys([*rows["a"], *rows["b"]])}
    a, b = (np.array([places[name] for name in rows[side]]).T for side in ("a", "b"))  # seed, start, order x pairs
    found, values = [], rows["value"].to_numpy(float)
    for seed in dict.fromkeys(a[0]):
        own = (a[0] == seed) & (b[0] == seed)
        if own.any():
            models = len({*rows["a"][own], *rows["b"][own]})
            ends = np.stack([a[1:, own], b[1:, own]], axis=1)
            found.append(Grid(values[own], rows["relation"].to_numpy()[own], ends, models))
    return found


def over_grids(found: Sequence[Grid], statistic: Statistic) -> Found | None:
    """The mean over grids of a statistic, with its interval; None where no grid has it.

    Parameters
    ----------
    statistic : of a grid; NaN where it is undefined.
    """
    known = [(one, value) for one in found if np.isfinite(value := statistic(one))]
    if not known:
        return None
    values = np.array([value for _, value in known])
    counts = {"models": sum(one.models for one, _ in known), "pairs": sum(len(one.values) for one, _ in known)}
    if len(known) < FEWEST_TO_LEAVE_OUT:
        interval = _left_out([one for one, _ in known], statistic, float(values.mean()))
    else:
        interval = t_interval(values)
    return Found(float(values.mean()), None, *(interval or (None, None)), **counts, by_model=False)


def _left_out(found: Sequence[Grid], statistic: Statistic, value: float) -> Interval | None:
    """The interval that leaves out each seed's starts, then its orders; None where one of them has fewer than three."""
    variances, degrees = [], []
    for one in found:
        for place in (0, 1):
            without = np.array([statistic(kept) for kept in one.without_each(place)])
            if len(without) < FEWEST_TO_LEAVE_OUT or not np.isfinite(without).all():
                return None
            variances.append((len(without) - 1) * without.var() / len(found) ** 2)
            degrees.append(len(without) - 1)
    variances = np.array(variances)
    if not (total := variances.sum()) > 0:
        return value, value
    freedom = total**2 / (variances**2 / degrees).sum()
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(total)
    return float(value - half), float(value + half)


def of_layer(found: Sequence[Grid]) -> dict[str, Found | None]:
    """Quantity -> what it is at one layer and checkpoint; None where it has no value."""
    means = {relation: over_grids([one.of(one.kinds == relation) for one in found], lambda one: _mean(one.values))
             for relation in RELATIONS}  # fmt: skip
    shared = [one.of(one.kinds != INDEPENDENT) for one in found]
    difference = over_grids(shared, lambda one: _mean(one.values[one.kinds == SAME_START])
                            - _mean(one.values[one.kinds == SAME_ORDER]))  # fmt: skip
    shares = {f"{name}_share": _share([one.of((one.kinds == kind) | (one.kinds == INDEPENDENT)) for one in found], kind)
              for name, kind in (("start", SAME_START), ("order", SAME_ORDER))}  # fmt: skip
    return {**means, DIFFERENCE: difference, **shares}


def _share(found: Sequence[Grid], kind: str) -> Found | None:
    def scaled(one: Grid) -> float:
        share = share_of_kind(one.values, one.kinds == kind)
        return float(np.arcsin(np.sqrt(np.clip(share, 0, 1))))

    if (own := over_grids(found, scaled)) is None:
        return None
    value, low, high = (None if one is None else float(np.sin(np.clip(one, 0, np.pi / 2)) ** 2)
                        for one in (own.value, own.low, own.high))  # fmt: skip
    return replace(own, value=value, low=low, high=high)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _of_scoring(rows: pd.DataFrame, absences: Absences) -> Iterator[Row]:
    steps = rows.groupby("checkpoint")["step"].mean()
    layers = rows[list(OF_LAYER)].drop_duplicates("layer").sort_values("index").to_dict("records")
    if (twice := rows[rows.duplicated(["layer", "checkpoint", "a", "b"])]["layer"]).size:
        raise ValueError(f"{twice.iloc[0]} has several scores of one pair and checkpoint. Score the group anew.")
    looked_at = [(layer, rows[rows["layer"] == layer["layer"]]) for layer in layers]
    for layer, own in [*looked_at, ({}, mean_over_layers(rows, "checkpoint", "relation"))]:
        shared, differences = {**layer, "n": int(rows["n"].iloc[0])}, {}
        for checkpoint, at_checkpoint in own.groupby("checkpoint", sort=False):
            step = steps[checkpoint]
            named = {**shared, "checkpoint": checkpoint, "step": None if np.isnan(step) else round(step)}
            found = of_layer(grids(at_checkpoint))
            for quantity, one in found.items():
                if one is None:
                    absences.add(f"no {quantity}: it lacks pairs, or they do not vary")
                else:
                    yield {**named, "quantity": quantity, **one.row()}
            if (difference := found[DIFFERENCE]) is not None:
                differences[checkpoint] = (named["step"], difference)
        yield from ({**shared, **row} for row in crossings(differences, absences))


def crossings(differences: dict[str, tuple[int | None, Found]], absences: Absences) -> Iterator[Row]:
    """From when on the interval of a difference lies within `SAME` of 0.

    Parameters
    ----------
    differences : checkpoint -> its step and the difference there.
    """
    known = sorted(((step, name, one) for name, (step, one) in differences.items() if step is not None),
                   key=lambda given: given[0])  # fmt: skip
    if not known or any(one.low is None for _, _, one in known):
        absences.add("no time of crossing: the difference, its interval or its step is not known")
        return
    within = np.array([one.low >= -SAME and one.high <= SAME for _, _, one in known])
    places = {CROSSING: int(np.argmax(within)) if within.any() else None,
              CROSSING_TO_END: int(len(within) - np.argmin(within[::-1]) if not within.all() else 0)}  # fmt: skip
    for quantity, place in places.items():
        if place is None or place == len(within):
            absences.add(f"no {quantity}: no interval, or not the last one, lies within {SAME:g} of 0")
            continue
        step, name, one = known[place]
        yield {"checkpoint": name, "step": step, "quantity": quantity, "value": float(step),
               "models": one.models, "pairs": one.pairs}  # fmt: skip
