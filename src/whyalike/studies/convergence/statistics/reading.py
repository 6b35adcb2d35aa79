"""What all tables of statistics of convergence share: reading scores into pairs of models, intervals, columns.

The unit of every interval is the model: pairs share models, so a model is left out with all its pairs. Of a group that
has nothing but a grid of starts and orders, models share these, and starts and orders are left out in its place.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.statistics.crossed import crossed_jackknife
from whyalike.statistics.dyadic import FEWEST_TO_LEAVE_OUT, node_jackknife, upper
from whyalike.statistics.inference import holm
from whyalike.studies.convergence.parameters import ConvergenceStatistics

INDEPENDENT, SAME_START, SAME_ORDER = "independent", "same_start", "same_order"
OWN_END, OTHER_END = "own_end", "other_end"
#: What rows of scores are of, beside checkpoint, layer and pair.
PANEL = ("group", "setting", "analysis", "scoring", "metric", "comparison")
OF_LAYER = ("layer", "index", "depth", "width")
OF_GRID = re.compile(r"^(?P<seed>.+?)(\.start(?P<start>\w+))?(\.order(?P<order>\w+))?$")

_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()
#: The columns of every table. ``layer``: null of a whole group; ``scoring``, ``metric`` and ``comparison``: null where
#: nothing is scored; ``p``, ``p_holm``: null where nothing is tested.
SCHEMA = pa.schema(
    [
        *(pa.field(name, _TEXT, nullable=False) for name in ("group", "setting", "kind", "analysis")),
        *(pa.field(name, _TEXT) for name in ("scoring", "metric", "comparison", "layer")),
        *(pa.field(name, of) for name, of in (("index", _COUNT), ("depth", _NUMBER), ("width", _COUNT))),
        pa.field("quantity", _TEXT, nullable=False),
        pa.field("value", _NUMBER, nullable=False),
        *(pa.field(name, _NUMBER) for name in ("ci_low", "ci_high")),
        *(pa.field(name, _COUNT) for name in ("models", "pairs", "n")),
        *(pa.field(name, _NUMBER) for name in ("p", "p_holm")),
    ]
)
#: Columns that single tables have beside these.
FURTHER = {
    **dict.fromkeys(("checkpoint", "unit", "of", "shift", "level", "group_b", "setting_b", "layer_b"), _TEXT),
    **dict.fromkeys(("step", "components", "sets", "width_b", "index_b", "draws"), _COUNT),
    **dict.fromkeys(("epoch", "samples", "lr_sum", "n_per_unit", "ci_low_sets", "ci_high_sets", "depth_b"), _NUMBER),
}

Row = dict[str, Any]
Statistic = Callable[[np.ndarray], float]


def write(parameters: ConvergenceStatistics, rows: Iterable[Mapping[str, Any]], output: Path, *further: str) -> None:
    """Write rows as a table of `SCHEMA` and ``further`` columns of `FURTHER`; NaN is null, a ``kind`` is added.

    Raises
    ------
    ValueError : a row has a column that the table lacks.
    """
    schema = pa.schema([*SCHEMA, *(pa.field(name, FURTHER[name]) for name in further)])
    clean = []
    for row in rows:
        if unknown := sorted(set(row) - set(schema.names)):
            raise ValueError(f"{output.name} has no column {', '.join(unknown)}. Name it among the further ones.")
        kind = parameters.kinds[row["group"]]
        clean.append({"kind": kind, **{key: _plain(value) for key, value in row.items()}})
    write_table(output, pa.Table.from_pylist(clean, schema=schema), {"work": parameters.plain()})
    note(f"statistics, {output.stem} · {len(clean)} numbers")


def read(paths: Sequence[Path]) -> pd.DataFrame:
    """Tables of one kind, below one another.

    Raises
    ------
    ValueError : there are none.
    """
    if not paths:
        raise ValueError("no tables of scores are given. Give those of every group.")
    frames = [frame for path in paths if len(frame := read_table(path).to_pandas())]
    return pd.concat(frames, ignore_index=True) if frames else read_table(paths[0]).to_pandas()


def place_of(model: str) -> tuple[str, str, str]:
    """Seed, start and order that a model's name says.

    Example
    -------
    >>> place_of("seed0.start1"), place_of("seed4")
    (('seed0', '1', '0'), ('seed4', '0', '0'))
    """
    found = OF_GRID.match(model)
    return found["seed"], found["start"] or "0", found["order"] or "0"


def main_pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of independent pairs of one model a seed: that of start 0 and order 0; by their ``group``.

    Of a group that has no two such models (the grid of one seed) all independent pairs.
    """
    own = rows[rows["relation"] == INDEPENDENT] if "relation" in rows else rows
    chosen = [own[:0]]
    for _, of_group in own.groupby("group", sort=False):
        first = main_models(dict.fromkeys([*of_group["a"], *of_group["b"]]))
        chosen.append(of_group[of_group["a"].isin(first) & of_group["b"].isin(first)])
    return pd.concat(chosen)


def main_models(names: Iterable[str]) -> list[str]:
    """One model a seed, that of start 0 and order 0; all where there are no two of them.

    Example
    -------
    >>> main_models(["seed0", "seed0.order1", "seed1"])
    ['seed0', 'seed1']
    """
    names = list(names)
    first = [name for name in names if place_of(name)[1:] == ("0", "0")]
    return first if len(first) > 1 else names


@dataclass(frozen=True)
class Pairs:
    """Pairs among models. ``a``, ``b`` : names, a pair each."""

    a: tuple[str, ...]
    b: tuple[str, ...]

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Their models, in the order of first appearance."""
        return tuple(dict.fromkeys((*self.a, *self.b)))

    @cached_property
    def ends(self) -> np.ndarray:
        """The places of both models, 2 x pairs."""
        place = {name: at for at, name in enumerate(self.models)}
        return np.array([[place[name] for name in side] for side in (self.a, self.b)], int).reshape(2, -1)

    @property
    def shares_keys(self) -> bool:
        """Whether models have a start or an order in common, so that they are not independent."""
        places = [place_of(name) for name in self.models]
        return any(len({(seed, *own) for seed, *own in keys}) < len(places)
                   for keys in ([(s, i) for s, i, _ in places], [(s, j) for s, _, j in places]))  # fmt: skip

    def kept(self, which: np.ndarray) -> "Pairs":
        """Some of the pairs; ``which`` : a mask."""
        return Pairs(
            *(tuple(name for name, keep in zip(side, which, strict=True) if keep) for side in (self.a, self.b))
        )


@dataclass(frozen=True)
class Found:
    """A statistic over pairs, its error and 95 % interval; None where there are too few models.

    ``by_model`` : models, and not starts and orders, are left out.
    """

    value: float
    error: float | None
    low: float | None
    high: float | None
    models: int
    pairs: int
    by_model: bool = True

    def row(self, test: bool = False) -> Row:
        """As columns. ``test`` : with the two-sided p of 0, by t on models - 1 degrees of freedom."""
        own = {"value": self.value, "ci_low": self.low, "ci_high": self.high}
        if test and self.error and self.by_model:
            own["p"] = float(2 * scipy.stats.t.sf(abs(self.value / self.error), self.models - 1))
        return {**own, "models": self.models, "pairs": self.pairs}

    def exceeds(self, errors: float = 2.0) -> bool:
        """Whether it is above 0, by so many errors where its error is known."""
        return self.value > 0 and self.value >= errors * (self.error or 0.0)


def mean(values: np.ndarray) -> float:
    """Of all pairs."""
    return float(values.mean())


def over_models(pairs: Pairs, values: np.ndarray, statistic: Statistic = mean) -> Found | None:
    """A statistic of pairs with its interval over models; None where no pair has all values, or it is undefined.

    Parameters
    ----------
    values : ... x pairs; a pair with NaN somewhere is left out.
    statistic : ... x some of the pairs -> a number; NaN where it is undefined.

    Notes
    -----
    One model is left out in turn (`whyalike.statistics.dyadic.node_jackknife`). Where models share starts or orders
    (`Pairs.shares_keys`) a start with all its models is, and then an order, and both variances are added
    (`whyalike.statistics.crossed.crossed_jackknife`). Without three to leave out there is no interval.

    Example
    -------
    >>> pairs = Pairs(("u", "u", "v"), ("v", "w", "w"))
    >>> found = over_models(pairs, np.array([0.25, 0.5, 0.75]))
    >>> found.value, found.models, found.low < 0.5 < found.high
    (0.5, 3, True)
    """
    values = np.asarray(values, float)
    there = np.isfinite(values.reshape(-1, values.shape[-1])).all(axis=0)
    pairs, values = (pairs, values) if there.all() else (pairs.kept(there), values[..., there])
    if not len(pairs.a) or not np.isfinite(value := float(statistic(values))):
        return None
    counts = {"models": len(pairs.models), "pairs": len(pairs.a), "by_model": not pairs.shares_keys}
    with np.errstate(invalid="ignore"):
        estimate = (_crossed if pairs.shares_keys else _by_model)(pairs, values, statistic)
    if estimate is None or not np.isfinite(estimate[0]):
        return Found(value, None, None, None, **counts)
    return Found(value, *map(float, estimate), **counts)


def of_models(values: Mapping[str, float], statistic: Statistic = mean) -> Found | None:
    """The same of a number a model (the mean over pairs of both models' is the mean over models), of `main_models`.

    ``statistic`` : linear in the values, as a mean is. None where no model has one.

    Example
    -------
    >>> found = of_models({"u": 1.0, "v": 2.0, "w": 3.0})
    >>> found.value, round(found.error, 3), found.pairs  # the SD over the root of 3
    (2.0, 0.577, 3)
    """
    known = [name for name in main_models(values) if np.isfinite(values[name])]
    if len(known) == 1:
        return Found(float(values[known[0]]), None, None, None, 1, 0)
    pairs = Pairs(*(tuple(side) for side in zip(*combinations(known, 2), strict=True))) if known else Pairs((), ())
    return over_models(pairs, of_both(values, pairs), statistic) if known else None


def with_holm(rows: Sequence[Row]) -> list[Row]:
    """Rows with ``p_holm``, over all of them that have a p."""
    tested = [row for row in rows if row.get("p") is not None]
    adjusted = dict(zip(map(id, tested), holm([row["p"] for row in tested]), strict=True)) if tested else {}
    return [{**row, "p_holm": float(adjusted[id(row)])} if id(row) in adjusted else row for row in rows]


def pivoted(rows: pd.DataFrame, *keys: str, value: str = "value") -> tuple[Pairs, dict[tuple, np.ndarray]]:
    """Pairs of rows, and by the values of ``keys`` a column of them, a number a pair; NaN where a pair lacks it.

    Raises
    ------
    ValueError : a pair has several rows of one key.
    """
    place = {pair: at for at, pair in enumerate(dict.fromkeys(zip(rows["a"], rows["b"], strict=True)))}
    if len(twice := rows[rows.duplicated(["a", "b", *keys])]):
        one = twice.iloc[0]
        raise ValueError(f"{one['a']}, {one['b']} have several scores of one {', '.join(keys)}. Score the group anew.")
    found: dict[tuple, np.ndarray] = {}
    for key, own in rows.groupby(list(keys), sort=False):
        column = found[key] = np.full(len(place), np.nan)
        column[[place[pair] for pair in zip(own["a"], own["b"], strict=True)]] = own[value].to_numpy(float)
    return Pairs(*(tuple(pair[side] for pair in place) for side in (0, 1))), found


def mean_over_layers(rows: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """Rows of one scoring, a pair and key each with its mean over layers; a pair that lacks a layer there is left out.

    Example
    -------
    >>> rows = pd.DataFrame({"a": "u", "b": ["v", "v", "w"], "layer": ["x", "y", "x"], "value": [0.5, 1.0, 0.5]})
    >>> mean_over_layers(rows).to_dict("records")
    [{'a': 'u', 'b': 'v', 'value': 0.75}]
    """
    groups = rows.dropna(subset="value").groupby([*keys, "a", "b"], sort=False)["value"]
    found = groups.agg(["mean", "size"]).reset_index()
    whole = found[found["size"] == rows["layer"].nunique()]
    return whole.rename(columns={"mean": "value"}).drop(columns="size")


def of_both(values: Mapping[str, float], pairs: Pairs) -> np.ndarray:
    """The mean of both models' values, a number a pair; NaN where one has none."""
    a, b = (np.array([values.get(name, np.nan) for name in side], float) for side in (pairs.a, pairs.b))
    return (a + b) / 2


class Absences:
    """What has no value, counted by its reason; `tell` notes a line a reason."""

    def __init__(self, where: str):
        self.where, self.counts = where, Counter()

    def add(self, reason: str, number: int = 1) -> None:
        """Count it."""
        self.counts[reason] += number

    def add_missing(self, *columns: np.ndarray) -> None:
        """Count pairs that lack a score where others have one; ``columns`` : a number a pair."""
        gone = sum(int(np.isnan(one).sum()) for one in columns if np.isfinite(one).any())
        if gone:
            self.add("scores of single pairs are missing, which are left out", gone)

    def tell(self) -> None:
        """Note each reason with its count."""
        for reason, number in self.counts.items():
            note(f"{self.where}: {reason} ({number})")


def _by_model(pairs: Pairs, values: np.ndarray, statistic: Statistic) -> tuple[float, float, float] | None:
    count = len(pairs.models)
    if count < FEWEST_TO_LEAVE_OUT:
        return None
    places = np.full((count, count), -1)  # where each pair stands; -1: it has no value
    places[*pairs.ends] = places[*pairs.ends[::-1]] = np.arange(len(pairs.a))

    def of_kept(kept: np.ndarray) -> float:
        own = upper(kept)
        own = own[own >= 0].astype(int)
        return statistic(values[..., own]) if len(own) else np.nan

    found = node_jackknife(places, of_kept)
    return found.standard_error, found.low, found.high


def _crossed(pairs: Pairs, values: np.ndarray, statistic: Statistic) -> tuple[float, float, float] | None:
    places = [place_of(name) for name in pairs.models]
    keys = [[(seed, start) for seed, start, _ in places], [(seed, order) for seed, _, order in places]]
    units = [list(dict.fromkeys(own)) for own in keys]
    if min(map(len, units)) < FEWEST_TO_LEAVE_OUT:
        return None
    of = [np.array([own.index(one) for one in key]) for key, own in zip(keys, units, strict=True)]

    def of_kept(starts: np.ndarray, orders: np.ndarray) -> float:
        models = np.isin(of[0], starts) & np.isin(of[1], orders)
        own = models[pairs.ends].all(axis=0)
        return statistic(values[..., own]) if own.any() else np.nan

    found = crossed_jackknife(of_kept, *map(range, map(len, units)))
    return float(np.hypot(found.se_models, found.se_sources)), float(found.low), float(found.high)


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is None or value is pd.NA or value != value else value
