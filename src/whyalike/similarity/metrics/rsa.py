"""Representational similarity analysis: the correlation of two dissimilarity matrices (Kriegeskorte et al. 2008).

The matrix (RDM) holds 1 - Pearson between the stimuli's rows, or 1 - cosine, or the Euclidean distance. The upper
triangles are compared by Spearman (average ranks on ties) or Pearson. Ranks, centring and norm depend on one
representation alone, so a pair is one dot product of two triangles, and each draw of a null one of n x n numbers. A
permutation of rows moves the entries of the triangle among themselves: the mean over all of them is 0. Of many rows the
finished numbers are kept in float32, and their products summed in float64.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.precision import FEW_ROWS

BLOCK = 1 << 16  # entries compared at once: permuted ones stay in the cache, and float32 sums stay short
ROUNDING = 1e-14  # of a squared distance, relative to the squared lengths
DIGITS = 12  # dissimilarities that agree to so many digits are ties: rounding must not order them
TINY = np.finfo(float).tiny
Array = Any  # numpy's, or a tensor on a device: what both have as methods is used for the n^2 d work
CONSTANT = 1e-12  # a row's spread relative to its size that is rounding


@dataclass(frozen=True)
class Dissimilarities:
    """The dissimilarities (or their ranks), centred, of norm 1 over the upper triangle.

    Parameters
    ----------
    triangle : n (n - 1) / 2, row by row.
    matrix : n x n, the same numbers, symmetric, with 0 in the diagonal.
    order : where given, rows and columns of the matrix count in that order.
    """

    triangle: np.ndarray
    matrix: np.ndarray
    order: np.ndarray | None = None


def _lengths(x: Array) -> Array:
    return (x * x).sum(axis=1) ** 0.5


def _unit_rows(x: Array, sizes: Array | float, words: str) -> Array:
    """Rows of length 1; a row that is 0 but for the rounding of numbers of its size has no direction."""
    lengths = _lengths(x)
    bad = lengths <= CONSTANT * sizes
    if bad.any():
        raise UndefinedScore(
            f"rsa needs rows {words}; {int(bad.sum())} of {len(x)} do not, the first is row "
            f"{bad.tolist().index(True)}. Drop these stimuli, or use rdm 'euclidean'."
        )
    return x / lengths[:, None]


def _correlation(x: Array) -> Array:
    z = _unit_rows(x - x.mean(axis=1)[:, None], _lengths(x), "that vary over units (1 - Pearson)")
    return _squared_distances(z) / 2  # 1 - z z'


def _cosine(x: Array) -> Array:
    return _squared_distances(_unit_rows(x, 0, "other than 0 (1 - cosine)")) / 2  # 1 - z z'


def _euclidean(x: Array) -> Array:
    return _squared_distances(x) ** 0.5


def _squared_distances(x: Array) -> Array:
    """Between all rows, n x n; 0 where rounding leaves nothing else, of which the root would be 1e-8."""
    x = x - x.mean(axis=0)  # which loses fewer digits
    squares = (x * x).sum(axis=1)
    squared = x @ x.T
    squared *= -2
    squared += squares[:, None] + squares
    squared[squared < ROUNDING * (squares[:, None] + squares)] = 0
    return squared


RDMS = {"correlation": _correlation, "cosine": _cosine, "euclidean": _euclidean}


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank: scipy's `rankdata` at half of its time."""
    order = np.argsort(values)
    starts = np.flatnonzero(np.diff(values.take(order), prepend=-np.inf))
    ends = np.append(starts[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Dissimilarities:
    """The dissimilarities of x (n x p) as they are compared; 12 n^2 bytes, 6 n^2 of many rows."""
    upper = ~np.tri(len(x), dtype=bool)
    values = upper_triangle(x, upper, parameters)
    return of_unit_length(average_ranks(values) if parameters["comparison"] == "spearman" else values, upper)


def upper_triangle(x: Array, upper: Array, parameters: Mapping[str, Any]) -> Array:
    """The dissimilarities of x (n x p), row by row, in units of the largest; ``upper`` (n x n) says where they are.

    Raises
    ------
    UndefinedScore : a row without direction; dissimilarities that are all equal.
    """
    return rounded(RDMS[parameters["rdm"]](x)[upper])  # (n (n - 1) / 2,)


def rounded(values: Array) -> Array:
    """Dissimilarities in units of the largest, without the digits that are rounding. Raises as `upper_triangle`."""
    values = (values / max(float(abs(values).max()), TINY)).round(decimals=DIGITS)
    if (values == values[0]).all():
        raise UndefinedScore(
            f"rsa needs dissimilarities that differ; all {len(values)} are equal. Use more stimuli, or another rdm."
        )
    return values


def prepare_rdm(rdm: np.ndarray, parameters: Mapping[str, Any]) -> Dissimilarities:
    """Dissimilarities (n x n) that somebody else made, as they are compared."""
    upper = ~np.tri(len(rdm), dtype=bool)
    values = rounded(rdm[upper])
    return of_unit_length(average_ranks(values) if parameters["comparison"] == "spearman" else values, upper)


def of_unit_length(values: np.ndarray, upper: np.ndarray) -> Dissimilarities:
    """The upper triangle (n (n - 1) / 2, overwritten) as it is compared; ``upper`` (n x n) says where it is."""
    values -= values.mean()
    values /= np.linalg.norm(values)
    triangle = values.astype(np.float32 if len(upper) >= FEW_ROWS else np.float64)
    matrix = np.zeros(upper.shape, triangle.dtype)
    matrix[upper] = triangle
    matrix.T[upper] = triangle
    return Dissimilarities(triangle, matrix)


def permute(y: Dissimilarities, order: np.ndarray) -> Dissimilarities:
    """The intermediates of ``y[order]``."""
    return replace(y, order=order)


def compare(x: Dissimilarities, y: Dissimilarities, parameters: Mapping[str, Any]) -> float:
    """The correlation of the two triangles; in [-1, 1]."""
    total = 0.0
    if y.order is None:
        for start in range(0, len(x.triangle), BLOCK):
            some = slice(start, start + BLOCK)
            total += float(np.vdot(x.triangle[some], y.triangle[some]))
        return total
    step = max(1, BLOCK // len(x.matrix))
    for start in range(0, len(x.matrix), step):
        rows = y.order[start : start + step]
        total += float(np.vdot(x.matrix[start : start + step], y.matrix.take(rows, axis=0).take(y.order, axis=1)))
    return total / 2  # each entry stands twice in the matrix


RSA = {"exact": Form(prepare, compare, permute, reads=("rdm", "comparison"), precomputed={"rdm": prepare_rdm})}
