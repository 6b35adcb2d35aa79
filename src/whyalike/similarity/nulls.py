"""Permutation nulls: what a score is when rows no longer correspond.

Row permutation takes away every correspondence of stimuli: the mean of its draws is the chance level. Permutation
within classes keeps what the classes alone explain. The draws are keyed by what names the pair's stimuli, not by the
metric, so that all metrics of a pair see the same draws and a re-run gives the same numbers.
"""

from collections.abc import Sequence

import numpy as np

from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.moments import KernelSums, null_of_rows


def row_orders(generator: np.random.Generator, n: int, draws: int) -> np.ndarray:
    """Uniform permutations of n rows; draws x n, int32 (thousands of draws of thousands of rows stay small)."""
    return generator.permuted(np.tile(np.arange(n, dtype=np.int32), (draws, 1)), axis=1)


def within_class_orders(generator: np.random.Generator, groups: np.ndarray, draws: int) -> np.ndarray:
    """Uniform permutations among the rows of each class.

    Parameters
    ----------
    groups : class of each row, n.
    draws : number of permutations.

    Returns
    -------
    draws x n, int32; ``groups[order]`` equals ``groups`` for each of them.
    """
    orders = np.tile(np.arange(len(groups), dtype=np.int32), (draws, 1))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        orders[:, rows] = generator.permuted(orders[:, rows], axis=1)
    return orders


def closed_null(value: float, sums: Sequence[tuple[KernelSums, KernelSums] | None]) -> dict[str, float]:
    """Mean, 95 % point and p of row permutations without draws; nothing where there is no closed form.

    Parameters
    ----------
    value : the score, a mean over subsets of stimuli.
    sums : of each subset, those of the two kernels.
    """
    null = None if None in sums else null_of_rows(sums)
    if null is None:
        return {}
    return {"null_mean": null.mean, "null_p95": null.point(above=0.05), "p_value": null.p_value(value)}


def p_value(value: float, draws: Sequence[float], kind: str = "similarity") -> float:
    """(1 + b) / (1 + B), b of B null draws at least as alike as the score: never 0.

    Parameters
    ----------
    kind : of the metric: a "similarity" counts the draws that are at least as large, a "distance" those at least as
        small.
    """
    sign = sign_of_likeness(kind)
    return (1 + int(np.count_nonzero(sign * np.asarray(draws) >= sign * value))) / (1 + len(draws))


def null_end(draws: Sequence[float], kind: str = "similarity") -> float:
    """The value that 5 % of the draws go beyond towards likeness, or reach: the 95 % quantile (the next larger draw) of
    a similarity, the 5 % quantile (the next smaller one) of a distance.
    """
    sign = sign_of_likeness(kind)
    return float(sign * np.quantile(sign * np.asarray(draws), 0.95, method="higher"))
