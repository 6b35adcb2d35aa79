"""Shape metrics between CCA and Procrustes: partial whitening, then the best rotation (Williams et al. 2021).

The centred features, scaled so that the mean square of their r non-zero singular values is 1, are multiplied by
alpha I + (1 - alpha) (X'X)^(-1/2): singular values s become alpha s + (1 - alpha). With alpha = 1 the rest is that of
Procrustes, with alpha = 0 all directions count alike. The scaling, which the paper leaves to the user, makes the value
independent of the unit of the features for every alpha. Where the whitened features Z have Frobenius norm 1, the
correlation is |Zx'Zy|_*, and its arc cosine is a metric. With alpha = 0 it is the sum of the canonical correlations
over the root of the product of the ranks.

Singular vectors and values serve every alpha, and `whyalike.similarity.metrics.gulp`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.streamed import Streamed, orthonormal, spectrum

RANK_TOLERANCE = 1e-10  # relative to the largest singular value: float64 rounding is 1e-16 times n
ROUNDING = 1e-12  # of a correlation near 1: the arc cosine would make a distance of 1e-8 of a rounding of 1e-16


@dataclass(frozen=True)
class Spectrum:
    """The left singular vectors (n x r) and values (r) of centred features; the squares of the values sum to 1."""

    vectors: np.ndarray
    values: np.ndarray


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Spectrum:
    """Centre x (n x p) and decompose it up to its numerical rank r."""
    u, s, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    return Spectrum(u[:, :rank], s[:rank] / np.linalg.norm(s[:rank]))


def prepare_streamed(x: Streamed, parameters: Mapping[str, Any]) -> Spectrum:
    """The same of rows (n x p) of which only some are held: the vectors are a map of them."""
    x = x.centred()
    s, right = spectrum(x)
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    return Spectrum(orthonormal(x.mapped(right[:, :rank] / s[:rank])), s[:rank] / np.linalg.norm(s[:rank]))


def permute(y: Spectrum, order: np.ndarray) -> Spectrum:
    """The intermediates of ``y[order]``."""
    return replace(y, vectors=y.vectors.take(order, axis=0))


def _whitened(values: np.ndarray, alpha: float) -> np.ndarray:
    """Singular values (r) after partial whitening, their squares summing to 1."""
    changed = alpha * np.sqrt(len(values)) * values + (1 - alpha)
    return changed / np.linalg.norm(changed)


def compare_correlation(x: Spectrum, y: Spectrum, parameters: Mapping[str, Any]) -> float:
    """The correlation after partial whitening and the best rotation; in [0, 1]."""
    a, b = (_whitened(one.values, parameters["alpha"]) for one in (x, y))
    products = a[:, None] * (x.vectors.T @ y.vectors) * b
    return min(float(np.linalg.svd(products, compute_uv=False).sum()), 1.0)


def compare_distance(x: Spectrum, y: Spectrum, parameters: Mapping[str, Any]) -> float:
    """The angle of that correlation, in [0, pi/2]; less than 1e-6 counts as 0."""
    correlation = compare_correlation(x, y, parameters)
    return 0.0 if correlation > 1 - ROUNDING else float(np.arccos(correlation))


SHAPE_CORRELATION = {"exact": Form(prepare, compare_correlation, permute, streamed=prepare_streamed)}
SHAPE_DISTANCE = {"exact": Form(prepare, compare_distance, permute, streamed=prepare_streamed)}
