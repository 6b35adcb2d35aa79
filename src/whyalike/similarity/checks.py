"""The one checker of inputs: every array that enters a metric passes here once, and families rely on it.

Two kinds of fault: wrong input (`ValueError`: a mistake to repair) and a metric that has no value for good input
(`UndefinedScore`: too few rows, constant features, ...), which the score table answers with an absent row.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.similarity.metrics.facts import MetricFacts
from whyalike.similarity.precision import BLOCK, row_blocks

SIZES = (1e-60, 1e60)  # of the largest entry: fourth powers of it, summed over n and d, stay within float64
HELD_OUT = 3  # stimuli in a fold: the correlation of two is always 1 or -1


class UndefinedScore(ValueError):
    """The metric has no value for these rows; the message says why and what would help."""


def check_features(x: Any, name: str, metric: str | None = None) -> np.ndarray:
    """Return ``x`` as an array after checking that it is a finite n x d matrix of numbers.

    Parameters
    ----------
    x : array-like or tensor, shape (n, d).
    name : what the array is called in messages.
    metric : named in messages, where one is asked for.

    Raises
    ------
    ValueError : not two-dimensional, not numeric, empty, with NaN or infinite entries, or of a size that overflows.
    """
    asked = f"{metric}: " if metric else ""
    x = _as_array(x, f"{asked}{name}")
    if x.ndim != 2 or x.dtype.kind not in "fiub":
        remedy = "Flatten each stimulus to one row" if x.ndim != 2 else "Convert its entries to real numbers"
        raise ValueError(
            f"{asked}{name} must be a matrix of real numbers, stimuli x units; it has shape {x.shape} and type "
            f"{x.dtype}. {remedy}."
        )
    if x.size == 0:
        raise ValueError(
            f"{asked}{name} must not be empty; it has shape {x.shape}. Select at least one stimulus and unit."
        )
    bad = ~np.isfinite(x).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{asked}{name} must be finite; {int(bad.sum())} of {len(x)} rows hold NaN or infinity, the first is row "
            f"{int(np.argmax(bad))}. Drop these stimuli or repair the run."
        )
    largest = float(np.abs(x).max())
    if largest and not SIZES[0] < largest < SIZES[1]:
        raise ValueError(
            f"{asked}{name} must have a largest entry between {SIZES[0]:g} and {SIZES[1]:g}, so that products neither "
            f"overflow nor vanish; it is {largest:.3g}. Divide all features by a constant."
        )
    return x


def _as_array(x: Any, named: str) -> np.ndarray:
    """An array of what may be a tensor on any device; numpy has no bfloat16, so that becomes float32, without loss."""
    if isinstance(x, np.ma.MaskedArray) and (masked := int(np.ma.count_masked(x))):
        raise ValueError(
            f"{named} must have no masked entries; {masked} of {x.size} are masked. Fill them or drop these stimuli."
        )
    if hasattr(x, "detach"):  # a tensor, known without an import of torch
        try:
            values = x.detach().cpu().resolve_conj().resolve_neg()
            return np.asarray((values.float() if str(x.dtype) == "torch.bfloat16" else values).numpy())
        except (TypeError, RuntimeError) as error:
            raise ValueError(
                f"{named} must be a dense matrix of real numbers on a device that holds data; it is {x.dtype} of "
                f"layout {x.layout} on {x.device}. Convert it, for example with x.to_dense().float()."
            ) from error
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"{named} must be a matrix of real numbers, stimuli x units; its rows differ in length. "
            "Give each stimulus all units."
        ) from error


def check_same_stimuli(x: np.ndarray, y: np.ndarray, name_x: str, name_y: str, metric: str | None = None) -> None:
    """Raise a ValueError unless both matrices have the same number of rows."""
    if len(x) != len(y):
        asked = f"{metric}: " if metric else ""
        raise ValueError(
            f"{asked}{name_x} and {name_y} need the same stimuli in the same order: {name_x} has {len(x)} rows, "
            f"{name_y} {len(y)}. Select the common stimuli first."
        )


def check_defined(metric: str, facts: MetricFacts, n: int, parameters: Mapping[str, Any]) -> None:
    """Raise UndefinedScore if ``metric`` has no value for ``n`` rows with these parameters."""
    if n < facts.smallest_n:
        raise UndefinedScore(f"{metric} needs at least {facts.smallest_n} stimuli; there are {n}. Use more stimuli.")
    k = parameters.get("k", 0)
    if k >= n:
        raise UndefinedScore(
            f"{metric} needs fewer neighbours than stimuli: k = {k}, n = {n}. Use k <= {n - 1} or more stimuli."
        )
    folds = parameters.get("folds", 0)
    if HELD_OUT * folds > n:
        raise UndefinedScore(
            f"{metric} needs {HELD_OUT} held-out stimuli in each of {folds} folds; there are {n} stimuli. "
            "Use fewer folds or more stimuli."
        )


def check_not_constant(metric: str, x: np.ndarray, name: str) -> None:
    """Raise UndefinedScore if all rows of ``x`` are equal: then no stimulus differs from another."""
    if all((x[some] == x[0]).all() for some in row_blocks(len(x), BLOCK)):  # which stops at the first block that varies
        raise UndefinedScore(
            f"{metric} needs features that vary; all {len(x)} rows of {name} are the same. "
            "Check that the layer is alive, or leave it out."
        )
