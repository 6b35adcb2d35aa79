"""Linear CKA without each stimulus in turn, all n values for the work of a few: what a jackknife needs.

K = XX' of centred rows, a its diagonal, L and b those of Y, S = tr(KL), q_i = sum_j K_ij L_ij. Without row i, and
centred anew, with c = n/(n - 1) and e = 1/(n - 1):
tr(KL) becomes S - 2 c q_i + c^2 a_i b_i; the diagonal of K becomes a_j + 2 e K_ij + e^2 a_i (j other than i).
HSIC_1 takes no more than these and their sums, as in `whyalike.similarity.metrics.cka`.
"""

from typing import Any, Protocol, TypeVar

import numpy as np

from whyalike.similarity.precision import BLOCK, cross, row_blocks

Number = TypeVar("Number", float, np.ndarray)


class LinearKernel(Protocol):
    """Centred features (n x d), or their kernel (n x n), and the kernel's diagonal (n): `cka.Features`."""

    matrix: Any
    is_kernel: bool
    diagonal: np.ndarray


def hsic(x: LinearKernel, y: LinearKernel) -> np.ndarray:
    """tr(KL) without each of n stimuli: n values."""
    return _squares(x, y, _row_products(x, y))


def hsic_1(x: LinearKernel, y: LinearKernel) -> np.ndarray:
    """HSIC_1 without each of n stimuli: n values."""
    a, b, n = x.diagonal, y.diagonal, len(x.diagonal)
    products, own, e = _row_products(x, y), a * b, 1 / (n - 1)
    diagonals = (  # sum over j other than i of the two new diagonals' product
        a @ b - own
        + 2 * e * (_times(y, a) + _times(x, b) - 2 * own)
        + e**2 * (b * (a.sum() - a) + a * (b.sum() - b) + 4 * (products - own))
        - 3 * e**3 * own
    )  # fmt: skip
    sums = (a.sum() - n * e * a) * (b.sum() - n * e * b)
    return hsic_1_of(_squares(x, y, products), diagonals, sums, n - 1)


def hsic_1_of(square: Number, products: Number, sums: Number, n: int) -> Number:
    """HSIC_1 from ||Xc'Yc||^2, the product of the kernels' diagonals and the product of the sums of these."""
    trace = square - products
    return (trace + sums / ((n - 1) * (n - 2)) - 2 * products / (n - 2)) / (n * (n - 3))


def _row_products(x: LinearKernel, y: LinearKernel) -> np.ndarray:
    """sum_j K_ij L_ij of each row i: n."""
    found = np.empty(len(x.diagonal))
    if x.is_kernel or y.is_kernel:
        kernels = [z.matrix if z.is_kernel else z.matrix @ z.matrix.T for z in (x, y)]
        for some in row_blocks(len(found), BLOCK):
            found[some] = np.einsum("ij,ij->i", *(kernel[some].astype(np.float64) for kernel in kernels))
        return found
    products = cross(x.matrix, y.matrix)  # (p, q)
    for some in row_blocks(len(found), BLOCK):
        found[some] = np.einsum("ij,ij->i", x.matrix[some].astype(np.float64) @ products, y.matrix[some])
    return found


def _times(x: LinearKernel, b: np.ndarray) -> np.ndarray:
    """The kernel of x times b: n."""
    return x.matrix @ b if x.is_kernel else x.matrix @ (x.matrix.T @ b)


def _squares(x: LinearKernel, y: LinearKernel, products: np.ndarray) -> np.ndarray:
    c = len(products) / (len(products) - 1)
    return products.sum() - 2 * c * products + c**2 * x.diagonal * y.diagonal
