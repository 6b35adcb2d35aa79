"""RBF kernels of many representations at once, some rows at a time: no n x n array is held.

What `whyalike.similarity.metrics.rbf` makes of one representation is made of all, to the same distances and the same
median, twice: once to find the median, once for the kernels. Their centring follows from the sums of their rows:
tr(KHLH) = <K, L> - 2/n r_K'r_L + s_K s_L / n^2 with row sums r and total s, and HSIC_1 likewise without the diagonal.
Of kernels whose entries are all of one size that would lose digits. Adding a_i + a_j to an entry changes neither, so
the rows' means, as a sample of columns tells them, are subtracted first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from whyalike.activations.scratch import Scratch
from whyalike.randomness import keyed
from whyalike.similarity.metrics.rbf import BLOCK, WIDE, WIDTHS, check_width
from whyalike.similarity.precision import FEW_ROWS, centred, may_be_single

SAMPLED_PAIRS = 1 << 15  # of which the median is known to half a percent of the pairs
MARGIN = 0.02  # on either side of it, in shares of the pairs: seven standard deviations
FEW_PAIRS = 1 << 20  # of no more pairs all distances are held
SAMPLED_COLUMNS = 128
GATHERED = 1 << 20  # numbers of sampled rows that are held at once
CHUNK = 1 << 13  # entries of kernels in one float32 sum


@dataclass(frozen=True)
class Distances:
    """The squared distances of the rows of a representation, in units of their mean squared length.

    Parameters
    ----------
    rows : n x d, centred and scaled. lengths : n, squared.
    scale : root mean square length of the centred rows as they came.
    """

    rows: np.ndarray
    lengths: np.ndarray
    scale: float

    @classmethod
    def of(cls, x: np.ndarray, single: bool, scratch: Scratch) -> "Distances":
        """Those of x (n x d); ``scratch`` holds the rows."""
        rows, squares = centred(x, single)
        scale = float(np.sqrt(squares.mean()))
        held = scratch.empty(rows.shape, rows.dtype)
        np.divide(rows, scale, out=held, casting="same_kind")
        return cls(held, (squares / scale**2).astype(rows.dtype), scale)

    def block(self, some: slice, out: np.ndarray | None = None) -> np.ndarray:
        """Rows of the matrix from the diagonal on: b x (n - start)."""
        right = slice(some.start, None)
        block = self.rows[some] @ self.rows[right].T
        block *= -2
        block += self.lengths[some, None]
        block += self.lengths[right]
        np.fill_diagonal(block, 0)
        return np.maximum(block, 0, out=block if out is None else out)

    def median(self) -> float:
        """The median distance over all pairs, as `rbf.median_distance` has it."""
        n, dtype, margin = len(self.rows), _kernel_type(len(self.rows)), MARGIN
        total = n * (n - 1) // 2
        wanted = np.array([(total - 1) // 2, total // 2])  # one and the same of an odd number
        sample = self._sampled() if total > FEW_PAIRS else None
        while True:
            ends = (
                (0.0, np.inf) if sample is None or margin > 0.5 else np.quantile(sample, (0.5 - margin, 0.5 + margin))
            )
            below, inside = self._within(*np.asarray(ends, dtype), dtype)
            places = wanted - below
            if places[0] >= 0 and places[1] < len(inside):
                inside.partition(places)
                return float(np.sqrt(inside[places].astype(np.float64)).mean())
            margin *= 4

    def _sampled(self) -> np.ndarray:
        """The squared distances of some pairs."""
        g, n = keyed("pairs of stimuli", len(self.rows)), len(self.rows)
        first = g.integers(0, n, SAMPLED_PAIRS)
        second = (first + g.integers(1, n, SAMPLED_PAIRS)) % n
        step = max(1, GATHERED // self.rows.shape[1])
        pairs = ((first[i : i + step], second[i : i + step]) for i in range(0, SAMPLED_PAIRS, step))
        products = np.concatenate([np.einsum("ij,ij->i", self.rows[a], self.rows[b]) for a, b in pairs])
        return self.lengths[first] + self.lengths[second] - 2 * products

    def _within(self, low: np.floating, high: np.floating, dtype: np.dtype) -> tuple[int, np.ndarray]:
        """How many squared distances lie below a bound, and all that lie between it and another, these included."""
        below, inside = 0, []
        for some in _rows(len(self.rows), BLOCK):
            block = self.block(some).astype(dtype, copy=False)
            height = len(block)
            block[:, :height][np.tri(height, dtype=bool)] = -1  # each pair counts once
            below += np.count_nonzero(block < low) - height * (height + 1) // 2
            inside.append(block[(block >= low) & (block <= high)])
        return below, np.concatenate(inside)


@dataclass(frozen=True)
class Gaussian:
    """The RBF kernel of a representation, whose entries are made some rows at a time.

    Parameters
    ----------
    width : in units of the distances.
    """

    distances: Distances
    width: float

    @cached_property
    def near(self) -> bool:
        """Whether most entries are near 1: then it is exp - 1, as in `rbf`, which centring makes the same."""
        first = self.distances.block(slice(0, min(BLOCK, len(self.distances.rows))))
        return bool(np.median(first.astype(_kernel_type(first.shape[1]))) < 2 * self.width**2)

    @cached_property
    def shift(self) -> np.ndarray:
        """a (n), so that the entries less a_i + a_j have rows of about mean 0."""
        rows, lengths = self.distances.rows, self.distances.lengths
        columns = keyed("columns of a kernel", len(rows)).permutation(len(rows))[:SAMPLED_COLUMNS]
        squared = np.maximum(lengths[:, None] + lengths[columns] - 2 * (rows @ rows[columns].T), 0)
        entries = self._of(squared.astype(np.float64))
        entries[columns, np.arange(len(columns))] = 0
        counts = np.full(len(rows), len(columns))
        counts[columns] -= 1
        means = entries.sum(axis=1) / np.maximum(counts, 1)
        return (means - means.mean() / 2).astype(_kernel_type(len(rows)))

    @property
    def dtype(self) -> np.dtype:
        """Of the entries."""
        return np.dtype(_kernel_type(len(self.distances.rows)))

    @property
    def diagonal(self) -> np.ndarray:
        """Of the shifted kernel, n."""
        return (0.0 if self.near else 1.0) - 2 * self.shift.astype(np.float64)

    def _of(self, squared: np.ndarray) -> np.ndarray:
        squared *= -1 / (2 * self.width**2)
        return (np.expm1 if self.near else np.exp)(squared, out=squared)

    def block(self, some: slice, out: np.ndarray) -> None:
        """Rows of the shifted kernel from the diagonal on, which is left 0: b x (n - start)."""
        self._of(self.distances.block(some, out))
        out -= self.shift[some, None]
        out -= self.shift[some.start :]
        np.fill_diagonal(out, 0)


@dataclass(frozen=True)
class Linear:
    """The linear kernel of a representation, likewise: of centred rows (n x d); ``diagonal`` (n) is the kernel's."""

    rows: np.ndarray
    diagonal: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, single: bool, scratch: Scratch) -> "Linear":
        """That of x (n x d); ``scratch`` holds the rows."""
        rows, squares = centred(x, single)
        held = scratch.empty(rows.shape, rows.dtype)
        held[:] = rows
        return cls(held, squares)

    @property
    def dtype(self) -> np.dtype:
        """Of the entries."""
        return self.rows.dtype

    @property
    def shift(self) -> np.ndarray:
        """None: its rows sum to 0."""
        return np.zeros(len(self.rows))

    def block(self, some: slice, out: np.ndarray) -> None:
        """As of a `Gaussian`."""
        np.matmul(self.rows[some], self.rows[some.start :].T, out=out)
        np.fill_diagonal(out, 0)


@dataclass(frozen=True)
class KernelTable:
    """What all pairs of M shifted kernels come to.

    Parameters
    ----------
    products : M x M, sums over the entries beside the diagonal of one times those of another.
    sums : M x n, of the rows without the diagonal. diagonals, shifts : M x n.
    """

    products: np.ndarray
    sums: np.ndarray
    diagonals: np.ndarray
    shifts: np.ndarray

    def hsic(self) -> np.ndarray:
        """tr(KHLH) of all pairs, M x M."""
        n = self.sums.shape[1]
        sums = self.sums + self.diagonals
        totals = sums.sum(axis=1)
        whole = self.products + self.diagonals @ self.diagonals.T
        return whole - 2 / n * (sums @ sums.T) + np.outer(totals, totals) / n**2

    def hsic_1(self) -> np.ndarray:
        """HSIC_1 of all pairs, M x M."""
        n, totals = self.sums.shape[1], self.sums.sum(axis=1)
        beside = np.outer(totals, totals) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (self.sums @ self.sums.T)
        return (self.products + beside) / (n * (n - 3))

    def sizes(self) -> np.ndarray:
        """Bounds of the norms of the kernels before they were shifted, divided as in HSIC_1, M."""
        n = self.sums.shape[1]
        shifts = 2 * np.sqrt(n) * np.linalg.norm(self.shifts, axis=1)
        return (np.sqrt(np.diagonal(self.products)) + shifts) / np.sqrt(n * (n - 3))


def gaussian(x: np.ndarray, parameters: Mapping[str, Any], scratch: Scratch, single: bool | None = None) -> Gaussian:
    """The kernel of x (n x d); parameters sigma and sigma_median as of `cka_rbf`.

    Raises
    ------
    UndefinedScore : the median distance is 0.
    """
    single = may_be_single(x, len(x)) if single is None else single
    distances = Distances.of(x, single, scratch)
    sigma, multiple = parameters.get("sigma"), parameters.get("sigma_median", 1.0)
    median = distances.median() if sigma is None else None
    width = multiple * median if sigma is None else sigma / distances.scale
    if distances.rows.dtype == np.float32 and width**2 < WIDE:
        return gaussian(x, parameters, scratch, single=False)
    if sigma is None:
        check_width(median)
    return Gaussian(distances, min(max(width, WIDTHS[0]), WIDTHS[1]))


def kernel_table(kernels: Sequence[Gaussian] | Sequence[Linear], memory: int) -> KernelTable:
    """The products of all pairs of kernels; ``memory`` is for a block of all of them."""
    count, n, dtype = len(kernels), len(kernels[0].diagonal), np.result_type(*(kernel.dtype for kernel in kernels))
    step = int(np.clip(memory // (count * n * dtype.itemsize), 1, BLOCK))
    room, total, sums = np.empty((count, step * n), dtype), np.zeros((count, count)), np.zeros((count, n))
    for some in _rows(n, step):
        height = some.stop - some.start
        blocks = room[:, : height * (n - some.start)]
        for kernel, block, of_rows in zip(kernels, blocks, sums, strict=True):
            block = block.reshape(height, -1)
            kernel.block(some, block)
            of_rows[some] += block.sum(axis=1, dtype=np.float64)
            of_rows[some.stop :] += np.ones(height, dtype) @ block[:, height:]
            block[:, :height] *= np.sqrt(0.5)  # both halves of this square are in the block
        for chunk in range(0, blocks.shape[1], CHUNK):
            entries = blocks[:, chunk : chunk + CHUNK]
            total += entries @ entries.T
    diagonals, shifts = (np.array([getattr(one, name) for one in kernels]) for name in ("diagonal", "shift"))
    return KernelTable(2 * total, sums, diagonals, shifts)


def chosen_of(table: KernelTable, which: Sequence[int]) -> KernelTable:
    """The table of some of the kernels."""
    parts = {name: getattr(table, name)[which] for name in ("sums", "diagonals", "shifts")}
    return replace(table, products=table.products[np.ix_(which, which)], **parts)


def _kernel_type(n: int) -> type[np.floating]:
    return np.float32 if n >= FEW_ROWS else np.float64


def _rows(n: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
