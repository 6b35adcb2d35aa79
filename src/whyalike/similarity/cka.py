"""Centred kernel alignment: linear, RBF, and with the unbiased HSIC_1.

With H = I - 11'/n and the features centred (K = XX', Xc = HX):
biased, tr(KHLH) = ||Xc'Yc||_F^2, so that no n x n matrix is needed;
HSIC_1 (Song et al. 2012, eq. 5) does not change when features are shifted, and for centred features the row sums of the
kernel without its diagonal are minus that diagonal, a_i = |x_i|^2. All three of its terms then come from ||Xc'Yc||_F^2
and the two diagonals. Reductions in float64: a float32 norm of a 4000^2 matrix was .0007 low.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.forms import Form


@dataclass(frozen=True)
class Features:
    """Centred features (n x d, d <= n), the diagonal of their kernel (n), and sqrt HSIC(K, K)."""

    centred: np.ndarray
    diagonal: np.ndarray
    norm: float


@dataclass(frozen=True)
class Kernel:
    """A doubly centred kernel (n x n) and its Frobenius norm, sqrt HSIC(K, K)."""

    matrix: np.ndarray
    norm: float


def _centred(x: np.ndarray) -> np.ndarray:
    """Centre the columns; with more units than stimuli, an n x n matrix with the same inner products of rows."""
    x = x - x.mean(axis=0)
    return np.linalg.qr(x.T, mode="r").T if x.shape[1] > x.shape[0] else x


def _norm(hsic: float, what: str) -> float:
    if not hsic > 0:
        raise UndefinedScore(f"{what} of a representation with itself must be positive; got {hsic:.3g}.")
    return float(np.sqrt(hsic))


def _square(a: np.ndarray, b: np.ndarray) -> float:
    """||a'b||_F^2."""
    cross = (a.T @ b).ravel()
    return float(cross @ cross)


def prepare_linear(x: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """Centre x (n x d) and take the biased HSIC of its linear kernel with itself."""
    centred = _centred(x)
    return Features(centred, np.einsum("ij,ij->i", centred, centred), _norm(_square(centred, centred), "HSIC"))


def compare_linear(x: Features, y: Features, parameters: Mapping[str, Any]) -> float:
    """tr(KHLH) / (sqrt(tr(KHKH) tr(LHLH)) + eps)."""
    return _square(x.centred, y.centred) / (x.norm * y.norm + parameters["eps"])


def _hsic_1(square: float, a: np.ndarray, b: np.ndarray) -> float:
    """HSIC_1 of two linear kernels of centred features, from ||Xc'Yc||^2 and the kernels' diagonals."""
    n = len(a)
    products = float(a @ b)
    trace = square - products
    sums = float(a.sum()) * float(b.sum()) / ((n - 1) * (n - 2))
    return (trace + sums - 2 * products / (n - 2)) / (n * (n - 3))


def prepare_unbiased(x: np.ndarray, parameters: Mapping[str, Any]) -> Features:
    """Centre x (n x d) and take HSIC_1 of its linear kernel with itself."""
    centred = _centred(x)
    diagonal = np.einsum("ij,ij->i", centred, centred)
    hsic = _hsic_1(_square(centred, centred), diagonal, diagonal)
    # rounding leaves about 1e-16 of the terms' size where the value is 0
    scale = float(diagonal.sum()) ** 2 / len(x) ** 2
    return Features(centred, diagonal, _norm(hsic if hsic > 1e-13 * scale else 0.0, "HSIC_1"))


def compare_unbiased(x: Features, y: Features, parameters: Mapping[str, Any]) -> float:
    """HSIC_1(K, L) / (sqrt(HSIC_1(K, K) HSIC_1(L, L)) + eps)."""
    hsic = _hsic_1(_square(x.centred, y.centred), x.diagonal, y.diagonal)
    return hsic / (x.norm * y.norm + parameters["eps"])


def permute_features(y: Features, order: np.ndarray) -> Features:
    """The intermediates of ``y[order]``."""
    return Features(y.centred.take(order, axis=0), y.diagonal.take(order), y.norm)


def _squared_distances(x: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances between the rows of x (n x n); x is centred first, which loses fewer digits."""
    x = x - x.mean(axis=0)
    lengths = np.einsum("ij,ij->i", x, x)
    distances = np.maximum(lengths[:, None] + lengths - 2 * (x @ x.T), 0)
    np.fill_diagonal(distances, 0)
    return distances


def prepare_rbf(x: np.ndarray, parameters: Mapping[str, Any]) -> Kernel:
    """exp(-d^2 / (2 sigma^2)), doubly centred; 8 n^2 bytes. ``sigma_median`` multiplies the median distance."""
    squared = _squared_distances(x)
    sigma = parameters.get("sigma")
    if sigma is None:
        below_diagonal = np.tri(len(x), k=-1, dtype=bool)
        sigma = parameters["sigma_median"] * float(np.median(np.sqrt(squared[below_diagonal])))
    if not sigma > 0:
        raise UndefinedScore(
            "cka_rbf needs a median distance above 0: half of the stimuli or more coincide. Give sigma."
        )
    kernel = np.exp(squared / (-2 * sigma**2))
    means = kernel.mean(axis=0)
    kernel += means.mean() - means[:, None] - means
    return Kernel(kernel, _norm(float(np.vdot(kernel, kernel)), "HSIC"))


def compare_rbf(x: Kernel, y: Kernel, parameters: Mapping[str, Any]) -> float:
    """tr(KHLH) / (sqrt(tr(KHKH) tr(LHLH)) + eps)."""
    return float(np.vdot(x.matrix, y.matrix)) / (x.norm * y.norm + parameters["eps"])


def permute_rbf(y: Kernel, order: np.ndarray) -> Kernel:
    """The intermediates of ``y[order]``: rows and columns of the kernel in the new order."""
    return replace(y, matrix=y.matrix.take(order, axis=0).take(order, axis=1))


_linear = Form(prepare_linear, compare_linear, permute_features)
_unbiased = Form(prepare_unbiased, compare_unbiased, permute_features)
_rbf = Form(prepare_rbf, compare_rbf, permute_rbf, reads=("sigma", "sigma_median"))

# the published forms differ by preprocessing and eps alone
LINEAR = {"exact": _linear, "as_published": _linear}
UNBIASED = {"exact": _unbiased, "as_published": _unbiased}
RBF = {"exact": _rbf, "as_published": _rbf}
