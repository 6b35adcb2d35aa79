"""GULP: how far the predictions of ridge regressions on two representations differ (Boix-Adsera et al. 2022).

With centred features whose rows have mean squared length 1, S = X'X/n and the ridge lambda, the predictions of a target
are H y with H = X (S + lambda I)^-1 X' / n, and the distance is |Hx - Hy|_F: the root mean square over targets of
independent entries, times sqrt n. H has the singular vectors of X and the eigenvalues s^2 / (s^2 + lambda), the squares
s^2 summing to 1. Without a ridge it counts directions alone: sqrt(r + q - 2 sum of squared canonical correlations).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.shapes import Spectrum, permute, prepare, prepare_streamed

ROUNDING = 1e-13  # of a squared distance, relative to the squared norms: the root would be 1e-7


def _eigenvalues(x: Spectrum, ridge: float) -> np.ndarray:
    """Those of the ridge regression's hat matrix, r."""
    return x.values**2 / (x.values**2 + ridge)


def compare(x: Spectrum, y: Spectrum, parameters: Mapping[str, Any]) -> float:
    """The distance, from 0 to sqrt(rank X + rank Y); less than 1e-6 of its largest value counts as 0."""
    a, b = (_eigenvalues(one, parameters["ridge"]) for one in (x, y))
    norms = a @ a + b @ b
    squared = norms - 2 * float(a @ (x.vectors.T @ y.vectors) ** 2 @ b)
    return 0.0 if squared < ROUNDING * norms else float(np.sqrt(squared))


GULP = {"exact": Form(prepare, compare, permute, streamed=prepare_streamed)}
