"""Procrustes distance: what is left between two representations after the best rotation (Williams et al. 2021).

Centred and divided by the Frobenius norm, min over orthogonal Q of |X - YQ|_F = sqrt(2 - 2 |X'Y|_*), the nuclear norm
of the cross-covariance (Ding et al. 2021); the angular form is arccos |X'Y|_*. Both obey the triangle inequality. Zero
padding of the narrower side changes nothing. A representation wider than n is replaced by n rotated units.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.streamed import Streamed

ROUNDING = 1e-12  # of a nuclear norm near 1: the root would make a distance of 1e-8 of a rounding of 1e-16


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
    """Centre x (n x p) and divide it by its Frobenius norm; n x min(n, p)."""
    x = x - x.mean(axis=0)
    if x.shape[1] > x.shape[0]:
        x = np.linalg.qr(x.T, mode="r").T  # the same inner products
    return x / np.linalg.norm(x)


def prepare_streamed(x: Streamed, parameters: Mapping[str, Any]) -> Streamed:
    """The same of rows (n x p) of which only some are held; wide ones stay as they are."""
    x = x.centred()
    return x.mapped(1 / np.sqrt(x.squares.sum()))


def permute(y: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The intermediates of ``y[order]``."""
    return y.take(order, axis=0)


def compare(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """The distance, in [0, sqrt 2], or with ``angular`` in [0, pi/2]; less than 1e-6 counts as 0."""
    similarity = float(np.linalg.svd(x.T @ y, compute_uv=False).sum())
    if similarity > 1 - ROUNDING:
        return 0.0
    return float(np.arccos(similarity) if parameters["angular"] else np.sqrt(2 - 2 * similarity))


PROCRUSTES_DISTANCE = {"exact": Form(prepare, compare, permute, streamed=prepare_streamed)}
