"""The interval of a score over stimuli: of its mean over draws of as many stimuli, for the same two models.

Another draw itself lies within score +- 1.96 SE in about 83 % of cases only: it has an error of its own.

Never with replacement: a stimulus that comes twice is its own nearest neighbour, and breaks HSIC_1. Smooth scores have
a jackknife: stimuli are left out in turn, one by one where there are at most `FEW` or the form has all n values at
once (`Form.left_out`), else in 50 keyed groups; se^2 = (G - 1)/G sum (s_g - mean)^2, t quantile on G - 1 degrees of
freedom. One by one nothing is drawn; another draw of 50 groups gives a standard error 10 % larger or smaller. Scores of
neighbour lists do not change smoothly, and folds are dealt anew when a group is left out: these have random subsets of
m stimuli (the delete-d jackknife, Shao and Wu 1989), se^2 = m/(n - m) times the variance over the subsets. For
neighbours m is .8 n and k/m stays k/n, so that a neighbourhood stays as large a part of the stimuli; for folds m is
n/2, because what the deal of the folds adds is multiplied too.

Measured over 300 draws of 100 and 400 stimuli of two noisy 6-unit views of four signals, the share of 95 % intervals
that hold the mean: with normal rows .94 to .96 (cka, cka_unbiased, procrustes_distance, rsa); with rows of heavy tails
(t with 3 degrees of freedom, lognormal lengths) .89 to .92 for cka, .89 to .93 for procrustes_distance, .92 to .95 for
cka_unbiased, .94 to .95 for rsa. There the standard error is up to a quarter too small and goes with the score, one by
one as in groups: few long rows decide.
For neighbours it is 1.2 (mutual_knn) to 1.5 times (lcs_knn) the SD over draws: to first order in the stimuli the
variance is right, but the part that pairs of stimuli make counts 1 + n/m times. One by one it would count twice (1.1 to
1.4 were measured for mutual_knn). It is 1.2 times too large for procrustes, and 1.4 for cca at n = 100, p + q = 12
(Efron and Stein 1981).

Where stimuli come in blocks, blocks take the place of stimuli in all of this: they are left out whole, a subset is of
blocks, and the quantile is that of t on one degree of freedom less than there are blocks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import index
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.randomness import keyed
from whyalike.similarity.api import LAYER, workbench_of
from whyalike.similarity.blocks import codes_of_blocks
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.deconfounding import CONFOUND, RANGE
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import LEAST_K, Scoring, scoring
from whyalike.similarity.workbench import Rows, Workbench

CONFIDENCE = 0.95
FEW = 100  # of so many stimuli each is left out alone: as much work as the subsets of neighbours
GROUPS = 50  # of the jackknife of more: a standard error on 49 degrees of freedom is right to 10 %
NEIGHBOURS_PART = 0.8  # of k: the nearer to 1 the less is n's own effect on the score; 4/5 is exact for 5 and 10
SUBSETS = 100  # a standard error from so many is right to 7 %


@dataclass(frozen=True)
class Interval:
    """A 95 % interval over stimuli, its standard error, and how it was made: "jackknife" or "subsampling"."""

    low: float
    high: float
    standard_error: float
    method: str


def interval(
    metric: str,
    x: Any,
    y: Any,
    *,
    protocol: str = "exact",
    seed: int | None = None,
    confound: Any = None,
    groups: Any = None,
    memory: int | str | None = None,
    **params: Any,
) -> Interval:
    """The 95 % interval over stimuli of the score of two representations.

    Parameters
    ----------
    groups : block of each stimulus (n), such as its subject or video, two blocks or more, of any sizes: the interval is
        over draws of as many blocks. Without them rows of a block that are alike make it too narrow.
    metric, x, y, protocol, confound, memory, params : as in `whyalike.similarity.api.score`.
    seed : as in `score`, and with it the key (0 if left out) of the groups or subsets of stimuli, a stream of its own:
        the interval of one seed lies about the score of that seed.

    Raises
    ------
    As `score`; `UndefinedScore` also where the score has no value on a part of the stimuli, or for the smallest k.

    Example
    -------
    >>> x = np.random.default_rng(0).normal(size=(50, 8))
    >>> found = interval("cka_unbiased", x, x + np.random.default_rng(1).normal(size=(50, 8)))
    >>> found.method, found.low < found.high <= 1
    ('jackknife', True)
    """
    if seed is not None and "seed" in METRICS[metric].facts.parameters:
        params["seed"] = seed
    workbench = workbench_of({"x": x, "y": y}, seed or 0, metric, confound=confound, bound=memory)
    blocks = None if groups is None else codes_of_blocks(groups, len(workbench.representations["x"][LAYER]))
    return over_stimuli(workbench, "x", "y", scoring(metric, protocol, params), index(seed or 0), blocks=blocks)


def over_stimuli(
    workbench: Workbench,
    run_x: str,
    run_y: str,
    chosen: Scoring,
    seed: int,
    tick: Callable[[], object] = lambda: None,
    blocks: np.ndarray | None = None,
) -> Interval:
    """The interval of a score on all stimuli of a workbench whose runs have one layer each; see `interval`.

    ``seed`` is the key of the groups or subsets alone. ``tick`` is called after each of the `scores_of_interval`.
    ``blocks``: that of each stimulus, numbers from 0.
    """
    [(layer, x)] = workbench.representations[run_x].items()
    layer = None if chosen.layers_together else layer

    def value(index: np.ndarray, one: Scoring) -> float:
        found = workbench.scorable(run_x, run_y, Rows.of(index), one, layer).value()
        tick()
        return found

    def rows_of(kept: np.ndarray) -> np.ndarray:
        return kept if blocks is None else np.flatnonzero(np.isin(blocks, kept))

    ends = RANGE if CONFOUND in workbench.representations else chosen.range
    n = len(x) if blocks is None else int(blocks.max()) + 1  # of what is left out whole
    centre = value(np.arange(len(x)), chosen)
    if _by_subsets(workbench, chosen):
        smaller, m = _fewer(chosen, n)
        m = min(m, n - 1)  # of two or three blocks
        scores = [value(rows_of(kept), smaller) for kept in _subsets(n, m, seed)]
        error = np.sqrt(m / (n - m)) * np.std(scores, ddof=1)
        tail = (1 + CONFIDENCE) / 2
        quantile = scipy.stats.norm.ppf(tail) if blocks is None else scipy.stats.t.ppf(tail, n - 1)
        return _within_range(ends, centre, quantile * error, error, "subsampling")
    parts = _groups(workbench, chosen, n, blocks)
    if parts == 0:
        [(one, other)] = workbench.scorable(run_x, run_y, Rows.of(np.arange(n)), chosen, layer).layer_pairs
        scores, parts = workbench.forms(chosen).left_out(one, other, chosen.parameters), n
    else:
        scores = [value(rows_of(kept), chosen) for kept in _without_groups(n, parts, seed)]
    error = np.sqrt((parts - 1) * np.var(scores))  # (G - 1)/G times the sum of squares
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, parts - 1) * error
    return _within_range(ends, centre, half, error, "jackknife")


def _by_subsets(workbench: Workbench, chosen: Scoring) -> bool:
    return bool({"k", "folds"} & set(chosen.parameters)) or workbench.forms(chosen).randomised


def scores_of_interval(workbench: Workbench, chosen: Scoring, n: int, blocks: np.ndarray | None = None) -> int:
    """How many scores an interval over n stimuli takes, that of all stimuli among them."""
    n = n if blocks is None else int(blocks.max()) + 1
    return 1 + (SUBSETS if _by_subsets(workbench, chosen) else _groups(workbench, chosen, n, blocks))


def _groups(workbench: Workbench, chosen: Scoring, n: int, blocks: np.ndarray | None) -> int:
    """How many groups of stimuli, or of blocks, are left out in turn; 0 where the form has all these scores at once."""
    at_once = workbench.forms(chosen).left_out is not None and not chosen.layers_together and blocks is None
    if at_once and n > FEW and CONFOUND not in workbench.representations:
        return 0
    return n if n <= FEW else GROUPS


def _within_range(ends: tuple[float, float], centre: float, half: float, error: float, method: str) -> Interval:
    """The interval, its ends no further than those of the scores."""
    low, high = ends
    return Interval(float(max(low, centre - half)), float(min(high, centre + half)), float(error), method)


def _without_groups(n: int, groups: int, seed: int) -> Iterator[np.ndarray]:
    """The rows without each group in turn; groups differ in size by at most one."""
    group = np.arange(n)
    if groups < n:
        group = keyed(seed, "groups of stimuli", n).permutation(group % groups)
    for i in range(groups):
        yield np.flatnonzero(group != i)


def _subsets(n: int, m: int, seed: int) -> Iterator[np.ndarray]:
    generator = keyed(seed, "subsets of stimuli", n)
    for _ in range(SUBSETS):
        yield np.sort(generator.choice(n, m, replace=False))


def _fewer(chosen: Scoring, n: int) -> tuple[Scoring, int]:
    """The scoring for a subset of n stimuli, and its size: k/m as near to k/n as whole numbers allow."""
    k = chosen.parameters.get("k")
    if k is None:
        return chosen, n // 2
    smaller = min(k - 1, round(NEIGHBOURS_PART * k))
    if smaller < LEAST_K.get(chosen.metric, 1):
        raise UndefinedScore(
            f"{chosen.metric} needs k > {k} for an interval: there is no smaller neighbourhood for fewer stimuli. "
            f"Use k >= {k + 1}."
        )
    return replace(chosen, parameters={**chosen.parameters, "k": smaller}), round(n * smaller / k)
