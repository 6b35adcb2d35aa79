"""One score of two representations: the entry for interactive use and for tests.

The workflow uses `whyalike.similarity.scoring.score_pairs`, which gives the same values with their baselines.
"""

from typing import Any

import numpy as np

from whyalike.similarity.checks import check_features, check_same_stimuli
from whyalike.similarity.intermediates import Rows, Workbench
from whyalike.similarity.protocols import setting


def score(metric: str, x: Any, y: Any, *, protocol: str = "exact", seed: int = 0, **params: Any) -> float:
    """How alike two representations of the same stimuli are.

    Parameters
    ----------
    metric : a name of `whyalike.similarity.registry.METRICS`, which holds range, invariances and default parameters.
    x, y : n x p and n x q; rows are stimuli, in the same order.
    protocol : "exact", the textbook quantity, or "as_published", what the reference computes with one layer a side
        (clamped and row-normalised features, its eps and faults, at least 0).
    seed : of the random draws of svcca as published; no other score uses it.
    params : parameters of the metric, such as k, sigma, sigma_median, dims, variance.

    Returns
    -------
    The score. 1 means equal up to the metric's invariances, except for lcs_knn as published (k/4) and cycle_knn.

    Raises
    ------
    KeyError : unknown metric.
    ValueError : wrong arrays, parameters or protocol; `UndefinedScore`, a ValueError, where the metric has no value.

    Example
    -------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(50, 8))
    >>> round(score("cka", x, 3 * x[:, ::-1] + 1), 6)
    1.0
    """
    chosen = setting(metric, protocol, params)
    x, y = check_features(x, "x"), check_features(y, "y")
    check_same_stimuli(x, y, "x", "y")
    workbench = Workbench({"x": {"x": x}, "y": {"x": y}}, seed)
    layer = None if chosen.layers_together else "x"
    return workbench.scorable("x", "y", Rows.of(np.arange(len(x))), chosen, layer).value()
