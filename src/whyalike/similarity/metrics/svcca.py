"""SVCCA: canonical correlations between the leading singular subspaces (Raghu et al. 2017).

Exact: columns centred and nothing else, the ``dims`` leading left singular vectors U, or those that hold ``variance``.
The score is the mean singular value of U1'U2, which are the canonical correlations of the two subspaces. As published:
units scaled to SD 1, which ties the leading directions to the units (a rotation changes the score) and lets units that
hardly vary count as much as others; U from a randomised SVD with ``dims`` columns, no oversampling and two
power iterations, unseeded, and the maximum over the layer pairs counts, which with one layer are four draws of the same
number (.307 to .355 on one input whose exact value is .332). Here the draws are keyed, and equal to it in distribution.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.streamed import Streamed, orthonormal, spectrum

POWER_ITERATIONS = 2  # of torch.svd_lowrank, which the reference calls
NOISE = 1e-10  # of the reference, on each canonical variate before the correlation
SMALLEST_SD = 1e-8  # of the reference, added to the standard deviation
CLOSE = 1e-4  # relative to the largest singular value: rounding of 1e-16 then moves a singular vector by 1e-8
RANK_TOLERANCE = 1e-10  # relative to the largest singular value: float64 rounding is 1e-16 times n


def _leading(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors (n x r) and singular values (r) of x up to its numerical rank r."""
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    return u[:, :rank], s[:rank]


def _too_few(dims: int, rank: int) -> UndefinedScore:
    return UndefinedScore(f"svcca needs {dims} dims; the centred features have rank {rank}. Use dims <= {rank}.")


def _leading_where(
    x: np.ndarray, wanted: Callable[[np.ndarray], int], most: int | None = None
) -> tuple[np.ndarray, int]:
    """The ``wanted`` leading left singular vectors of x (n x d), a number that depends on the singular values.

    Returns
    -------
    basis : n x as many as there are, at most the number wanted. number : that number.

    Of a tall x they come from the d x d eigenproblem of x'x, in a sixth of the time; what that loses, the square of the
    ratio of the singular values, it may lose down to `CLOSE` only. Where ``most`` of them are looked at, only these are
    made, in a third of the time of all.
    """
    d = x.shape[1]
    if x.shape[0] >= 2 * d:
        these = None if most is None else (max(0, d - most), d - 1)
        values, vectors = scipy.linalg.eigh(x.T @ x, subset_by_index=these, check_finite=False)
        s = np.sqrt(np.maximum(values[::-1], 0))
        number = wanted(s)
        if number <= len(s) and s[number - 1] > CLOSE * s[0]:
            return x @ (vectors[:, ::-1][:, :number] / s[:number]), number
    u, s = _leading(x)
    number = wanted(s)
    return u[:, :number], number


def prepare_exact(x: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
    """The basis of x's leading subspace, n x dims or n x as many as hold ``variance``."""
    most = None if "variance" in parameters else parameters["dims"]
    basis, dims = _leading_where(x - x.mean(axis=0), partial(_wanted, parameters), most)
    if basis.shape[1] < dims and most is not None:
        raise _too_few(dims, basis.shape[1])
    return basis


def _wanted(parameters: Mapping[str, Any], s: np.ndarray) -> int:
    """How many of the singular values count: ``dims``, or those that hold ``variance``."""
    if "variance" in parameters:
        return min(int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), parameters["variance"])) + 1, len(s))
    return parameters["dims"]


def prepare_streamed(x: Streamed, parameters: Mapping[str, Any]) -> Streamed:
    """The same of rows (n x d) of which only some are held: the basis is a map of them."""
    x = x.centred()
    s, vectors = spectrum(x, partial(_wanted, parameters))
    rank, number = np.count_nonzero(s > RANK_TOLERANCE * s[0]), _wanted(parameters, s)
    if rank < number and "dims" in parameters:
        raise _too_few(number, rank)
    number = min(number, rank)
    return orthonormal(x.mapped(vectors[:, :number] / s[:number]))


def compare_exact(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """Mean singular value of x'y for orthonormal bases x, y; in [0, 1], 1 for equal subspaces."""
    return float(np.linalg.svd(x.T @ y, compute_uv=False).mean())


def randomised_bases(
    x: np.ndarray, dims: int, generators: Sequence[np.random.Generator]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Left singular vectors (n x dims) and singular values of x (n x d) by randomised SVDs (Halko et al. 2009).

    A draw from each generator; all go through x together, since a pass over x takes longer than its products. A wide
    matrix is transposed first, as torch does: the left vectors are then the right ones of the transpose.
    """
    tall = x if x.shape[0] >= x.shape[1] else x.T
    q = _orthonormal(tall, [generator.standard_normal((tall.shape[1], dims)) for generator in generators])
    for _ in range(POWER_ITERATIONS):
        q = _orthonormal(tall, _orthonormal(tall.T, q))
    found = []
    for own, rows in zip(q, np.split(np.concatenate(q, axis=1).T @ tall, len(q)), strict=True):
        u, s, vt = np.linalg.svd(rows, full_matrices=False)
        found.append((own @ u if tall is x else vt.T, s))
    return found


def _orthonormal(x: np.ndarray, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Orthonormal bases of x times several matrices of as many vectors each."""
    images = x @ np.concatenate(vectors, axis=1)
    return [np.linalg.qr(image).Q for image in np.split(images, len(vectors), axis=1)]


def draws_published(x: np.ndarray, parameters: Mapping[str, Any]) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    """Draws of the reference's basis, n x dims, and of its singular values: one from each of the ``generators``.

    The reference adds noise to canonical variates of unit variance. Here it is added to the basis, whose columns have
    unit length, so divided by sqrt(n): either moves a correlation by about 1e-10.
    """
    x = x - x.mean(axis=0)
    x /= x.std(axis=0, ddof=1) + SMALLEST_SD
    generators = parameters["generators"]
    found = randomised_bases(x, parameters["dims"], list(generators.values()))
    return {
        draw: (basis + NOISE / np.sqrt(len(x)) * generator.standard_normal(basis.shape), s)
        for (draw, generator), (basis, s) in zip(generators.items(), found, strict=True)
    }


def prepare_published(x: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
    """The draw ``parameters["draw"]``, n x dims."""
    basis, s = parameters["upon"][parameters["draw"]]
    rank = np.count_nonzero(s > RANK_TOLERANCE * s[0])
    if rank < parameters["dims"]:
        raise _too_few(parameters["dims"], rank)
    return basis


def permute(y: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The basis of ``y[order]``."""
    return y.take(order, axis=0)


SVCCA = {
    "exact": Form(prepare_exact, compare_exact, permute, reads=("dims", "variance"), streamed=prepare_streamed),
    "as_published": Form(
        prepare_published, compare_exact, permute, reads=("dims",), randomised=True, upon=draws_published
    ),
}
