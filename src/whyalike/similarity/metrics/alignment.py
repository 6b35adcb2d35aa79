"""Alignment by a fitted map: least squares, rotation, permutation, optimal transport; scored on held-out stimuli.

Each map comes from the cross-covariance of the training stimuli. The score of a fold is the correlation of prediction
and response, averaged over both directions; the score is the mean over the folds.
linear: W = (X'X + c I)^-1 X'Y, c = ridge * tr(X'X)/p, so that scale does not matter; without a ridge the fit needs five
training stimuli a unit; a ridge of "inner" is chosen on the training stimuli of each fold (`inner_ridge`).
procrustes: W = UV' of X'Y = USV' (Schönemann 1966), up to its rank: the map of the zero-padded narrower side.
permutation (Li et al. 2016): linear assignment on the unit correlations. soft_matching (Khosla and Williams 2024): the
transport plan T at cost 1 - correlation; where p = q it is a permutation matrix divided by p, and is found as one. The
last two fit on correlations, so they map units divided by their spread over the training stimuli.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, pinvh
from scipy.optimize import linear_sum_assignment

from whyalike.similarity import folds
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.fold_moments import Moments
from whyalike.similarity.folds import Folded, agreement, training_products, unit_correlations
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.inner_ridge import INNER, Spectra, weights_of

STIMULI_A_UNIT = 5  # with fewer, p^2 parameters fit what is not there
RANK_TOLERANCE = 1e-10  # relative to the largest singular value: float64 rounding is 1e-16 times n
LEAST_PIVOT = 1e-6  # smallest diagonal entry of a Cholesky factor, relative to the largest, that is solved with
ITERATIONS = 10_000_000  # of the network simplex: 100 times POT's default, which 1,000 units can exceed

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Predictor:
    """A representation over the folds, and the inverse of X'X (+ c I) of each training set: folds x p x p.

    With a ridge of "inner" what chooses it takes the place of the inverses; ``weights`` are those of errors in these
    units (`inner_ridge.weights_of`).
    """

    rows: Folded
    inverses: np.ndarray | Spectra
    ridge: float | str
    weights: np.ndarray | None = None


def least_squares_inverse(gram: np.ndarray, ridge: float) -> np.ndarray:
    """The inverse of X'X + ridge * tr(X'X)/p * I (p x p); the pseudo-inverse where that is singular.

    Without a ridge least squares do not see the scales of units: where these are far apart, units of length 1 are
    inverted in their place. A ridge sees them.
    """
    p = len(gram)
    gram = gram + ridge * np.trace(gram) / p * np.eye(p)
    if (found := _inverse(gram)) is not None:
        return found
    if ridge:
        return pinvh(gram)
    lengths = np.sqrt(np.diagonal(gram))
    scales = folds.over(np.ones(p), lengths)  # 0 for a unit that is constant on the training stimuli
    scaled = gram * scales * scales[:, None]
    found = _inverse(scaled)
    return (pinvh(scaled) if found is None else found) * scales * scales[:, None]


def _inverse(gram: np.ndarray) -> np.ndarray | None:
    """The inverse of a positive definite matrix; None where it is singular, or nearly."""
    try:
        factor = cholesky(gram)
    except LinAlgError:
        return None
    pivots = np.diagonal(factor)
    return cho_solve((factor, False), np.eye(len(gram))) if pivots.min() > LEAST_PIVOT * pivots.max() else None


def _predictor(rows: Folded, ridge: float | str) -> Predictor:
    if ridge == INNER:
        grams = Moments.of_folded(rows, rows)
        squares = np.diagonal(grams.held, axis1=1, axis2=2)
        return Predictor(rows, Spectra.of(grams), ridge, weights_of(squares, grams.x, grams.counts))
    return Predictor(rows, np.array([least_squares_inverse(g, ridge) for g in training_products(rows, rows)]), ridge)


def prepare_linear(x: np.ndarray, parameters: Parameters) -> Predictor:
    """Fold x (n x p) and invert its training covariances."""
    rows = folds.prepare(x, parameters)
    n_train, p = len(x) - int(np.bincount(rows.fold).max()), rows.matrix.shape[1]
    if n_train < STIMULI_A_UNIT * p and not parameters["ridge"]:
        raise UndefinedScore(
            f"linear needs {STIMULI_A_UNIT} training stimuli a unit, or a ridge: there are {n_train} for {p} units. "
            f"Use ridge > 0, at least {STIMULI_A_UNIT * p} training stimuli, or fewer units."
        )
    return _predictor(rows, parameters["ridge"])


def permute_linear(y: Predictor, order: np.ndarray) -> Predictor:
    """The intermediates of ``y[order]``: other rows are held out, so the inverses are made again."""
    return _predictor(folds.permute(y.rows, order), y.ridge)


def compare_linear(x: Predictor, y: Predictor, parameters: Parameters) -> float:
    """Held-out correlation of the least-squares prediction, both directions; in [-1, 1]."""

    def maps() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if x.ridge == INNER:
            products = Moments.of_folded(x.rows, y.rows)
            yield from zip(
                x.inverses.maps(products, y.weights), y.inverses.maps(products.flipped, x.weights), strict=True
            )
            return
        for i, product in enumerate(training_products(x.rows, y.rows)):
            yield x.inverses[i] @ product, y.inverses[i] @ product.T

    return _mean_over_folds(x.rows, y.rows, maps(), parameters)


def _mean_over_folds(
    x: Folded, y: Folded, maps: Iterator[tuple[np.ndarray, np.ndarray]], parameters: Parameters
) -> float:
    """Maps of each fold, X to Y (p x q) and Y to X (q x p), scored on its held-out rows."""
    scores = []
    for i, (forth, back) in enumerate(maps):
        a, b = x.held_out(i), y.held_out(i)
        scores += [agreement(a @ forth, b, parameters), agreement(b @ back, a, parameters)]
    return float(np.mean(scores))


def rotation(product: np.ndarray) -> np.ndarray:
    """The orthogonal map W (p x q) with the largest tr(W'X'Y), on the range of X'Y: beyond it any map is as good."""
    u, s, vt = np.linalg.svd(product, full_matrices=False)
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    return u[:, :rank] @ vt[:rank]


def compare_procrustes(x: Folded, y: Folded, parameters: Parameters) -> float:
    """Held-out correlation of the rotated representation, both directions; in [-1, 1]."""
    rotations = (rotation(product) for product in training_products(x, y))
    return _mean_over_folds(x, y, ((w, w.T) for w in rotations), parameters)


def _matched(x: Folded, y: Folded, plan: Callable[[np.ndarray], np.ndarray]) -> Iterator[np.ndarray]:
    """The plan (p x q) of each fold from the correlations of the units over its training stimuli."""
    for i, product in enumerate(training_products(x, y)):
        yield plan(folds.over(folds.over(product, y.scales[i]), x.scales[i][:, None]))


def assignment(correlations: np.ndarray) -> np.ndarray:
    """The permutation matrix (p x p), divided by p, that matches units with the largest sum of correlations."""
    plan = np.zeros_like(correlations)
    plan[linear_sum_assignment(correlations, maximize=True)] = 1 / len(correlations)
    return plan


def transport(correlations: np.ndarray) -> np.ndarray:
    """The plan (p x q) with marginals 1/p and 1/q and the largest sum of plan times correlation."""
    p, q = correlations.shape
    if p == q:
        return assignment(correlations)  # a vertex of the transport polytope is optimal
    import ot  # imports torch where that is installed, which takes seconds

    cost = np.ascontiguousarray(1 - correlations)
    plan, log = ot.emd(np.full(p, 1 / p), np.full(q, 1 / q), cost, numItermax=ITERATIONS, log=True)
    if log["warning"] is not None:
        raise UndefinedScore(f"soft_matching needs an optimal plan of {p} x {q} units: {log['warning']}")
    return plan


def _check_equal_widths(x: Folded, y: Folded, parameters: Parameters) -> None:
    p, q = x.matrix.shape[1], y.matrix.shape[1]
    if p != q:
        raise UndefinedScore(
            f"permutation needs equally many units that vary; there are {p} and {q}. Use soft_matching instead."
        )


def compare_permutation(x: Folded, y: Folded, parameters: Parameters) -> float:
    """Held-out correlation of matched units; in [-1, 1]. Both directions are the same number."""
    return _mapped(x, y, _matched(x, y, assignment), parameters)


def compare_soft(x: Folded, y: Folded, parameters: Parameters) -> float:
    """Held-out correlations weighted by the plan, or of the mapped representation, both directions; in [-1, 1]."""
    plans = _matched(x, y, transport)
    if parameters["score"] == "mapped":
        return _mapped(x, y, plans, parameters)
    held = ((plan, x.held_out(i), y.held_out(i)) for i, plan in enumerate(plans))
    return float(np.mean([np.vdot(plan, unit_correlations(a, b, parameters)) for plan, a, b in held]))


def _mapped(x: Folded, y: Folded, plans: Iterator[np.ndarray], parameters: Parameters) -> float:
    scores = []
    for i, plan in enumerate(plans):
        a, b = x.standardised(i), y.standardised(i)
        scores += [agreement(a @ plan, b, parameters), agreement(b @ plan.T, a, parameters)]
    return float(np.mean(scores))


_FOLDS = ("folds", "seed")
LINEAR = {
    "exact": Form(prepare_linear, compare_linear, permute_linear, reads=(*_FOLDS, "ridge"), streamed=prepare_linear)
}
_procrustes = Form(folds.prepare, compare_procrustes, folds.permute, reads=_FOLDS, streamed=folds.prepare)
PROCRUSTES = {"exact": _procrustes}
PERMUTATION = {"exact": replace(_procrustes, compare=compare_permutation, check=_check_equal_widths)}
SOFT_MATCHING = {"exact": replace(_procrustes, compare=compare_soft)}
