"""Two baselines of a score: the untrained pair of the same architecture, and the labels alone.

The untrained pair repeats across the levels of a factor, and labellings across seeds, so both are looked up in what was
computed before. A baseline that is undefined is absent (None); the score itself stands.
"""

import hashlib
from collections.abc import Callable, Hashable, MutableMapping, Sequence

import numpy as np

from whyalike.similarity.checks import UndefinedScore, check_not_constant
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import Rows, Scorable, Workbench, form_of

Known = MutableMapping[Hashable, float | None]


def untrained(
    workbench: Workbench,
    runs: tuple[str, str],
    subsets: Sequence[Rows],
    chosen: Scoring,
    layers: tuple[str, str] | tuple[None, None],
    known: Known,
) -> float | None:
    """The score of two untrained runs on the same rows; None where it is undefined.

    Parameters
    ----------
    runs : the two untrained runs.
    layers : of either; None where all are compared together.
    known : scores computed before; the new one is added.
    """
    key = ("untrained", runs, tuple(s.key for s in subsets), chosen.name, chosen.protocol, layers)
    if key not in known:
        known[key] = _mean(lambda rows: workbench.scorable(*runs, rows, chosen, *layers), subsets)
    return known[key]


def one_hot(codes: np.ndarray) -> np.ndarray:
    """n codes -> n x classes, float64; classes without rows have no column."""
    classes, places = np.unique(codes, return_inverse=True)
    return (places[:, None] == np.arange(len(classes))).astype(np.float64)


def label_gram(
    labels: tuple[np.ndarray, np.ndarray], subsets: Sequence[Rows], chosen: Scoring, known: Known
) -> float | None:
    """The score of two labellings, one-hot and as given (a clamp at the 95 % quantile would erase rare classes).

    None for a metric that compares no linear kernels, or where the score is undefined (one class only).
    """
    if not METRICS[chosen.metric].facts.linear_kernel:
        return None
    digests = tuple(hashlib.blake2b(np.ascontiguousarray(codes).tobytes()).hexdigest() for codes in labels)
    key = ("labels", digests, tuple(s.key for s in subsets), chosen.name, chosen.protocol)
    if key not in known:
        known[key] = _mean(lambda rows: _labels_scorable(labels, rows, chosen), subsets)
    return known[key]


def _labels_scorable(labels: tuple[np.ndarray, np.ndarray], rows: Rows, chosen: Scoring) -> Scorable:
    form = form_of(chosen)
    prepared = []
    for codes in labels:
        x = one_hot(codes[rows.index])
        check_not_constant(chosen.metric, x, "the labels")
        prepared.append(form.prepare(x, chosen.parameters))
    return Scorable(chosen, form, (tuple(prepared),), (("labels", "labels"),))


def _mean(scorable_on: Callable[[Rows], Scorable], subsets: Sequence[Rows]) -> float | None:
    try:
        return float(np.mean([scorable_on(rows).value() for rows in subsets]))
    except UndefinedScore:
        return None
