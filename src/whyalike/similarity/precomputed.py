"""Matrices in place of features: dissimilarities (people's judgements, a model's RDM) and kernels, n x n.

They are marked by `rdm` or `kernel`, since an n x n array could as well be n units. Metrics whose `Form` has
``precomputed`` of that kind take them, on one side or both; picking stimuli picks rows and columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyalike.activations.vector_checks import check_features
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.registry import METRICS

SYMMETRIC = 1e-6  # of the largest entry: what float32 leaves between mirror images
KINDS = {"rdm": "dissimilarities", "kernel": "a kernel"}


@dataclass(frozen=True)
class Precomputed:
    """Dissimilarities or a kernel of n stimuli, checked: float64, symmetric; ``kind`` is "rdm" or "kernel"."""

    matrix: np.ndarray
    kind: str

    def __len__(self) -> int:
        return len(self.matrix)

    def __getitem__(self, rows: np.ndarray) -> "Precomputed":
        return Precomputed(self.matrix[np.ix_(rows, rows)], self.kind)

    def prepared(self, form: Form, metric: str, parameters: Mapping[str, Any]) -> Any:
        """What ``form`` compares.

        Raises
        ------
        ValueError : the metric needs features.
        """
        if self.kind not in form.precomputed:
            takers = [name for name in METRICS if self.kind in METRICS[name].load()["exact"].precomputed]
            raise ValueError(
                f"{metric} needs features here, not {KINDS[self.kind]}. Give features, or use "
                f"{' or '.join(takers)} on the CPU."
            )
        return form.precomputed[self.kind](self.matrix, parameters)


def rdm(matrix: Any) -> Precomputed:
    """Mark n x n dissimilarities, such as people's judgements, that take the place of features in `score("rsa", ...)`.

    Parameters
    ----------
    matrix : array or tensor, symmetric; larger is less alike. Its diagonal is not compared. The other side may be
        features, whose dissimilarities are the metric's ``rdm``.

    Raises
    ------
    ValueError : not square, not symmetric, or not finite.

    Example
    -------
    >>> from whyalike.similarity.api import score
    >>> x = np.random.default_rng(0).normal(size=(30, 8))
    >>> round(score("rsa", rdm(1 - np.corrcoef(x)), x), 6)
    1.0
    """
    return marked(matrix, "rdm", "rdm")


def kernel(matrix: Any) -> Precomputed:
    """Mark an n x n kernel that takes the place of features in `score("cka", ...)`, `cka_unbiased` and `cka_rbf`.

    Parameters
    ----------
    matrix : array or tensor, symmetric; larger is more alike. It is centred by the metric.

    Raises
    ------
    ValueError : not square, not symmetric, or not finite.

    Example
    -------
    >>> from whyalike.similarity.api import score
    >>> x = np.random.default_rng(0).normal(size=(30, 8))
    >>> round(score("cka", kernel(x @ x.T), x), 6)
    1.0
    """
    return marked(matrix, "kernel", "kernel")


def marked(matrix: Any, kind: str, name: str) -> Precomputed:
    """A matrix as `rdm` or `kernel` mark it; ``name`` is what messages call it."""
    found = check_features(matrix, name).astype(np.float64)
    if found.shape[0] != found.shape[1]:
        raise ValueError(
            f"{name} must be n x n to be {KINDS[kind]}; it has shape {found.shape}. Give features "
            "as they are, unmarked."
        )
    apart = np.abs(found - found.T)
    if apart.max() > SYMMETRIC * np.abs(found).max():
        row, column = np.unravel_index(np.argmax(apart), apart.shape)
        raise ValueError(
            f"{name} must be symmetric; entry ({row}, {column}) is {found[row, column]:g} and ({column}, {row}) is "
            f"{found[column, row]:g}. Fill both halves, or average them: (m + m.T) / 2."
        )
    return Precomputed((found + found.T) / 2, kind)
