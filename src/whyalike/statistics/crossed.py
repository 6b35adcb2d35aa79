"""Inference for scores of the same pairs of models on several stimulus sets: models and sources are crossed.

Pairs share models, and pairs of sets share sets. An interval leaves out a model with all its pairs, and then a source
with all its sets, and adds both variances. A test of groups of models permutes the models' labels on all sets at once.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.randomness import keyed
from whyalike.statistics.dyadic import Estimate
from whyalike.statistics.inference import CONFIDENCE

#: a statistic, or several at once
Numbers = float | np.ndarray
ROUNDING = 1e-12
FEWEST_TO_LEAVE_OUT = 3  # models or sources: with two each value left is that of one alone


@dataclass(frozen=True)
class CrossedEstimate:
    """A statistic (or several) over models and sources: two standard errors, and the 95 % interval of both together.

    ``models`` and ``sources`` are how many could be left out; ``without_models`` has the values without each of these
    models, in the order of their first appearance.
    """

    value: Numbers
    se_models: Numbers
    se_sources: Numbers
    low: Numbers
    high: Numbers
    models: int
    sources: int
    without_models: Numbers


def crossed_jackknife(
    statistic: Callable[[np.ndarray, np.ndarray], Numbers],
    models: Sequence[Hashable],
    sources: Sequence[Hashable],
    taking_part: Numbers | None = None,
) -> CrossedEstimate:
    """A statistic with the interval that leaves out each model, and each source of stimuli, in turn.

    Definition: se^2 = se_models^2 + se_sources^2, each (G - 1)/G times the sum of squares of the G values without one
    about their mean; t quantile with Satterthwaite's degrees of freedom. What belongs to a model on a source is in both
    terms, so the interval is rather too wide.

    Parameters
    ----------
    statistic : indices of the models and of the sets that are kept -> a number, or an array of several. Let it be on a
        scale on which it is nearly linear, such as Fisher's z of a correlation.
    models : what each of M models belongs to; those that share one value are left out together, such as a family.
    sources : the same of each set: sets from one pool of images are left out together.
    taking_part : how many of the models (or families) that are left out a number is made of, such as those of one
        group; all if left out. Degrees of freedom follow it, and there is no interval where it is less than three.

    Raises
    ------
    ValueError : fewer than three models or sources to leave out.

    Example
    -------
    >>> scores = np.add.outer(np.arange(4.0), np.arange(5.0))  # sets x models
    >>> mean = lambda models, sets: float(scores[np.ix_(sets, models)].mean())
    >>> found = crossed_jackknife(mean, range(5), ["a", "a", "b", "c"])
    >>> found.value, found.models, found.sources, round(float(found.se_models), 3)
    (3.5, 5, 3, 0.707)
    """
    kept = [_without_each(of, name) for of, name in ((models, "models"), (sources, "sources"))]
    every_model, every_set = np.arange(len(models)), np.arange(len(sources))
    value = statistic(every_model, every_set)
    left_out = ([statistic(one, every_set) for one in kept[0]], [statistic(every_model, one) for one in kept[1]])
    with np.errstate(invalid="ignore"):  # of an infinite value there is no interval
        variances = [(len(one) - 1) * np.var(one, axis=0) for one in left_out]
    own = np.asarray(len(kept[0]) if taking_part is None else taking_part, float)
    total, degrees = sum(variances), [np.maximum(own - 1, 1), len(kept[1]) - 1]
    inverse = sum((v / np.where(total > 0, total, 1)) ** 2 / d for v, d in zip(variances, degrees, strict=True))
    freedom = np.where(total > 0, 1 / np.where(inverse > 0, inverse, 1), 1)
    half, errors = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(total), map(np.sqrt, variances)
    half = np.where(own < FEWEST_TO_LEAVE_OUT, np.nan, half)
    return CrossedEstimate(value, *errors, value - half, value + half, *map(len, kept), np.array(left_out[0]))


def jackknife(statistic: Callable[[np.ndarray], float], models: Sequence[Hashable]) -> Estimate:
    """A number with the interval that leaves out each model in turn, as `crossed_jackknife` does, on these sets alone.

    Parameters
    ----------
    statistic : indices of the models that are kept -> a number.
    models : what each of M models belongs to, such as a family.

    Raises
    ------
    ValueError : fewer than three to leave out.

    Example
    -------
    >>> found = jackknife(lambda models: float(models.mean()), range(5))
    >>> found.value, round(found.standard_error, 3)
    (2.0, 0.707)
    """
    kept = _without_each(models, "models")
    value, without = statistic(np.arange(len(models))), np.array([statistic(one) for one in kept])
    error = float(np.sqrt((len(kept) - 1) * without.var()))
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(kept) - 1) * error
    return Estimate(value, error, float(value - half), float(value + half), len(kept))


def label_permutation(
    contrast: Callable[[np.ndarray], Numbers],
    labels: Sequence[Hashable],
    draws: int = 999,
    seed: int = 0,
    strata: Sequence[Hashable] | None = None,
) -> tuple[Numbers, Numbers]:
    """A contrast of groups of models, and its two-sided p over permutations of the models' labels.

    p = (1 + permutations at least as far from zero)/(1 + draws).

    Parameters
    ----------
    contrast : labels of the models, permuted -> a number, or an array of several; 0 where groups do not differ.
    labels, draws, seed, strata : as of `permuted_labels`.

    Raises
    ------
    ValueError : no draws, or labels that no permutation changes.

    Example
    -------
    >>> height = np.array([1.0, 2, 3, 11, 12, 13])
    >>> apart = lambda of: float(height[of == "b"].mean() - height[of == "a"].mean())
    >>> value, p = label_permutation(apart, list("aaabbb"))
    >>> value, bool(0.05 < p < 0.2)  # 2 of 20 divisions are as far apart
    (10.0, True)
    """
    drawn = permuted_labels(labels, draws, seed, strata)
    value = contrast(np.asarray(labels))
    return value, permutation_p(value, (contrast(permuted) for permuted in drawn), draws)


def permutation_p(value: Numbers, permuted: Iterable[Numbers], draws: int) -> Numbers:
    """The two-sided p of a contrast, or of several: (1 + permutations at least as far from zero)/(1 + draws).

    Example
    -------
    >>> float(permutation_p(2.0, [1.0, -2.0, 0.5], 3))
    0.5
    """
    # equal but for rounding counts as reached, and so does an order that has no value
    reached = sum(~(np.abs(one) < np.abs(value) - ROUNDING) for one in permuted)
    return (1 + reached) / (1 + draws)


def permuted_labels(
    labels: Sequence[Hashable], draws: int, seed: int = 0, strata: Sequence[Hashable] | None = None
) -> Iterator[np.ndarray]:
    """Draws of the models' labels in another order.

    Parameters
    ----------
    labels : of each model.
    draws, seed : how many, and their key.
    strata : of each model: labels change places within a stratum only, so that what strata explain is kept. A stratum
        whose models have one label stays as it is. All models are one stratum if left out.

    Raises
    ------
    ValueError : no draws, or labels that no permutation changes.

    Example
    -------
    >>> [one.tolist() for one in permuted_labels(list("abab"), 2, strata=list("uuvv"))]
    [['b', 'a', 'b', 'a'], ['b', 'a', 'b', 'a']]
    """
    given = np.asarray(labels)
    if draws < 1:
        raise ValueError(f"draws must be at least 1; got {draws}.")
    of = (
        np.zeros(len(given)) if strata is None else np.array([list(dict.fromkeys(strata)).index(one) for one in strata])
    )
    places = [np.flatnonzero(of == one) for one in np.unique(of)]
    places = [one for one in places if len(set(given[one].tolist())) > 1]
    if not places:
        where = "all models" if strata is None else "the models of each stratum"
        raise ValueError(f"no permutation changes the labels: {where} have one. Give groups that differ.")
    return _drawn(given, places, draws, seed)


def _drawn(given: np.ndarray, places: Sequence[np.ndarray], draws: int, seed: int) -> Iterator[np.ndarray]:
    generator = keyed(seed, "permutations of labels", len(given))
    for _ in range(draws):
        permuted = given.copy()
        for one in places:
            permuted[one] = given[one[generator.permutation(len(one))]]
        yield permuted


def _without_each(of: Sequence[Hashable], name: str) -> list[np.ndarray]:
    """The places that are left without each value."""
    values = dict.fromkeys(of)
    if len(values) < FEWEST_TO_LEAVE_OUT:
        raise ValueError(
            f"an interval over {name} needs three or more to leave out; there are {len(values)}. Add some."
        )
    return [np.array([i for i, one in enumerate(of) if one != left_out]) for left_out in values]
