"""CKNNA: unbiased alignment of linear kernels on the pairs that are neighbours in both (Huh et al. 2024).

mask = mask_K o mask_L, the top k of each row (the diagonal excluded); the score is HSIC_1(mask o K, mask o L)
/ sqrt(HSIC_1(mask_K o K, same) HSIC_1(mask_L o L, same)), HSIC_1 as in Song et al. 2012, eq. 5. Masked kernels are not
symmetric, so that (X, Y) and (Y, X) differ a little; they have at most n k entries, the only ones that are touched.
HSIC_1 of a masked kernel with itself need not be positive: then the score is undefined. Both denominators depend on one
representation alone, so a permutation of rows leaves them as they are, and every null draw of a defined score is
defined. The null is not 0 (.016 at n = 500).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics import neighbours
from whyalike.similarity.metrics.nearest import Neighbours, products_at
from whyalike.similarity.metrics.neighbours import Meeting, meet, meet_alike


@dataclass(frozen=True)
class MaskedKernel:
    """Neighbours, the kernel's values at their lists (n x k), and sqrt HSIC_1 of the masked kernel with itself.

    ``norm_again`` is of the lists that are drawn again. Rows whose ties are drawn have ties alone, so the values are
    the same but for rounding.
    """

    found: Neighbours
    values: np.ndarray
    norm: float
    norm_again: float


def _hsic_1(n: int, rows: np.ndarray, columns: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """HSIC_1 of two n x n matrices, zero but for a and b at (rows, columns)."""
    keys, mirrored = rows * n + columns, columns * n + rows
    order = np.argsort(keys)
    places = order[np.minimum(np.searchsorted(keys, mirrored, sorter=order), max(len(keys) - 1, 0))]
    both = keys[places] == mirrored  # the entries whose mirror image is in the mask too
    trace = float(a[both] @ b[places[both]])  # sum A o B'
    sums = float(a.sum()) * float(b.sum()) / ((n - 1) * (n - 2))
    # 1'AB1 = column sums of A times row sums of B
    product = float(np.bincount(columns, a, n) @ np.bincount(rows, b, n))
    return (trace + sums - 2 * product / (n - 2)) / (n * (n - 3))


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> MaskedKernel:
    """Kernel values of x (n x d) at its neighbour lists, and HSIC_1 of its own masked kernel."""
    found = parameters["upon"]
    return masked_kernel(found, products_at(x, found.lists))


def masked_kernel(found: Neighbours, values: np.ndarray) -> MaskedKernel:
    """The intermediates of neighbours and the kernel's values at their lists (n x k).

    Raises
    ------
    UndefinedScore : HSIC_1 of the masked kernel with itself is not positive.
    """
    norm = _norm(found.lists, values)
    return MaskedKernel(found, values, norm, norm if found.again is None else _norm(found.again, values))


def _norm(lists: np.ndarray, values: np.ndarray) -> float:
    n, k = lists.shape
    rows = np.repeat(np.arange(n), k)
    hsic = _hsic_1(n, rows, lists.ravel(), values.ravel(), values.ravel())
    if not hsic > 0:
        raise UndefinedScore(
            f"cknna needs a positive HSIC_1 of the masked kernel with itself; got {hsic:.3g} for n = {n}, k = {k}. "
            "Use more neighbours or more stimuli."
        )
    return float(np.sqrt(hsic))


def compare(x: MaskedKernel, y: MaskedKernel, parameters: Mapping[str, Any], met: Meeting | None = None) -> float:
    """HSIC_1 on the common neighbours, normalised; 1 on (X, X), not bounded in general."""
    met = met or meet(x, y, None)
    rows, in_x, in_y = met.common
    of_y = rows if met.order is None else met.order[rows]
    common = (len(met.x), rows, met.x[rows, in_x], x.values[rows, in_x], y.values[of_y, in_y])
    hsic = _hsic_1(*common) if len(rows) else 0.0
    return hsic / (x.norm * (y.norm_again if met.is_again else y.norm) + parameters["eps"])


def compare_published(x: MaskedKernel, y: MaskedKernel, parameters: Mapping[str, Any], met: Any = None) -> float:
    """The same with ties drawn alike on both sides."""
    return compare(x, y, parameters, met or meet_alike(x, y, None))


def permute(y: MaskedKernel, order: np.ndarray) -> MaskedKernel:
    """The intermediates of ``y[order]``."""
    return replace(y, found=neighbours.permute(y.found, order), values=y.values.take(order, axis=0))


_exact = Form(prepare, compare, permute, ("k",), meet=meet, upon=neighbours.prepare_lists, streamed=prepare)
CKNNA = {"exact": _exact, "as_published": replace(_exact, compare=compare_published, meet=meet_alike)}
