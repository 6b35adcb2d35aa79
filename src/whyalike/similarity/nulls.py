"""Permutation nulls: what a score is when rows no longer correspond.

Row permutation takes away every correspondence of stimuli: the mean of its draws is the chance level. Permutation
within classes keeps what the classes alone explain. The draws are keyed by what names the pair's stimuli, not by the
metric, so that all metrics of a pair see the same draws and a re-run gives the same numbers. Where there are no more
orders than draws asked for, all of them but the given one stand in their place, each once: p is then exact.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from math import factorial, prod

import numpy as np

from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.moments import Alignment, PearsonIII, null_of_rows
from whyalike.similarity.within_class import OfClasses, null_within_class

EQUAL = 1e-8  # relative: draws that differ from the score by less are equal to it but for rounding
FEW_ROWS = 32  # of as many, rows that are equal are looked for


def row_orders(generator: np.random.Generator, n: int, draws: int, every: np.ndarray | None = None) -> np.ndarray:
    """Uniform permutations of n rows; draws x n, int32 (thousands of draws of thousands of rows stay small).

    Parameters
    ----------
    every : rows (n x d) that are permuted. Where they have at most ``draws`` other orders, rows that are equal counting
        as one, these are given, each once. None: orders are always drawn.
    """
    if every is not None and (others := _other_orders(every, draws)) is not None:
        return others
    return generator.permuted(np.tile(np.arange(n, dtype=np.int32), (draws, 1)), axis=1)


def within_class_orders(
    generator: np.random.Generator, groups: np.ndarray, draws: int, every: bool = False
) -> np.ndarray:
    """Uniform permutations among the rows of each class.

    Parameters
    ----------
    groups : class of each row, n.
    draws : number of permutations.
    every : whether all other orders, each once, take their place where they are at most ``draws``.

    Returns
    -------
    draws x n, int32; ``groups[order]`` equals ``groups`` for each of them.
    """
    sizes = np.unique(groups, return_counts=True)[1].tolist()
    if every and max(sizes) <= draws and 1 < prod(map(factorial, sizes)) <= draws + 1:
        return _other_orders_within(groups)
    orders = np.tile(np.arange(len(groups), dtype=np.int32), (draws, 1))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        orders[:, rows] = generator.permuted(orders[:, rows], axis=1)
    return orders


def _other_orders(rows: np.ndarray, most: int) -> np.ndarray | None:
    """All orders of rows (n x d) that differ from the given one, each once; None where they are more than ``most``."""
    n = len(rows)
    if n > FEW_ROWS:
        return None
    kind = np.unique(rows, axis=0, return_inverse=True)[1].ravel()  # of each row, equal for equal rows
    sizes = np.bincount(kind).tolist()
    if factorial(n) // prod(map(factorial, sizes)) > most + 1:
        return None
    own = np.argsort(kind, kind="stable")  # rows of one kind after another
    places = np.argsort(list(_arrangements(sizes)), axis=1, kind="stable")  # of these rows
    orders = np.empty(places.shape, np.int32)
    np.put_along_axis(orders, places, np.broadcast_to(own, places.shape), axis=1)
    return orders[(kind[orders] != kind).any(axis=1)]


def _arrangements(sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All sequences that hold each number i ``sizes[i]`` times."""
    if not any(sizes):
        yield ()
    for i, size in enumerate(sizes):
        if size:
            yield from ((i, *rest) for rest in _arrangements([*sizes[:i], size - 1, *sizes[i + 1 :]]))


def _other_orders_within(groups: np.ndarray) -> np.ndarray:
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    orders = [np.concatenate(parts) for parts in product(*(permutations(one) for one in rows))]
    orders = np.array(orders, np.int32)[1:]  # the first one is the given one
    orders[:, np.concatenate(rows)] = orders.copy()
    return orders


def closed_null(value: float, kernels: Sequence[Alignment | None]) -> dict[str, float]:
    """Mean, 95 % point and p of row permutations without draws; nothing where there is no closed form.

    Parameters
    ----------
    value : the score, a mean over subsets of stimuli.
    kernels : of each subset. A mean of several scores that are cut at 0 has none.
    """
    null = None if None in kernels else null_of_rows(kernels)
    is_cut = any(pair is not None and pair.cut for pair in kernels)
    if null is None or (is_cut and len(kernels) > 1):
        return {}
    return _of_distribution(value, null, is_cut)


def closed_within_class(value: float, classes: Sequence[OfClasses | None]) -> dict[str, float]:
    """The same of permutations within class, as `within_class_null` names it."""
    null = None if None in classes else null_within_class(classes)
    is_cut = any(pair is not None and pair.cut for pair in classes)
    return {} if null is None or (is_cut and len(classes) > 1) else _within(_of_distribution(value, null, is_cut))


def _of_distribution(value: float, null: PearsonIII, is_cut: bool) -> dict[str, float]:
    end, p = null.point(above=0.05), null.p_value(value)
    if not is_cut:
        return {"null_mean": null.mean, "null_p95": end, "p_value": p}
    return {"null_mean": null.mean_above_zero(), "null_p95": max(0.0, end), "p_value": p if value > 0 else 1.0}


def null_of_draws(value: float, draws: Sequence[float], kind: str) -> dict[str, float]:
    """Mean, end and p of row permutations, from scores of permuted rows."""
    return {
        "null_mean": float(np.mean(draws)),
        "null_p95": null_end(draws, kind),
        "p_value": p_value(value, draws, kind),
    }


def within_class_null(value: float, draws: Sequence[float], kind: str) -> dict[str, float]:
    """The same of permutations within class: where classes alone explain a score, this p is not small."""
    return _within(null_of_draws(value, draws, kind))


def _within(found: dict[str, float]) -> dict[str, float]:
    columns = {"null_mean": "null_within_class", "null_p95": "null_within_class_p95", "p_value": "p_within_class"}
    return {columns[name]: value for name, value in found.items()}


def p_value(value: float, draws: Sequence[float], kind: str = "similarity") -> float:
    """(1 + b) / (1 + B), b of B null draws at least as alike as the score: never 0.

    Draws that equal the score but for rounding count. Of all other orders in place of draws p is exact.

    Parameters
    ----------
    kind : of the metric: a "similarity" counts the draws that are at least as large, a "distance" those at least as
        small.
    """
    sign, draws = sign_of_likeness(kind), np.asarray(draws)
    rounding = EQUAL * max(abs(value), float(np.abs(draws).max(initial=0)))
    return (1 + int(np.count_nonzero(sign * draws >= sign * value - rounding))) / (1 + len(draws))


def null_end(draws: Sequence[float], kind: str = "similarity") -> float:
    """The value that 5 % of the draws go beyond towards likeness, or reach: the 95 % quantile (the next larger draw) of
    a similarity, the 5 % quantile (the next smaller one) of a distance.
    """
    sign = sign_of_likeness(kind)
    return float(sign * np.quantile(sign * np.asarray(draws), 0.95, method="higher"))
