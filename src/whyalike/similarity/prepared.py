"""A representation, made ready once for every other with which `whyalike.similarity.alignments` compares it.

Where there are more units than stimuli, the rows lie in as many directions as there are stimuli: maps are fitted there,
on coordinates from a QR factorisation, and cost n^3 in place of d^3.
"""

from functools import cached_property

import numpy as np

from whyalike.similarity import folds
from whyalike.similarity.checks import HELD_OUT, is_constant
from whyalike.similarity.fold_moments import Grouped, Moments, Spreads
from whyalike.similarity.folds import CONSTANT
from whyalike.similarity.metrics import inner_ridge
from whyalike.similarity.metrics.alignment import least_squares_inverse


class Prepared:
    """A representation over the folds of its stimuli.

    What is made is kept: the rows in float64, and of each fold a d x d product, five with a fixed ridge, 35 (of five
    folds) with one of inner folds.

    Parameters
    ----------
    x : n x d, float32 or float64, finite.
    folds, seed : how many folds, and the key that splits stimuli, as of the metrics that fit a map.

    Attributes
    ----------
    n : stimuli. width : units that vary.
    units : the rows of these units, fold by fold. coordinates : the same in n directions at most.
    basis : directions x width, by which coordinates are multiplied to give units; None where they are the units.

    Raises
    ------
    ValueError : x is no finite matrix.
    """

    def __init__(self, x: np.ndarray, folds: int = 5, seed: int = 42):
        if np.ndim(x) != 2 or not np.isfinite(x).all():
            raise ValueError(
                f"x must be a finite matrix, stimuli x units; its shape is {np.shape(x)}. Look at its rows."
            )
        self.n, self.folds, self.seed, self.width = len(x), folds, seed, 0
        self._inverses: dict[float, list[np.ndarray]] = {}
        if self.n < HELD_OUT * folds or is_constant(x):
            return
        self.order, self.counts = _order(self.n, folds, seed)
        self._take(x[self.order].astype(np.float64))

    def _take(self, rows: np.ndarray) -> None:
        """Rows (n x d) that lie fold by fold; they are changed in place."""
        mean = rows.mean(axis=0)
        rows -= mean
        varies = rows.std(axis=0) > CONSTANT * np.abs(mean)
        rows = rows if varies.all() else rows[:, varies]
        self.width = rows.shape[1]
        ends = np.cumsum(self.counts)
        parts = [rows[end - count : end] for end, count in zip(ends, self.counts, strict=True)]
        largest = [np.maximum(part.max(axis=0), -part.min(axis=0)) for part in parts]
        ranges = [np.ptp(part, axis=0) for part in parts]
        self.units = Grouped.of(rows, self.counts)
        squares = np.where(np.array(ranges) > CONSTANT * np.array(largest), self.units.squares(), 0)
        self.spreads = Spreads(squares, self.units.means, self.counts)

    @property
    def is_reduced(self) -> bool:
        """Whether coordinates are fewer than units."""
        return self.width > self.n

    @property
    def variances(self) -> np.ndarray:
        """Of each unit over all stimuli, width."""
        return (self.spreads.squares + self.counts[:, None] * self.spreads.means**2).sum(axis=0) / self.n

    @cached_property
    def _reduced(self) -> tuple[Grouped, np.ndarray | None]:
        if not self.is_reduced:
            return self.units, None
        rows = self.units.rows + np.repeat(self.units.means, self.counts, axis=0)
        q, r = np.linalg.qr(rows.T)  # width x n, n x n
        return Grouped.of(np.ascontiguousarray(r.T), self.counts), q.T

    @property
    def coordinates(self) -> Grouped:
        """Rows of which the units are a linear map without loss: n x min(n, width)."""
        return self._reduced[0]

    @property
    def basis(self) -> np.ndarray | None:
        """That map; None where coordinates are the units."""
        return self._reduced[1]

    @cached_property
    def grams(self) -> Moments:
        """X'X of each fold, of coordinates."""
        return Moments.of(self.coordinates, self.coordinates)

    @cached_property
    def unit_grams(self) -> Moments:
        """The same of units."""
        return self.grams if self.basis is None else Moments.of(self.units, self.units)

    def inverses(self, ridge: float) -> list[np.ndarray]:
        """The inverse of X'X + ridge * tr(X'X)/d * I of each training set, of coordinates."""
        if ridge not in self._inverses:
            share = ridge * len(self.grams.held[0]) / self.width
            self._inverses[ridge] = [least_squares_inverse(self.grams.without(i), share) for i in range(self.folds)]
        return self._inverses[ridge]

    @cached_property
    def spectra(self) -> inner_ridge.Spectra:
        """What chooses a ridge, of coordinates."""
        return inner_ridge.Spectra.of(self.grams, self.width)

    @cached_property
    def weights(self) -> np.ndarray:
        """What errors of the units count, in coordinates: pairs of folds x width, or x n x n."""
        weights = inner_ridge.weights_of(self.spreads.squares, self.units.means, self.counts)
        return weights if self.basis is None else np.array([(self.basis * w) @ self.basis.T for w in weights])

    def held_out(self, i: int, standardised: bool = False) -> np.ndarray:
        """The held-out rows of fold i about the means of its training stimuli, perhaps over their spreads there."""
        n = self.n - self.counts[i]
        rows = self.units.rows[self.units.slices[i]] + self.units.means[i] * (1 + self.counts[i] / n)
        return folds.over(rows, self.spreads.training[i]) if standardised else rows

    @cached_property
    def _ready(self) -> dict[tuple[int, str], np.ndarray]:
        return {}

    def ready(self, i: int, comparison: str) -> np.ndarray:
        """The held-out rows of fold i, each unit (ranked) centred and of length 1, or 0; ranks are kept."""
        rows = self.units.rows[self.units.slices[i]]
        if comparison == "pearson":
            return folds.over(rows, self.spreads.held[i])
        if (i, comparison) not in self._ready:
            varies = self.spreads.squares[i] > 0
            self._ready[i, comparison] = folds.ready(np.where(varies, rows, 0), spearman=True)
        return self._ready[i, comparison]

    def turned(self, rotation: np.ndarray, scales: np.ndarray) -> "Prepared":
        """The representation whose units (over ``scales``, width) are rotated by width x width."""
        made = Prepared.__new__(Prepared)
        made.n, made.folds, made.seed, made.counts, made._inverses = self.n, self.folds, self.seed, self.counts, {}
        rows = self.units.rows + np.repeat(self.units.means, self.counts, axis=0)
        made._take((rows / scales) @ rotation)
        return made


def _order(n: int, folds_: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The stimuli fold by fold, and how many each fold has."""
    fold = folds.fold_of_rows(n, folds_, seed)
    return np.argsort(fold, kind="stable"), np.bincount(fold)
