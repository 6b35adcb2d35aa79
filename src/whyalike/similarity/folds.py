"""Cross-validation for metrics that fit a map: folds of the stimuli, what one representation gives to each, scores.

Folds are scikit-learn's KFold, shuffled by ``seed``. Units that are constant on all stimuli are dropped once; every
fold centres the units on its training stimuli. The cross-covariance of a training set is that of all stimuli less the
held-out one, so a pair needs each product of rows once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.similarity.streamed import Streamed

CONSTANT = 1e-12  # the SD of a unit, relative to its size or its overall SD, that is rounding


@dataclass(frozen=True)
class Folded:
    """A representation over the folds.

    Parameters
    ----------
    matrix : n x p, centred on all stimuli, without constant units.
    fold : the fold that holds out each row, n.
    means : folds x p, of each training set.
    scales : folds x p, root of the sum of squares about these means.
    """

    matrix: np.ndarray
    fold: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def held_out(self, i: int) -> np.ndarray:
        """The held-out rows of fold i, centred on its training stimuli."""
        return self.matrix[self.fold == i][:] - self.means[i]

    def standardised(self, i: int) -> np.ndarray:
        """The same, each unit divided by its spread over the training stimuli; a unit constant there is 0."""
        return over(self.held_out(i), self.scales[i])


def over(values: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """``values`` divided by ``scales``, 0 where the scale is 0."""
    return np.divide(values, scales, out=np.zeros(np.broadcast_shapes(values.shape, scales.shape)), where=scales > 0)


def fold_of_rows(n: int, folds: int, seed: int) -> np.ndarray:
    """The fold that holds out each of n rows: scikit-learn's, whose KFold would take a second to import."""
    order = np.arange(n)
    np.random.RandomState(seed).shuffle(order)
    fold = np.empty(n, np.int64)
    fold[order] = np.repeat(np.arange(folds), n // folds + (np.arange(folds) < n % folds))
    return fold


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Folded:
    """Centre x (n x p), drop constant units, and take means and spreads of each training set.

    Of a `Streamed` x the matrix is one too: of a fold its held-out rows are made.
    """
    fold = fold_of_rows(len(x), parameters["folds"], parameters["seed"])
    if isinstance(x, Streamed):
        rows = x.centred()
        varies = np.sqrt(rows.sums()[1] / len(x)) > CONSTANT * np.abs(rows.mean)
        return folded(replace(rows, columns=np.flatnonzero(varies)), fold)
    mean = x.mean(axis=0)
    centred = x - mean
    return folded(centred[:, centred.std(axis=0) > CONSTANT * np.abs(mean)], fold)


def folded(matrix: np.ndarray, fold: np.ndarray) -> Folded:
    """The intermediates of centred rows (n x p) that the folds in ``fold`` hold out."""
    (sums, squares), counts = _sums(matrix), np.bincount(fold)
    means, scales = [], []
    for i, count in enumerate(counts):
        (held, held_squares), n_train = _sums(matrix[fold == i]), len(matrix) - count
        mean = (sums - held) / n_train
        left = squares - held_squares - n_train * mean**2
        means.append(mean)
        scales.append(np.sqrt(np.where(left > CONSTANT * squares, left, 0)))
    return Folded(matrix, fold, np.array(means), np.array(scales))


def _sums(matrix: Any) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the rows of a matrix (n x p), and of their squares; p each."""
    return matrix.sums() if isinstance(matrix, Streamed) else (matrix.sum(axis=0), (matrix**2).sum(axis=0))


def permute(y: Folded, order: np.ndarray) -> Folded:
    """The intermediates of ``y[order]``: other rows are held out."""
    return folded(y.matrix.take(order, axis=0), y.fold)


def training_products(x: Folded, y: Folded) -> Iterator[np.ndarray]:
    """X'Y of each training set, centred there: p x q, the sum over its stimuli."""
    counts = np.bincount(x.fold)
    held = [x.matrix[x.fold == i].T @ y.matrix[y.fold == i] for i in range(len(counts))]
    whole = np.sum(held, axis=0)
    for i, count in enumerate(counts):
        yield whole - held[i] - (len(x.fold) - count) * np.outer(x.means[i], y.means[i])


def ready(values: np.ndarray, spearman: bool) -> np.ndarray:
    """Columns (ranked) centred and of length 1; a constant column is 0, so that its correlations are."""
    varies = np.ptp(values, axis=0) > CONSTANT * np.abs(values).max(axis=0)
    values = _ranks(values) if spearman else values
    values = values - values.mean(axis=0)
    return over(values, np.where(varies, np.linalg.norm(values, axis=0), 0))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within each column, ties sharing their mean; in half of the time of scipy's where there are none."""
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1)
    ranks = np.empty(columns.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, len(values) + 1)[None], axis=1)
    ordered = np.take_along_axis(columns, order, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if tied.any():
        ranks[tied] = scipy.stats.rankdata(columns[tied], axis=1)
    return ranks.T


def unit_correlations(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
    """Correlations of all units of x (m x p) with all of y (m x q): p x q, 0 for a constant unit."""
    spearman = parameters["comparison"] == "spearman"
    return ready(x, spearman).T @ ready(y, spearman)


def agreement(predicted: np.ndarray, response: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """Correlation of prediction and response (m x q): the mean over units, or of all entries at once ("pooled").

    A unit that is constant on the held-out stimuli, or whose prediction is, counts as 0: no relation can be shown.
    """
    if parameters["correlation"] == "pooled":
        predicted, response = predicted.reshape(-1, 1), response.reshape(-1, 1)
    spearman = parameters["comparison"] == "spearman"
    return float((ready(predicted, spearman) * ready(response, spearman)).sum(axis=0).mean())
