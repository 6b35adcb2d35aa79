"""The nearest rows of each row by inner product: found with float32 products, decided by float64 ones.

A block of float32 products passes once over its entries: the largest of each of some strips of columns are taken, and
the candidates lie in the strips with the largest ones. Two products that are further apart than the rounding error of
both are in the order of the float64 products; others are computed in float64, and so are all products of a row whose
candidates are too many. The lists are therefore those of float64 products, at the price of float32 ones.
The rounding error of an inner product of d terms is at most (d + 3) u |x| |y|, u the unit roundoff, and of the order of
sqrt(d) u |x| |y| (Higham and Mary 2019). (2 sqrt(d) + 3) u |x| |y| is allowed for; the largest of 2 * 10^7 errors was a
quarter of that at d = 512.
With several threads each works at blocks of its own: the passes over the entries take as much of the threads as the
products do.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

BLOCK = 512  # rows of products in work at once, of all threads: 512 x 10,000 float32 are 20 MB
LEAST_BLOCK = 64  # rows; products of fewer are slow
FEW = 1000  # with fewer rows float64 products take milliseconds
STRIP = 16  # columns whose maximum stands for them: from 8 to 20 the sum of both searches is nearly the same
SPARE = 6  # candidates beyond 2 k: rows whose neighbours are that close have all their products made again
ROUNDING = 2.0**-24  # unit roundoff of float32
UNDERFLOW = 2.0**-126  # a float32 product below this may have lost all digits
GATHERED = 1 << 20  # entries of candidates' features gathered at once: 8 MB


def nearest(x: np.ndarray, k: int) -> np.ndarray:
    """The k nearest rows of each row by inner product, itself excluded.

    Parameters
    ----------
    x : n x d float64 features, preprocessed and checked.
    k : number of neighbours, 1 <= k < n.

    Returns
    -------
    n x k row indices, nearest first; of equal products the earlier row first.
    """
    n, d = x.shape
    lists = np.empty((n, k), np.int64)
    count = 2 * k + SPARE
    lengths = np.sqrt(np.einsum("ij,ij->i", x, x))
    if n < FEW or count * STRIP > n or not lengths.max() > 0:
        lists[:] = _decided(x, np.arange(n), k)
        return lists
    errors = (2 * np.sqrt(d) + 3) * ROUNDING * (lengths / lengths.max())[:, None] + d * UNDERFLOW
    z = np.zeros((-(-n // STRIP) * STRIP, d), np.float32)
    z[:n] = x / lengths.max()

    def search(rows: np.ndarray) -> None:
        candidates, products = _candidates(z, rows, n, count)
        lists[rows] = candidates[:, :k]
        apart = 2 * errors[rows]
        lost = products[:, k - 1] - products[:, -1] <= apart[:, 0]  # a neighbour may be no candidate
        close = (products[:, :k] - products[:, 1 : k + 1] <= apart).any(axis=1) & ~lost
        lists[rows[close]] = _rescored(x, rows[close], candidates[close], k)
        lists[rows[lost]] = _decided(x, rows[lost], k)

    threads = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
    step = max(LEAST_BLOCK, BLOCK // threads)
    blocks = [np.arange(start, min(start + step, n)) for start in range(0, n, step)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as workers:
        list(workers.map(search, blocks))
    return lists


def products_at(x: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """The inner products of each row of x (n x d) with those in its list (n x k): n x k, float64."""
    return _products(x, np.arange(len(x)), lists)


def _products(x: np.ndarray, rows: np.ndarray, lists: np.ndarray) -> np.ndarray:
    products = np.empty(lists.shape)
    step = max(1, GATHERED // (lists.shape[1] * x.shape[1]))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        products[some] = (x.take(lists[some], axis=0) @ x[rows[some], :, None])[:, :, 0]
    return products


def _candidates(z: np.ndarray, rows: np.ndarray, n: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each of some rows the columns of the ``count`` largest float32 products, and these, largest first.

    ``rows`` follow one another; z has rows of zeros beyond the n-th, so that strips are equally wide.
    """
    width = len(z) // STRIP
    block = z[rows[0] : rows[-1] + 1] @ z.T
    block[:, n:] = -np.inf
    block[rows - rows[0], rows] = -np.inf
    best = block.reshape(len(rows), STRIP, width).max(axis=1)  # of each strip: columns j, j + width, ...
    strips = np.argpartition(best, width - count, axis=1)[:, width - count :]
    columns = (strips[:, :, None] + width * np.arange(STRIP)).reshape(len(rows), -1)
    products = np.take_along_axis(block, columns, axis=1)
    order = np.argpartition(-products, count - 1, axis=1)[:, :count]
    order = np.take_along_axis(order, np.argsort(-np.take_along_axis(products, order, axis=1), axis=1), axis=1)
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(products, order, axis=1)


def _rescored(x: np.ndarray, rows: np.ndarray, candidates: np.ndarray, k: int) -> np.ndarray:
    """The k nearest of each row's candidates by float64 products."""
    candidates = np.sort(candidates, axis=1)  # so that a stable order puts the earlier of equal products first
    order = np.argsort(-_products(x, rows, candidates), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1)


def _decided(x: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """The k nearest rows of some rows by float64 products with all."""
    n = len(x)
    lists = np.empty((len(rows), k), np.int64)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        block = x[some] @ x.T  # (b, n)
        block[np.arange(len(some)), some] = -np.inf
        candidates = np.sort(np.argpartition(block, n - k, axis=1)[:, n - k :], axis=1)  # (b, k), by index
        values = np.take_along_axis(block, candidates, axis=1)
        chosen = np.take_along_axis(candidates, np.argsort(-values, axis=1, kind="stable"), axis=1)
        # where equal products compete for the last place, the partition's choice depends on the processor
        tied = np.count_nonzero(block >= values.min(axis=1, keepdims=True), axis=1) > k
        chosen[tied] = np.argsort(-block[tied], axis=1, kind="stable")[:, :k]
        lists[start : start + BLOCK] = chosen
    return lists
