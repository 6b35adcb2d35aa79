"""The ridge of a least-squares map, chosen on the training stimuli of each fold.

Fold i is held out, and each other fold j in turn: a map is fitted on the stimuli of all folds but these two and errs on
those of j. The ridge of `GRID` (in units of tr(X'X)/p) with the least squared error is taken, summed over j, the error
of each unit in units of its variance over the stimuli that the map is fitted on. The held-out stimuli of fold i enter
nowhere. What leaves out i and j serves both: of five folds there are ten eigendecompositions X'X = V S V'. With
W = V D V'C, D = (S + c)^-1, both sums of the error are quadratic in the diagonal d of D,
tr W'H = d'rowsum(V'H o V'C) and tr W'GW = d'(V'GV o V'C(V'C)')d, so that the whole grid costs four products.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from whyalike.similarity.fold_moments import Moments
from whyalike.similarity.folds import CONSTANT, over

INNER = "inner"
GRID = 10.0 ** np.arange(-4, 1.25, 0.5)  # below, errors no longer move; above, correlations do not
FOLDS = 3  # fewer leave no stimuli once two folds are left out


@dataclass(frozen=True)
class Spectra:
    """Eigendecompositions of X'X of the stimuli that one and two left-out folds leave.

    Parameters
    ----------
    values, vectors : folds x p and folds x p x p, without each fold.
    inner_values, inner_vectors : the same without each pair of folds, pairs x p and pairs x p x p.
    held : pairs x 2 x p x p, X'X of the second and of the first fold of a pair, about the mean of what the pair leaves,
        in the basis of its eigenvectors.
    units : p, or more where X is given by coordinates in fewer directions than it has units.
    """

    values: np.ndarray
    vectors: np.ndarray
    inner_values: np.ndarray
    inner_vectors: np.ndarray
    held: np.ndarray
    units: int

    @classmethod
    def of(cls, grams: Moments, units: int | None = None) -> "Spectra":
        """Those of X'X."""
        folds, p = grams.x.shape
        pairs = len(list(_pairs(grams)))
        shapes = (folds, p), (folds, p, p), (pairs, p), (pairs, p, p), (pairs, 2, p, p)
        made = cls(*map(np.empty, shapes), units or p)
        for i in range(folds):
            made.values[i], made.vectors[i] = _eigen(grams.without(i))
        for pair, (i, j) in enumerate(_pairs(grams)):
            made.inner_values[pair], vectors = _eigen(grams.without(i, j))
            made.inner_vectors[pair] = vectors
            for which, k in enumerate((j, i)):
                made.held[pair, which] = vectors.T @ grams.of_fold(k, i, j) @ vectors
        return made

    def _inverted(self, values: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        """The eigenvalues of the inverse of X'X + ridge * tr(X'X)/p * I."""
        penalised = values + ridge * (values.sum() / self.units)
        return over(np.ones_like(penalised), penalised)

    def ridges(self, products: Moments, weights: np.ndarray) -> np.ndarray:
        """The ridge of each fold, folds, for products X'Y and the weights of Y's units as of `weights_of`."""
        errors = np.zeros((len(products.counts), len(GRID)))
        for pair, (i, j) in enumerate(_pairs(products)):
            values, vectors = self.inner_values[pair], self.inner_vectors[pair]
            d = self._inverted(values, GRID[:, None])  # grid x p
            c = vectors.T @ products.without(i, j)
            weighted = c * weights[pair] if weights[pair].ndim == 1 else c @ weights[pair]
            gram = weighted @ c.T
            _, x, y = products.means_without(i, j)
            for outer, inner, own in ((i, j, self.held[pair, 0]), (j, i, self.held[pair, 1])):
                explained = np.einsum("ij,ij->i", vectors.T @ products.held[inner], weighted)
                shift = products.counts[inner] * (vectors.T @ (products.x[inner] - x))  # from fold's means to those
                explained += shift * (weighted @ (products.y[inner] - y))
                errors[outer] += np.einsum("gi,gi->g", d @ (own * gram), d) - 2 * d @ explained
        return GRID[errors.argmin(axis=1)]

    def maps(self, products: Moments, weights: np.ndarray) -> list[np.ndarray]:
        """The map of each fold, p x q, with the ridge that its training stimuli choose."""
        found = []
        for i, ridge in enumerate(self.ridges(products, weights)):
            values, vectors = self.values[i], self.vectors[i]
            d = self._inverted(values, ridge)
            found.append(vectors @ (d[:, None] * (vectors.T @ products.without(i))))
        return found


def weights_of(squares: np.ndarray, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """One over the variance of each unit over the stimuli that each pair of folds leaves, pairs x p; 0 of a constant.

    Parameters
    ----------
    squares : folds x p, sums of squares about each fold's mean. means : folds x p. counts : folds.
    """
    about = squares + counts[:, None] * means**2
    found = []
    for pair in combinations(range(len(counts)), 2):
        left = np.ones(len(counts), bool)
        left[list(pair)] = False
        n = counts[left].sum()
        variance = about[left].sum(axis=0) / n - (counts[left] @ means[left] / n) ** 2
        found.append(over(np.ones(len(variance)), np.where(variance > CONSTANT * about.sum(axis=0) / n, variance, 0)))
    return np.array(found)


def _pairs(moments: Moments) -> combinations:
    return combinations(range(len(moments.counts)), 2)


def _eigen(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(gram)
    return np.maximum(values, 0), vectors
