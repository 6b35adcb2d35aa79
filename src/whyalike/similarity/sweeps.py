"""A score against the number of neighbours and of stimuli: a curve in place of a number that depends on both.

The chance level of most metrics depends on n, and of neighbour lists on k/n, so that scores of different n or k are
compared beside their nulls. Of n stimuli the first n of one keyed order count: each smaller set is part of every larger
one, and the curve over n does not jump because other stimuli were drawn. One neighbour search for the largest k serves
all of them: without ties the nearest k of it are the lists of a search for k. Every number is that of `score`,
`interval` and `whyalike score` on the same rows, to the bit.
"""

from collections.abc import Callable, Sequence
from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.api import LAYER, choose, workbench_of
from whyalike.similarity.beside import Beside
from whyalike.similarity.checks import UndefinedScore, check_draws
from whyalike.similarity.intervals import over_stimuli
from whyalike.similarity.metrics.nearest import Neighbours, fewer, neighbours
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring, scoring
from whyalike.similarity.workbench import Rows, Workbench

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("metric", "k", "n", "value", "ci_low", "ci_high", "interval", "null_mean", "null_p95", "p_value")


def sweep(
    x: Any,
    y: Any,
    metric: str = "mutual_knn",
    *,
    k: int | Sequence[int] | None = None,
    n: int | Sequence[int] | None = None,
    permutations: int = 99,
    intervals: bool = True,
    seed: int = 0,
    **params: Any,
) -> "pd.DataFrame":
    """The score of two representations for each k and each n, beside interval and null.

    Parameters
    ----------
    x, y, params : as in `whyalike.score`; rows are the same stimuli in the same order.
    k : numbers of neighbours, for metrics with the parameter k. None: its default.
    n : numbers of stimuli; the rows are those of `nested_rows`. None: all stimuli.
    permutations : draws of the null of row permutations; 0: in closed form, where a metric has one.
    intervals : whether to make intervals over stimuli, up to 100 further scores each.
    seed : key of the order of stimuli, of the null and of the interval; of folds too.

    Returns
    -------
    A row for each n and k, in their order: metric, k, n, value, ci_low, ci_high, interval, null_mean (the chance
    level), null_p95, p_value. What a score lacks is missing; ``attrs["undefined"]`` of the frame lists what has no
    value: of ("score" or "interval"), k, n and the reason.

    Raises
    ------
    KeyError : unknown metric.
    ValueError : as `whyalike.score`; a k for a metric without neighbours, an n that is no number of stimuli.

    Example
    -------
    >>> x = np.random.default_rng(0).normal(size=(60, 8))
    >>> found = sweep(x, x + np.random.default_rng(1).normal(size=(60, 8)), k=[5, 10], n=[30, 60], permutations=19)
    >>> found[["k", "n"]].values.tolist()
    [[5, 30], [10, 30], [5, 60], [10, 60]]
    """
    import pandas as pd  # a third of a second, which a single score does not need

    check_draws(permutations)
    chosen = _scorings(metric, k, index(seed), params)
    whole = workbench_of({"x": x, "y": y}, index(seed), metric).representations
    stimuli = len(whole["x"][LAYER])
    sizes = [stimuli] if n is None else [n] if isinstance(n, int | np.integer) else list(n)
    rows, undefined = [], []
    for size in sizes:
        bench = _bench(whole, nested_rows(stimuli, size, seed), index(seed), permutations, chosen)
        for one in chosen:
            rows.append({"metric": metric, "k": one.parameters.get("k"), "n": size})
            of = "score"
            try:
                value, null, _ = Beside(bench, [one], permutations).score("x", "y", one)
                rows[-1] |= {"value": value, **null}
                of = "interval"
                rows[-1] |= _interval(bench, one) if intervals else {}
            except UndefinedScore as reason:
                undefined.append({"of": of, "k": rows[-1]["k"], "n": size, "reason": str(reason)})
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"k": "Int64"})
    frame.attrs["undefined"] = undefined
    return frame


def nested_rows(stimuli: int, n: int, seed: int = 0) -> np.ndarray:
    """The n rows, of so many, that `sweep` scores: of each seed a smaller set is part of every larger one.

    Raises
    ------
    ValueError : n is no number of stimuli.

    Example
    -------
    >>> set(nested_rows(100, 20)) < set(nested_rows(100, 50)), len(nested_rows(100, 50))
    (True, 50)
    """
    if not 1 <= index(n) <= stimuli:
        raise ValueError(f"n must be from 1 to the number of stimuli, {stimuli}; got {n}. Give another n.")
    return np.sort(keyed(seed, "nested stimuli", stimuli).permutation(stimuli)[:n])


def _scorings(metric: str, k: Any, seed: int, params: dict[str, Any]) -> list[Scoring]:
    """A scoring for each k."""
    if k is None:
        return choose({metric: params}, "exact", seed)
    if "k" not in METRICS[metric].facts.parameters:
        having = ", ".join(name for name, entry in METRICS.items() if "k" in entry.facts.parameters)
        raise ValueError(f"{metric} has no neighbours, hence no k; those that have: {having}. Leave k out.")
    several = [k] if isinstance(k, int | np.integer) else list(k)
    return [scoring(metric, "exact", {**params, "k": one}) for one in several]


def _bench(whole: Any, rows: np.ndarray, seed: int, permutations: int, chosen: Sequence[Scoring]) -> Workbench:
    """The workbench of some rows, which searches for the neighbours of all scorings once."""
    layers = {run: {LAYER: Rows.of(rows).of_array(own[LAYER])} for run, own in whole.items()}
    largest = max(one.parameters.get("k", 0) for one in chosen)
    return Workbench(layers, seed, permuted=permutations > 0, search=partial(_search, largest))


def _search(largest: int, once: Callable[[int, Callable[[], Any]], Any], x: Any, k: int) -> Neighbours:
    """The k neighbours of each row, of a search for more; its prefixes are those of fewer, where there are no ties."""
    most = min(max(k, largest), len(x) - 1)
    found = once(most, lambda: neighbours(x, most))
    return found if k == most else fewer(found, k) or neighbours(x, k)


def _interval(bench: Workbench, chosen: Scoring) -> dict[str, Any]:
    found = over_stimuli(bench, "x", "y", chosen, bench.seed)
    return {"ci_low": found.low, "ci_high": found.high, "interval": found.method}
