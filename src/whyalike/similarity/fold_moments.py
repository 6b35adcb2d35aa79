"""Second moments of two representations, a fold at a time, from which those of every set of other folds follow.

A fold's rows are centred on their own mean, so that what is held out is exact; the rows of any other folds are centred
on theirs by the difference of means. One product of rows a fold serves all maps, all training sets and all that is
made of units afterwards: of mapped or rotated units the products are those of the units, mapped or rotated.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from whyalike.similarity.folds import CONSTANT, Folded, over


@dataclass(frozen=True)
class Grouped:
    """The rows of a representation, fold by fold, each fold centred on its own mean.

    Parameters
    ----------
    rows : n x d. means : folds x d, of each fold. counts : folds, rows of each.
    """

    rows: np.ndarray
    means: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, counts: np.ndarray) -> "Grouped":
        """Rows (n x d) that lie fold by fold, these many in each; they are centred in place."""
        means = np.empty((len(counts), rows.shape[1]))
        made = cls(rows, means, counts)
        for i, some in enumerate(made.slices):
            means[i] = rows[some].mean(axis=0)
            rows[some] -= means[i]
        return made

    @cached_property
    def slices(self) -> list[slice]:
        """Where the rows of each fold are."""
        ends = np.cumsum(self.counts)
        return [slice(end - count, end) for end, count in zip(ends, self.counts, strict=True)]

    def squares(self) -> np.ndarray:
        """The sum of squares of each unit about each fold's mean, folds x d."""
        return np.array([np.einsum("ij,ij->j", rows, rows) for rows in map(self.rows.__getitem__, self.slices)])


@dataclass(frozen=True)
class Moments:
    """X'Y of each fold about the fold's means.

    Parameters
    ----------
    held : folds x p x q. x, y : folds x p and folds x q, means of each fold. counts : folds, stimuli of each.
    """

    held: np.ndarray
    x: np.ndarray
    y: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, x: Grouped, y: Grouped) -> "Moments":
        """Those of two representations of the same stimuli."""
        held = np.array([x.rows[some].T @ y.rows[some] for some in x.slices])
        return cls(held, x.means, y.means, x.counts)

    @classmethod
    def of_folded(cls, x: Folded, y: Folded) -> "Moments":
        """The same of intermediates of metrics; their matrices may be streamed."""
        counts = np.bincount(x.fold)
        means = [_fold_means(one, counts) for one in (x, y)]
        held = []
        for i, count in enumerate(counts):
            product = x.matrix[x.fold == i].T @ y.matrix[y.fold == i]
            held.append(product - count * np.outer(means[0][i], means[1][i]))
        return cls(np.array(held), *means, counts)

    @property
    def flipped(self) -> "Moments":
        """Those of Y'X."""
        return Moments(self.held.transpose(0, 2, 1), self.y, self.x, self.counts)

    @cached_property
    def _about(self) -> tuple[np.ndarray, np.ndarray]:
        """X'Y of each fold about 0 instead, folds x p x q, and their sum."""
        about = self.held + (self.counts[:, None] * self.x)[:, :, None] * self.y[:, None]
        return about, about.sum(axis=0)

    def without(self, *folds: int) -> np.ndarray:
        """X'Y of all stimuli but those of some folds, about the means of what is left: p x q."""
        about, whole = self._about
        n, x, y = self.means_without(*folds)
        left = whole - np.outer(n * x, y)
        for i in folds:
            left -= about[i]
        return left

    def means_without(self, *folds: int) -> tuple[int, np.ndarray, np.ndarray]:
        """How many stimuli all but some folds have, and the means of both sides over them."""
        counts = self.counts.copy()
        counts[list(folds)] = 0
        n = int(counts.sum())
        return n, counts @ self.x / n, counts @ self.y / n

    def of_fold(self, i: int, *folds: int) -> np.ndarray:
        """X'Y of fold i about the means of all stimuli but those of ``folds``: p x q."""
        _, x, y = self.means_without(*folds)
        return self.held[i] + self.counts[i] * np.outer(self.x[i] - x, self.y[i] - y)


def _fold_means(x: Folded, counts: np.ndarray) -> np.ndarray:
    """The mean of each fold (folds x p), from those of the training sets."""
    left = (counts.sum() - counts)[:, None] * x.means  # sums over all stimuli but a fold's
    return (left.sum(axis=0) / (len(counts) - 1) - left) / counts[:, None]


@dataclass(frozen=True)
class Spreads:
    """How much units vary in each fold: all that matching units needs beside products.

    Parameters
    ----------
    squares : folds x p, sums of squares about each fold's mean, 0 where a unit is constant. means : folds x p.
    counts : folds.
    """

    squares: np.ndarray
    means: np.ndarray
    counts: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Root of the sum of squares over each fold, folds x p."""
        return np.sqrt(self.squares)

    @cached_property
    def training(self) -> np.ndarray:
        """The same over all stimuli but a fold's, about their means; 0 where that is rounding."""
        about = self.squares + self.counts[:, None] * self.means**2  # about the mean of all stimuli, which is 0
        n = (self.counts.sum() - self.counts)[:, None]
        left = about.sum(axis=0) - about
        sums = (self.counts[:, None] * self.means).sum(axis=0) - self.counts[:, None] * self.means
        left -= sums**2 / n
        return np.sqrt(np.where(left > CONSTANT * about.sum(axis=0), left, 0))


def correlations(product: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A product (p x q) over the spreads of its units (p and q); 0 for a unit that does not vary."""
    return over(over(product, y), x[:, None])
