"""The null of row permutations of a kernel score, from moments in place of draws.

For doubly centred kernels K and L (n x n), Z = tr(K P L P') over all orders P of the rows has moments in closed form:
mean, variance and third moment are those of the RV coefficient (Kazi-Aoual, Hitier, Sabatier and Lebreton, 1995; used
so by Josse, Pages and Husson, 2008). A Pearson III distribution with these three gives the 95 % point and p. An order
of rows does not change the norms of K and L, so the moments of CKA follow. For unbiased CKA the kernels are centred
without their diagonals: the mean is then 0 and the variance 2 / (n (n - 3)), whatever the features.

All that is needed of a kernel are eight sums, made once; a pair costs nothing. Of many rows one of the eight is
estimated, the cubes of the entries from features, tr K^3 from a kernel: it moves the skewness alone. The tests hold the
95 % and 99 % points of 100 rows against 20,000 draws: within 3 % where the skewness is at most 1.5, within 5 % up to
`MOST_SKEWED`. Beyond it one row or one direction outweighs the others: there is no closed form.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used

from whyalike.randomness import keyed
from whyalike.similarity.precision import cross_weighted, row_blocks
from whyalike.similarity.streamed import Streamed

FEWEST_ROWS = 6  # the third moment divides by n - 5
MOST_SKEWED = 2.0
ROUNDING = 1e-9  # a smaller standard deviation of an alignment is none
SYMMETRIC = 1e-3  # a smaller skewness is left out: it moves the 95 % point by .0003 standard deviations
SMALLEST_P = 1e-3  # farther out three moments are too few: the 99.9 % point was up to 5 % too low at a skewness of 1.6
BLOCK = 512  # rows of a kernel made at once
EXACT_ROWS = 2048  # of more rows a sum of third degree is estimated: the skewness moves by less than .1
SAMPLED = 512  # rows
DIRECTIONS = 64


@dataclass(frozen=True)
class KernelSums:
    """Sums over a symmetric kernel K (n x n) whose rows sum to 0, and its diagonal a (n).

    Attributes
    ----------
    trace, square, cube : tr K, tr K^2, tr K^3.
    squares, cubes : of the diagonal, sum a^2 and sum a^3.
    entries : the cubes of all entries, sum k_ij^3.
    weighted_square, weighted : a'diag(K^2) and a'K a.
    """

    n: int
    trace: float
    square: float
    cube: float
    squares: float
    cubes: float
    entries: float
    weighted_square: float
    weighted: float


def sums_of_features(x: np.ndarray, diagonal: np.ndarray, inner: np.ndarray) -> tuple[KernelSums, KernelSums]:
    """The sums of the linear kernel of centred features, and of that kernel as unbiased CKA has it: hollow.

    The hollow kernel is K + u1' + 1u' without its diagonal, with u such that its rows sum to 0.

    Parameters
    ----------
    x : n x d, float32 or float64.
    diagonal : of the kernel, n. inner : X'X, d x d, so that K^2 = X inner X'.
    """
    n, total = len(x), float(diagonal.sum())
    slope, shift = 1 / (n - 2), total / (2 * (n - 1) * (n - 2))
    u = slope * diagonal - shift
    square, cube = float(np.vdot(inner, inner)), float(np.vdot(inner @ inner, inner))
    weighted_square = float(np.vdot(inner, cross_weighted(x, diagonal)))  # sum of a_i x_i' inner x_i
    of_units = x.T @ diagonal.astype(x.dtype)
    entries, hollow_entries = _cubes_beside_the_diagonal(x, diagonal, u)
    squares, cubes = float(diagonal @ diagonal), float((diagonal**3).sum())
    whole = KernelSums(
        n, total, square, cube, squares, cubes, entries + cubes, weighted_square, float(of_units @ of_units)
    )
    # of F = K + u1' + 1u': its diagonal, the diagonal of its square, the traces of its square and cube
    u_total, length = float(u.sum()), float(u @ u)
    to_units = x.T @ u.astype(x.dtype)
    full = diagonal + 2 * u
    beside = 2 * (x @ to_units) + n * u**2 + 2 * u * u_total + length  # in the diagonal of F^2, beside that of K^2
    of_diagonals = (1 + 2 * slope) * weighted_square - 2 * shift * square + float(full @ beside)
    full_square = square + 2 * n * length + 2 * u_total**2
    full_cube = cube + 3 * n * float(to_units @ to_units) + 2 * u_total**3 + 6 * n * length * u_total
    hollow_cube = full_cube - 3 * of_diagonals + 2 * float((full**3).sum())
    return whole, _hollow(n, full_square - float(full @ full), hollow_cube, hollow_entries)


def _cubes_beside_the_diagonal(x: np.ndarray, diagonal: np.ndarray, u: np.ndarray) -> tuple[float, float]:
    """The cubes of k_ij, and of k_ij + u_i + u_j, summed over i != j.

    Of many rows from `SAMPLED` of them, drawn with a chance that grows with the size that their cubes can have.
    """
    n = len(x)
    rows, weights = np.arange(n), np.ones(n)
    if n > EXACT_ROWS:
        chance = diagonal**1.5
        chance = (chance / chance.sum() + 1 / n) / 2
        rows = keyed("rows of a kernel", n).choice(n, SAMPLED, p=chance)
        weights = 1 / (SAMPLED * chance[rows])
    # (k + v)^3 with v = u_i + u_j is k^3 + 3 k^2 v + 3 k v^2 + v^3: only the first two need the entries
    powers = np.stack([np.ones(n), u, u**2, u**3], axis=1)  # n x 4
    own, totals = u[rows], powers.sum(axis=0)
    to_units = (x.T @ powers[:, :3].astype(x.dtype)).astype(np.float64)
    first = x[rows] @ to_units - diagonal[rows, None] * powers[rows, :3]
    second, third = _second_and_third_powers(x, rows, powers[:, :2].astype(x.dtype))
    moved = 3 * (own * second[:, 0] + second[:, 1])
    moved += 3 * (own**2 * first[:, 0] + 2 * own * first[:, 1] + first[:, 2])
    moved += own**3 * n + 3 * own**2 * totals[1] + 3 * own * totals[2] + totals[3] - 8 * own**3
    return float(weights @ third), float(weights @ (third + moved))


def _second_and_third_powers(x: np.ndarray, rows: np.ndarray, powers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of some rows of a linear kernel without its diagonal, the squares times ``powers`` (n x p) and the sum of cubes.

    Blocks stay in the cache, and no sum in float32 is longer than one of their rows. Of a `Streamed` they are its own.
    """
    second, third = np.zeros((len(rows), powers.shape[1])), np.zeros(len(rows))
    step = x.step if isinstance(x, Streamed) else BLOCK
    for others in row_blocks(len(x), step):
        columns = x[others].T
        for some in row_blocks(len(rows), min(step, BLOCK)):
            block = x[rows[some]] @ columns
            inside = np.flatnonzero((rows[some] >= others.start) & (rows[some] < others.stop))
            block[inside, rows[some][inside] - others.start] = 0
            squares = block * block
            second[some] += squares @ powers[others]
            third[some] += np.einsum("ij,ij->i", squares, block)
    return second, third


def sums_of_kernel(kernel: np.ndarray) -> KernelSums:
    """The sums of a kernel (n x n)."""
    diagonal = np.diagonal(kernel).astype(np.float64)
    of_square, entries = np.empty(len(kernel)), 0.0
    for some in row_blocks(len(kernel), BLOCK):
        rows = kernel[some].astype(np.float64)
        of_square[some] = np.einsum("ij,ij->i", rows, rows)
        entries += float((rows * rows * rows).sum())
    return KernelSums(
        len(kernel), float(diagonal.sum()), float(of_square.sum()), _trace_of_cube(kernel), float(diagonal @ diagonal),
        float((diagonal**3).sum()), entries, float(diagonal @ of_square), float(diagonal @ (kernel @ diagonal)),
    )  # fmt: skip


def _trace_of_cube(kernel: np.ndarray) -> float:
    """tr K^3; of many rows by Hutch++ (Meyer, Musco, Musco and Woodruff, 2021): exact on the leading directions, from
    random vectors on the rest.
    """
    n = len(kernel)
    if n <= EXACT_ROWS:
        return float(sum(np.vdot(kernel[some] @ kernel, kernel[some]) for some in row_blocks(n, BLOCK)))
    generator = keyed("directions of a kernel", n)
    probes, random = generator.choice((-1.0, 1.0), size=(2, n, DIRECTIONS)).astype(kernel.dtype)
    leading = np.linalg.qr(kernel @ probes).Q
    random -= leading @ (leading.T @ random)
    total = 0.0
    for vectors, weight in ((leading, 1.0), (random, 1 / DIRECTIONS)):
        once = kernel @ vectors
        total += weight * float(np.vdot(once.astype(np.float64), (kernel @ once).astype(np.float64)))
    return total


def _hollow(n: int, square: float, cube: float, entries: float) -> KernelSums:
    """The sums of a kernel whose diagonal is 0."""
    return KernelSums(n, 0.0, square, cube, 0.0, 0.0, entries, 0.0, 0.0)


@dataclass(frozen=True)
class PearsonIII:
    """A shifted and scaled gamma distribution: mean, standard deviation and skewness of a null."""

    mean: float
    sd: float
    skewness: float
    smallest_p: float = SMALLEST_P

    def point(self, above: float) -> float:
        """The value that a share ``above`` of the distribution lies above."""
        if abs(self.skewness) < SYMMETRIC:
            return self.mean - self.sd * float(scipy.special.ndtri(above))
        shape = 4 / self.skewness**2
        gamma = (
            scipy.special.gammainccinv(shape, above) if self.skewness > 0 else scipy.special.gammaincinv(shape, above)
        )
        return self.mean + self.sd * float(gamma - shape) / shape**0.5 * np.sign(self.skewness)

    def mean_above_zero(self) -> float:
        """The mean, 0 in place of values below it."""
        if abs(self.skewness) < SYMMETRIC:
            z = self.mean / self.sd
            return self.mean * float(scipy.special.ndtr(z)) + self.sd * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        # of start + unit G, G gamma distributed: a mean over the G at which it is above 0
        shape = 4 / self.skewness**2
        unit = self.sd / shape**0.5 * np.sign(self.skewness)
        start = self.mean - shape * unit
        share = scipy.special.gammaincc if unit > 0 else scipy.special.gammainc
        zero = max(0.0, -start / unit)
        return float(start * share(shape, zero) + shape * unit * share(shape + 1, zero))

    def p_value(self, value: float) -> float:
        """The share of the distribution at or above a value; ``smallest_p`` where it is less."""
        z = (value - self.mean) / self.sd
        if abs(self.skewness) < SYMMETRIC:
            return max(self.smallest_p, float(scipy.special.ndtr(-z)))
        shape = 4 / self.skewness**2
        gamma = max(0.0, shape + np.sign(self.skewness) * z * shape**0.5)
        share = scipy.special.gammaincc(shape, gamma) if self.skewness > 0 else scipy.special.gammainc(shape, gamma)
        return max(self.smallest_p, float(share))


@dataclass(frozen=True)
class Alignment:
    """Two kernels of which tr(KL) / sqrt(tr(K^2) tr(L^2)) is a score: times ``scale`` where the score's denominator is
    larger, and 0 in place of less where it is ``cut``.
    """

    x: KernelSums
    y: KernelSums
    scale: float = 1.0
    cut: bool = False


def null_of_rows(pairs: Sequence[Alignment]) -> PearsonIII | None:
    """The null of the mean of several alignments, the rows of each ordered apart; before it is cut.

    None where there are too few rows, a skewness above `MOST_SKEWED`, or no order that changes anything.
    """
    if any(pair.x.n < FEWEST_ROWS for pair in pairs):
        return None
    cumulants = np.mean([_cumulants(pair.x, pair.y, pair.scale) for pair in pairs], axis=0)
    return pearson_iii(cumulants / len(pairs) ** np.arange(3), MOST_SKEWED)


def pearson_iii(cumulants: np.ndarray, most_skewed: float, smallest_p: float = SMALLEST_P) -> PearsonIII | None:
    """The distribution with this mean, variance and third central moment, of a score of the order of 1; None where its
    skewness is larger, or where nothing but rounding varies.
    """
    mean, variance, third = map(float, cumulants)
    if not variance > ROUNDING**2:
        return None
    null = PearsonIII(mean, variance**0.5, third / variance**1.5, smallest_p)
    return None if abs(null.skewness) > most_skewed else null


def _cumulants(x: KernelSums, y: KernelSums, scale: float) -> tuple[float, float, float]:
    """Mean, variance and third central moment of an alignment over all orders of the rows."""
    mean, scale = x.trace * y.trace / (x.n - 1), (x.square * y.square) ** 0.5 / scale
    variance = variance_of_orders(x.n, *((one.trace, one.square, one.squares) for one in (x, y)))
    third = _third(x, y) - 3 * mean * variance - mean**3
    return mean / scale, variance / scale**2, third / scale**3


# of a kernel: tr K, tr K^2 and the squares of its diagonal; numbers, or arrays of several
Moments = tuple[Any, Any, Any]


def variance_of_orders(n: Any, x: Moments, y: Moments) -> Any:
    """The variance of tr(K P L P') over all orders of n rows."""
    whole = [(n - 1) * square - trace**2 for trace, square, _ in (x, y)]
    of_diagonal = [n * (n + 1) * squares - (n - 1) * (trace**2 + 2 * square) for trace, square, squares in (x, y)]
    return (
        2 * whole[0] * whole[1] / ((n - 1) ** 2 * (n + 1) * (n - 2))
        + of_diagonal[0] * of_diagonal[1] / ((n + 1) * n * (n - 1) * (n - 2) * (n - 3))
    )  # fmt: skip


def _third(x: KernelSums, y: KernelSums) -> float:
    """E Z^3: a bilinear form in the third-degree sums of both kernels."""
    n = x.n
    # fmt: off
    upper = np.array([  # rows and columns as in `_of_third_degree`; below the diagonal it is the same
        [n**3 - 9*n**2 + 23*n - 14, 6*(n - 4), 8, -(n - 2)*(3*n**2 - 15*n + 6),
         2*n*(n - 1)*(n - 2), -16, -24*(n - 2), -(6*n**2 - 30*n + 24)],
        [0, 6*(n**3 - 9*n**2 + 24*n - 14), 24*(n - 3), -6*(n - 2)*(n**2 - 5*n + 6),
         12*n*(n - 1)*(n - 2), -6*(2*n**2 - 10*n + 16), -6*(n - 2)*(2*n**2 - 10*n + 24), -6*(4*n**2 - 20*n + 24)],
        [0, 0, 8*(n**3 - 9*n**2 + 26*n - 22), -48*(n - 2),
         16*n*(n - 1)*(n - 2), -8*(3*n**2 - 15*n + 16), -8*(n - 2)*(3*n**2 - 15*n + 24), -8*(3*n**2 - 15*n + 24)],
        [0, 0, 0, 3*(n**4 - 4*n**3 - 2*n**2 + 9*n - 12),
         -3*n*(n - 1)**2*(n + 4), 12*(n**2 - n + 4), 12*(n**3 - 2*n**2 + 9*n - 12), 6*(2*n**3 - 7*n**2 - 3*n + 12)],
        [0, 0, 0, 0, n**2*(n + 1)*(n**2 + 15*n - 4),
         -4*n*(n - 1)*(n**2 - n + 4), -12*n*(n - 1)**2*(n + 4), -6*n*(n - 1)*(n**2 - n + 4)],
        [0, 0, 0, 0, 0, 4*(n**4 - 8*n**3 + 19*n**2 - 4*n - 16), 24*(n**3 - 3*n**2 - 2*n + 8), 24*(n**2 - n - 4)],
        [0, 0, 0, 0, 0, 0, 12*(n**4 - n**3 - 8*n**2 + 36*n - 48), 24*(n**3 - 2*n**2 - 3*n + 12)],
        [0, 0, 0, 0, 0, 0, 0, 6*(n**4 - 8*n**3 + 21*n**2 - 6*n - 24)],
    ], dtype=np.float64)
    # fmt: on
    form = upper + np.triu(upper, 1).T
    orders = float(n * (n - 1) * (n - 2)) * float((n - 3) * (n - 4) * (n - 5))
    return float(_of_third_degree(x) @ form @ _of_third_degree(y)) / orders


def _of_third_degree(x: KernelSums) -> np.ndarray:
    cubed, of_square, of_squares = x.trace**3, x.trace * x.square, x.trace * x.squares
    return np.array([cubed, of_square, x.cube, of_squares, x.cubes, x.entries, x.weighted_square, x.weighted])
