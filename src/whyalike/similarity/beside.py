"""What stands beside a score: its nulls, and how far it lies between the mean within class and a ceiling.

The same for two arrays, for tables of pairs and for files: equal seeds give equal numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from whyalike.similarity.blocks import (
    check_places,
    codes_of_blocks,
    codes_of_classes,
    orders_of_rows,
    orders_within_class,
)
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.excess import SPLITS, Ceilings, excess
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.nulls import closed_null, closed_within_class, null_of_draws, within_class_null
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import Rows, Scorable, Workbench

DRAWS = 99  # where labels, groups or a ceiling are given, and no number of draws
MOST_DRAWS = 1_000_000  # p to six digits; all orders of rows are drawn before the first score
OF_ROWS = ("null_mean", "null_p95", "p_value")
WITHIN_CLASS = ("null_within_class", "null_within_class_p95", "p_within_class")
OF_CEILING = ("ceiling", "excess")


@dataclass(frozen=True)
class ScoreBeside:
    """A score beside its nulls and its ceiling; NaN is what was not asked for, or is not there.

    Attributes
    ----------
    value, n : the score, and the number of stimuli.
    null_mean, null_p95, p_value : of permutations of rows, or of blocks: chance level, end towards likeness, and p.
    null_within_class, null_within_class_p95, p_within_class : the same of permutations within class.
    ceiling : as given, or of split halves.
    excess : (value - null_within_class) / (ceiling - null_within_class).
    no_excess : why there is none, where it was asked for.
    """

    value: float
    n: int
    null_mean: float = nan
    null_p95: float = nan
    p_value: float = nan
    null_within_class: float = nan
    null_within_class_p95: float = nan
    p_within_class: float = nan
    ceiling: float = nan
    excess: float = nan
    no_excess: str | None = None

    def excess_of(self, value: float) -> float:
        """The excess that another value has on this scale, such as an end of the score's interval; NaN without one.

        Example
        -------
        >>> ScoreBeside(value=0.5, n=50, null_within_class=0.25, ceiling=0.75, excess=0.5).excess_of(0.375)
        0.25
        """
        if self.no_excess is not None:
            return nan
        return (value - self.null_within_class) / (self.ceiling - self.null_within_class)


class Beside:
    """What is asked beside the scores of a workbench whose runs have one layer each, on all stimuli.

    Parameters
    ----------
    asked : the scorings.
    permutations : draws of each null; 0: in closed form, where a metric has one.
    labels, groups : class and block of each stimulus; None: there are none.
    ceiling : a number, "split_halves" ("split-halves" too), or None.

    Raises
    ------
    ValueError : not one label or group a stimulus, labels that all differ, blocks that cannot change places or have no
        draws, a ceiling without labels or that is no score, too few or too many draws.
    """

    def __init__(
        self,
        workbench: Workbench,
        asked: Sequence[Scoring],
        permutations: int,
        labels: Any = None,
        groups: Any = None,
        ceiling: float | str | None = None,
    ):
        if permutations < 0:
            raise ValueError(f"the draws of the null must be at least 0; got {permutations}.")
        if permutations > MOST_DRAWS:
            raise ValueError(f"the draws of the null must be at most {MOST_DRAWS:,}; got {permutations}.")
        if groups is not None and not permutations:
            raise ValueError("groups need draws of the null: the closed forms are of single rows. Ask for some.")
        if ceiling is not None and labels is None:
            raise ValueError("ceiling needs labels: excess begins at the mean within class. Give each row's class.")
        n = len(next(iter(next(iter(workbench.representations.values())).values())))
        self._workbench, self._permutations = workbench, permutations
        self._labels = None if labels is None else codes_of_classes(labels, n)
        self.groups = None if groups is None else codes_of_blocks(groups, n)
        if self.groups is not None:
            check_places(self.groups, self._labels)
        ceiling = ceiling.replace("-", "_") if isinstance(ceiling, str) else ceiling
        self._ceilings = None if ceiling is None else Ceilings(workbench, ceiling, asked)
        self._by_halves = isinstance(ceiling, str)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what stands beside a score."""
        within, ceiling = self._labels is not None, self._ceilings is not None
        return (*OF_ROWS, *(WITHIN_CLASS if within else ()), *(OF_CEILING if ceiling else ()))

    @property
    def scores(self) -> int:
        """How many scores of a pair this takes, at most."""
        halves = 2 * SPLITS if self._by_halves else 0
        return halves + self._permutations * (1 if self._labels is None else 2)

    def score(
        self, a: str, b: str, chosen: Scoring, tick: Callable[[], object] = lambda: None
    ) -> tuple[float, dict[str, float], str | None]:
        """The score of two runs, what stands beside it, and why there is no excess, where it is asked for.

        ``tick`` is called after each further score.

        Raises
        ------
        As `Workbench.scorable`.
        """
        [(layer, x)] = self._workbench.representations[b].items()
        rows = Rows.of(np.arange(len(x)))
        scorable = self._workbench.scorable(a, b, rows, chosen, None if chosen.layers_together else layer)
        value = float(scorable.value())
        found = self._nulls(x, chosen, scorable, value, tick)
        if self._ceilings is None:
            return value, found, None
        try:
            found["ceiling"] = self._ceilings.of(a, b, chosen, tick)
            found["excess"] = excess(value, found.get("null_within_class", nan), found["ceiling"], chosen.metric)
        except UndefinedScore as reason:
            return value, found, str(reason)
        return value, found, None

    def _nulls(
        self, x: Any, chosen: Scoring, scorable: Scorable, value: float, tick: Callable[[], object]
    ) -> dict[str, float]:
        """The nulls of a score, x the representation whose rows are permuted."""

        def drawn(orders: np.ndarray) -> list[float]:
            null = []
            for order in orders:
                null.append(scorable.value(order.astype(np.intp)))
                tick()
            return null

        labels, draws, seed = self._labels, self._permutations, self._workbench.seed
        if not draws:
            within = {} if labels is None else closed_within_class(value, [scorable.of_classes(labels)])
            closed = closed_null(value, [scorable.kernels()]) | within
            return {name: float(one) for name, one in closed.items()}
        kind = METRICS[chosen.metric].facts.kind
        n = len(x)
        every = x if isinstance(x, np.ndarray) else None  # a matrix over stimuli has no rows that could be equal
        found = null_of_draws(value, drawn(orders_of_rows(seed, n, draws, every, self.groups)), kind)
        if labels is not None:
            orders = orders_within_class(seed, n, labels, draws, self.groups)
            found |= within_class_null(value, drawn(orders), kind)
        return found
