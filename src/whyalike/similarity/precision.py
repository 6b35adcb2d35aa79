"""Products of float32 features: made in float32, some rows at a time, and summed in float64.

Features that come as float32 hold seven digits, and their products take half the time of float64 ones. A sum over all
rows in float32 would lose digits with n (the norm of a 4000^2 matrix was .0007 low), so only blocks of rows are summed
in it. Scores agree with those of float64 to about 1e-8; the tests ask for 1e-6.
"""

from collections.abc import Iterator

import numpy as np

FEW_ROWS = 1000  # with fewer rows float64 takes milliseconds, and rounding errors average over fewer terms
BLOCK = 512  # rows: 2 MB of 512 float64 units stay in the cache
SUMMED = 4096  # rows in one float32 sum: of 1,024, OpenBLAS takes a fifth longer for X'X (d = 512)
DIAGONAL = 0.9  # share of the diagonal in the square of a kernel above which the rest is too small for float32 products
WITHIN = (1e-12, 1e12)  # squared lengths of rows whose products float32 holds, summed over a block


def may_be_single(x: np.ndarray, n: int) -> bool:
    """Whether products of n rows of x may be made in float32: x came with no more digits, and there are many rows."""
    return x.dtype.kind == "f" and x.dtype.itemsize <= 4 and n >= FEW_ROWS


def row_blocks(n: int, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` rows that cover n."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def centred(x: np.ndarray, single: bool) -> tuple[np.ndarray, np.ndarray]:
    """Features less their column means, and the squared lengths of these rows.

    Parameters
    ----------
    x : n x d, of any floating type.
    single : whether the result may be rounded to float32. It is not where float32 could not hold its products.

    Returns
    -------
    rows : n x d, float32 or float64; means are taken in float64.
    squares : n, float64.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    rows, squares = np.empty(x.shape, np.float32 if single else np.float64), np.empty(len(x))
    rounded = mean.astype(rows.dtype)
    rest = (mean - rounded).astype(rows.dtype)  # 0 in float64
    for some in row_blocks(len(x), BLOCK):
        block = np.subtract(x[some], rounded, out=rows[some])
        if single:
            block -= rest
        wide = block.astype(np.float64, copy=False)
        np.einsum("ij,ij->i", wide, wide, out=squares[some])
    if single and not WITHIN[0] < squares.mean() <= squares.max() < WITHIN[1]:
        return centred(x, single=False)
    return rows, squares


def nearly_diagonal(square: float, diagonal: np.ndarray) -> bool:
    """Whether a kernel of a squared Frobenius norm is little but its diagonal: what is left needs float64 products."""
    return float(diagonal @ diagonal) > DIAGONAL * square


def cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """X'Y (p x q, float64) of rows (n x p, n x q); of two float32 matrices, the float64 sum of float32 products."""
    if not x.dtype == y.dtype == np.float32:
        return x.T @ y
    total = np.zeros((x.shape[1], y.shape[1]))
    for some in row_blocks(len(x), SUMMED):
        total += x[some].T @ y[some]
    return total


def sum_of_rows(x: np.ndarray) -> np.ndarray:
    """The sum of the rows (n x d): d, float64; of float32 ones, some rows at a time in float32."""
    ones, total = np.ones(BLOCK, x.dtype), np.zeros(x.shape[1])
    for some in row_blocks(len(x), BLOCK):
        rows = x[some]
        total += ones[: len(rows)] @ rows
    return total


def cross_weighted(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X'WX (d x d, float64) of rows (n x d) and a weight of each, none below 0 (n); as `cross` of float32 ones.

    Of a `whyalike.similarity.streamed.Streamed` so many rows at a time as it makes.
    """
    total, roots = np.zeros((x.shape[1], x.shape[1])), np.sqrt(weights).astype(x.dtype)
    for some in row_blocks(len(x), min(getattr(x, "step", SUMMED), SUMMED)):
        block = x[some] * roots[some, None]
        total += block.T @ block  # of one matrix, so that only half of it is computed
    return total
