"""How far a score lies beyond what the classes explain, as a share of how far it could: its excess.

excess = (score - mean within class) / (ceiling - mean within class), for similarities and for distances: 0 is what the
classes alone explain, 1 is the ceiling. It is above 1 where the score lies beyond the ceiling, and not bounded.

A ceiling is given, or made of split halves: the units of a model are parted at random into two halves of equal size
(of an odd number one unit, another each time, is in neither), and these are scored against each other on the same
stimuli; the mean over `SPLITS` splits, then over the two models. It estimates how alike two samples of half as many
units of one model are, averaged over the two models: what the sampling of units (neurons, channels) alone would leave
of the likeness of a model with itself. Halves are smaller than the models, so this ceiling is too low where scores rise
with the number of units, and excess too high: two samples of one population of units have more than 1. No formula
lengthens it to whole models: that of Spearman and Brown is for correlations of sums, not for other metrics. Units that
hold the same twice (channels of one map, a rotated basis) make halves too alike, and the ceiling too high.

Of metrics whose chance level depends on the number of units (cca, pwcca, cka, procrustes_distance, normalised_bures)
halves also have another chance level than the mean within class. The ceiling can then be no more alike than that mean
though the halves share much: of 64 units and 200 stimuli cca had no excess for 5 of 8 pairs. Use split halves with
cka_unbiased, rsa or held-out maps.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from numbers import Real

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.deconfounding import CONFOUND, RANGE
from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.precomputed import KINDS, Precomputed
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import Rows, Workbench

SPLIT_HALVES = "split_halves"
SPLITS = 20  # with another seed their mean moves by less than a quarter of what a single split does


def excess(value: float, mean: float, ceiling: float, metric: str) -> float:
    """(value - mean) / (ceiling - mean), of a similarity or a distance.

    Parameters
    ----------
    mean : of the null within class.

    Raises
    ------
    UndefinedScore : the ceiling is no more alike than the mean, or there is no mean.
    """
    if not isfinite(mean):
        raise UndefinedScore("there is no mean within class without draws. Ask for draws of the null.")
    sign = sign_of_likeness(METRICS[metric].facts.kind)
    if sign * (ceiling - mean) <= 0:
        side = "above" if sign == 1 else "below"
        raise UndefinedScore(f"the ceiling, {ceiling:.4g}, is not {side} the mean within class, {mean:.4g}.")
    return (value - mean) / (ceiling - mean)


class Ceilings:
    """The ceiling of each pair of runs that have one layer each; split halves of a run are scored once.

    Parameters
    ----------
    given : a number, or `SPLIT_HALVES`.
    asked : the scorings whose ceiling it is.

    Raises
    ------
    ValueError : neither of them, a number beyond the range of a metric, or halves within a bound of memory.
    """

    def __init__(self, workbench: Workbench, given: float | str, asked: Sequence[Scoring]):
        self._workbench, self._given = workbench, given
        self._halves: dict[tuple[str, str, str], float] = {}
        if isinstance(given, str) and given == SPLIT_HALVES:
            if workbench.memory is not None:
                raise ValueError(
                    "split halves copy units, which memory does not bound. Give a number as ceiling, or no memory."
                )
            return
        if not isinstance(given, Real) or isinstance(given, bool) or not isfinite(given):
            raise ValueError(f"ceiling must be a number or '{SPLIT_HALVES}'; got {given!r}. Give one of them.")
        for one in asked:
            low, high = RANGE if CONFOUND in workbench.representations else one.range
            if not low <= given <= high:
                raise ValueError(
                    f"ceiling must be a score of {one.metric}, from {low:g} to {high:g}; got {given}. Give another, or "
                    "other metrics."
                )

    def of(self, a: str, b: str, chosen: Scoring, tick: Callable[[], object] = lambda: None) -> float:
        """The ceiling of a pair; ``tick`` is called after each score.

        Raises
        ------
        UndefinedScore : there are no halves, or the metric has no value on one.
        """
        if self._given != SPLIT_HALVES:
            return float(self._given)
        halves = []
        for run in (a, b):
            key = (run, chosen.name, chosen.parameters_text)
            if key not in self._halves:
                self._halves[key] = self._score_of_halves(run, chosen, tick)
            halves.append(self._halves[key])
        return float(np.mean(halves))

    def _score_of_halves(self, run: str, chosen: Scoring, tick: Callable[[], object]) -> float:
        bench = self._workbench
        [(layer, x)] = bench.representations[run].items()
        if isinstance(x, Precomputed):
            raise UndefinedScore(f"split halves need units; {run} is {KINDS[x.kind]}. Give a number as ceiling.")
        half = x.shape[1] // 2
        if half == 0:
            raise UndefinedScore(f"split halves need two units or more; {run} has one. Give a number as ceiling.")
        confound = bench.representations.get(CONFOUND, {}).get(CONFOUND)
        where, values = None if chosen.layers_together else layer, []
        for split in range(SPLITS):
            order = keyed(bench.seed, "halves of units", x.shape[1], split).permutation(x.shape[1])
            sides = {f"half {i + 1} of {run}": {layer: x[:, order[i * half : (i + 1) * half]]} for i in range(2)}
            parted = Workbench(sides, bench.seed, permuted=False, forms=bench.forms, confound=confound)
            values.append(parted.scorable(*sides, Rows.of(np.arange(len(x))), chosen, where).value())
            tick()
        return float(np.mean(values))
