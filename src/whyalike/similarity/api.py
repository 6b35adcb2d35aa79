"""Scores of two representations, and of all pairs among several: for interactive use.

The workflow uses `whyalike.similarity.scoring.score_pairs`, which gives the same values with their baselines. Arrays
may be numpy's or PyTorch's, on any device and of any floating type. With a tensor on a CUDA device (the first, if on
several) the metrics of `whyalike.similarity.on_device` are computed on it, others on the CPU. The rows of pandas
frames are matched by their index. Matrices of dissimilarities or kernels take the place of features for the metrics
that can do with them (`whyalike.similarity.precomputed`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from operator import index
from typing import TYPE_CHECKING, Any

from whyalike.activations.vector_checks import check_features
from whyalike.similarity import many
from whyalike.similarity.all_pairs import MEMORY, Pair, scores
from whyalike.similarity.beside import DRAWS, OF_CEILING, Beside, ScoreBeside
from whyalike.similarity.checks import check_draws, check_same_stimuli
from whyalike.similarity.deconfounding import CONFOUND
from whyalike.similarity.frames import matched
from whyalike.similarity.implementation import Form
from whyalike.similarity.memory import bytes_of
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.precomputed import Precomputed
from whyalike.similarity.protocols import Scoring, metric_of, scoring
from whyalike.similarity.workbench import KEPT_BYTES, Workbench, form_of

if TYPE_CHECKING:
    import pandas as pd

Metrics = str | Sequence[str] | Mapping[str, Mapping[str, Any]]
LAYER = "x"  # the one layer of each representation on the workbench


def score(
    metric: str,
    x: Any,
    y: Any,
    *,
    protocol: str = "exact",
    seed: int | None = None,
    confound: Any = None,
    labels: Any = None,
    groups: Any = None,
    ceiling: float | str | None = None,
    permutations: int | None = None,
    memory: int | str | None = None,
    **params: Any,
) -> float | ScoreBeside:
    """How alike two representations of the same stimuli are, and how far beyond chance.

    Parameters
    ----------
    metric : a name of `whyalike.metrics()`; see `whyalike.describe` and docs/metrics.md.
    x, y : n x p and n x q, numpy arrays, tensors or frames; rows are stimuli, in the same order. Rows of pandas frames
        are matched by index. Either may be `whyalike.rdm(...)` or `whyalike.kernel(...)`.
    protocol : "exact", the textbook quantity, or "as_published", what the reference computes with one layer a side
        (clamped and row-normalised features, its eps and faults, at least 0) for the metrics that it has.
    seed : of the folds of cross-validated metrics (42 if left out), and of the random draws of svcca as published, of
        nulls and of split halves (0); no other score uses it.
    confound : n x c, such as the stimuli's pixels; what it explains of both is taken from the score, for the metrics of
        `whyalike.similarity.deconfounding` (deconfounded CKA, Cui et al. 2022).
    labels : class of each stimulus (n), in the order of x: adds the null of permutations within class.
    groups : block of each stimulus (n), such as its subject or video. The nulls then move whole blocks, the rows of
        each in their order (`whyalike.similarity.blocks`), for which blocks are of equal size; within class blocks of
        the same classes. The score stays as it is: folds are dealt by row.
    ceiling : a score, or "split_halves" (or "split-halves"): two halves of one model's units, scored against each
        other, in the mean of 20 splits and both models (`whyalike.similarity.excess`). Adds `excess`, the place of the
        score from the mean within class (0) to the ceiling (1), of a distance too; it needs labels.
    permutations : draws of each null, 99 if one of the three is given; where there are no more other orders, all of
        them. 0: in closed form, where a metric has one.
    memory : bytes, or such as "2GB", that may be held beside x and y, for arrays that are larger than memory, such as
        `numpy.load(..., mmap_mode="r")`: what does not fit is made in blocks of rows
        (`whyalike.similarity.memory`). None: no bound.
    params : parameters of the metric, such as k, sigma, sigma_median, dims, variance, ridge.

    Returns
    -------
    The score, never NaN; with labels, groups, ceiling or permutations a `ScoreBeside`, which holds it beside its nulls.
    Of a similarity, 1 means equal up to the metric's invariances, except for lcs_knn as published (k/4) and cycle_knn;
    of a distance 0 does.

    Raises
    ------
    KeyError : unknown metric.
    ValueError : wrong arrays, parameters or protocol; not one label or group a stimulus, labels that all differ, blocks
        of unequal sizes or one alone, groups without draws, a ceiling without labels, draws that are no whole number;
        `UndefinedScore`, a ValueError, where the metric has no value. Where there is a score and no excess, that is
        NaN, and `no_excess` says why.
    MemoryError : there is too little for an n x n array, or ``memory`` is.

    Example
    -------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(50, 8))
    >>> round(score("cka", x, 3 * x[:, ::-1] + 1), 6)
    1.0
    >>> labels = np.repeat([0, 1], 25)
    >>> found = score("cka_unbiased", x, x[:, :4], labels=labels, ceiling=1)
    >>> found.p_within_class, 0 < found.excess < 1
    (0.01, True)
    """
    if seed is not None and "seed" in METRICS[metric].facts.parameters:
        params["seed"] = seed
    chosen = scoring(metric, protocol, params)
    draws = _draws(permutations, labels, groups, ceiling)
    workbench = workbench_of({"x": x, "y": y}, seed or 0, metric, confound=confound, permuted=bool(draws), bound=memory)
    if draws is None:
        return scores(workbench, [("x", "y")], LAYER, chosen)["x", "y"]
    beside = Beside(workbench, [chosen], draws, labels, groups, ceiling)
    value, found, no_excess = beside.score("x", "y", chosen)
    return ScoreBeside(value, len(workbench.representations["x"][LAYER]), **found, no_excess=no_excess)


def pairwise(
    metrics: Metrics,
    representations: Mapping[str, Any],
    protocol: str = "exact",
    seed: int | None = None,
    memory: int | str | None = None,
    confound: Any = None,
    *,
    labels: Any = None,
    groups: Any = None,
    ceiling: float | str | None = None,
    permutations: int | None = None,
) -> "pd.DataFrame":
    """The scores of all pairs among several representations of the same stimuli; work on one alone is done once.

    Parameters
    ----------
    metrics : a name, several names, or name -> parameters; under a name of your own with the parameter `metric`.
    representations : name -> n x d, numpy array or tensor; rows are stimuli, in the same order.
    protocol, seed, confound, labels, groups, ceiling, permutations : as in `score`. A number as ceiling is that of
        every pair and metric.
    memory : as in `score`. None: 2 GiB are kept of what was made of representations, and a pair takes what it needs.

    Returns
    -------
    A row a metric and pair, in the order of both: metric, a, b, value, n, and what is asked for of the columns of
    `ScoreBeside`. Where (X, Y) and (Y, X) differ, both stand. The value of a pair is NaN where the metric has none;
    ``attrs["undefined"]`` of the frame lists these: metric, a, b and reason of each. So does ``attrs["no_excess"]``
    where a ceiling is given and there is no excess.

    Raises
    ------
    As `score`, but for pairs without a value; ValueError also for fewer than two representations.

    Example
    -------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(50, 8))
    >>> pairwise(["cka"], {"one": x, "half": x / 2, "turned": x[:, ::-1]})[["a", "b"]].values.tolist()
    [['one', 'half'], ['one', 'turned'], ['half', 'turned']]
    """
    if not isinstance(representations, Mapping):
        raise ValueError(
            "pairwise needs representations by name, such as {'a': x, 'b': y}; got a "
            f"{type(representations).__name__}. Name them."
        )
    if len(representations) < 2:
        raise ValueError(
            f"pairwise needs at least two representations; got {', '.join(representations) or 'none'}. Add another."
        )
    chosen = choose(metrics, protocol, seed)
    asked = ", ".join(one.metric for one in chosen)
    draws = _draws(permutations, labels, groups, ceiling)
    workbench = workbench_of(representations, seed or 0, asked, MEMORY, confound, bool(draws), memory)
    beside = None if draws is None else Beside(workbench, chosen, draws, labels, groups, ceiling)
    return table_of(workbench, chosen, lambda one: ordered_pairs(list(representations), one), ("a", "b"), beside)


def _draws(permutations: int | None, labels: Any, groups: Any, ceiling: float | str | None) -> int | None:
    """Draws of each null; None where nothing is to stand beside scores."""
    if permutations is not None:
        check_draws(permutations)
        return permutations
    return DRAWS if any(one is not None for one in (labels, groups, ceiling)) else None


def table_of(
    workbench: Workbench,
    chosen: Sequence[Scoring],
    pairs: Callable[[Scoring], Iterable[Pair]],
    columns: tuple[str, str],
    beside: Beside | None = None,
) -> "pd.DataFrame":
    """The scores of pairs of runs that have the layer `LAYER`, as `pairwise` gives them.

    Parameters
    ----------
    pairs : scoring -> names of runs, (x, y).
    columns : what the two names of a pair are called.
    beside : what is asked beside them.

    Raises
    ------
    MemoryError : a scoring cannot be made within the workbench's memory; before the first score.
    """
    import pandas as pd  # a third of a second, which a single score does not need

    n = len(next(iter(workbench.representations.values()))[LAYER])
    rows, missing, no_excess = [], [], []
    memory = MEMORY if workbench.memory is None else workbench.memory // 4
    asked = {one.name: list(pairs(one)) for one in chosen}
    for one in chosen:
        if many.engine_of(workbench, asked[one.name], LAYER, one, memory) is None:
            workbench.streams(one, n)
    for one in chosen:
        undefined: dict[Pair, str] = {}
        for pair, value in many.scores(workbench, asked[one.name], LAYER, one, memory, undefined).items():
            place = {"metric": one.name, **dict(zip(columns, pair, strict=True))}
            rows.append({**place, "value": value, "n": n})
            if pair in undefined:
                missing.append({**place, "reason": undefined[pair]})
            elif beside is not None:
                _, found, reason = beside.score(*pair, one)
                rows[-1] |= found
                no_excess += [] if reason is None else [{**place, "reason": reason}]
    more = () if beside is None else beside.columns
    frame = pd.DataFrame(rows, columns=["metric", *columns, "value", "n", *more])
    frame.attrs["undefined"] = missing
    if OF_CEILING[0] in more:
        frame.attrs["no_excess"] = no_excess
    return frame


def choose(metrics: Metrics, protocol: str, seed: int | None = None) -> list[Scoring]:
    """The scorings of several metrics; parameters as in `pairwise`."""
    if isinstance(metrics, str):
        metrics = [metrics]
    if not metrics:
        raise ValueError(f"scores need at least one metric; got none. Known: {', '.join(METRICS)}.")
    given = {name: dict(metrics[name]) if isinstance(metrics, Mapping) else {} for name in metrics}
    for name, parameters in given.items():
        if seed is not None and "seed" in METRICS[metric_of(name, parameters)].facts.parameters:
            parameters.setdefault("seed", seed)
    return [scoring(name, protocol, parameters) for name, parameters in given.items()]


def ordered_pairs(names: Sequence[str], chosen: Scoring) -> Iterator[tuple[str, str]]:
    """All pairs of names, in both orders where the metric is asymmetric."""
    for a, b in combinations(names, 2):
        yield a, b
        if not METRICS[chosen.metric].facts.symmetric:
            yield b, a


def workbench_of(
    representations: Mapping[str, Any],
    seed: int,
    metric: str,
    memory: int = KEPT_BYTES,
    confound: Any = None,
    permuted: bool = False,
    bound: int | str | None = None,
) -> Workbench:
    """Representations of the same stimuli, checked, each as a run of one layer; ``metric`` is named in errors.

    ``memory`` is for what is kept; ``bound`` is for all of a score (`bytes_of`), None: no bound.
    """
    limit = None if bound is None else bytes_of(bound)
    named = {**representations} if confound is None else {**representations, CONFOUND: confound}
    arrays = {
        name: x if isinstance(x, Precomputed) else check_features(x, name, metric)
        for name, x in matched(named, metric).items()
    }
    first = next(iter(arrays))
    for name, x in arrays.items():
        check_same_stimuli(arrays[first], x, first, name, metric)
    taken = arrays.pop(CONFOUND, None)
    layers = {name: {LAYER: x} for name, x in arrays.items()}
    gpu = next((str(x.device) for x in representations.values() if getattr(x, "is_cuda", False)), "cpu")
    return Workbench(layers, index(seed), memory, permuted, forms_for(gpu), taken, limit)


def forms_for(device: str) -> Callable[[Scoring], Form]:
    """What computes the scorings: numpy on the CPU, PyTorch on a GPU ("cuda", "cuda:1", ...).

    Raises
    ------
    ValueError : PyTorch sees no such GPU.
    """
    if device == "cpu":
        return form_of
    from whyalike.similarity.on_device import forms_on_gpu  # PyTorch takes a second to import

    return forms_on_gpu(device)
