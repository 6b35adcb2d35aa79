"""Canonical correlations of two representations: their mean, and weighted by projection (Morcos et al. 2018).

With orthonormal bases Qx, Qy of the centred columns, the canonical correlations are the singular values of Qx'Qy and
the canonical variates of X the columns of h = Qx U (Björck and Golub 1973). pwcca weighs correlation i by
sum_j |<h_i, x_j>|, which comes from the same decomposition: Qx'X is known for each representation, so a pair costs one
cross product of its bases. Where p or q reaches n - 1, a basis spans everything and the correlations are 1 whatever the
data: the null says so.
Columns are scaled to length 1 before a basis is made, so that the rank does not depend on units of measurement. The
basis is X R^-1, R the Cholesky factor of X'X, and the same once more where rounding asks for it (Yamamoto et al. 2015):
half of the time of a QR decomposition, a third of that of an SVD. An SVD is made where the columns are dependent, or
nearly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cholesky
from scipy.linalg.lapack import dtrtri

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.streamed import Streamed, orthonormal

RANK_TOLERANCE = 1e-10  # relative to the largest singular value: float64 rounding is 1e-16 times n
CONSTANT = 1e-12  # the SD of a unit, relative to its mean, that is rounding: scaling would blow it up
LEAST_PIVOT = 1e-5  # of R, relative to the largest: a basis that X R^-1 gives is then within 1e-6 of orthonormal
ORTHONORMAL = 1e-12  # largest error of the inner products of a basis


@dataclass(frozen=True)
class Columns:
    """The centred columns of a representation: an orthonormal basis (n x r) and its products with them (r x p)."""

    basis: np.ndarray
    loadings: np.ndarray


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Columns:
    """Centre x (n x p) and make a basis of its columns, up to their numerical rank r."""
    mean = x.mean(axis=0)
    x = x - mean
    lengths = np.linalg.norm(x, axis=0)
    alive = _alive(lengths, mean, len(x))
    x, lengths = x[:, alive], lengths[alive]
    x /= lengths
    basis, loadings = _by_cholesky(x) or _by_svd(x)
    return Columns(basis, loadings * lengths)


def _alive(lengths: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    """Which units (p) vary; ``lengths`` are those of the centred columns."""
    alive = lengths > CONSTANT * np.abs(mean) * np.sqrt(n)
    if not alive.any():
        raise UndefinedScore("cca needs a unit that varies beyond the rounding of its mean; none does. Centre them.")
    return alive


def prepare_streamed(x: Streamed, parameters: Mapping[str, Any]) -> Columns:
    """The same of columns (n x p) of which only some rows are held: the basis is a map of them."""
    x = x.centred()
    gram = x.T @ x
    alive = np.flatnonzero(_alive(np.sqrt(np.diagonal(gram)), x.mean, len(x)))
    x, gram = replace(x, columns=alive), gram[np.ix_(alive, alive)]
    scales = 1 / np.sqrt(np.diagonal(gram))
    try:
        factor = cholesky(gram * scales * scales[:, None])
        independent = np.diagonal(factor).min() > LEAST_PIVOT * np.diagonal(factor).max()
    except LinAlgError:
        independent = False
    if independent:
        weights = dtrtri(factor)[0]
    else:
        _, s, vt = np.linalg.svd(x.mapped(np.diag(scales)).triangular(), full_matrices=False)
        rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
        weights = vt[:rank].T / s[:rank]
    basis = orthonormal(x.mapped(scales[:, None] * weights))
    return Columns(basis, basis.weights.T @ gram)


def _by_svd(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis (n x r) of the columns of x (n x p) and its products with them (r x p)."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    return u[:, :rank], s[:rank, None] * vt[:rank]


def _by_cholesky(x: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The same of independent columns; None where rounding may hide that they are dependent."""
    basis, gram, loadings = x, x.T @ x, np.eye(x.shape[1])
    for _ in range(2):
        try:
            factor = cholesky(gram)
        except LinAlgError:
            return None
        pivots = np.diagonal(factor)
        if pivots.min() < LEAST_PIVOT * pivots.max():
            return None
        basis, loadings = basis @ dtrtri(factor)[0], factor @ loadings
        gram = basis.T @ basis
        if np.abs(gram - np.eye(len(gram))).max() < ORTHONORMAL:
            return basis, loadings
    return None


def permute(y: Columns, order: np.ndarray) -> Columns:
    """The intermediates of ``y[order]``."""
    return replace(y, basis=y.basis.take(order, axis=0))


def compare_mean(x: Columns, y: Columns, parameters: Mapping[str, Any]) -> float:
    """Mean of the min(rank X, rank Y) canonical correlations; in [0, 1]."""
    correlations = np.linalg.svd(x.basis.T @ y.basis, compute_uv=False)
    return float(np.minimum(correlations, 1).mean())


def compare_weighted(x: Columns, y: Columns, parameters: Mapping[str, Any]) -> float:
    """The canonical correlations weighted by what the variates of X account for of X's units; in [0, 1]."""
    u, correlations, _ = np.linalg.svd(x.basis.T @ y.basis, full_matrices=False)
    weights = np.abs(u.T @ x.loadings).sum(axis=1)
    return float(np.minimum(correlations, 1) @ weights / weights.sum())


def check_unique(x: Columns, y: Columns, parameters: Mapping[str, Any]) -> None:
    """Raise UndefinedScore where canonical correlations of 1 are forced, and leave the variates of X open."""
    n, p, q = len(x.basis), x.basis.shape[1], y.basis.shape[1]
    if p + q > n - 1 > max(p, q):
        raise UndefinedScore(
            f"pwcca needs rank X + rank Y <= n - 1; the ranks are {p} and {q}, n is {n}. {p + q - n + 1} canonical "
            "correlations are then 1 whatever the data, and their variates, hence the weights, are not unique. Use "
            "more stimuli, fewer units (such as leading principal components), svcca or procrustes_distance."
        )


CCA = {"exact": Form(prepare, compare_mean, permute, streamed=prepare_streamed)}
PWCCA = {"exact": Form(prepare, compare_weighted, permute, streamed=prepare_streamed, check=check_unique)}
