"""What a metric asks of its inputs beside what `whyalike.activations.vector_checks` asks of each.

Two kinds of fault: wrong input (`ValueError`: a mistake to repair) and a metric that has no value for good input
(`UndefinedScore`: too few rows, constant features, ...), which the score table answers with an absent row.
"""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from whyalike.similarity.metrics.facts import MetricFacts
from whyalike.similarity.precision import BLOCK, row_blocks

HELD_OUT = 3  # stimuli in a fold: the correlation of two is always 1 or -1


class UndefinedScore(ValueError):
    """The metric has no value for these rows; the message says why and what would help."""


def check_same_stimuli(x: np.ndarray, y: np.ndarray, name_x: str, name_y: str, metric: str | None = None) -> None:
    """Raise a ValueError unless both matrices have the same number of rows."""
    if len(x) != len(y):
        asked = f"{metric}: " if metric else ""
        raise ValueError(
            f"{asked}{name_x} and {name_y} need the same stimuli in the same order: {name_x} has {len(x)} rows, "
            f"{name_y} {len(y)}. Select the common stimuli first."
        )


def check_draws(permutations: Any) -> None:
    """Raise a ValueError unless the draws of a null are a whole number."""
    if isinstance(permutations, bool) or not isinstance(permutations, Integral):
        raise ValueError(f"permutations must be a whole number of draws; got {permutations!r}. Give one, such as 99.")


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


def is_constant(x: np.ndarray) -> bool:
    """Whether all rows (n, d) are equal."""
    # which stops at the first block that varies
    return all((x[some] == x[:1]).all() for some in row_blocks(len(x), BLOCK))


def check_not_constant(metric: str, x: np.ndarray, name: str) -> None:
    """Raise UndefinedScore if all rows of ``x`` are equal: then no stimulus differs from another."""
    if is_constant(x):
        raise UndefinedScore(
            f"{metric} needs features that vary; all {len(x)} rows of {name} are the same. "
            "Check that the layer is alive, or leave it out."
        )
