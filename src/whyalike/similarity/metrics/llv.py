"""The log-likelihood variance distance d_LLV: closeness in distribution that implies similar representations.

Source: Nielsen et al. 2025, When Does Closeness in Distribution Imply Representational Similarity?, section 4. With
sigma_p(y) = SD_x[ln p(y|x) - ln p(y0|x)] for a pivot label y0, one label left out, and SDs with ddof 1:
t1 = max over y of SD_x[ln p(y|x)/sigma_p(y) - ln q(y|x)/sigma_q(y)], and the same with ln p(y0|x), ln q(y0|x) above;
t2 = the same with labels and inputs exchanged, for a pivot input and M others;
t3 = max_y |sigma_p(y) - sigma_q(y)|, t4 the same for the inputs; d = max(t1, t2, weight t3, weight t4).
Pivot and left-out label are those of the smallest t1, inputs the tuple of the smallest t2 among random ones.
All SDs are lengths of the short vectors of `whyalike.similarity.metrics.distributions`, for all pairs and tuples at
once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.distributions import (
    BLOCK,
    Model,
    check_enough,
    check_models,
    check_varies,
    input_vectors,
    label_vectors,
)

WEIGHT = 1e-5  # lambda of the paper's experiments
NO_SPREAD = 1e-12  # relative to the two vectors: their difference keeps rounding errors of 1e-16


@dataclass(frozen=True)
class LLV:
    """The parts of the distance, and the labels and inputs they were taken at.

    ``t1`` and ``t2`` are in standard deviations, ``t3`` and ``t4`` in nats; ``weight`` is lambda.
    """

    t1: float
    t2: float
    t3: float
    t4: float
    pivot: int
    left_out: int
    pivot_input: int
    inputs: tuple[int, ...]
    weight: float

    @property
    def distance(self) -> float:
        """max(t1, t2, weight t3, weight t4)."""
        return max(self.t1, self.t2, self.weight * self.t3, self.weight * self.t4)


def llv_distance(p: Any, q: Any, *, num_samples: int = 200, seed: int = 0, weight: float = WEIGHT) -> float:
    """The log-likelihood variance distance of two models.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings; K >= M + 2, n >= M + 1.
    num_samples : random (M + 1)-tuples of inputs of which the best counts. The first ones do not depend on how many.
    seed : key of the tuples.
    weight : lambda, of the differences of standard deviations.

    Returns
    -------
    At least 0; 0 for equal distributions.

    Raises
    ------
    ValueError : wrong shapes or parameters; `UndefinedScore`, a ValueError, with too few inputs or labels, or where
        log-odds have no variance whatever pivot is taken.

    Notes
    -----
    Symmetric. max d_SVD <= 2 M d_LLV (`whyalike.similarity.metrics.m_svd.max_d_svd`). The work grows as n K M for ln
    sum exp, K^2 M for the pivots and num_samples M^2 for the inputs; the memory as (n + K) M and a few blocks of 8 MB.

    Example
    -------
    >>> g = np.random.default_rng(0)
    >>> f, labels = g.normal(size=(20, 2)), g.normal(size=(5, 2))
    >>> mixed = np.array([[2.0, 1.0], [0.0, 1.0]])  # the same distribution by other embeddings
    >>> round(llv_distance((f, labels), (f @ mixed, labels @ np.linalg.inv(mixed).T)), 6)
    0.0
    """
    return llv_parts(p, q, num_samples=num_samples, seed=seed, weight=weight).distance


def llv_parts(p: Any, q: Any, *, num_samples: int = 200, seed: int = 0, weight: float = WEIGHT) -> LLV:
    """The parts of `llv_distance`, which see for parameters and errors."""
    p, q = _check(p, q, num_samples, weight)
    u, v = label_vectors(p, q)
    pivot, left_out = choose_labels(u, v)
    others = np.delete(np.arange(len(u)), [pivot, left_out])
    t1, t3 = (float(term.max()) for term in _terms(u, v, others, np.array([pivot])))
    u, v = input_vectors(p, q)
    tuples = draw_inputs(len(u), p[0].shape[1], num_samples, seed)
    pivot_input, *inputs = _best_inputs(u, v, tuples)
    t2, t4 = (float(term.max()) for term in _terms(u, v, np.array(inputs), np.array([pivot_input])))
    return LLV(t1, t2, t3, t4, pivot, left_out, pivot_input, tuple(inputs), weight)


def _check(p: Any, q: Any, num_samples: int, weight: float) -> tuple[Model, Model]:
    if isinstance(num_samples, bool) or not isinstance(num_samples, int | np.integer) or num_samples < 1:
        raise ValueError(f"llv_distance needs a whole number num_samples >= 1; got {num_samples!r}.")
    if not 0 <= weight < float("inf"):
        raise ValueError(f"llv_distance needs weight >= 0; got {weight!r}.")
    p, q = check_models(p, q)
    n, width = p[0].shape
    check_enough("llv_distance", "labels", len(p[1]), width + 2, f"a pivot, one left out and M = {width} others")
    check_enough("llv_distance", "inputs", n, width + 1, f"a pivot and M = {width} others")
    check_varies("llv_distance", p, q)
    return p, q


def draw_inputs(n: int, width: int, num_samples: int, seed: int) -> np.ndarray:
    """``num_samples`` x (width + 1) input indices; each row is distinct, its first entry the pivot input."""
    tuples = keyed("llv inputs", seed).integers(n - np.arange(width + 1), size=(num_samples, width + 1))
    for j in range(1, width + 1):  # a draw from 0 to n - j - 1 is a place among the inputs that are not taken yet
        for taken in np.sort(tuples[:, :j], axis=1).T:
            tuples[:, j] += tuples[:, j] >= taken
    return tuples


def _lengths(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...i,...i->...", x, x))


def _terms(u: np.ndarray, v: np.ndarray, items: np.ndarray, pivots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The terms whose maxima are t1 and t3 (labels) or t2 and t4 (inputs), for items and pivots that broadcast.

    The first is infinite where the log-odds of item and pivot have no variance under one of the models.
    """
    sds, dead = [], False
    for z in (u, v):
        size = _lengths(z)
        sd = _lengths(z[items] - z[pivots])
        dead = dead | (sd <= NO_SPREAD * (size[items] + size[pivots]))
        sds.append(sd)
    scales = [np.where(dead, 1.0, sd)[..., None] for sd in sds]
    term = np.maximum(*(_lengths(u[at] / scales[0] - v[at] / scales[1]) for at in (items, pivots)))
    return np.where(dead, np.inf, term), np.abs(sds[0] - sds[1])


def choose_labels(u: np.ndarray, v: np.ndarray) -> tuple[int, int]:
    """The pivot and the left-out label of the smallest t1, of K x r `label_vectors`.

    Of all K (K - 1) pairs, only a pivot and its worst label need be looked at.
    """
    count, width = u.shape
    smallest, best = np.inf, None
    step = max(1, BLOCK // (count * width))
    for start in range(0, count, step):
        pivots = np.arange(start, min(start + step, count))
        rows = np.arange(len(pivots))
        terms, _ = _terms(u, v, np.arange(count)[None, :], pivots[:, None])  # (pivots, K)
        terms[rows, pivots] = -np.inf
        worst = terms.argmax(axis=1)
        terms[rows, worst] = -np.inf
        second = terms.max(axis=1)
        at = int(second.argmin())
        if second[at] < smallest:
            smallest, best = second[at], (int(pivots[at]), int(worst[at]))
    if best is None:
        raise _no_variance("label", "inputs", u, v, np.arange(count))
    return best


def _best_inputs(u: np.ndarray, v: np.ndarray, tuples: np.ndarray) -> list[int]:
    """The tuple of the smallest t2; its pivot first."""
    step = max(1, BLOCK // (u.shape[1] * tuples.shape[1]))
    chunks = (tuples[i : i + step] for i in range(0, len(tuples), step))
    t2 = np.concatenate([_terms(u, v, chunk[:, 1:], chunk[:, :1])[0].max(axis=1) for chunk in chunks])
    if np.isinf(t2).all():
        raise _no_variance("input", "labels", u, v, tuples[0])
    return [int(index) for index in tuples[t2.argmin()]]


def _no_variance(item: str, over: str, u: np.ndarray, v: np.ndarray, tried: np.ndarray) -> UndefinedScore:
    terms, _ = _terms(u, v, tried[1:], tried[:1])
    dead = tried[1:][np.isinf(terms)]
    return UndefinedScore(
        f"llv_distance needs log-odds that vary over {over}; those of {item} {dead[0]} against pivot {tried[0]} have "
        f"no variance, and no other choice of {item}s is better. Drop {item}s whose embeddings coincide."
    )
