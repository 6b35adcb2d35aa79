"""Scores by fitted maps of responses that are others in every fold, such as what is left once the input is taken off.

The formulas are those of the metrics, whose engines take one representation over all folds; so is the choice of a ridge
on the folds that are not held out (`whyalike.similarity.metrics.inner_ridge`), of which one fold needs a part alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from whyalike.similarity import folds
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.fold_moments import Grouped, Moments
from whyalike.similarity.folds import Folded, agreement, over, unit_correlations
from whyalike.similarity.metrics.alignment import (
    STIMULI_A_UNIT,
    assignment,
    least_squares_inverse,
    rotation,
    transport,
)
from whyalike.similarity.metrics.inner_ridge import FOLDS, GRID, INNER, weights_of
from whyalike.similarity.metrics.registry import METRICS


@dataclass(frozen=True)
class Residual:
    """Responses in one fold.

    Attributes
    ----------
    rows : over all folds, which choose a ridge. i : the fold whose map is scored.
    """

    rows: Folded
    i: int

    @classmethod
    def of(cls, left: np.ndarray, fold: np.ndarray, i: int) -> "Residual":
        """What is left (n x d) in fold i; ``fold`` holds out each row."""
        return cls(folds.folded(left, fold), i)

    @cached_property
    def grouped(self) -> Grouped:
        """The rows fold by fold."""
        order = np.argsort(self.rows.fold, kind="stable")
        return Grouped.of(self.rows.matrix[order], np.bincount(self.rows.fold))

    @cached_property
    def grams(self) -> Moments:
        """X'X of each fold."""
        return Moments.of(self.grouped, self.grouped)

    @property
    def width(self) -> int:
        """Units."""
        return self.rows.matrix.shape[1]

    @cached_property
    def spectra(self) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Left-out fold -> X'X without it and i as eigenvalues and vectors, and X'X of it in their basis."""
        found = {}
        for j in (j for j in range(len(self.grams.counts)) if j != self.i):
            values, vectors = np.linalg.eigh(self.grams.without(self.i, j))
            found[j] = np.maximum(values, 0), vectors, vectors.T @ self.grams.of_fold(j, self.i, j) @ vectors
        return found

    @cached_property
    def weights(self) -> dict[int, np.ndarray]:
        """Left-out fold -> one over the variance of each unit without it and i."""
        squares = np.diagonal(self.grams.held, axis1=1, axis2=2)
        pairs = combinations(range(len(self.grams.counts)), 2)
        found = zip(pairs, weights_of(squares, self.grams.x, self.grams.counts), strict=True)
        return {sum(pair) - self.i: weights for pair, weights in found if self.i in pair}


def products_of(x: Residual, y: Residual) -> Moments:
    """X'Y of each fold: what all scores of a pair have in common."""
    return Moments.of(x.grouped, y.grouped)


def score(metric: str, x: Residual, y: Residual, products: Moments, given: Mapping[str, Any]) -> float | None:
    """Held-out score of one fold, mean of both directions; None where the metric has none.

    Parameters
    ----------
    x, y : of the same rows and fold. products : their `products_of`.
    given : parameters of the metric that are not its defaults.

    Example
    -------
    >>> rows, fold = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 5
    >>> x, y = (Residual.of(one, fold, 0) for one in (rows, rows @ np.array([[0.6, 0.8], [-0.8, 0.6]])))
    >>> round(score("procrustes", x, y, products_of(x, y), {}), 6)
    1.0
    """
    parameters = {**METRICS[metric].facts.parameters, **given}
    if not x.width or not y.width or (metric == "permutation" and x.width != y.width):
        return None
    if metric == "procrustes":
        return _mapped(x, y, w := rotation(products.without(x.i)), w.T, parameters)
    if metric == "linear":
        forth, back = _map(x, y, products, parameters), _map(y, x, products.flipped, parameters)
        return None if forth is None or back is None else _mapped(x, y, forth, back, parameters)
    spreads = [one.rows.scales[one.i] for one in (x, y)]
    correlations = over(over(products.without(x.i), spreads[1]), spreads[0][:, None])
    try:
        plan = assignment(correlations) if metric == "permutation" else transport(correlations)
    except UndefinedScore:
        return None
    if metric == "soft_matching" and parameters["score"] == "plan":
        return float(np.vdot(plan, unit_correlations(x.rows.held_out(x.i), y.rows.held_out(y.i), parameters)))
    return _mapped(x, y, plan, plan.T, parameters, standardised=True)


def _map(x: Residual, y: Residual, products: Moments, parameters: Mapping[str, Any]) -> np.ndarray | None:
    """The linear map from x to y of the training stimuli; None of too few of them."""
    ridge, product = parameters["ridge"], products.without(x.i)
    if ridge == INNER:
        if len(products.counts) < FOLDS:
            return None
        ridge = float(GRID[np.sum(list(_errors(x, y, products)), axis=0).argmin()])
    elif not ridge and len(x.rows.fold) - products.counts.max() < STIMULI_A_UNIT * x.width:
        return None
    return least_squares_inverse(x.grams.without(x.i), ridge) @ product


def _errors(x: Residual, y: Residual, products: Moments) -> Iterator[np.ndarray]:
    """Of each ridge of the grid the squared error on one fold of the training stimuli, less what all have in common."""
    for j, (values, vectors, held) in x.spectra.items():
        penalised = values + GRID[:, None] * values.mean()
        d = over(np.ones_like(penalised), penalised)  # grid x p
        fitted = vectors.T @ products.without(x.i, j)
        weighted = fitted * y.weights[j]
        explained = d @ np.einsum("ij,ij->i", vectors.T @ products.of_fold(j, x.i, j), weighted)
        yield np.einsum("gi,gi->g", d @ (held * (weighted @ fitted.T)), d) - 2 * explained


def _mapped(
    x: Residual,
    y: Residual,
    forth: np.ndarray,
    back: np.ndarray,
    parameters: Mapping[str, Any],
    standardised: bool = False,
) -> float:
    a, b = (one.rows.standardised(one.i) if standardised else one.rows.held_out(one.i) for one in (x, y))
    return (agreement(a @ forth, b, parameters) + agreement(b @ back, a, parameters)) / 2
