"""Distance correlation of two representations (Székely et al. 2007), and its bias-corrected form (2013).

Units are the entries of one vector a stimulus, so distances are Euclidean ones between rows. With A and B the doubly
centred distances, the first is sqrt(<A, B> / (|A| |B|)): 0 in the limit of many stimuli for independent representations
alone. The second is <A, B> / (|A| |B|) of distances centred without their diagonal, the squared form without bias. Both
are alignments of the kernels -d, so what is made of a representation is one such kernel, and a pair one product.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.cka import Features, Kernel, compare_rbf, hsic_1, permute_rbf
from whyalike.similarity.moments import KernelSums

ROUNDING = 1e-14  # of a squared distance, relative to the squared lengths
EQUAL = 1e-13  # of the unbiased self-similarity, relative to the mean squared distance: rounding
_PLAIN = {"eps": 0.0}


@dataclass(frozen=True)
class Distances:
    """The doubly centred kernel -d of a representation, and its diagonal (n)."""

    kernel: Kernel
    diagonal: np.ndarray

    @cached_property
    def sums(self) -> KernelSums:
        """The sums over the kernel that is centred without its diagonal."""
        return Features(self.kernel.matrix, True, self.diagonal, 0.0).sums[1]


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Distances:
    """Minus the distances between the rows of x (n x p), doubly centred; 8 n^2 bytes."""
    x = x - x.mean(axis=0)  # which loses fewer digits
    squares = (x * x).sum(axis=1)
    kernel = squares[:, None] + squares
    kernel -= 2 * (x @ x.T)
    kernel[kernel < ROUNDING * (squares[:, None] + squares)] = 0
    np.fill_diagonal(kernel, 0)
    np.sqrt(kernel, out=kernel)
    means = kernel.mean(axis=1)
    kernel -= means[:, None]
    kernel -= means - means.mean()
    np.negative(kernel, out=kernel)
    return Distances(Kernel(kernel, float(np.linalg.norm(kernel))), np.diagonal(kernel).copy())


def permute(y: Distances, order: np.ndarray) -> Distances:
    """The intermediates of ``y[order]``."""
    return replace(y, kernel=permute_rbf(y.kernel, order), diagonal=y.diagonal.take(order))


def compare(x: Distances, y: Distances, parameters: Mapping[str, Any]) -> float:
    """The distance correlation; in [0, 1]."""
    return float(np.sqrt(np.clip(compare_rbf(x.kernel, y.kernel, _PLAIN), 0, 1)))


def _own(x: Distances) -> float:
    """The unbiased distance variance, or 0 where it is 0 but for rounding."""
    found = hsic_1(x.kernel.norm**2, x.diagonal, x.diagonal)
    return found if found > EQUAL * float(x.diagonal.mean()) ** 2 else 0.0


def check_unbiased(x: Distances, y: Distances, parameters: Mapping[str, Any]) -> None:
    """Raise UndefinedScore where all distances of one of the two are equal."""
    if not (_own(x) and _own(y)):
        raise UndefinedScore(
            "distance_correlation_unbiased needs distances that differ; those of a representation are all equal. "
            "Use more stimuli, or distance_correlation."
        )


def compare_unbiased(x: Distances, y: Distances, parameters: Mapping[str, Any]) -> float:
    """The bias-corrected squared distance correlation; in [-1, 1]."""
    square = compare_rbf(x.kernel, y.kernel, _PLAIN) * x.kernel.norm * y.kernel.norm
    return float(np.clip(hsic_1(square, x.diagonal, y.diagonal) / np.sqrt(_own(x) * _own(y)), -1, 1))


DISTANCE_CORRELATION = {"exact": Form(prepare, compare, permute)}
UNBIASED = {
    "exact": Form(
        prepare, compare_unbiased, permute, check=check_unbiased, kernel_sums=lambda x: (x.sums, _own(x) ** 0.5)
    )
}
