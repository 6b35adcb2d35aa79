"""What the scores make of representations that were stored as float16."""

import numpy as np
import pytest

from whyalike.similarity.api import score
from whyalike.similarity.metrics.registry import METRICS

N, D, K = 400, 32, 10
PARAMETERS = {"svcca": {"dims": 8}}
NEIGHBOURS = ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna")


def representations():
    """Two models after a ReLU that share half of what they see: positive, and far from centred."""
    g = np.random.default_rng(7)
    signal = g.normal(size=(N, D))
    return [np.maximum(signal + g.normal(size=(N, D)), 0).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize("metric", METRICS)
def test_scores_of_float16_differ_by_less_than_the_rounding(metric):
    x, y = representations()
    halves = [values.astype(np.float16).astype(np.float32) for values in (x, y)]
    given = PARAMETERS.get(metric, {})
    apart = abs(score(metric, *halves, **given) - score(metric, x, y, **given))
    # Every number is off by 2^-11 of itself at most, so both representations by 2^-11 of their norm; what is left of
    # it after centring is about twice that, and a normalised score moves by twice the sum of both: 8 x 2^-11. Of the
    # neighbours, whose order is not continuous, one in a hundred lists may end with another one.
    assert apart <= (0.01 / K if metric in NEIGHBOURS else 8 * 2.0**-11)


def test_rounding_is_not_lost_on_the_way():
    x, y = representations()
    assert score("cka", x.astype(np.float16), y) != score("cka", x, y)
