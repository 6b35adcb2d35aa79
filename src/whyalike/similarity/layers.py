"""Layers of one model against layers of another, with a null that knows that the best of them was chosen.

The best of many layer pairs is high by chance alone: each pair is one more attempt. So every draw of the null permutes
the rows of all layers of B in the same order, and keeps the most alike of all pairs; a score is beyond chance if it is
beyond the end of these maxima (single-step maxT; Westfall and Young 1993). Where no layer of A depends on any of B,
that bounds the chance of one false pair or more, whatever the dependence within a model; beside true pairs it is an
approximation. Where the chance level of the metric depends on the width of a layer, the maxima are those of the layers
with the highest: take a metric whose chance level is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
import pandas as pd

from whyalike.similarity.api import LAYER, workbench_of
from whyalike.similarity.blocks import codes_of_blocks, codes_of_classes, orders_of_rows, orders_within_class
from whyalike.similarity.checks import UndefinedScore, check_draws
from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.nulls import FEW_ROWS, null_end, p_value
from whyalike.similarity.protocols import Scoring, scoring
from whyalike.similarity.workbench import Rows, Scorable

Layers = Mapping[str, Any] | Sequence[Any]
Place = tuple[str, str]
EVERYTHING = 1 << 62  # bytes that are kept: the pairs hold what is made of every layer anyway
FEWEST = 19  # draws that a p of .05 needs


@dataclass(frozen=True)
class LayerScores:
    """Scores of all pairs of layers of two models, and of the most alike pair.

    Attributes
    ----------
    scoring : the metric and its parameters.
    table : a row a pair of layers: layer_a, layer_b, value, null_mean, null_p95 and p_value of that pair alone, and
        p_corrected for all pairs. NaN where the metric has no value.
    layer_a, layer_b, value, p_value : of the most alike pair; p is the corrected one.
    null_end : the value that the most alike of all pairs goes beyond in 5 % of the draws.
    null_mean : the mean of the most alike of all pairs over the draws.
    n, permutations : stimuli, and draws of the null.
    undefined : (layer_a, layer_b) -> why the metric has no value.
    """

    scoring: Scoring
    table: pd.DataFrame
    layer_a: str
    layer_b: str
    value: float
    p_value: float
    null_end: float
    null_mean: float
    n: int
    permutations: int
    undefined: Mapping[Place, str]

    def matrix(self, column: str = "value") -> pd.DataFrame:
        """A column of the table, layers of A x layers of B, in their order."""
        names = [list(dict.fromkeys(self.table[side])) for side in ("layer_a", "layer_b")]
        return self.table.pivot(index="layer_a", columns="layer_b", values=column).loc[names[0], names[1]]


def layers(
    a: Layers,
    b: Layers,
    metric: str = "cka_unbiased",
    *,
    permutations: int = 999,
    seed: int = 0,
    labels: Any = None,
    groups: Any = None,
    confound: Any = None,
    **params: Any,
) -> LayerScores:
    """Score every layer of one model against every layer of another, corrected for the choice of the best.

    Parameters
    ----------
    a, b : layer -> n x d, or arrays without names (then "0", "1", ...), as `score` takes them; rows are the same
        stimuli in the same order.
    metric, confound, params : as in `score`, protocol "exact".
    permutations : draws of the null, at least 19. Each scores all pairs once. Where there are no more other orders of
        the rows, each of these stands once in their place.
    seed : key of the draws.
    labels : class of each stimulus (n); rows are then permuted within classes, and a score is beyond chance if it is
        beyond what the classes alone explain.
    groups : block of each stimulus (n), as in `score`: whole blocks are permuted.

    Raises
    ------
    As `score`; `UndefinedScore` where the metric has a value for no pair.

    Example
    -------
    >>> import numpy as np
    >>> g = np.random.default_rng(0)
    >>> a = {"early": g.normal(size=(60, 8)), "late": g.normal(size=(60, 4))}
    >>> b = {"first": g.normal(size=(60, 5)), "second": a["late"] + g.normal(size=(60, 4))}
    >>> found = layers(a, b, permutations=99)
    >>> found.layer_a, found.layer_b, found.p_value
    ('late', 'second', 0.01)
    >>> found.matrix("p_corrected").shape
    (2, 2)
    """
    check_draws(permutations)
    if permutations < FEWEST:
        raise ValueError(f"layers needs at least {FEWEST} draws of the null, for p = .05; got {permutations}.")
    chosen = scoring(metric, "exact", params)
    sides = _named(a, "a"), _named(b, "b")
    arrays = {f"{side}: {name}": x for side, own in zip("ab", sides, strict=True) for name, x in own.items()}
    bench = workbench_of(arrays, index(seed), metric, EVERYTHING, confound, permuted=True)
    n = len(bench.representations[next(iter(arrays))][LAYER])
    rows = [bench.representations[f"b: {name}"][LAYER] for name in sides[1]]
    orders = _orders(rows, n, permutations, index(seed), labels, groups)
    found: dict[Place, Scorable] = {}
    undefined: dict[Place, str] = {}
    for place in [(one, other) for one in sides[0] for other in sides[1]]:
        try:
            names = [f"{side}: {name}" for side, name in zip("ab", place, strict=True)]
            found[place] = bench.scorable(*names, Rows.of(np.arange(n)), chosen, LAYER)
        except UndefinedScore as reason:
            undefined[place] = str(reason)
    if not found:
        raise UndefinedScore(next(iter(undefined.values())))
    return _corrected(chosen, found, _null(found, orders), undefined, [(i, j) for i in sides[0] for j in sides[1]], n)


def _named(given: Layers, side: str) -> dict[str, Any]:
    """The layers of one model by name."""
    named = dict(given) if isinstance(given, Mapping) else None
    if named is None and isinstance(given, Sequence) and not isinstance(given, str):
        named = {str(number): x for number, x in enumerate(given)}
    if not named:
        raise ValueError(f"{side} must be layers by name, {{'conv1': x, ...}}, or a list of arrays; got {type(given)}.")
    return named


def _orders(rows: Sequence[Any], n: int, permutations: int, seed: int, labels: Any, groups: Any) -> np.ndarray:
    """The orders of rows, draws x n: drawn as for a single pair with the same seed, or all others where they are few.

    Rows of B are equal if they are in all of its layers. A matrix over stimuli has none that could be.
    """
    blocks = None if groups is None else codes_of_blocks(groups, n)
    if labels is not None:
        return orders_within_class(seed, n, codes_of_classes(labels, n), permutations, blocks)
    units = n if blocks is None else blocks.max() + 1
    few = units <= FEW_ROWS and all(isinstance(x, np.ndarray) for x in rows)
    return orders_of_rows(seed, n, permutations, np.hstack(rows) if few else None, blocks)


def _null(found: Mapping[Place, Scorable], orders: np.ndarray) -> dict[Place, np.ndarray]:
    """The scores of each pair under each order; a layer of B is permuted once for all layers of A."""
    null = {place: np.empty(len(orders)) for place in found}
    for layer in dict.fromkeys(b for _, b in found):
        own = [(place, one) for place, one in found.items() if place[1] == layer]
        form, [(_, y)] = own[0][1].form, own[0][1].layer_pairs
        for draw, order in enumerate(orders):
            permuted = form.permute(y, order.astype(np.intp))
            for place, one in own:
                [(x, _)] = one.layer_pairs
                null[place][draw] = one.compared(x, permuted)
    return null


def _corrected(
    chosen: Scoring,
    found: Mapping[Place, Scorable],
    null: Mapping[Place, np.ndarray],
    undefined: Mapping[Place, str],
    places: Sequence[Place],
    n: int,
) -> LayerScores:
    """The scores beside their nulls, and beside the null of the most alike of all pairs."""
    kind = METRICS[chosen.metric].facts.kind
    sign = sign_of_likeness(kind)
    values = {place: one.value() for place, one in found.items()}
    most = sign * np.max([sign * draws for draws in null.values()], axis=0)
    best = max(values, key=lambda place: sign * values[place])
    rows = [
        {
            **dict(zip(("layer_a", "layer_b"), place, strict=True)),
            "value": values[place],
            "null_mean": null[place].mean(),
            "null_p95": null_end(null[place], kind),
            "p_value": p_value(values[place], null[place], kind),
            "p_corrected": p_value(values[place], most, kind),
        }
        if place in values
        else dict(zip(("layer_a", "layer_b"), place, strict=True))
        for place in places
    ]
    return LayerScores(
        chosen,
        pd.DataFrame(rows),
        *best,
        values[best],
        p_value(values[best], most, kind),
        null_end(most, kind),
        float(most.mean()),
        n,
        len(most),
        dict(undefined),
    )
