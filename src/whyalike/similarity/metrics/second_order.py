"""Second-order cosine similarity: do two representations see the neighbours of a stimulus alike (Hamilton et al. 2016).

For each stimulus, the cosine similarities to the k nearest neighbours of either representation, their union, make a
vector in each; the score is the mean over stimuli of the cosine of the two vectors. (Some libraries take the distances
1 - cosine in their place, which gives other values.) Only the products with the 2 k neighbours are made for a pair.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.nearest import neighbours, products_at
from whyalike.similarity.metrics.neighbours import inverse

NOTHING = 1e-12  # similarities of a stimulus that are 0 but for rounding


@dataclass(frozen=True)
class Neighbourhoods:
    """Rows of length 1 (n x d) and the lists of their nearest rows (n x k)."""

    rows: np.ndarray
    lists: np.ndarray


def prepare(x: np.ndarray, parameters: Mapping[str, Any]) -> Neighbourhoods:
    """The neighbour lists of x, n x d with rows of length 1.

    Raises
    ------
    UndefinedScore : all stimuli have one direction, so that every vector of similarities is the same; or a stimulus has
        a similarity of 0 to all of its neighbours, so that its vector has no direction.
    """
    if (x @ x[:1][0] >= 1 - NOTHING).all():
        raise UndefinedScore(
            f"second_order_cosine needs stimuli of different directions; all {len(x)} rows are multiples of one. "
            "Use a metric that sees lengths, such as cka."
        )
    lists = parameters.get("search", neighbours)(x, parameters["k"]).lists
    away = (np.abs(products_at(x, lists)) <= NOTHING).all(axis=1)
    if away.any():
        raise UndefinedScore(
            f"second_order_cosine needs stimuli that are like others; {np.count_nonzero(away)} of {len(x)} have "
            f"cosine 0 with all their neighbours, the first is row {int(np.argmax(away))}. Drop them, or use larger k."
        )
    return Neighbourhoods(x, lists)


def permute(y: Neighbourhoods, order: np.ndarray) -> Neighbourhoods:
    """The intermediates of ``y[order]``: rows in the new order, entries of the lists relabelled."""
    return replace(y, rows=y.rows.take(order, axis=0), lists=inverse(order).take(y.lists.take(order, axis=0)))


def compare(x: Neighbourhoods, y: Neighbourhoods, parameters: Mapping[str, Any]) -> float:
    """The mean over stimuli of the cosine of their vectors of similarities; in [-1, 1]."""
    new = ~(x.lists[:, :, None] == y.lists[:, None, :]).any(axis=1)  # (n, k): y's neighbours that are none of x's
    both = np.concatenate([x.lists, y.lists], axis=1)  # (n, 2k)
    counted = np.concatenate([np.ones_like(new), new], axis=1)
    a, b = (products_at(z.rows, both) * counted for z in (x, y))
    cosines = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return float(np.clip(cosines.mean(), -1, 1))


SECOND_ORDER_COSINE = {"exact": Form(prepare, compare, permute, reads=("k",), streamed=prepare)}
