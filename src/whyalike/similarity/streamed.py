"""Rows that are made some at a time, of arrays that are larger than memory.

`Streamed` stands where families have an n x d matrix: it is multiplied, its rows are permuted and sliced in the same
words, and only a block of rows is ever held. What is made of all rows is small: means, d x d products summed in
float64, a d x r map. So a basis of the columns is the source and a map, and the cross product of two bases one pass
over both sources. Where the product X'X loses digits, the square of the ratio of the singular values, the triangular
factor of X takes its place, made of the factors of its blocks (Demmel et al. 2012, TSQR), which loses none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.lapack import dtrtri

from whyalike.similarity.precision import row_blocks
from whyalike.similarity.preprocessing import EXACT

CLOSE = 1e-4  # relative to the largest singular value: X'X then has it to 1e-8 of itself
ORTHONORMAL = 1e-12  # largest error of the inner products of a basis
FEWEST, MOST = 16, 8192  # rows of a block: fewer would make products slow, more would not make them faster
PASSES = 3  # the second makes a basis orthonormal whose first was within 1e-6 (Yamamoto et al. 2015); one to spare


@dataclass(frozen=True)
class Streamed:
    """n x r numbers in float64, made of a source some rows at a time.

    Parameters
    ----------
    source : N x d, of any type of numbers; a memory map, say.
    room : bytes of a block of rows that is made at once.
    rows : which rows of the source, in which order; None: all.
    preprocessing : key of `whyalike.similarity.preprocessing.EXACT`.
    mean : d, taken from each row. columns : of these units those that count. weights : a number, or the map (d x r) by
        which they are multiplied.
    """

    source: np.ndarray
    room: int
    rows: np.ndarray | None = None
    preprocessing: str = "none"
    mean: np.ndarray | None = None
    columns: np.ndarray | None = None
    weights: Any = None

    __array_ufunc__ = None  # numpy leaves products with an array to `__rmatmul__`
    ndim = 2
    dtype = np.dtype(np.float64)

    def __len__(self) -> int:
        return len(self.source) if self.rows is None else len(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """n, r."""
        if np.ndim(self.weights) == 2:
            return len(self), self.weights.shape[1]
        return len(self), self.source.shape[1] if self.columns is None else len(self.columns)

    @property
    def step(self) -> int:
        """Rows of a block."""
        return min(max(self.room // (8 * max(self.source.shape[1], self.shape[1])), FEWEST), MOST)

    @property
    def nbytes(self) -> int:
        """What is held, beside the source."""
        return sum(np.asarray(one).nbytes for one in (self.rows, self.mean, self.columns, self.weights))

    def __getitem__(self, which: Any) -> Any:
        """A slice makes these rows; indices, or truth values, give other rows that are not made yet."""
        if isinstance(which, slice):
            return self._made(which)
        index = np.flatnonzero(which) if np.asarray(which).dtype == bool else np.asarray(which)
        return replace(self, rows=index if self.rows is None else self.rows[index])

    def take(self, order: np.ndarray, axis: int = 0) -> "Streamed":
        """The rows in another order."""
        return self[order]

    def _made(self, some: slice) -> np.ndarray:
        x = self.source[some if self.rows is None else self.rows[some]].astype(np.float64)
        x = EXACT[self.preprocessing](x)
        if self.mean is not None:
            x -= self.mean
        if self.columns is not None:
            x = x[:, self.columns]
        if self.weights is None:
            return x
        return x @ self.weights if np.ndim(self.weights) else x * self.weights

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Places, and the rows there."""
        return ((some, self._made(some)) for some in row_blocks(len(self), self.step))

    @property
    def T(self) -> "Transposed":
        """r x n, to multiply by."""
        return Transposed(self)

    def __matmul__(self, right: Any) -> np.ndarray:
        """n x c, or n: held whole, so for few columns."""
        if isinstance(right, Transposed):
            return self[:] @ right
        return np.concatenate([rows @ right for _, rows in self.blocks()])

    def __rmatmul__(self, left: np.ndarray) -> np.ndarray:
        """m x r of m x n: the sum over blocks of rows."""
        return sum(left[:, some] @ rows for some, rows in self.blocks())

    # ---- what is made of all rows ----

    def centred(self) -> "Streamed":
        """The same less the means of its units; of features that are not yet mapped."""
        return replace(self, mean=sum(rows.sum(axis=0) for _, rows in self.blocks()) / len(self))

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """The sum of the rows, and of their squares; r each."""
        found = np.zeros((2, self.shape[1]))
        for _, rows in self.blocks():
            found += rows.sum(axis=0), np.einsum("ij,ij->j", rows, rows)
        return found[0], found[1]

    @cached_property
    def squares(self) -> np.ndarray:
        """The squared lengths of the rows, n."""
        return np.concatenate([np.einsum("ij,ij->i", rows, rows) for _, rows in self.blocks()])

    def mapped(self, weights: Any) -> "Streamed":
        """The same times a number or a map (r x s)."""
        if self.weights is None:
            return replace(self, weights=weights)
        return replace(self, weights=self.weights @ weights if np.ndim(weights) else self.weights * weights)

    def triangular(self) -> np.ndarray:
        """R of X = QR: r x r, or n x r of fewer rows."""
        factor = np.empty((0, self.shape[1]))
        for _, rows in self.blocks():
            factor = np.linalg.qr(np.concatenate([factor, rows]), mode="r")
        return factor


@dataclass(frozen=True)
class Transposed:
    """r x n numbers that are made some columns at a time."""

    of: Streamed

    __array_ufunc__ = None

    def __matmul__(self, right: Any) -> np.ndarray:
        """r x c, or r: the sum over blocks of rows."""
        return sum(rows.T @ (rows if right is self.of else right[some]) for some, rows in self.of.blocks())

    def __rmatmul__(self, left: np.ndarray) -> np.ndarray:
        """m x n of m x r: held whole, so for few rows."""
        return np.concatenate([left @ rows.T for _, rows in self.of.blocks()], axis=1)


def spectrum(x: Streamed, wanted: Callable[[np.ndarray], int] = len) -> tuple[np.ndarray, np.ndarray]:
    """Singular values of x (n x r), the largest first, and right singular vectors (in columns).

    ``wanted`` tells from the values how many of them, and of the vectors, must be right.
    """
    squares, vectors = np.linalg.eigh(x.T @ x)
    values = np.sqrt(np.maximum(squares[::-1], 0))
    number = wanted(values)
    if 0 < number <= len(values) and values[number - 1] > CLOSE * values[0]:
        return values, vectors[:, ::-1]
    _, values, rows = np.linalg.svd(x.triangular(), full_matrices=False)
    return values, rows.T


def orthonormal(basis: Streamed) -> Streamed:
    """A basis (n x r) that is orthonormal but for rounding, of one that nearly is; leading columns span the same."""
    for _ in range(PASSES):
        gram = basis.T @ basis
        if np.abs(gram - np.eye(len(gram))).max() < ORTHONORMAL:
            break
        basis = basis.mapped(dtrtri(cholesky(gram))[0])
    return basis
