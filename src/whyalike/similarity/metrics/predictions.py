"""Similarity of what models do with a stimulus: agreement, consistency of errors, transfer of a linear probe.

error_consistency: Geirhos et al. 2020, Beyond Accuracy: Quantifying Trial-by-Trial Behaviour, section 2: Cohen's kappa
of who is right where.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from whyalike.activations.vector_checks import check_features
from whyalike.similarity.checks import UndefinedScore, check_same_stimuli

ITERATIONS = 1000  # of the probe's optimiser; its default of 100 is too few for features of hundreds of units


def agreement(a: Any, b: Any) -> float:
    """The share of stimuli that two models give the same class.

    Parameters
    ----------
    a, b : predicted class of each of the n stimuli: whole numbers, truth values or names.

    Returns
    -------
    0 to 1. Two unrelated models with C balanced classes have 1/C.

    Raises
    ------
    ValueError : no classes, of different kinds, or not of the same stimuli.

    Example
    -------
    >>> agreement([0, 1, 2, 2], [0, 1, 1, 2])
    0.75
    """
    a, b = _check_classes(a=a, b=b)
    return float(np.mean(a == b))


def error_consistency(a: Any, b: Any, labels: Any) -> float:
    """Cohen's kappa of being right: (c_obs - c_exp) / (1 - c_exp).

    c_obs is the share of stimuli on which both models are right or both wrong, c_exp = r s + (1 - r)(1 - s) what
    accuracies r and s alone would give.

    Parameters
    ----------
    a, b : predicted class of each of the n stimuli: whole numbers, truth values or names.
    labels : the true classes, n.

    Returns
    -------
    -1 to 1; 0 for independent errors, 1 for errors on the same stimuli.

    Raises
    ------
    ValueError : no classes, of different kinds, or not of the same stimuli; `UndefinedScore`, a ValueError, where both
        models are always right or both always wrong.

    Example
    -------
    >>> error_consistency([0, 1, 1, 0], [0, 1, 1, 1], labels=[0, 1, 0, 0])
    0.5
    """
    a, b, labels = _check_classes(a=a, b=b, labels=labels)
    right_a, right_b = a == labels, b == labels
    accuracies = right_a.mean(), right_b.mean()
    expected = np.prod(accuracies) + np.prod(np.subtract(1, accuracies))
    if expected == 1:
        raise UndefinedScore(
            f"error_consistency needs right and wrong predictions; both models have accuracy {accuracies[0]:g} on "
            f"{len(labels)} stimuli. Use harder or easier stimuli."
        )
    return float((np.mean(right_a == right_b) - expected) / (1 - expected))


@dataclass(frozen=True)
class ProbeTransfer:
    """Accuracies (0 to 1) on the held-out stimuli of one probe, on mapped features of B and on A's own."""

    transferred: float
    own: float


def probe_transfer(a: Any, b: Any, labels: Any, held_out: Any, *, strength: float = 1.0) -> ProbeTransfer:
    """A linear probe trained on A's features, tested on B's features after a least-squares map into A's.

    Probe (logistic regression on standardised units) and map (affine, of smallest norm where it is not unique) are
    fitted on the stimuli that are not held out.

    Parameters
    ----------
    a, b : n x d and n x d' features of the same stimuli.
    labels : the true classes, n.
    held_out : truth value for each stimulus, n: whether it is tested on.
    strength : inverse of the probe's L2 penalty, as scikit-learn's ``C``.

    Returns
    -------
    Both accuracies; equal ones where B determines A linearly.

    Raises
    ------
    ValueError : wrong arrays, no stimuli on one side, or one class only to train on.
    """
    a, b = (check_features(x, name).astype(np.float64) for x, name in ((a, "a"), (b, "b")))
    (labels,) = _check_classes(labels=labels)
    held_out = np.asarray(held_out)
    check_same_stimuli(a, b, "a", "b")
    check_same_stimuli(a, labels, "a", "labels")
    if held_out.shape != labels.shape or held_out.dtype != bool or held_out.all() or not held_out.any():
        raise ValueError(
            f"held_out must be a truth value for each of the {len(a)} stimuli, some true and some false; got "
            f"{int(np.count_nonzero(held_out))} true of shape {held_out.shape}, type {held_out.dtype}. Give a mask."
        )
    train = ~held_out
    if len(np.unique(labels[train])) < 2:
        raise ValueError(
            f"a probe needs two classes to train on; the {int(train.sum())} stimuli that are not held out have only "
            f"{labels[train][0]}. Hold out fewer or other stimuli."
        )
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ITERATIONS))
    probe.fit(a[train], labels[train])
    mapped = _affine_map(b[train], a[train], b[held_out])
    return ProbeTransfer(
        float(probe.score(mapped, labels[held_out])), float(probe.score(a[held_out], labels[held_out]))
    )


def _affine_map(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """What a least-squares map from x to y makes of ``new``."""
    slope = np.linalg.lstsq(x - x.mean(axis=0), y - y.mean(axis=0), rcond=None)[0]
    return (new - x.mean(axis=0)) @ slope + y.mean(axis=0)


def _check_classes(**given: Any) -> list[np.ndarray]:
    """One class for each stimulus in every array, of one kind: names, or whole numbers and truth values."""
    arrays = {name: np.asarray(values) for name, values in given.items()}
    for name, classes in arrays.items():
        if classes.ndim != 1 or classes.dtype.kind not in "iubU" or not classes.size:
            raise ValueError(
                f"{name} must hold one class for each stimulus, whole numbers or names; it has shape {classes.shape} "
                f"and type {classes.dtype}. Give predicted classes, no probabilities."
            )
    first, *others = arrays
    for name in others:
        check_same_stimuli(arrays[first], arrays[name], first, name)
        if (arrays[first].dtype.kind == "U") is not (arrays[name].dtype.kind == "U"):
            raise ValueError(
                f"{first} and {name} need classes of the same kind; they have types {arrays[first].dtype} and "
                f"{arrays[name].dtype}. Give names in both or numbers in both."
            )
    return list(arrays.values())
