"""The score table of many pairs of runs: every score beside its three baselines.

For each pair, layer, metric and protocol: the score (mean over the subsets of stimuli), the null of row permutations,
the null of permutations within class, the untrained pair on the same rows, and for metrics with a linear kernel the
score of the two labellings. A score that is undefined for one of its subsets has no row; a warning in the log says why.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whyalike.randomness import keyed
from whyalike.similarity.all_pairs import reuse_order
from whyalike.similarity.baselines import label_gram, untrained
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.nulls import (
    closed_null,
    closed_within_class,
    null_of_draws,
    row_orders,
    within_class_null,
    within_class_orders,
)
from whyalike.similarity.pairs import PASSED_THROUGH, PairOnStimuli, check_pairs
from whyalike.similarity.protocols import Scoring, scorings
from whyalike.similarity.table import PART_SCHEMA, PLACE, to_frame
from whyalike.similarity.workbench import Rows, Scorable, Workbench

ALL_PAIRS_OF_LAYERS = "max"  # in layer_a and layer_b, under the published layer rule
LAYERS = 1 << 20  # more than a model has: places of a pair
Scored = tuple[Scoring, list[Scorable], float]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Draws:
    """Permutations of a pair's rows: [subset] -> draws x n; within is None without classes."""

    rows: list[np.ndarray]
    within: list[np.ndarray] | None


def score_pairs(
    representations: Mapping[str, Mapping[str, np.ndarray]],
    pairs: Sequence[PairOnStimuli],
    metrics: Mapping[str, Mapping[str, Any]],
    protocols: Sequence[str],
    permutations: int,
    seed: int,
    kept: MutableMapping[int, list[dict[str, Any]]] | None = None,
    places: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Score all pairs under all metrics and protocols.

    Parameters
    ----------
    representations : run -> layer -> n_all x d, all runs of a pair on the same stimuli.
    pairs : what is compared, in the order of the rows of the result.
    metrics : name of a scoring -> parameters that differ from the defaults, and `metric` where the name is not that of
        the metric.
    protocols : of "exact" (each layer against the one of the same name, or the pair's own layers) and "as_published"
        (maximum over all layer pairs); a metric has rows under those of them that it has.
    permutations : draws of each permutation null that has no closed form (`whyalike.similarity.moments`,
        `whyalike.similarity.within_class`); 0: it is absent. Draws of cknna are all defined where the score is, because
        what can be undefined does not change when rows are permuted.
    seed : of the nulls and of svcca as published.
    kept : number of a pair -> its rows, of those that are scored already; each other one is added when it is.
    places : where the pairs stand among all of a comparison. Rows then have the column ``place`` too: one for a pair
        and layer, whatever the metrics.

    Returns
    -------
    One row a (pair, layers, scoring, protocol), in this order, with the columns of `table.SCORE_SCHEMA`. null_mean and
    null_p95 (95 % quantile, the next larger draw; of a distance the 5 % quantile, the next smaller one) are of the row
    permutations, null_within_class and null_within_class_p95 of those within class. p_value and p_within_class are
    the share of orders at least as alike as the score.

    Raises
    ------
    KeyError : unknown metric. ValueError : wrong parameters, representations, rows, codes or columns.
    """
    if permutations < 0:
        raise ValueError(f"permutations must be at least 0; got {permutations}.")
    chosen = [one for name, given in metrics.items() for one in scorings(name, protocols, given)]
    check_pairs(representations, pairs, any(not one.layers_together for one in chosen))
    workbench = Workbench(representations, seed, permuted=permutations > 0)
    baselines: dict[tuple, float | None] = {}
    rows = {} if kept is None else kept
    for i in reuse_order([(pair.run_a, pair.run_b) for pair in pairs]):
        if i not in rows:
            rows[i] = _score_pair(workbench, pairs[i], chosen, permutations, baselines)
    where = range(len(pairs)) if places is None else places
    found = [{**row, PLACE: where[i] * LAYERS + row[PLACE]} for i in range(len(pairs)) for row in rows[i]]
    table = to_frame(found, PART_SCHEMA)
    return table.drop(columns=PLACE) if places is None else table


def _score_pair(
    workbench: Workbench, pair: PairOnStimuli, chosen: Sequence[Scoring], permutations: int, baselines: dict
) -> list[dict[str, Any]]:
    """The rows of one pair: each of its pairs of layers, then the layers together."""
    subsets = [Rows.of(subset) for subset in pair.subsets]
    draws = _draws(pair, subsets, permutations, workbench.seed)
    classes = None if pair.groups is None else [pair.groups[subset.index] for subset in subsets]
    rows = []
    for number, layers in enumerate([*pair.layers_in(workbench.representations), (None, None)]):
        named = [layer or ALL_PAIRS_OF_LAYERS for layer in layers]
        scored = list(_scored(workbench, pair, subsets, chosen, layers))
        for (one, _, value), nulls in zip(scored, _nulls(scored, classes, draws), strict=True):
            rows.append(
                {
                    **{name: pair.columns.get(name) for name in PASSED_THROUGH},
                    "run_a": pair.run_a,
                    "run_b": pair.run_b,
                    **dict(zip(("layer_a", "layer_b"), named, strict=True)),
                    "n": round(float(np.mean([len(s) for s in subsets]))),
                    "metric": one.metric,
                    "preprocessing": one.preprocessing,
                    "estimator": one.estimator,
                    "eps": one.eps,
                    "score_protocol": one.protocol,
                    "value": value,
                    **nulls,
                    **_baselines(workbench, pair, subsets, one, layers, baselines),
                    "scoring": one.name,
                    "parameters": one.parameters_text,
                    **_widths(workbench, pair, layers),
                    PLACE: number,
                }
            )
    return rows


def _scored(
    workbench: Workbench,
    pair: PairOnStimuli,
    subsets: Sequence[Rows],
    chosen: Sequence[Scoring],
    layers: tuple[str, str] | tuple[None, None],
) -> Iterator[Scored]:
    """Each scoring that compares these layers, with its intermediates of each subset and its value."""
    met: list[dict] = [{} for _ in subsets]
    for one in chosen:
        if one.layers_together is not (layers == (None, None)):
            continue
        try:
            scorables = [workbench.scorable(pair.run_a, pair.run_b, s, one, *layers) for s in subsets]
            values = [scorable.value(met=of_subset) for scorable, of_subset in zip(scorables, met, strict=True)]
        except UndefinedScore as reason:
            words = " x ".join(dict.fromkeys(layer or ALL_PAIRS_OF_LAYERS for layer in layers))
            where = f"{pair.run_a} and {pair.run_b}, {pair.columns['stimuli']}, layer {words}"
            _log.warning("no %s score (%s) of %s: %s", one.name, one.protocol, where, reason)
            continue
        yield one, scorables, float(np.mean(values))


def _widths(workbench: Workbench, pair: PairOnStimuli, layers: tuple[str, str] | tuple[None, None]) -> dict[str, int]:
    """Units of the two layers; none where all layers are scored together."""
    sides = zip("ab", (pair.run_a, pair.run_b), layers, strict=True)
    return {f"width_{side}": workbench.representations[run][layer].shape[1] for side, run, layer in sides if layer}


def _baselines(
    workbench: Workbench,
    pair: PairOnStimuli,
    subsets: Sequence[Rows],
    chosen: Scoring,
    layers: tuple[str, str] | tuple[None, None],
    known: dict,
) -> dict[str, float | None]:
    """The baselines for which the pair has what they need."""
    found = {}
    if pair.untrained_a is not None:
        found["untrained"] = untrained(workbench, (pair.untrained_a, pair.untrained_b), subsets, chosen, layers, known)
    if pair.labels_a is not None and pair.labels_b is not None:
        found["label_gram"] = label_gram((pair.labels_a, pair.labels_b), subsets, chosen, known)
    return found


def _draws(pair: PairOnStimuli, subsets: Sequence[Rows], permutations: int, seed: int) -> _Draws | None:
    """The permutations that all metrics of a pair share; None if there are to be none."""
    if not permutations:
        return None
    columns = pair.columns
    key = (seed, *(columns[name] for name in ("seed", "condition", "stimuli", "stimuli_kind")))
    rows, within = [], []
    few = len(subsets) == 1  # then all orders may take the place of draws: those of subsets are drawn apart
    for i, subset in enumerate(subsets):
        every = np.arange(len(subset))[:, None] if few else None
        rows.append(row_orders(keyed("rows", *key, i), len(subset), permutations, every))
        if pair.groups is not None:
            generator = keyed("within class", *key, i)
            within.append(within_class_orders(generator, pair.groups[subset.index], permutations, few))
    return _Draws(rows, within if pair.groups is not None else None)


def _nulls(
    scored: Sequence[Scored], classes: Sequence[np.ndarray] | None, draws: _Draws | None
) -> list[dict[str, float]]:
    """What the nulls of each score give: in closed form where there is one, else from draws."""
    kinds = [METRICS[one.metric].facts.kind for one, _, _ in scored]

    def null_of(closed: Callable, orders: Sequence[np.ndarray] | None, of_draws: Callable) -> list[dict[str, float]]:
        found = [closed(value, scorables) for _, scorables, value in scored]
        lacking = [i for i, own in enumerate(found) if not own]
        if lacking and orders is not None:
            for i, null in zip(lacking, _null([scored[i][1] for i in lacking], orders), strict=True):
                found[i] = of_draws(scored[i][2], null, kinds[i])
        return found

    def by_rows(value: float, scorables: Sequence[Scorable]) -> dict[str, float]:
        return closed_null(value, [scorable.kernels() for scorable in scorables])

    def by_classes(value: float, scorables: Sequence[Scorable]) -> dict[str, float]:
        own = zip(scorables, classes, strict=True)
        return closed_within_class(value, [scorable.of_classes(groups) for scorable, groups in own])

    found = null_of(by_rows, draws and draws.rows, null_of_draws)
    if classes is None:
        return found
    within = null_of(by_classes, draws and draws.within, within_class_null)
    return [rows | own for rows, own in zip(found, within, strict=True)]


def _null(scored: Sequence[Sequence[Scorable]], orders: Sequence[np.ndarray]) -> np.ndarray:
    """Scores x draws: means over the subsets, each permuted. Metrics that need the same of a draw share it."""
    totals = np.zeros((len(scored), len(orders[0])))
    for subset, draws in enumerate(orders):
        for number, order in enumerate(draws):
            order, met = order.astype(np.intp), {}  # take is fastest with its own index type
            for total, scorables in zip(totals, scored, strict=True):
                total[number] += scorables[subset].value(order, met)
    return totals / len(orders)
