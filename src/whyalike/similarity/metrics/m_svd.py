"""Similarity of representations up to linear maps: m_SVD, its distance d_SVD, and m_CCA (Nielsen et al. 2025).

L = [g(y_i) - g(y0)], i = 1..M, and Z = L'f(x), each of its columns divided by its SD (ddof 1): m_SVD is the mean
singular value of the cross-correlation of Z and Z' of two models, d_SVD = 1 - m_SVD. For unembeddings, inputs take the
place of labels. Equal distributions give Z = Z'. max d_SVD <= 2 M d_LLV (`whyalike.similarity.metrics.llv`).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore, check_not_constant
from whyalike.similarity.metrics.distributions import (
    BLOCK,
    Model,
    check_enough,
    check_models,
    check_varies,
    embedding_vectors,
    input_vectors,
    label_vectors,
)
from whyalike.similarity.metrics.llv import NO_SPREAD, choose_labels
from whyalike.similarity.metrics.svcca import RANK_TOLERANCE


def m_svd(p: Any, q: Any, *, pivot: int = 0, labels: Sequence[int] | None = None) -> float:
    """How alike two models' embeddings are, seen through the differences of M labels' unembeddings to a pivot's.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings.
    pivot : y0.
    labels : y_1 .. y_M; the first M labels without the pivot if left out.

    Returns
    -------
    0 to 1; 1 for equal distributions.

    Raises
    ------
    ValueError : wrong shapes, labels that do not exist or are not distinct; `UndefinedScore`, a ValueError, with fewer
        than M + 1 labels or 2 inputs, or a label whose log-odds have no variance.

    Example
    -------
    >>> g = np.random.default_rng(0)
    >>> f, labels = g.normal(size=(20, 2)), g.normal(size=(5, 2))
    >>> mixed = np.array([[2.0, 1.0], [0.0, 1.0]])  # the same distribution by other embeddings
    >>> round(m_svd((f, labels), (f @ mixed, labels @ np.linalg.inv(mixed).T)), 6)
    1.0
    """
    p, q = _check("m_svd", p, q)
    chosen = _chosen("m_svd", "label", len(p[1]), p[0].shape[1], pivot, labels)
    return _mean_singular_value(_correlations("m_svd", "label", *embedding_vectors(p, q), *chosen))


def m_svd_unembeddings(p: Any, q: Any, *, pivot: int = 0, inputs: Sequence[int] | None = None) -> float:
    """How alike two models' unembeddings are, seen through the differences of M inputs' embeddings to a pivot's.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings.
    pivot : x0; ``pivot_input`` of `whyalike.similarity.metrics.llv.llv_parts` is the one of the bound by d_LLV.
    inputs : x_1 .. x_M, as ``inputs`` there; the first M inputs without the pivot if left out.

    Returns
    -------
    0 to 1; 1 for equal distributions.

    Raises
    ------
    ValueError : as `m_svd`, with inputs and labels exchanged.

    Example
    -------
    >>> g = np.random.default_rng(0)
    >>> f, labels = g.normal(size=(20, 2)), g.normal(size=(5, 2))
    >>> mixed = np.array([[2.0, 1.0], [0.0, 1.0]])  # the same distribution by other embeddings
    >>> round(m_svd_unembeddings((f, labels), (f @ mixed, labels @ np.linalg.inv(mixed).T)), 6)
    1.0
    """
    p, q = _check("m_svd_unembeddings", p, q)
    chosen = _chosen("m_svd_unembeddings", "input", len(p[0]), p[0].shape[1], pivot, inputs)
    return _mean_singular_value(_correlations("m_svd_unembeddings", "input", *input_vectors(p, q), *chosen))


def max_d_svd(p: Any, q: Any, *, pivot: int | None = None, left_out: int | None = None) -> float:
    """The largest d_SVD = 1 - m_SVD over all sets of M labels without the pivot and one left-out label.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings; K >= M + 2.
    pivot, left_out : two labels, both or neither; those that d_LLV chooses if left out.

    Returns
    -------
    0 to 1; 0 for equal distributions. At most 2 M d_LLV with the labels of d_LLV.

    Raises
    ------
    ValueError : as `m_svd`, and as `whyalike.similarity.metrics.llv.llv_distance`, which chooses the labels.

    Notes
    -----
    (K - 2)! / (M! (K - 2 - M)!) sets; all are submatrices of one cross-correlation, some thousands at a time.

    Example
    -------
    >>> g = np.random.default_rng(0)
    >>> f, labels = g.normal(size=(20, 2)), g.normal(size=(5, 2))
    >>> mixed = np.array([[2.0, 1.0], [0.0, 1.0]])  # the same distribution by other embeddings
    >>> abs(round(max_d_svd((f, labels), (f @ mixed, labels @ np.linalg.inv(mixed).T)), 6))
    0.0
    """
    p, q = _check("max_d_svd", p, q)
    count, width = p[1].shape
    check_enough("max_d_svd", "labels", count, width + 2, f"a pivot, one left out and M = {width} others")
    if (pivot is None) is not (left_out is None):
        raise ValueError(f"max_d_svd needs both pivot and left_out or neither; got {pivot} and {left_out}.")
    if pivot is None:
        pivot, left_out = choose_labels(*label_vectors(p, q))
    _check_indices("max_d_svd", "label", count, [pivot, left_out])
    others = np.delete(np.arange(count), [pivot, left_out])
    correlations = _correlations("max_d_svd", "label", *embedding_vectors(p, q), pivot, others)
    smallest = min(_mean_singular_value(correlations[rows, columns]) for rows, columns in _subsets(len(others), width))
    return 1 - smallest


def m_cca(p: Any, q: Any) -> float:
    """The mean canonical correlation of two models' embeddings.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings, of which f counts; the widths may differ.

    Returns
    -------
    0 to 1; 1 for embeddings of equal rank that are linear maps of each other.

    Raises
    ------
    ValueError : wrong shapes; `UndefinedScore`, a ValueError, for constant embeddings.

    Example
    -------
    >>> g = np.random.default_rng(0)
    >>> f, labels = g.normal(size=(20, 2)), g.normal(size=(5, 2))
    >>> round(m_cca((f, labels), (f @ [[2.0, 1.0], [0.0, 1.0]], labels)), 6)
    1.0
    """
    (f, _), (f2, _) = check_models(p, q, same_width=False)
    for x, name in ((f, "f of p"), (f2, "f of q")):
        check_not_constant("m_cca", x, name)
    x, y = _basis(f), _basis(f2)
    return float(np.linalg.svd(x.T @ y, compute_uv=False).mean())


def _basis(f: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the centred columns, n x rank."""
    u, s, _ = np.linalg.svd(f - f.mean(axis=0), full_matrices=False)
    return u[:, s > RANK_TOLERANCE * s[0]]


def _check(metric: str, p: Any, q: Any) -> tuple[Model, Model]:
    p, q = check_models(p, q)
    for what, part in (("inputs", p[0]), ("labels", p[1])):
        check_enough(metric, what, len(part), 2, "to vary")
    check_varies(metric, p, q)
    return p, q


def _chosen(
    metric: str, item: str, count: int, width: int, pivot: int, others: Sequence[int] | None
) -> tuple[int, np.ndarray]:
    check_enough(metric, f"{item}s", count, width + 1, f"a pivot and M = {width} others")
    chosen = [i for i in range(count) if i != pivot][:width] if others is None else list(others)
    _check_indices(metric, item, count, [pivot, *chosen])
    if len(chosen) != width:
        raise ValueError(f"{metric} needs M = {width} {item}s besides the pivot; got {len(chosen)}. Give {width}.")
    return pivot, np.array(chosen)


def _check_indices(metric: str, item: str, count: int, indices: list[int]) -> None:
    whole = all(isinstance(i, int | np.integer) and 0 <= i < count for i in indices)
    if not whole or len(set(indices)) < len(indices):
        raise ValueError(
            f"{metric} needs distinct {item}s from 0 to {count - 1}; got {', '.join(map(str, indices))}, pivot first."
        )


def _correlations(metric: str, item: str, u: np.ndarray, v: np.ndarray, pivot: int, others: np.ndarray) -> np.ndarray:
    """Correlation of the log-odds of each item under p (rows) with those of each item under q (columns)."""
    units = []
    for name, z in (("p", u), ("q", v)):
        odds = z[others] - z[pivot]
        sd = np.linalg.norm(odds, axis=1)
        size = np.linalg.norm(z, axis=1)
        dead = sd <= NO_SPREAD * (size[others] + size[pivot])
        if dead.any():
            raise UndefinedScore(
                f"{metric} needs log-odds that vary; under {name} those of {item} {others[dead][0]} against pivot "
                f"{pivot} have no variance. Choose another {item} or pivot."
            )
        units.append(odds / sd[:, None])
    return units[0] @ units[1].T


def _mean_singular_value(correlations: np.ndarray) -> float:
    """The smallest mean singular value of a stack of square matrices, or that of one."""
    return min(1.0, float(np.linalg.svd(correlations, compute_uv=False).mean(axis=-1).min()))


def _subsets(count: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row and column indices of all size x size submatrices on the diagonal, some thousands at a time."""
    rest = combinations(range(count), size)
    while len(chunk := np.array(list(islice(rest, max(1, BLOCK // (16 * size * size)))))):
        yield chunk[:, :, None], chunk[:, None, :]
