"""Two models of p(y|x) as arrays: the checks, and the log-probabilities of a label or an input as short vectors.

A model is a pair (f, g) of embeddings f (n inputs x M) and unembeddings g (K labels x M):
p(y|x) = exp(f(x)'g(y)) / sum_y' exp(f(x)'g(y')) (Nielsen et al. 2025). Over the inputs, ln p(y|x) is linear in
(f(x), ln sum exp), and over the labels, up to a constant, in g(y). So with R from a QR decomposition of these columns
of both models, centred and divided by sqrt(n - 1), the standard deviation (ddof 1) of any combination of
log-probabilities is the length of the same combination of vectors of at most 2M + 2 numbers. Nothing of size n x K is
kept.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from whyalike.activations.vector_checks import check_features
from whyalike.similarity.checks import UndefinedScore, check_not_constant, check_same_stimuli

Model = tuple[np.ndarray, np.ndarray]

BLOCK = 1 << 20  # log-probabilities, or entries of vectors, in work at once: 8 MB each


def check_models(p: Any, q: Any, *, same_width: bool = True) -> tuple[Model, Model]:
    """Two pairs (f, g) as float64 arrays, of the same inputs and labels.

    Parameters
    ----------
    p, q : pairs of n x M embeddings and K x M unembeddings.
    same_width : whether both models must have the same M.

    Raises
    ------
    ValueError : no pairs of finite matrices, or their shapes do not fit each other.
    """
    (f, g), (f2, g2) = first, second = _check_model(p, "p"), _check_model(q, "q")
    check_same_stimuli(f, f2, "f of p", "f of q")
    if len(g) != len(g2):
        raise ValueError(
            f"p and q need the same labels in the same order: g of p has {len(g)} rows, g of q {len(g2)}. "
            "Select the common labels first."
        )
    if same_width and f.shape[1] != f2.shape[1]:
        raise ValueError(
            f"p and q need embeddings of the same width M: p has {f.shape[1]} columns, q {f2.shape[1]}. "
            "Compare models of one width, or use kl_divergence, logit_distance or m_cca."
        )
    return first, second


def _check_model(model: Any, name: str) -> Model:
    if not isinstance(model, tuple | list) or len(model) != 2:
        raise ValueError(
            f"{name} must be a pair (f, g) of embeddings and unembeddings; it is a {type(model).__name__}. Give both."
        )
    f, g = (check_features(z, f"{part} of {name}").astype(np.float64) for part, z in zip("fg", model, strict=True))
    if f.shape[1] != g.shape[1]:
        raise ValueError(
            f"f and g of {name} need the same width M: f has shape {f.shape}, g {g.shape}. "
            "Rows are inputs in f and labels in g."
        )
    return f, g


def check_varies(metric: str, p: Model, q: Model) -> None:
    """Raise UndefinedScore if an embedding or unembedding is the same for all inputs or labels."""
    for name, model in (("p", p), ("q", q)):
        for part, z in zip("fg", model, strict=True):
            check_not_constant(metric, z, f"{part} of {name}")


def check_enough(metric: str, what: str, count: int, least: int, why: str) -> None:
    """Raise UndefinedScore if there are fewer inputs or labels than the definition needs."""
    if count < least:
        raise UndefinedScore(f"{metric} needs at least {least} {what}, {why}; there are {count}. Use more {what}.")


def log_probabilities(p: Model, q: Model) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """ln p(y|x) and ln q(y|x) for some inputs at a time, each (K x rows)."""
    for rows in _blocks(p):
        yield tuple(logits - total for logits, _, total in (_log_sum(model, rows) for model in (p, q)))


def log_partition(model: Model) -> np.ndarray:
    """ln sum_y exp(f(x)'g(y)) for each of the n inputs."""
    return np.concatenate([top + total for _, top, total in (_log_sum(model, rows) for rows in _blocks(model))])


def _blocks(model: Model) -> Iterator[slice]:
    f, g = model
    step = max(1, BLOCK // len(g))
    yield from (slice(start, start + step) for start in range(0, len(f), step))


def _log_sum(model: Model, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits less the largest of each input (K x rows), that largest, and ln sum exp of the logits so lowered.

    Labels come first: 3.5 to 20 times as fast as `scipy.special.logsumexp` over rows of 10 to 1,000 (one core).
    """
    logits = model[1] @ model[0][rows].T
    top = logits.max(axis=0)
    logits -= top
    return logits, top, np.log(np.exp(logits).sum(axis=0))


def label_vectors(p: Model, q: Model) -> Model:
    """Vectors u, v (K x r) of the labels: |au + bv| is the SD over inputs of a'ln p(.|x) + b'ln q(.|x), a, b in R^K."""
    columns = [np.column_stack([f, log_partition((f, g))]) for f, g in (p, q)]  # (n, M + 1)
    weights = [np.column_stack([g, np.full(len(g), -1.0)]) for _, g in (p, q)]  # (K, M + 1)
    return _vectors(columns, weights)


def input_vectors(p: Model, q: Model) -> Model:
    """Vectors u, v (n x r) of the inputs, as `label_vectors` with the variance over labels; ln sum exp drops out."""
    return _vectors([g for _, g in (p, q)], [f for f, _ in (p, q)])


def embedding_vectors(p: Model, q: Model) -> Model:
    """Vectors (K x r) of the labels for the logits f(x)'g(y) in place of the log-probabilities."""
    return _vectors([f for f, _ in (p, q)], [g for _, g in (p, q)])


def _vectors(columns: list[np.ndarray], weights: list[np.ndarray]) -> Model:
    joined = np.concatenate(columns, axis=1)
    r = np.linalg.qr(joined - joined.mean(axis=0), mode="r") / np.sqrt(len(joined) - 1)
    width = columns[0].shape[1]
    return weights[0] @ r[:, :width].T, weights[1] @ r[:, width:].T
