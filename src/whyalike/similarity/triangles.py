"""RSA of many representations: the finished triangle of each is made once, and lies on disk beyond some memory.

The dissimilarities of `whyalike.similarity.metrics.rsa` go into the triangle some rows at a time, so that no n x n
array is made; all pairs are then one product of triangles, some entries at a time.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from whyalike.similarity.metrics.rsa import ROUNDING, _lengths, _unit_rows, rounded
from whyalike.similarity.precision import row_blocks

ROWS = 512  # of dissimilarities made at once
ENTRIES = 1 << 20  # numbers of triangles in work at once
RANKED = 1 << 17  # groups of equal dissimilarities in work at once
CHUNK = 1 << 13  # entries of triangles in one float32 sum


def finished(x: np.ndarray, parameters: Mapping[str, Any], rows: Iterator[np.ndarray]) -> None:
    """The triangle of x (n x p, float64) as `rsa.prepare` has it: ranked if asked, centred, of norm 1.

    Parameters
    ----------
    rows : the next of them takes it, n (n - 1) / 2.

    Raises
    ------
    UndefinedScore : a row without direction; dissimilarities that are all equal.
    """
    values = rounded(dissimilarities(x, parameters["rdm"]))
    if parameters["comparison"] == "spearman":
        rank(values)
    values -= values.mean()
    values /= np.linalg.norm(values)
    next(rows)[:] = values


def dissimilarities(x: np.ndarray, rdm: str) -> np.ndarray:
    """The upper triangle of the dissimilarities of x (n x p), row by row: n (n - 1) / 2."""
    if rdm == "correlation":
        x = _unit_rows(x - x.mean(axis=1)[:, None], _lengths(x), "that vary over units (1 - Pearson)")
    elif rdm == "cosine":
        x = _unit_rows(x, 0, "other than 0 (1 - cosine)")
    n, x = len(x), x - x.mean(axis=0)  # which loses fewer digits
    squares, values, done = (x * x).sum(axis=1), np.empty(n * (n - 1) // 2), 0
    for some in row_blocks(n, ROWS):
        block = x[some] @ x[some.start :].T
        block *= -2
        both = squares[some, None] + squares[some.start :]
        block += both
        block[block < ROUNDING * both] = 0
        for i, row in enumerate(block):
            own = row[i + 1 :]
            values[done : done + len(own)] = own
            done += len(own)
    if rdm == "euclidean":
        return np.sqrt(values, out=values)
    values /= 2
    return values


def rank(values: np.ndarray) -> None:
    """Put the ranks of values in their place, as `rsa.average_ranks` gives them: with a quarter of its memory."""
    order, is_edge = np.argsort(values), np.ones(len(values) + 1, bool)  # of groups of equal values
    ordered = values.take(order)
    np.not_equal(ordered[1:], ordered[:-1], out=is_edge[1:-1])
    del ordered
    edges = np.flatnonzero(is_edge)
    for some in row_blocks(len(edges) - 1, RANKED):
        own = edges[some.start : some.stop + 1]
        values[order[own[0] : own[-1]]] = np.repeat((own[:-1] + own[1:] + 1) / 2, np.diff(own))


def products(triangles: np.ndarray) -> np.ndarray:
    """The inner products of all pairs of M triangles (M x N): M x M."""
    count, size = triangles.shape
    total, step = np.zeros((count, count)), max(CHUNK, ENTRIES // count)
    for start in range(0, size, step):
        some = np.ascontiguousarray(triangles[:, start : start + step])
        for chunk in range(0, some.shape[1], CHUNK):
            entries = some[:, chunk : chunk + CHUNK]
            total += entries @ entries.T
    return total
