"""Canonical correlations of two representations: their mean, and weighted by projection (Morcos et al. 2018).

With orthonormal bases Qx, Qy of the centred columns, the canonical correlations are the singular values of Qx'Qy and
the canonical variates of X the columns of h = Qx U (Björck and Golub 1973). pwcca weighs correlation i by
sum_j |<h_i, x_j>|, which comes from the same decomposition: Qx'X is known for each representation, so a pair costs one
cross product of its bases. Where p or q reaches n - 1, a basis spans everything and the correlations are 1 whatever the
data: the null says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form

RANK_TOLERANCE = 1e-10  # relative to the largest singular value: float64 rounding is 1e-16 times n


@dataclass(frozen=True)
class Columns:
    """The centred columns of a representation: an orthonormal basis (n x r) and its products with them (r x p)."""

    basis: np.ndarray
    loadings: np.ndarray


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Columns:
    """Centre x (n x p) and decompose it up to its numerical rank r."""
    u, s, vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    return Columns(u[:, :rank], s[:rank, None] * vt[:rank])


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


CCA = {"exact": Form(prepare, compare_mean, permute)}
PWCCA = {"exact": Form(prepare, compare_weighted, permute)}
