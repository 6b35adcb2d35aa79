"""Centred kernel alignment: linear, RBF, and with the unbiased HSIC_1.

With H = I - 11'/n and the features centred (K = XX', Xc = HX):
biased, tr(KHLH) = ||Xc'Yc||_F^2, so that no n x n matrix is needed, and none is made unless it is the smaller work;
HSIC_1 (Song et al. 2012, eq. 5) does not change when features are shifted, and for centred features the row sums of the
kernel without its diagonal are minus that diagonal, a_i = |x_i|^2. All three of its terms then come from ||Xc'Yc||_F^2
and the two diagonals. Float32 features are multiplied in float32 and summed in float64
(`whyalike.similarity.precision`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics import left_out
from whyalike.similarity.metrics.rbf import rbf_kernel
from whyalike.similarity.moments import KernelSums, sums_of_factors, sums_of_kernel
from whyalike.similarity.precision import centred, cross, nearly_diagonal

Array = Any  # numpy's, or a tensor on a GPU
KERNEL_PAYS = 64  # d^2 > 64 n: a null draw takes .35 ms on kernels, 4 to 9 ms on features (n = 600, d = 512, one core)
KERNEL_ROWS = 2048  # a kernel of more rows is larger than 32 MB: then only where the features are larger still
ROUNDING = 1e-12  # of a kernel's largest entry, after centring
BLOCK = 1 << 16  # entries of a permuted kernel made at once: they stay in the cache, and large ones need no second copy


@dataclass(frozen=True)
class Features:
    """A linear kernel: the centred features (n x d), or the kernel of these (n x n) where that is less work.

    On a GPU ``matrix`` is a tensor, and features wider than n are n units with the same inner products.

    ``diagonal`` (n) is the kernel's diagonal, ``norm`` the square root of HSIC(K, K), or of HSIC_1 where the kernel is
    ``hollow``. With ``order``, rows and columns of the n x n kernel count in that order.
    """

    matrix: Array
    is_kernel: bool
    diagonal: np.ndarray
    norm: float
    hollow: bool = False
    order: np.ndarray | None = None

    @cached_property
    def sums(self) -> KernelSums:
        """The sums over the kernel; over the one whose diagonal is 0, rows and columns too, where it is hollow."""
        matrix, a, n = self.matrix, self.diagonal, len(self.diagonal)
        if not self.hollow:
            return sums_of_kernel(matrix) if self.is_kernel else sums_of_factors(matrix, matrix, hollow=False)
        moved, ones = a / (n - 2) - a.sum() / (2 * (n - 1) * (n - 2)), np.ones(n)
        if not self.is_kernel:
            factors = [np.column_stack([matrix, *two]).astype(matrix.dtype) for two in ((moved, ones), (ones, moved))]
            return sums_of_factors(*factors, hollow=True)
        kernel = matrix + moved[:, None] + moved
        np.fill_diagonal(kernel, 0)
        return sums_of_kernel(kernel)


@dataclass(frozen=True)
class Kernel:
    """A doubly centred kernel (n x n) and its Frobenius norm, sqrt HSIC(K, K); ``order`` as in `Features`."""

    matrix: Array
    norm: float
    order: np.ndarray | None = None

    @cached_property
    def sums(self) -> KernelSums:
        """The sums over the kernel."""
        return sums_of_kernel(self.matrix)


def _inner(a: np.ndarray, b: np.ndarray, order: np.ndarray | None) -> float:
    """sum a o b[order][:, order] of two n x n matrices, some rows at a time."""
    total, step = 0.0, max(1, BLOCK // len(a))
    for start in range(0, len(a), step):
        rows = slice(start, start + step)
        other = b[rows] if order is None else b.take(order[rows], axis=0).take(order, axis=1)
        total += float(np.vdot(a[rows].astype(np.float64, copy=False), other.astype(np.float64, copy=False)))
    return total


def norm_of(hsic: float, what: str) -> float:
    """The root of a self-similarity.

    Raises
    ------
    UndefinedScore : it is not positive.
    """
    if not hsic > 0:
        raise UndefinedScore(
            f"{what} of a representation with itself must be positive; got {hsic:.3g}. Use more stimuli, or cka."
        )
    return float(np.sqrt(hsic))


def normalised(hsic: float, x: Features | Kernel, y: Features | Kernel, parameters: Mapping[str, Any]) -> float:
    """The alignment of two kernels of which one number and both norms are known."""
    return hsic / (x.norm * y.norm + parameters["eps"])


def _linear_kernel(
    x: np.ndarray,
    parameters: Mapping[str, Any],
    hsic: Callable[[float, np.ndarray, np.ndarray], float],
    hollow: bool,
) -> Features:
    """Centre x (n x d); ``hsic`` makes the self-similarity of ||Xc'Xc||^2 and the diagonal, twice."""
    n, d = x.shape
    is_kernel = d > n or (parameters.get("permuted", True) and d * d > KERNEL_PAYS * n and n <= KERNEL_ROWS)
    rows, diagonal = centred(x, parameters.get("single", False) and not is_kernel)
    features = Features(rows @ rows.T if is_kernel else rows, is_kernel, diagonal, 0.0, hollow)
    square = _square(features, features)
    if rows.dtype == np.float32 and nearly_diagonal(square, diagonal):
        return _linear_kernel(x, {**parameters, "single": False}, hsic, hollow)
    return replace(features, norm=norm_of(hsic(square, diagonal, diagonal), "HSIC_1" if hollow else "HSIC"))


def _centred_kernel(kernel: np.ndarray) -> np.ndarray:
    """HKH of a kernel (n x n).

    Raises
    ------
    UndefinedScore : nothing is left but rounding.
    """
    means = kernel.mean(axis=0)
    found = kernel - means - means[:, None] + means.mean()
    if not np.abs(found).max() > ROUNDING * np.abs(kernel).max():
        raise UndefinedScore("cka needs a kernel that varies; after centring nothing is left. Check the kernel.")
    return found


def _given_kernel(kernel: np.ndarray, hsic: Callable[[float, np.ndarray, np.ndarray], float], hollow: bool) -> Features:
    """A kernel (n x n) that somebody else made; ``hsic`` as in `_linear_kernel`."""
    matrix = _centred_kernel(kernel)
    features = Features(matrix, True, np.diagonal(matrix).copy(), 0.0, hollow)
    square = hsic(_square(features, features), features.diagonal, features.diagonal)
    return replace(features, norm=norm_of(square, "HSIC_1" if hollow else "HSIC"))


def given_linear(kernel: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """A kernel (n x n) in place of that of features, as `prepare_linear`."""
    return _given_kernel(kernel, lambda square, a, b: square, hollow=False)


def given_unbiased(kernel: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """A kernel (n x n) in place of that of features, as `prepare_unbiased`; its diagonal does not count."""
    return _given_kernel(kernel, hsic_1_or_zero, hollow=True)


def given_rbf(kernel: np.ndarray, parameters: Mapping[str, Any]) -> Kernel:
    """A kernel (n x n) in place of that of features, as `prepare_rbf`."""
    matrix = _centred_kernel(kernel)
    return Kernel(matrix, norm_of(_inner(matrix, matrix, None), "HSIC"))


def _square(x: Features, y: Features) -> float:
    """||Xc'Yc||_F^2 = tr(KHLH)."""
    a, b = x.matrix, y.matrix
    if x.is_kernel and y.is_kernel:
        return _inner(a, b, y.order)
    if x.is_kernel:
        return float(np.vdot(a @ b, b))
    if y.is_kernel:
        a = a if y.order is None else a.take(np.argsort(y.order), axis=0)  # the same pairs of rows, in y's own order
        return float(np.vdot(b @ a, a))
    products = cross(a, b)  # (p, q)
    return float(np.vdot(products, products))


def prepare_linear(x: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """Centre x (n x d) and take the biased HSIC of its linear kernel with itself."""
    return _linear_kernel(x, parameters, lambda square, a, b: square, hollow=False)


def compare_linear(x: Features, y: Features, parameters: Mapping[str, Any]) -> float:
    """tr(KHLH) / (sqrt(tr(KHKH) tr(LHLH)) + eps)."""
    return normalised(_square(x, y), x, y, parameters)


def hsic_1(square: float, a: np.ndarray, b: np.ndarray) -> float:
    """HSIC_1 of two linear kernels of centred features, from ||Xc'Yc||^2 and the kernels' diagonals."""
    return left_out.hsic_1_of(square, float(a @ b), float(a.sum()) * float(b.sum()), len(a))


def hsic_1_or_zero(square: float, a: np.ndarray, b: np.ndarray) -> float:
    """HSIC_1, or 0 where it is 0 but for rounding, which leaves about 1e-16 of the terms' size."""
    hsic = hsic_1(square, a, b)
    return hsic if hsic > 1e-13 * float(a.mean()) * float(b.mean()) else 0.0


def prepare_unbiased(x: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """Centre x (n x d) and take HSIC_1 of its linear kernel with itself."""
    return _linear_kernel(x, parameters, hsic_1_or_zero, hollow=True)


def compare_unbiased(x: Features, y: Features, parameters: Mapping[str, Any]) -> float:
    """HSIC_1(K, L) / (sqrt(HSIC_1(K, K) HSIC_1(L, L)) + eps)."""
    return normalised(hsic_1(_square(x, y), x.diagonal, y.diagonal), x, y, parameters)


def linear_from_squares(squares: np.ndarray, diagonals: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
    """`compare_linear` of all pairs (M x M) from ||Xc'Yc||^2 (M x M)."""
    norms = np.array([norm_of(own, "HSIC") for own in np.diagonal(squares)])
    return squares / (np.outer(norms, norms) + parameters["eps"])


def unbiased_from_squares(squares: np.ndarray, diagonals: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
    """`compare_unbiased` of all pairs (M x M) from ||Xc'Yc||^2 (M x M) and the kernels' diagonals (M x n)."""
    norms = [norm_of(hsic_1_or_zero(squares[i, i], a, a), "HSIC_1") for i, a in enumerate(diagonals)]
    hsic = [[hsic_1(squares[i, j], a, b) for j, b in enumerate(diagonals)] for i, a in enumerate(diagonals)]
    return np.array(hsic) / (np.outer(norms, norms) + parameters["eps"])


def linear_left_out(x: Features, y: Features, parameters: Mapping[str, Any]) -> np.ndarray:
    """`compare_linear` without each of n stimuli: n values."""
    return _left_out(left_out.hsic, "HSIC", x, y, parameters)


def unbiased_left_out(x: Features, y: Features, parameters: Mapping[str, Any]) -> np.ndarray:
    """`compare_unbiased` without each of n stimuli: n values."""
    return _left_out(left_out.hsic_1, "HSIC_1", x, y, parameters)


def _left_out(
    hsic: Callable[[Features, Features], np.ndarray], what: str, x: Features, y: Features, parameters: Mapping[str, Any]
) -> np.ndarray:
    own = [hsic(z, z) for z in (x, y)]
    for values in own:
        norm_of(float(values.min()), what)
    return hsic(x, y) / (np.sqrt(own[0] * own[1]) + parameters["eps"])


def permute_features(y: Features, order: np.ndarray) -> Features:
    """The intermediates of ``y[order]``."""
    diagonal = y.diagonal.take(order)
    if y.is_kernel:
        return replace(y, diagonal=diagonal, order=order)
    return replace(y, diagonal=diagonal, matrix=y.matrix.take(order, axis=0))


def prepare_rbf(x: np.ndarray, parameters: Mapping[str, Any]) -> Kernel:
    """exp(-d^2 / (2 sigma^2)), doubly centred; 8 n^2 bytes, 4 n^2 of many rows."""
    width = parameters.get("sigma"), parameters.get("sigma_median", 1.0)
    kernel = rbf_kernel(x, *width, parameters.get("single", False))
    return Kernel(kernel, norm_of(_inner(kernel, kernel, None), "HSIC"))


def compare_rbf(x: Kernel, y: Kernel, parameters: Mapping[str, Any]) -> float:
    """tr(KHLH) / (sqrt(tr(KHKH) tr(LHLH)) + eps)."""
    return normalised(_inner(x.matrix, y.matrix, y.order), x, y, parameters)


def permute_rbf(y: Kernel, order: np.ndarray) -> Kernel:
    """The intermediates of ``y[order]``: rows and columns of the kernel in the new order."""
    return replace(y, order=order)


_of_linear = {"permute": permute_features, "single": True, "kernel_sums": attrgetter("sums")}
_linear = Form(
    prepare_linear,
    compare_linear,
    from_squares=linear_from_squares,
    left_out=linear_left_out,
    precomputed={"kernel": given_linear},
    **_of_linear,
)
_unbiased = Form(
    prepare_unbiased,
    compare_unbiased,
    from_squares=unbiased_from_squares,
    left_out=unbiased_left_out,
    precomputed={"kernel": given_unbiased},
    **_of_linear,
)
_of_rbf = {"reads": ("sigma", "sigma_median"), "single": True, "kernel_sums": attrgetter("sums")}
_rbf = Form(prepare_rbf, compare_rbf, permute_rbf, precomputed={"kernel": given_rbf}, **_of_rbf)

# the published forms differ by preprocessing and eps alone
LINEAR = {"exact": _linear, "as_published": _linear}
UNBIASED = {"exact": _unbiased, "as_published": _unbiased}
RBF = {"exact": _rbf, "as_published": _rbf}
