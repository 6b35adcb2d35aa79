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
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics import left_out
from whyalike.similarity.metrics.rbf import rbf_kernel
from whyalike.similarity.moments import KernelSums, sums_of_features, sums_of_kernel
from whyalike.similarity.precision import centred, cross, nearly_diagonal
from whyalike.similarity.streamed import Streamed
from whyalike.similarity.within_class import ClassSums, class_sums

Array = Any  # numpy's, or a tensor on a GPU
KERNEL_PAYS = 64  # d^2 > 64 n: a null draw takes .35 ms on kernels, 4 to 9 ms on features (n = 600, d = 512, one core)
KERNEL_ROWS = 2048  # a kernel of more rows is larger than 32 MB: then only where the features are larger still
INNER_SMALL = 8  # times as many rows as units: X'X then has at most a quarter of the bytes of float32 features
ROUNDING = 1e-12  # of a kernel's largest entry, after centring
BLOCK = 1 << 16  # entries of a permuted kernel made at once: they stay in the cache, and large ones need no second copy


@dataclass(frozen=True)
class Features:
    """A linear kernel: the centred features (n x d), or the kernel of these (n x n) where that is less work.

    On a GPU ``matrix`` is a tensor, and features wider than n are n units with the same inner products.

    ``diagonal`` (n) is the kernel's diagonal, ``square`` its squared Frobenius norm. With ``order``, rows and columns
    of the n x n kernel count in that order. ``inner`` is X'X of features X (d x d), where it is small beside them.
    """

    matrix: Array
    is_kernel: bool
    diagonal: np.ndarray
    square: float
    order: np.ndarray | None = None
    inner: np.ndarray | None = None

    @property
    def norm(self) -> float:
        """The square root of HSIC of the kernel with itself; raises UndefinedScore where that is 0."""
        return norm_of(self.square, "HSIC")

    @property
    def unbiased_norm(self) -> float:
        """The same of HSIC_1."""
        return norm_of(hsic_1_or_zero(self.square, self.diagonal, self.diagonal), "HSIC_1")

    @cached_property
    def sums(self) -> tuple[KernelSums, KernelSums]:
        """The sums over the kernel, and over the one whose diagonal is 0, and whose rows and columns sum to 0."""
        matrix, a, n = self.matrix, self.diagonal, len(self.diagonal)
        if not self.is_kernel:
            return sums_of_features(matrix, a, cross(matrix, matrix) if self.inner is None else self.inner)
        moved = a / (n - 2) - a.sum() / (2 * (n - 1) * (n - 2))
        hollow = matrix + moved[:, None] + moved
        np.fill_diagonal(hollow, 0)
        return sums_of_kernel(matrix), sums_of_kernel(hollow)


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


def normalised(hsic: float, norm_x: float, norm_y: float, parameters: Mapping[str, Any]) -> float:
    """The alignment of two kernels of which one number and both norms are known."""
    return hsic / (norm_x * norm_y + parameters["eps"])


def prepare_linear(x: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """Centre x (n x d), and take the squared norm of its linear kernel."""
    n, d = x.shape
    is_kernel = d > n or (parameters.get("permuted", True) and d * d > KERNEL_PAYS * n and n <= KERNEL_ROWS)
    rows, diagonal = centred(x, parameters.get("single", False) and not is_kernel)
    inner = rows @ rows.T if is_kernel else cross(rows, rows)
    square = _inner(inner, inner, None) if is_kernel else float(np.vdot(inner, inner))
    if rows.dtype == np.float32 and nearly_diagonal(square, diagonal):
        return prepare_linear(x, {**parameters, "single": False})
    if is_kernel:
        return Features(inner, True, diagonal, square)
    return Features(rows, False, diagonal, square, inner=inner if d * INNER_SMALL <= n else None)


def prepare_streamed(x: Streamed, parameters: Mapping[str, Any]) -> Features:
    """The same of features (n x d) of which only some rows are held, by float64 products."""
    rows = x.centred()
    features = Features(rows, False, rows.squares, 0.0)
    return replace(features, square=_square(features, features))


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


def given_linear(kernel: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """A kernel (n x n) in place of that of features, as `prepare_linear`; in unbiased CKA its diagonal is left out."""
    matrix = _centred_kernel(kernel)
    features = Features(matrix, True, np.diagonal(matrix).copy(), 0.0)
    return replace(features, square=_square(features, features))


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


def meet(x: Features, y: Features, order: np.ndarray | None) -> tuple[float, Features]:
    """||Xc'Yc||^2 of x and y in another order, and this y: what both metrics of linear kernels need of a pair."""
    y = y if order is None else permute_features(y, order)
    return _square(x, y), y


Met = tuple[float, Features] | None


def compare_linear(x: Features, y: Features, parameters: Mapping[str, Any], met: Met = None) -> float:
    """tr(KHLH) / (sqrt(tr(KHKH) tr(LHLH)) + eps)."""
    square, y = met or meet(x, y, None)
    return normalised(square, x.norm, y.norm, parameters)


def check_linear(x: Features, y: Features, parameters: Mapping[str, Any]) -> None:
    """Raise UndefinedScore where a kernel is 0."""
    _ = x.norm, y.norm


def check_unbiased(x: Features, y: Features, parameters: Mapping[str, Any]) -> None:
    """Raise UndefinedScore where HSIC_1 of a kernel with itself is not positive."""
    _ = x.unbiased_norm, y.unbiased_norm


def hsic_1(square: float, a: np.ndarray, b: np.ndarray) -> float:
    """HSIC_1 of two linear kernels of centred features, from ||Xc'Yc||^2 and the kernels' diagonals."""
    return left_out.hsic_1_of(square, float(a @ b), float(a.sum()) * float(b.sum()), len(a))


def hsic_1_or_zero(square: float, a: np.ndarray, b: np.ndarray) -> float:
    """HSIC_1, or 0 where it is 0 but for rounding, which leaves about 1e-16 of the terms' size."""
    hsic = hsic_1(square, a, b)
    return hsic if hsic > 1e-13 * float(a.mean()) * float(b.mean()) else 0.0


def compare_unbiased(x: Features, y: Features, parameters: Mapping[str, Any], met: Met = None) -> float:
    """HSIC_1(K, L) / (sqrt(HSIC_1(K, K) HSIC_1(L, L)) + eps)."""
    square, y = met or meet(x, y, None)
    return normalised(hsic_1(square, x.diagonal, y.diagonal), x.unbiased_norm, y.unbiased_norm, parameters)


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
    return normalised(_inner(x.matrix, y.matrix, y.order), x.norm, y.norm, parameters)


def permute_rbf(y: Kernel, order: np.ndarray) -> Kernel:
    """The intermediates of ``y[order]``: rows and columns of the kernel in the new order."""
    return replace(y, order=order)


def class_sums_of(x: Features, groups: np.ndarray) -> ClassSums | None:
    """The sums by class of the rows (n); None of a kernel, whose draws take no longer, and of a `Streamed`."""
    return None if x.is_kernel or isinstance(x.matrix, Streamed) else class_sums(x.matrix, x.diagonal, groups)


_biased = Form(
    prepare_linear,
    compare_linear,
    permute_features,
    single=True,
    streamed=prepare_streamed,
    meet=meet,
    check=check_linear,
    from_squares=linear_from_squares,
    left_out=linear_left_out,
    precomputed={"kernel": given_linear},
    kernel_sums=lambda x: (x.sums[0], x.norm),
    class_sums=class_sums_of,
)
_unbiased = replace(
    _biased,
    compare=compare_unbiased,
    check=check_unbiased,
    from_squares=unbiased_from_squares,
    left_out=unbiased_left_out,
    kernel_sums=lambda x: (x.sums[1], x.unbiased_norm),
)
_rbf = Form(
    prepare_rbf,
    compare_rbf,
    permute_rbf,
    reads=("sigma", "sigma_median"),
    single=True,
    precomputed={"kernel": given_rbf},
    kernel_sums=lambda x: (x.sums, x.norm),
)

# the published forms differ by preprocessing and eps alone
LINEAR = {"exact": _biased, "as_published": _biased}
UNBIASED = {"exact": _unbiased, "as_published": _unbiased}
RBF = {"exact": _rbf, "as_published": _rbf}
