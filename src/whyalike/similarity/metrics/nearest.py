"""The nearest rows of each row by inner product: found with float32 products, decided by float64 ones.

Two float32 products that are further apart than the rounding error of both are in the order of the float64 products;
others are computed in float64, and so are all products of a row whose candidates are too many. The lists are therefore
those of float64 products, at less than the price of all float32 ones (`whyalike.similarity.metrics.candidates`).
The rounding error of an inner product of d terms is at most (d + 3) u |x| |y|, u the unit roundoff, and of the order of
sqrt(d) u |x| |y| (Higham and Mary 2019). (2 sqrt(d) + 3) u |x| |y| is allowed for; the largest of 2 * 10^7 errors was a
quarter of that at d = 512. Unless an error is larger, the lists are those of float64 products.
Products that float64 cannot tell apart are ties: rows of 0, duplicate stimuli, features of few values. In the order of
the rows two unrelated representations would agree on them beyond chance, and beyond the null, which permutes one of
them (mutual_knn of independent one-hot features: .086, null .034). So where there are ties, their order is drawn, from
the lists themselves: equal representations, rotated and scaled ones still have equal lists. A row whose nearest k and
more are one tie has a list that is nothing but drawn, and two representations that tie the same rows would have it in
common: such rows are drawn once more (`Neighbours.again`), for the other side of a pair with the same ties. Where every
row ties with all others there are no neighbours, and no score.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.candidates import NONE, STRIP, candidates
from whyalike.similarity.streamed import Streamed

BLOCK = 512  # rows of float64 products in work at once
FEW = 1000  # with fewer rows float64 products take milliseconds
SPARE = 6  # candidates beyond 2 k: rows whose neighbours are that close have all their products made again
ROUNDING = {np.float32: 2.0**-24, np.float64: 2.0**-53}  # unit roundoff
GATHERED = 1 << 16  # entries of candidates' features gathered at once: they stay in the cache
Found = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of each row.

    Parameters
    ----------
    lists : n x k row indices, nearest first; the order of ties is drawn.
    again : the same with another draw for rows whose list is nothing but drawn; None where there are none.
    ties : what the draws are keyed by; empty where there are no ties.
    """

    lists: np.ndarray
    again: np.ndarray | None = None
    ties: str = ""

    @cached_property
    def by_place(self) -> np.ndarray:
        """The lists as `by_place` has them."""
        return by_place(self.lists)


def by_place(lists: np.ndarray) -> np.ndarray:
    """The lists (n x k) with the places in the list first: k x n, int32, which are compared fastest."""
    return np.ascontiguousarray(lists.T, dtype=np.int32)


def neighbours(x: np.ndarray, k: int) -> Neighbours:
    """The k nearest rows of each row by inner product, itself excluded.

    Parameters
    ----------
    x : n x d float64 features, checked, or a `Streamed`; rows of length 1, or 0.
    k : number of neighbours, 1 <= k < n.

    Raises
    ------
    UndefinedScore : every row is equally near to all others.
    """
    return with_drawn_ties(partial(_search, k=k), x)


def fewer(found: Neighbours, k: int) -> Neighbours | None:
    """The k nearest of the neighbours that a search for more gave; None where there are ties, which are drawn by k."""
    return None if found.ties else Neighbours(np.ascontiguousarray(found.lists[:, :k]))


def with_drawn_ties(search: Callable[[Any], tuple[np.ndarray, bool, np.ndarray]], x: Any) -> Neighbours:
    """The neighbours of x (n x d, of any kind of array) with ties in an order that is drawn.

    ``search`` gives the lists of x, of ties the earlier row first; whether there are ties; and how many rows from the
    nearest one on are one tie, of each row.

    Raises
    ------
    UndefinedScore : every row is equally near to all others.
    """
    lists, tied, together = search(x)
    if not tied:
        return Neighbours(lists)
    n, k = lists.shape
    if (together >= n - 1).all():
        raise UndefinedScore(
            f"neighbours need rows that point in different directions; each of these {n} is equally near to all others "
            "but for rounding. Subtract the mean of each unit where all rows share an offset, or use cka."
        )
    ties = hashlib.sha256(lists.tobytes()).hexdigest()

    def drawn(*which: str) -> np.ndarray:
        order = keyed("ties", ties, *which).permutation(n)
        found = np.empty_like(lists)
        found[order] = order[search(x[order])[0]]
        return found

    first, only_drawn = drawn(), together > k
    again = np.where(only_drawn[:, None], drawn("again"), first) if only_drawn.any() else None
    return Neighbours(first, again, ties)


def indistinct(d: int, precision: type[np.floating]) -> float:
    """How far apart two products of d terms of rows of length 1 can be that are equal but for rounding."""
    return 2 * (2 * np.sqrt(d) + 3) * ROUNDING[precision]


def _search(x: np.ndarray, k: int) -> tuple[np.ndarray, bool, np.ndarray]:
    """The lists, of ties the earlier row first, whether there are ties, and how many are one with the nearest."""
    n, d = x.shape
    count = 2 * k + SPARE
    if n < FEW or count * STRIP > n:
        lists, tied, together = _decided(x, np.arange(n), k)
        return lists, bool(tied.any()), together
    apart = indistinct(d, np.float32)
    found, products = candidates(x, k, count, apart)
    lists, tied, together = found[:, :k].copy(), np.zeros(n, bool), np.ones(n, np.int64)
    lost = products[:, k - 1] - products[:, -1] <= apart  # a neighbour may be no candidate
    close = (products[:, :k] - products[:, 1 : k + 1] <= apart).any(axis=1) & ~lost
    for rows, again in (
        (close, _rescored(x, np.flatnonzero(close), found[close], products[close] > NONE, k)),
        (lost, _decided(x, np.flatnonzero(lost), k)),
    ):
        lists[rows], tied[rows], together[rows] = again
    return lists, bool(tied.any()), together


def products_at(x: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """The inner products of each row of x (n x d) with those in its list (n x k): n x k, float64."""
    return _products(x, np.arange(len(x)), lists)


def _products(x: np.ndarray, rows: np.ndarray, lists: np.ndarray) -> np.ndarray:
    products = np.empty(lists.shape)
    step = max(1, GATHERED // (lists.shape[1] * x.shape[1]))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        near = x.take(lists[some].ravel(), axis=0)[:].reshape(*lists[some].shape, -1)
        products[some] = (near @ x.take(rows[some], axis=0)[:][:, :, None])[:, :, 0]
    return products


def _rescored(x: np.ndarray, rows: np.ndarray, found: np.ndarray, real: np.ndarray, k: int) -> Found:
    """The k nearest of each row's candidates (``real`` ones) by float64 products, and their ties as of `_ordered`."""
    products = np.where(real, _products(x, rows, found), NONE)
    return _ordered(found, products, k, indistinct(x.shape[1], np.float64))


def _decided(x: np.ndarray, rows: np.ndarray, k: int) -> Found:
    """The k nearest rows of some rows by float64 products with all, and their ties as of `_ordered`."""
    n, apart = len(x), indistinct(x.shape[1], np.float64)
    lists, tied, together = np.empty((len(rows), k), np.int64), np.empty(len(rows), bool), np.empty(len(rows), np.int64)
    step = max(1, x.room // (8 * n)) if isinstance(x, Streamed) else BLOCK
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        block = x[rows[some]] @ x.T  # (b, n)
        block[np.arange(len(block)), rows[some]] = -np.inf
        candidates = np.argpartition(block, n - k, axis=1)[:, n - k :]  # (b, k)
        values = np.take_along_axis(block, candidates, axis=1)
        chosen, among, together[some] = _ordered(candidates, values, k, apart)
        # others that tie with the last one
        beside = np.count_nonzero(block >= values.min(axis=1, keepdims=True) - apart, axis=1) > k
        everyone = np.broadcast_to(np.arange(n), (np.count_nonzero(beside), n))
        chosen[beside], _, together[some][beside] = _ordered(everyone, block[beside], k, apart)
        lists[some], tied[some] = chosen, among | beside
    return lists, tied, together


def _ordered(columns: np.ndarray, values: np.ndarray, k: int, apart: float) -> Found:
    """The k columns of the largest values in each row, of ties the earlier column first.

    Returns
    -------
    Columns (rows x k); which rows have ties among or beside them; how many values are one tie with the largest.
    """
    order = np.argsort(-values, axis=1)
    columns, values = (np.take_along_axis(z, order, axis=1) for z in (columns, values))
    distinct = values[:, :-1] - values[:, 1:] > apart
    tied = ~distinct[:, :k].all(axis=1)
    groups = np.cumsum(distinct[tied], axis=1)
    keys = np.pad(groups, ((0, 0), (1, 0))) * (columns.max(initial=0) + 1) + columns[tied]
    columns[tied] = np.take_along_axis(columns[tied], np.argsort(keys, axis=1), axis=1)
    together = np.where(distinct.any(axis=1), distinct.argmax(axis=1) + 1, values.shape[1]) if distinct.size else 1
    return columns[:, :k], tied, np.broadcast_to(together, len(columns))
