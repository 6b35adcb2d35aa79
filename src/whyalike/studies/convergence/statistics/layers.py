"""The table of layers that match: how far, in depth, is the layer of another model that is most alike?

match_distance : |depth of a layer - depth of its best match|, the mean over layers of both sides, then over pairs of
    models. Its null permutes the names of one group's layers, for all pairs alike; `null_mean`, `null_low` and
    `null_high` are the mean and the middle 95 % of it, p = (1 + permutations that reach as little)/(1 + draws).
largest_a, largest_b : of each layer of the first and of the second group, the score of its best match.
match_depth, match_depth_b : depth of that match, of each layer of the first and of the second group.
Numbers are means over pairs of models; intervals leave out one model with its pairs. p_holm is over all pairs of groups
of a scoring. Permutations of units exist for layers of one width alone: where layers differ in width they match by it,
so that there are no match distances.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.randomness import keyed
from whyalike.statistics.inference import CONFIDENCE, holm
from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.statistics.leaving_out import LeftOut, over_models

PERMUTATION = "permutation"
OF = ["analysis", "scoring", "metric"]
ROUNDING = 1e-12  # of a mean of depths
TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
SCHEMA = pa.schema(
    [(name, TEXT) for name in ("group", "setting", "kind", "group_b", "setting_b")]
    + [(name, TEXT) for name in ("analysis", "scoring", "metric", "comparison", "layer")]
    + [("index", WHOLE), ("depth", REAL), ("width", WHOLE), ("quantity", TEXT)]
    + [(name, REAL) for name in ("value", "ci_low", "ci_high")]
    + [(name, WHOLE) for name in ("models", "pairs", "n")]
    + [(name, REAL) for name in ("p", "p_holm")]
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """Scores of the layers of one group with those of another, P pairs of models.

    Attributes
    ----------
    values : P x La x Lb; NaN where there is none. pairs : the two models of each.
    places : of each side a row a layer: layer, index, depth, width.
    """

    values: np.ndarray
    pairs: list[tuple[tuple[str, str], tuple[str, str]]]
    places: tuple[pd.DataFrame, pd.DataFrame]

    @property
    def is_whole(self) -> bool:
        """Whether both sides have all of their layers; of the last one the depth is 1."""
        return all(len(of) == of["index"].max() + 1 and of["depth"].max() in (0, 1) for of in self.places)

    @property
    def depths(self) -> tuple[np.ndarray, np.ndarray]:
        """Depths of the layers, (La,) and (Lb,)."""
        return tuple(of["depth"].to_numpy() for of in self.places)


def analyse(parameters: ConvergenceStatistics, layers: Sequence[Path], output: Path) -> None:
    """Write the table.

    Parameters
    ----------
    layers : tables of the scores of all layers, of every two groups.
    output : path of the table, see `SCHEMA`.
    """
    scores = pd.concat([read_table(path).to_pandas() for path in layers], ignore_index=True)
    rows: list[Row] = []
    for of, own in scores.groupby(OF, sort=False):
        named = dict(zip(OF, of, strict=True))
        by_groups = own.groupby(["group_a", "group_b"], sort=False)
        found = [row for names, one in by_groups for row in _of_groups(parameters, named, names, one)]
        tested = [row for row in found if row.get("p") is not None]
        for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
            row["p_holm"] = float(p)
        rows += found
    write_table(output, pa.Table.from_pylist(rows, schema=SCHEMA), {"work": parameters.plain()})
    note(f"layers · {len(rows)} numbers of {len(layers)} pairs of groups")


def _of_groups(
    parameters: ConvergenceStatistics, of: dict[str, str], names: tuple[str, str], scores: pd.DataFrame
) -> Iterator[Row]:
    """The rows of two groups under one scoring."""
    (a, b), where = names, f"{names[0]} x {names[1]}, {of['scoring']} ({of['analysis']})"
    settings = {"setting": parameters.groups[a], "kind": parameters.kinds[a], "setting_b": parameters.groups[b]}
    shared = {"group": a, "group_b": b, **settings, **of, "comparison": "pearson", "n": int(scores["n"].min())}
    tables = tables_of(scores, where)
    counts = {"models": len({model for pair in tables.pairs for model in pair}), "pairs": len(tables.pairs)}
    for side, name, values in _of_layers(tables):
        found = over_models(lambda kept, values=values: _mean(values[kept]), tables.pairs)
        for at, place in enumerate(tables.places[side].to_dict("records")):
            yield {**shared, **counts, **place, "quantity": name, **_interval(found, at)}
    if np.isnan(tables.values).any() or (of["metric"] == PERMUTATION and not tables.is_whole):
        note(f"{where}: no match distances: some layers have no score with one another, by their width or as constants")
        return
    yield from _distances(parameters, tables, {**shared, **counts})


def tables_of(scores: pd.DataFrame, where: str = "") -> Tables:
    """The scores of two groups under one scoring as arrays. Layers that have no score at all are left out, and told."""
    sides = []
    for side in "ab":
        columns = [f"{name}_{side}" for name in ("layer", "index", "depth", "width")]
        own = scores[columns].drop_duplicates().sort_values(f"index_{side}", ignore_index=True)
        sides.append(own.rename(columns=lambda name: name.rpartition("_")[0]))
    for side, own in zip(("group_a", "group_b"), sides, strict=True):
        if gone := sorted(set(range(int(own["index"].max()) + 1)) - set(own["index"])):
            note(
                f"{where}: layers of {scores[side].iloc[0]} have no score, those with index {gone}: by "
                "their width, or the same output for all stimuli"
            )
    at = [dict(zip(own["index"], range(len(own)), strict=True)) for own in sides]
    pairs = list(scores[["a", "b"]].drop_duplicates().itertuples(index=False, name=None))
    values = np.full((len(pairs), *map(len, sides)), np.nan)
    number = {pair: place for place, pair in enumerate(pairs)}
    values[[number[pair] for pair in zip(scores["a"], scores["b"], strict=True)],
           scores["index_a"].map(at[0]), scores["index_b"].map(at[1])] = scores["value"]  # fmt: skip
    groups = scores["group_a"].iloc[0], scores["group_b"].iloc[0]
    named = [tuple(zip(groups, pair, strict=True)) for pair in pairs]  # two groups may name models alike
    return Tables(values, named, tuple(sides))


def _of_layers(tables: Tables) -> Iterator[tuple[int, str, np.ndarray]]:
    """Side, quantity and values, pairs x layers."""
    filled = np.where(np.isnan(tables.values), -np.inf, tables.values)
    for side, (own, other) in enumerate((("largest_a", "match_depth"), ("largest_b", "match_depth_b"))):
        best = filled.max(axis=2 - side)
        there = np.isfinite(best)
        yield side, own, np.where(there, best, np.nan)
        yield side, other, np.where(there, tables.depths[1 - side][filled.argmax(axis=2 - side)], np.nan)


def distances(values: np.ndarray, depths: Sequence[np.ndarray], order: Sequence[int] | None = None) -> np.ndarray:
    """The mean distance in depth of layers and their best matches, of each pair of models (P,).

    Parameters
    ----------
    values : P x La x Lb, no NaN. depths : of the layers, (La,) and (Lb,).
    order : of the names of the second side's layers; as they are if left out.

    Example
    -------
    >>> distances(np.array([[[0.9, 0.1], [0.2, 0.8]]]), [np.array([0.0, 1.0])] * 2, [1, 0]).tolist()
    [1.0]
    """
    a, b = depths[0], depths[1] if order is None else depths[1][np.asarray(order)]
    forth = np.abs(a - b[values.argmax(axis=2)]).mean(axis=1)
    back = np.abs(b - a[values.argmax(axis=1)]).mean(axis=1)
    return (forth + back) / 2


def _distances(parameters: ConvergenceStatistics, tables: Tables, shared: Row) -> Iterator[Row]:
    own = distances(tables.values, tables.depths)
    found = over_models(lambda kept: _mean(own[kept, None]), tables.pairs)
    key = (shared["group"], shared["group_b"], shared["analysis"], shared["scoring"])
    generator = keyed(parameters.seed, "permuted layers", *key)
    count = len(tables.places[1])
    null = np.array([distances(tables.values, tables.depths, generator.permutation(count)).mean()
                     for _ in range(parameters.draws)])  # fmt: skip
    p = (1 + int((null <= own.mean() + ROUNDING).sum())) / (1 + len(null))
    yield {**shared, "quantity": "match_distance", **_interval(found, 0), "p": p}
    low, high = np.quantile(null, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    for name, value in (("null_mean", null.mean()), ("null_low", low), ("null_high", high)):
        yield {**shared, "quantity": name, "value": float(value)}


def _mean(values: np.ndarray) -> np.ndarray:
    """Over pairs of models; NaN where there are none."""
    return values.mean(axis=0) if len(values) else np.full(values.shape[1:], np.nan)


def _interval(found: LeftOut, at: int) -> Row:
    numbers = {"value": found.value[at], "ci_low": found.low[at], "ci_high": found.high[at]}
    return {name: float(one) if np.isfinite(one) else None for name, one in numbers.items()}
