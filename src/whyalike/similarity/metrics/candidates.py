"""Which rows can be among the nearest of each row: one pass of float32 products, each made once for both of its rows.

Products are made in square blocks of which one triangle is enough: a block serves its rows, and transposed its columns.
Of each row the largest products of some strips of columns stand for them. The k-th largest of those seen so far is a
bound that the k-th nearest row reaches, so that only strips beyond it are looked into. The bound grows with each block:
of the later ones hardly any strip is.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from whyalike.similarity.streamed import Streamed

SIDE = 1536  # rows of a block of products: 9 MB
STRIP = 16  # columns whose maximum stands for them
CROWDED = 8  # times as many strips of a block as neighbours: a row with more has so many ties that it is left out
LIMITING = Lock()  # the limit is of the whole process: a second search in it would take the first one's for its own
WORKING = 8  # blocks of a `Streamed` that all threads may take at once
NONE = -4.0  # in place of a product; those of rows of length 1 are at least -1


def candidates(x: np.ndarray, k: int, count: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """The rows with the largest inner products with each row, itself excluded.

    Parameters
    ----------
    x : n x d, rows of length 1, or 0.
    k : number of neighbours that must be among them.
    count : how many are given.
    apart : float32 products that are closer may be in the wrong order.

    Returns
    -------
    columns, products : n x count, the largest first. All that can be one of the k nearest are among the rows whose
        product is above the k-th less ``apart``; those that lack have the product `NONE`. Where they are too many, all
        products of a row are 0.
    """
    n = len(x)
    blocks = -(-n // max(SIDE, 4 * STRIP * k))
    side = -(-n // (blocks * STRIP)) * STRIP
    block = _blocks(x, side, blocks * side)
    rows = [_Rows(side, k, apart) for _ in range(blocks)]

    def multiply(both: tuple[int, int]) -> None:
        i, j = both
        products = block(i) @ block(j).T
        products[max(0, n - i * side) :] = products[:, max(0, n - j * side) :] = NONE
        if i == j:
            np.fill_diagonal(products, NONE)
        else:
            rows[j].look_at(products.T, i * side)
        rows[i].look_at(products, j * side)

    # a row's own block first: its bound is good from the start
    pairs = sorted(((i, j) for i in range(blocks) for j in range(i, blocks)), key=lambda both: both[1] - both[0])
    with LIMITING:
        threads = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
        if isinstance(x, Streamed):
            threads = max(1, min(threads, WORKING * x.room // (side * (5 * side + 16 * x.shape[1]))))
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as workers:
            list(workers.map(multiply, pairs))
    largest = [one.largest(count) for one in rows]
    return tuple(np.concatenate(both)[:n] for both in zip(*largest, strict=True))


def _blocks(x: Any, side: int, padded: int) -> Callable[[int], np.ndarray]:
    """What gives each block of ``side`` rows of x in float32, rows of 0 behind the last."""

    def rows_of(start: int, stop: int) -> np.ndarray:
        rows = np.zeros((stop - start, x.shape[1]), np.float32)
        rows[: max(0, min(stop, len(x)) - start)] = x[start:stop]
        return rows

    if isinstance(x, Streamed):
        return lambda i: rows_of(i * side, (i + 1) * side)
    z = rows_of(0, padded)
    return lambda i: z[i * side : (i + 1) * side]


class _Rows:
    """The candidates of the rows of one block."""

    def __init__(self, side: int, k: int, apart: float):
        self.side, self.k, self.apart = side, k, apart
        self.best = np.empty((side, 0), np.float32)  # of the strips' maxima
        self.found: list[tuple[np.ndarray, ...]] = []  # rows, columns and products
        self.crowded = np.zeros(side, bool)
        self.lock = Lock()

    def look_at(self, products: np.ndarray, first: int) -> None:
        """Take the candidates from the products (side x side) with the rows from the ``first`` on."""
        width = self.side // STRIP
        maxima = products[:, :width].copy(order="K")
        for start in range(width, self.side, width):
            np.maximum(maxima, products[:, start : start + width], out=maxima)
        with self.lock:
            known = np.concatenate([self.best, maxima], axis=1)
            known.partition(known.shape[1] - self.k, axis=1)
            self.best = known[:, known.shape[1] - self.k :].copy()
            bound = self._bound()
        rows, strips = np.nonzero(maxima >= bound[:, None])
        crowded = np.bincount(rows, minlength=self.side) > CROWDED * self.k
        few = ~crowded[rows]
        rows, strips = rows[few], strips[few]
        columns = strips[:, None] + width * np.arange(STRIP)
        inside = products[rows[:, None], columns]
        chosen = inside >= bound[rows, None]
        rows = np.broadcast_to(rows[:, None], columns.shape)[chosen]
        with self.lock:
            self.crowded |= crowded
            self.found.append((rows, columns[chosen] + first, inside[chosen]))

    def _bound(self) -> np.ndarray:
        """What the product with a row must reach to be a candidate."""
        return np.maximum(self.best[:, 0] - np.float32(self.apart), np.nextafter(np.float32(NONE), np.float32(0)))

    def largest(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The candidates (side x count) with the largest products, and these."""
        rows, columns, products = map(np.concatenate, zip(*self.found, strict=True))
        still = products >= self._bound()[rows]  # most were found while the bound was lower
        rows, columns, products = rows[still], columns[still], products[still]
        order = np.lexsort((columns, -products, rows))
        rows = rows[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        kept = place < count
        at, order = (rows[kept], place[kept]), order[kept]
        chosen, values = np.zeros((self.side, count), np.int64), np.full((self.side, count), NONE, np.float32)
        chosen[at], values[at] = columns[order], products[order]
        values[self.crowded] = 0
        return chosen, values
