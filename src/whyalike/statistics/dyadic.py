"""Inference for all pairs among M models, which are no M(M - 1)/2 independent numbers: pairs share models.

The model is the independent unit. Intervals leave one model out in turn, with all its pairs; tests permute the models'
names (quadratic assignment; for correlations Mantel 1967), rows and columns together. Pairs are never resampled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.randomness import keyed
from whyalike.statistics.inference import CONFIDENCE

FEWEST = 4  # models: without one of three a single pair is left; and 24 permutations give p >= .04


@dataclass(frozen=True)
class Estimate:
    """A statistic of all pairs among M models, its standard error and 95 % interval."""

    value: float
    standard_error: float
    low: float
    high: float
    models: int


@dataclass(frozen=True)
class Association:
    """The correlation of two tables of pairs, and its p value over permutations of the models."""

    value: float
    p_value: float
    models: int


def square(pairs: pd.DataFrame, models: Sequence[str] | None = None) -> np.ndarray:
    """The scores of all pairs as a symmetric table (M x M) with 0 in the diagonal, which nothing here reads.

    Parameters
    ----------
    pairs : columns a, b, value of one metric, as `whyalike.similarity.api.pairwise` makes them; where both (a, b) and
        (b, a) stand, their mean counts.
    models : which models, in the order of rows and columns; all, in the order of their first appearance, if left out.

    Raises
    ------
    ValueError : several metrics, a pair twice or with itself, or a pair that is missing.

    Example
    -------
    >>> square(pd.DataFrame({"a": ["u", "u", "v"], "b": ["v", "w", "w"], "value": [0.5, 0.25, 0.75]})).tolist()
    [[0.0, 0.5, 0.25], [0.5, 0.0, 0.75], [0.25, 0.75, 0.0]]
    """
    if "metric" in pairs and pairs["metric"].nunique() > 1:
        raise ValueError(f"a table of pairs is of one metric; got {', '.join(pairs['metric'].unique())}. Select one.")
    names = list(models if models is not None else dict.fromkeys([*pairs["a"], *pairs["b"]]))
    place = {name: i for i, name in enumerate(names)}
    sums, counts = np.zeros((2, len(names), len(names)))
    for a, b, value in pairs[["a", "b", "value"]].itertuples(index=False):
        if a not in place or b not in place:
            continue
        if a == b or counts[place[a], place[b]]:
            raise ValueError(f"a table of pairs holds each pair of two models once; got {a}, {b} again. Remove it.")
        sums[place[a], place[b]], counts[place[a], place[b]] = value, 1
    sums, counts = sums + sums.T, counts + counts.T
    missing = np.argwhere((counts == 0) & ~np.eye(len(names), dtype=bool))
    if len(missing):
        i, j = missing[0]
        raise ValueError(
            f"a table of pairs holds all pairs; {len(missing) // 2} are missing, the first is {names[i]}, {names[j]}. "
            "Score it, or leave a model out."
        )
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)


def upper(table: np.ndarray) -> np.ndarray:
    """The pairs of a table (M x M), each once: M(M - 1)/2."""
    return table[np.triu_indices(len(table), 1)]


def node_jackknife(
    table: np.ndarray, statistic: Callable[[np.ndarray], float] = lambda table: float(upper(table).mean())
) -> Estimate:
    """A statistic of all pairs with the 95 % interval over models: leave one model out, with all its pairs.

    Definition: se^2 = (M - 1)/M sum over models of (without it - mean)^2, t quantile on M - 1 degrees of freedom. Of a
    mean of pairs a_i + a_j + e_ij that is right where models differ (a); where only pairs do (e), se^2 is M - 1 in
    M - 2, twice too large (Snijders and Borgatti 1999 halve it, which is too small where models differ).

    Parameters
    ----------
    table : M x M, symmetric, M >= 4; the diagonal is not read.
    statistic : of such a table of any size; the mean over pairs if left out.

    Raises
    ------
    ValueError : no symmetric table of four or more models.

    Example
    -------
    >>> levels = np.arange(5.0)
    >>> found = node_jackknife(levels[:, None] + levels)
    >>> found.value, found.low < 4 < found.high
    (4.0, True)
    """
    _check(table, "a table of pairs")
    models = len(table)
    kept = ~np.eye(models, dtype=bool)
    without = np.array([statistic(table[np.ix_(keep, keep)]) for keep in kept])
    value = statistic(table)
    error = float(np.sqrt((models - 1) * without.var()))
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, models - 1) * error
    return Estimate(float(value), error, float(value - half), float(value + half), models)


def mantel(a: np.ndarray, b: np.ndarray, draws: int = 9999, seed: int = 0, method: str = "pearson") -> Association:
    """Whether pairs that are alike in one table are so in another: their correlation, and p over permuted models.

    Two-sided: p = (1 + draws at least as far from zero)/(1 + draws). ``b`` may be a design, such as 1 where two models
    share an architecture and 0 where they do not.

    Parameters
    ----------
    a, b : M x M, symmetric, the same models in the same order, M >= 4; diagonals are not read.
    draws : permutations of the models of b.
    seed : key of the permutations.
    method : "pearson", or "spearman" for ranks of the pairs.

    Raises
    ------
    ValueError : tables that are not symmetric, differ in size or do not vary, another method, or no draws.

    Example
    -------
    >>> levels = np.arange(6.0)
    >>> apart = abs(levels[:, None] - levels)
    >>> found = mantel(1 / (1 + apart), -apart, draws=99)
    >>> round(found.value, 2), found.p_value < 0.05
    (0.95, True)
    """
    _check(a, "a")
    _check(b, "b")
    if len(a) != len(b):
        raise ValueError(f"a and b need the same models: a has {len(a)}, b {len(b)}. Select the common ones.")
    if method not in ("pearson", "spearman"):
        raise ValueError(f"method must be 'pearson' or 'spearman'; got {method!r}.")
    if draws < 1:
        raise ValueError(f"draws must be at least 1; got {draws}.")
    first, second = (_standardised(table, method, name) for table, name in ((a, "a"), (b, "b")))
    value = float(np.vdot(first, second))
    generator = keyed(seed, "permutations of models", len(a))
    orders = (generator.permutation(len(a)) for _ in range(draws))
    null = np.array([np.vdot(first, second[np.ix_(order, order)]) for order in orders])
    # permutations that only exchange models that are alike give the same number, but for rounding
    reached = int(np.count_nonzero(np.abs(null) >= abs(value) - 1e-12))
    return Association(value, (1 + reached) / (1 + draws), len(a))


def _standardised(table: np.ndarray, method: str, name: str) -> np.ndarray:
    """The pairs (or their ranks) centred and of norm 1 over both triangles, 0 in the diagonal."""
    values = upper(table)
    if np.ptp(values) == 0:
        raise ValueError(f"{name} must vary over pairs; all {len(values)} are {values[0]:g}. Compare another table.")
    values = scipy.stats.rankdata(values) if method == "spearman" else values
    values = values - values.mean()
    out = np.zeros(table.shape)
    out[np.triu_indices(len(table), 1)] = values / (np.sqrt(2) * np.linalg.norm(values))
    return out + out.T


def _check(table: np.ndarray, name: str) -> None:
    if table.ndim != 2 or table.shape[0] != table.shape[1] or len(table) < FEWEST:
        raise ValueError(f"{name} must be M x M with M >= {FEWEST} models; it has shape {table.shape}. Add models.")
    values = table[~np.eye(len(table), dtype=bool)]
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite; {np.count_nonzero(~np.isfinite(values))} entries are not. Score them."
        )
    if not np.allclose(table, table.T):
        i, j = np.argwhere(~np.isclose(table, table.T))[0]
        raise ValueError(
            f"{name} must be symmetric; entries {i}, {j} are {table[i, j]:.3g} and {table[j, i]:.3g}. "
            "Take the mean of both directions."
        )
