"""The null of permutations within class of a linear kernel's score, from moments in place of draws.

Of centred features X and Y (n x d), split each row into the mean of its class and a rest: x_i = m_c + e_i. For an order
P of the rows within each class, X'PY = A + B. No order changes A = sum n_c m_c m_c*'; B is the sum of an independent
part e'Pe* of each class, of mean 0. So Z = |X'PY|^2 = |A|^2 + 2 <A, B> + |B|^2 has mean and variance in closed form:
those of |B_c|^2 are the RV coefficient's (`whyalike.similarity.moments`), those of <A, B_c> are of one matrix under row
permutations. The third moment is that of normal rows with one covariance for all classes. Unbiased CKA subtracts the
products of the kernels' diagonals, whose moments are as simple.

The tests hold the 95 % and 99 % points of 120 rows in five classes against 20,000 draws.

All that is needed of a representation is made once; a pair costs n C^2, C the number of classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whyalike.similarity.moments import PearsonIII, pearson_iii, variance_of_orders
from whyalike.similarity.precision import cross_weighted, sum_of_rows

MOST_SKEWED = 1.5
HEAVY = 0.5  # tails: of null pairs with heavier ones up to 3 % had a p of .01
SMALLEST_P = 1e-2  # farther out the third moment of normal rows is too little
FEWEST = 4  # rows of a class: the variance divides by n_c - 3
MOST_BYTES = 1 << 28  # of the covariances of all classes


@dataclass(frozen=True)
class ClassSums:
    """What the null needs of centred features, their rows in the order of the classes.

    Attributes
    ----------
    sizes : rows of each class, C.
    constant : products of the classes' means, times the roots of their sizes: C x C.
    towards : products of each row's rest with these means, n x C.
    overlaps : of the rests' covariances S_c of two classes, tr(S_c S_c'): C x C.
    spread, fourth : sums of |e|^2 and |e|^4, C.
    skewed : sums of |e|^2 times ``towards``, C x C.
    square : tr S^2, S the sum of all S_c.
    cube : sum of k_ij k_jl k_li over rows that differ, k the products of rests.
    steep : sum of k_ij over pairs of rows that differ, times both rows' ``towards``: C x C.
    mean_diagonal, diagonal : the kernel's diagonal, its class means (C), and what is left of it (n).
    lengths : |e|^2, n.
    """

    sizes: np.ndarray
    constant: np.ndarray
    towards: np.ndarray
    overlaps: np.ndarray
    spread: np.ndarray
    fourth: np.ndarray
    skewed: np.ndarray
    square: float
    cube: float
    steep: np.ndarray
    mean_diagonal: np.ndarray
    diagonal: np.ndarray
    lengths: np.ndarray

    @property
    def tails(self) -> float:
        """How much more the squared lengths of the rests vary than those of normal rows of the same covariance: n sum
        |e|^4 / (sum |e|^2)^2 less 1 + 2 tr S^2 / (tr S)^2, which is 0 for these.
        """
        total = self.spread.sum()
        return float(len(self.lengths) * self.fourth.sum() / total**2 - 1 - 2 * self.square / total**2)

    @property
    def starts(self) -> np.ndarray:
        """The first row of each class."""
        return np.cumsum(self.sizes) - self.sizes

    def of_classes(self, values: np.ndarray) -> np.ndarray:
        """Sums of rows (n, or n x something) by class."""
        return np.add.reduceat(values, self.starts, axis=0)


def class_sums(x: np.ndarray, diagonal: np.ndarray, groups: np.ndarray) -> ClassSums | None:
    """The sums of centred features.

    Parameters
    ----------
    x : n x d, centred. diagonal : |x_i|^2, n. groups : class of each row, n.

    Returns
    -------
    None where a class has fewer than `FEWEST` rows, or the classes' covariances are too large.
    """
    order = np.argsort(groups, kind="stable")
    sizes = np.unique(groups, return_counts=True)[1]
    d = x.shape[1]
    if sizes.min() < FEWEST or len(sizes) * d * d * x.itemsize > MOST_BYTES:
        return None
    x, diagonal = x[order], diagonal[order]
    starts = np.cumsum(sizes) - sizes
    means, covariances = np.empty((len(sizes), d)), np.empty((len(sizes), d, d), x.dtype)
    for mean, covariance, start, size in zip(means, covariances, starts, sizes, strict=True):
        rows = x[start : start + size]
        mean[:] = sum_of_rows(rows) / size
        rows -= mean.astype(x.dtype)  # in place: x is a copy
        np.matmul(rows.T, rows, out=covariance)
    rests = x
    means *= np.sqrt(sizes)[:, None]
    towards = rests @ means.T.astype(x.dtype)
    total = covariances.sum(axis=0, dtype=np.float64)
    flat = covariances.reshape(len(sizes), -1)
    lengths = np.einsum("ij,ij->i", rests, rests, dtype=np.float64)
    mean_diagonal = np.add.reduceat(diagonal, starts) / sizes
    # only rows that differ count: the third moment of few wide rows would be that of their diagonal
    of_square = float(np.vdot(total, cross_weighted(rests, lengths)))  # sum of |e|^2 e'Se
    cube = np.vdot(total @ total, total) - 3 * of_square + 2 * (lengths**3).sum()
    through = rests.T @ towards  # d x C
    return ClassSums(
        sizes=sizes,
        constant=means @ means.T,
        towards=towards,
        overlaps=(flat @ flat.T).astype(np.float64),
        spread=np.add.reduceat(lengths, starts),
        fourth=np.add.reduceat(lengths**2, starts),
        skewed=np.add.reduceat(lengths[:, None] * towards, starts, axis=0),
        square=float(np.vdot(total, total)),
        cube=float(cube),
        steep=(through.T @ through).astype(np.float64) - towards.T @ (lengths[:, None] * towards),
        mean_diagonal=mean_diagonal,
        diagonal=diagonal - np.repeat(mean_diagonal, sizes),
        lengths=lengths,
    )


def moments_within_class(x: ClassSums, y: ClassSums, hollow: bool) -> tuple[float, float, float]:
    """Mean, variance and third central moment of Z over all orders within classes.

    ``hollow``: of HSIC_1 times n (n - 3), in place of Z.
    """
    sizes = x.sizes.astype(np.float64)
    fewer = sizes - 1
    own = np.diag_indices(len(sizes))
    mean = float(np.vdot(x.constant, y.constant)) + float((x.spread * y.spread / fewer).sum())
    linear = sum(
        np.vdot(a.T @ a, b.T @ b) / (size - 1)
        for size, start in zip(x.sizes, x.starts, strict=True)
        for a, b in [(x.towards[start : start + size], y.towards[start : start + size])]
    )
    of_orders = variance_of_orders(sizes, *((one.spread, one.overlaps[own], one.fourth) for one in (x, y)))
    between = x.overlaps * y.overlaps / np.outer(fewer, fewer)
    between[own] = 0
    with_skewness = ((x.skewed * y.skewed).sum(axis=1) * _of_three(sizes)).sum()
    variance = 4 * float(linear + with_skewness) + float(of_orders.sum()) + 2 * float(between.sum())
    freedom = sizes.sum() - len(sizes)
    third = 8 * (x.cube * y.cube / freedom**3 + 3 * float(np.vdot(x.steep, y.steep)) / freedom**2)
    if hollow:
        of_diagonals = _less_the_diagonals(x, y)
        mean, variance = mean + of_diagonals[0], variance + of_diagonals[1]
    return mean, variance, third


def _of_three(sizes: np.ndarray) -> np.ndarray:
    """Of each class, what a product of a matrix and two kernels is over, for their diagonals."""
    return sizes / ((sizes - 1) * (sizes - 2))


def _less_the_diagonals(x: ClassSums, y: ClassSums) -> tuple[float, float]:
    """What mean and variance change by where the products of the kernels' diagonals are subtracted."""
    n, sizes = len(x.lengths), x.sizes.astype(np.float64)
    share = n / (n - 2)
    totals = [float((sizes * one.mean_diagonal).sum()) for one in (x, y)]
    products = float((sizes * x.mean_diagonal * y.mean_diagonal).sum())
    squares, across, inside = (
        np.multiply(*(one.of_classes(values(one)) for one in (x, y)))
        for values in (
            lambda one: one.diagonal**2,
            lambda one: one.diagonal[:, None] * one.towards,
            lambda one: one.diagonal * one.lengths,
        )
    )
    variance = share**2 * (squares / (sizes - 1)).sum() - 4 * share * (across.sum(axis=1) / (sizes - 1)).sum()
    variance -= 2 * share * (inside * _of_three(sizes)).sum()
    return totals[0] * totals[1] / ((n - 1) * (n - 2)) - share * products, float(variance)


@dataclass(frozen=True)
class OfClasses:
    """Two representations whose score is Z, or HSIC_1 where it is ``hollow``, over a ``divisor``; 0 in place of less
    where it is ``cut``.
    """

    x: ClassSums
    y: ClassSums
    divisor: float
    hollow: bool
    cut: bool = False


def null_within_class(pairs: Sequence[OfClasses]) -> PearsonIII | None:
    """The null of the mean of several scores, the rows of each ordered within its classes; before it is cut.

    None where rows have heavy tails, where its skewness is above `MOST_SKEWED`, or where no order changes anything.
    """
    if any(one.tails > HEAVY for pair in pairs for one in (pair.x, pair.y)):
        return None
    cumulants = np.zeros(3)
    for pair in pairs:
        n = len(pair.x.lengths)
        scale = pair.divisor * n * (n - 3) if pair.hollow else pair.divisor
        cumulants += np.array(moments_within_class(pair.x, pair.y, pair.hollow)) / scale ** np.arange(1, 4)
    return pearson_iii(cumulants / len(pairs) ** np.arange(1, 4), MOST_SKEWED, SMALLEST_P)
