"""Contrasts of the factorial design: what data overlap does, what label overlap does, and whether they add up.

Each seed has one score y at every crossed pair of data overlap p and label overlap l. Least squares of
y = c + a (p - 1/2) + b (l - 1/2) + i (p - 1/2)(l - 1/2) gives, in units of the score from overlap 0 to 1, the effect
of the data a, of the labels b, and the interaction i: by how much a is larger at l = 1 than at l = 0. The seed is the
unit: mean over seeds, t interval and sign-flip p of `whyalike.statistics.inference`.

Sizes beside it: the share of the gap between ceiling (both overlaps 1) and floor (untrained pair), both means over
seeds, with a delete-one-seed jackknife interval; and partial omega squared (Olejnik and Algina 2003) of a contrast of
one degree of freedom over S seeds, (F - 1)/(F - 1 + S) with F = t^2, below 0 where the effect is smaller than its
noise. Whether effects add up depends on the scale of the score: CKA is the cosine of an angle between kernels, so the
interaction of its angle stands beside its own, as that of -arccos, where larger is more alike too.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from whyalike.statistics.factorial_bridge import bridge_effects, without_bridge
from whyalike.statistics.inference import share_of_gap, sign_flip_p, t_interval
from whyalike.statistics.panels import sign_of_closer
from whyalike.statistics.table import by_panel, seeds_asked

COSINES = ("cka", "cka_rbf", "cka_unbiased")  # metrics that are the cosine of an angle
_ROUNDING = 1e-6  # a cosine may leave [-1, 1] by the rounding of float32
_NAMES = ("effect_data", "effect_label", "interaction")


def contrasts(data: np.ndarray, label: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Effect of the data, effect of the labels and interaction of one seed, or of many.

    Parameters
    ----------
    data, label : (c,) overlaps of the crossed conditions.
    y : (c,) or (c, seeds) scores.

    Returns
    -------
    (3,) or (3, seeds), in units of the score from overlap 0 to 1.
    """
    p, q = data - 0.5, label - 0.5
    design = np.column_stack([np.ones(len(p)), p, q, p * q])
    return np.linalg.lstsq(design, y)[0][1:]


def partial_omega_squared(values: np.ndarray) -> float | None:
    """(F - 1)/(F - 1 + S) of a contrast's S values, one a seed; None with fewer than two or without any spread."""
    count = len(values)
    if count < 2 or not (variance := np.var(values, ddof=1)) > 0:
        return None
    f = count * np.mean(values) ** 2 / variance
    return float((f - 1) / (f - 1 + count))


def factorial_rows(scores: pd.DataFrame, **_: object) -> Iterator[dict]:
    """Rows of the statistics table for every panel of a factorial; protocol `corrected` throughout.

    Parameters
    ----------
    scores : score table of a factorial. Scores of several layers of a pair are averaged; seeds without all conditions
        of the panel are left out.

    Yields
    ------
    effect_data, effect_label, interaction, label_minus_data: mean over seeds, t interval, sign-flip p; of each also
    share_... (of the gap, jackknife interval) and omega2_...; interaction_angle (radians); ceiling, floor (mean scores,
    t interval). The same of the paper's own labels, where the study has them: bridge_label, bridge_data and
    bridge_minus_facts, see `whyalike.statistics.factorial_bridge`. What has too few seeds, no untrained pair or no
    ceiling has no row.
    """
    for key, rows in by_panel(scores):
        named = {**key, "seeds_asked": seeds_asked(rows), "protocol": "corrected"}
        facts, bridge = without_bridge(rows)
        table = crossed_table(facts)
        if table.shape[1]:
            yield from ({**named, **row} for row in _of_panel(table, facts, bridge, named["metric"]))


def crossed_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean score of each (data overlap, label overlap), a column a seed that has all of them."""
    return rows.pivot_table("value", ["data_overlap", "label_overlap"], "seed", aggfunc="mean").dropna(axis=1)


def effects(table: pd.DataFrame) -> dict[str, pd.Series]:
    """The effects of every seed of a crossed table, by the names of their estimators."""
    data, label = (table.index.get_level_values(i).to_numpy(float) for i in (0, 1))
    values = contrasts(data, label, table.to_numpy())
    found = {name: pd.Series(of_seeds, table.columns) for name, of_seeds in zip(_NAMES, values, strict=True)}
    return found | {"label_minus_data": found["effect_label"] - found["effect_data"]}


def _of_panel(table: pd.DataFrame, rows: pd.DataFrame, bridge: pd.DataFrame, metric: str) -> Iterator[dict]:
    """All numbers of one panel; ``table`` and ``rows`` are of the factorial itself."""
    data, label = (table.index.get_level_values(i).to_numpy(float) for i in (0, 1))
    y = table.to_numpy()
    closer = sign_of_closer(metric)
    ceiling, floor = y[(data == 1) & (label == 1)].ravel(), _floor(rows, table.columns)
    gaps = None if floor is None or not len(ceiling) else pd.Series(closer * (ceiling - floor), table.columns)
    found = list(_sized(effects(table), closer, gaps))
    if metric in COSINES and np.abs(y).max() <= 1 + _ROUNDING:
        found.append(_tested("interaction_angle", contrasts(data, label, -np.arccos(np.clip(y, -1, 1)))[2]))
    for name, values in (("ceiling", ceiling), ("floor", floor)):
        if values is not None and len(values):
            found.append(_row(name, values.mean(), t_interval(values)))
    yield from ({"n": table.size, "n_seeds": table.shape[1], **row} for row in found)
    of_bridge = bridge_effects(bridge, table)
    seeds = next(iter(of_bridge.values()), pd.Series()).index
    pairs = bridge[bridge["seed"].isin(seeds)].drop_duplicates(["seed", "condition"])
    yield from ({"n": len(pairs), "n_seeds": len(seeds), **row} for row in _sized(of_bridge, closer, gaps))


def _sized(by_seed: Mapping[str, pd.Series], closer: int, gaps: pd.Series | None) -> Iterator[dict]:
    """Each effect tested, and its size: partial omega squared, and the share of the gap."""
    for name, values in by_seed.items():
        yield _tested(name, values.to_numpy())
        size = name.removeprefix("effect_")
        if (omega := partial_omega_squared(values.to_numpy())) is not None:
            yield _row(f"omega2_{size}", omega)
        if gaps is not None and (share := share_of_gap(closer * values, gaps[values.index])) is not None:
            yield _row(f"share_{size}", *share)


def _floor(rows: pd.DataFrame, seeds: pd.Index) -> np.ndarray | None:
    """Score of the untrained pair of each seed; None where it is not known for all."""
    if "untrained" not in rows or rows["untrained"].isna().any():
        return None
    return rows.groupby("seed")["untrained"].mean()[seeds].to_numpy()


def _tested(name: str, values: np.ndarray) -> dict:
    return _row(name, values.mean(), t_interval(values), sign_flip_p(values))


def _row(
    estimator: str, value: float, interval: tuple[float, float] | None = None, p_value: float | None = None
) -> dict:
    low, high = interval or (None, None)
    return {"estimator": estimator, "value": float(value), "ci_low": low, "ci_high": high, "p_value": p_value}
