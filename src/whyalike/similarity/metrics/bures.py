"""Normalised Bures similarity: the nuclear norm of the cross-covariance of two representations.

For centred X and Y it is |X'Y|_* / (|X|_F |Y|_F), the fidelity of the kernels XX' and YY' divided by the root of the
product of their traces (Tang et al. 2020; Harvey, Larsen and Williams 2024). It is the cosine of the angular Procrustes
distance, so what is made of each representation is that of `whyalike.similarity.metrics.procrustes`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.procrustes import permute, prepare, prepare_streamed


def compare(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """The nuclear norm of x'y for x and y of Frobenius norm 1; in [0, 1]."""
    return min(float(np.linalg.svd(x.T @ y, compute_uv=False).sum()), 1.0)


NORMALISED_BURES = {"exact": Form(prepare, compare, permute, streamed=prepare_streamed)}
