"""The centred RBF kernel of a representation, HKH with K = exp(-distance^2 / (2 sigma^2)).

Distances come from inner products of centred features (which loses fewer digits), for the upper half of the matrix,
which is mirrored when it is finished. Of many rows the kernel is kept in float32: rounding moves a score by 1e-8, and
10,000 rows take 400 MB.
"""

from collections.abc import Iterator

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.precision import FEW_ROWS, centred

BLOCK = 256  # rows of distances in work at once
COINCIDING = 1e-6  # relative to the root mean square length: rounding leaves equal rows 1e-8 apart
WIDTHS = (1e-15, 1e15)  # relative to it: of a narrower or wider kernel float64 has the same score
WIDE = 0.1  # sigma^2 relative to the mean squared length, from which float32 products are exact enough for exp


def rbf_kernel(x: np.ndarray, sigma: float | None, sigma_median: float, single: bool) -> np.ndarray:
    """The centred kernel of x (n x d): n x n, float32 from `FEW_ROWS` rows on.

    Parameters
    ----------
    sigma : width in the units of x, or None for ``sigma_median`` times the median distance.
    single : whether inner products may be made in float32.
    """
    rows, squares = centred(x, single)
    kernel = np.empty((len(x), len(x)), np.float32 if len(x) >= FEW_ROWS else np.float64)
    scale = float(np.sqrt(squares.mean()))  # distances are in units of it: float32 would not hold large squares
    rows /= scale
    lengths = (squares / scale**2).astype(rows.dtype)
    for some, right in _upper(len(x)):
        block = rows[some] @ rows[right].T  # which begins on the diagonal
        block *= -2
        block += lengths[some, None]
        block += lengths[right]
        np.fill_diagonal(block, 0)
        np.maximum(block, 0, out=kernel[some, right])
    width = sigma_median * median_distance(kernel) if sigma is None else sigma / scale
    if rows.dtype == np.float32 and width**2 < WIDE:
        return rbf_kernel(x, sigma, sigma_median, single=False)
    if sigma is None:
        check_width(width / sigma_median)
    width = min(max(width, WIDTHS[0]), WIDTHS[1])
    _exponentiate(kernel, width)
    means = kernel.mean(axis=1, dtype=np.float64)
    of_rows, of_columns = means.astype(kernel.dtype), (means - means.mean()).astype(kernel.dtype)
    for some, _ in _upper(len(x)):
        kernel[some] -= of_rows[some, None]
        kernel[some] -= of_columns
    return kernel


def check_width(median: float) -> None:
    """Raise UndefinedScore if a median distance, in units of the rows' root mean square length, is 0."""
    if not median > COINCIDING:
        raise UndefinedScore(
            "cka_rbf needs a median distance above 0: half of the stimuli or more coincide. Give sigma."
        )


def _exponentiate(kernel: np.ndarray, width: float) -> None:
    """Put exp(-squared / (2 width^2)) in the place of squared distances, and mirror it.

    Where most of these are near 1, it is exp - 1: centring makes it the same, and the digits are kept.
    """
    near = np.median(kernel[:BLOCK]) < 2 * width**2
    for some, right in _upper(len(kernel)):
        block = kernel[some, right]
        block *= -1 / (2 * width**2)
        (np.expm1 if near else np.exp)(block, out=block)
        kernel[right, some] = block.T


def _upper(n: int) -> Iterator[tuple[slice, slice]]:
    """Rows, and the columns from their first one on."""
    return ((slice(start, min(start + BLOCK, n)), slice(start, n)) for start in range(0, n, BLOCK))


def median_distance(squared: np.ndarray) -> float:
    """The median of the roots of the entries above the diagonal of an n x n matrix; others are not read."""
    n = len(squared)
    values, done = np.empty(n * (n - 1) // 2, squared.dtype), 0
    for i in range(n - 1):
        values[done : done + n - 1 - i] = squared[i, i + 1 :]
        done += n - 1 - i
    half = len(values) // 2
    values.partition(half)
    middle = values[half : half + 1] if len(values) % 2 else np.array([values[:half].max(), values[half]])
    return float(np.sqrt(middle.astype(np.float64)).mean())
