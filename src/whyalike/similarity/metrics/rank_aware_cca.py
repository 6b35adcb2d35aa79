"""The sum of the canonical correlations divided by the larger rank: CCA that falls when directions are deleted.

The mean over the smaller rank, `whyalike.similarity.metrics.cca`, is 1 for any rank-deficient linear copy, a single
principal component included. Divided by the larger rank, a copy of r of p directions scores r / p.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.cca import Columns, permute, prepare, prepare_streamed


def compare(x: Columns, y: Columns, parameters: Mapping[str, Any]) -> float:
    """Sum of the canonical correlations over max(rank X, rank Y); in [0, 1]."""
    correlations = np.linalg.svd(x.basis.T @ y.basis, compute_uv=False)
    return float(np.minimum(correlations, 1).sum() / max(x.basis.shape[1], y.basis.shape[1]))


CCA_RANK_AWARE = {"exact": Form(prepare, compare, permute, streamed=prepare_streamed)}
