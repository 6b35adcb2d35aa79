"""RBF CKA with the unbiased HSIC_1 (Song et al. 2012, eq. 5; Nguyen et al. 2021).

The kernel of `whyalike.similarity.kernel_blocks`, without its diagonal, is centred so that its rows sum to 0 without it
(U-centring, Székely and Rizzo 2014): HSIC_1 of two kernels is then the inner product of the two matrices, divided by
n (n - 3). So no term is subtracted from another of its size, however narrow the kernel.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.activations.scratch import Scratch
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.kernel_blocks import Gaussian, gaussian
from whyalike.similarity.metrics.cka import Kernel, compare_rbf, permute_rbf
from whyalike.similarity.metrics.rbf import BLOCK
from whyalike.similarity.precision import row_blocks
from whyalike.similarity.preprocessing import unit_rows

ROUNDING = 64  # times the spacing of numbers: what is left of a kernel whose entries are all equal
NAME = "cka_rbf_unbiased"


def kernel_of(x: np.ndarray, parameters: Mapping[str, Any], scratch: Scratch) -> Gaussian:
    """The kernel of x (n x p).

    Raises
    ------
    UndefinedScore : half of the stimuli or more coincide, and sigma is not given.
    """
    if parameters.get("rows") == "l2":
        x = unit_rows(x.astype(np.float64))
    try:
        return gaussian(x, parameters, scratch)
    except UndefinedScore as reason:
        raise UndefinedScore(str(reason).replace("cka_rbf", NAME)) from None


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Kernel:
    """exp(-d^2 / (2 sigma^2)) of x (n x p), without its diagonal and U-centred; 8 n^2 bytes, 4 n^2 of many rows."""
    found = kernel_of(x, parameters, Scratch())
    n = len(x)
    kernel = np.empty((n, n), found.shift.dtype)
    for some in row_blocks(n, BLOCK):
        found.block(some, kernel[some, some.start :])
        kernel[some.start :, some] = kernel[some, some.start :].T
    kernel /= np.sqrt(n * (n - 3))  # so that inner products are HSIC_1
    size = _norm(kernel) + 2 * np.linalg.norm(found.shift) / np.sqrt(n - 3)
    moved = moves(kernel.sum(axis=1, dtype=np.float64)).astype(kernel.dtype)
    kernel -= moved[:, None]
    kernel -= moved
    np.fill_diagonal(kernel, 0)
    norm = _norm(kernel)
    check_varies(norm, size, kernel.dtype)
    return Kernel(kernel, norm)


def _norm(kernel: np.ndarray) -> float:
    own = Kernel(kernel, 1.0)
    return float(np.sqrt(compare_rbf(own, own, {"eps": 0.0})))


def moves(sums: np.ndarray) -> np.ndarray:
    """What U-centring takes from each row and column (n), of the sums of rows (n) without the diagonal."""
    n = len(sums)
    return sums / (n - 2) - sums.sum() / (2 * (n - 1) * (n - 2))


def check_varies(norm: float, size: float, dtype: np.dtype) -> None:
    """Raise UndefinedScore if a hollow kernel's norm after centring is rounding beside its ``size`` before."""
    if not norm > ROUNDING * np.finfo(dtype).eps * size:
        raise UndefinedScore(
            f"{NAME} needs distances that differ: beside the diagonal, nothing is left of the kernel after centring. "
            "Use more stimuli, a wider kernel, or cka_rbf."
        )


_form = Form(
    prepare,
    compare_rbf,
    permute_rbf,
    reads=("sigma", "sigma_median", "rows"),
    single=True,
    kernel_sums=lambda x: (x.sums, x.norm),
)
CKA_RBF_UNBIASED = {"exact": _form, "as_published": _form}
