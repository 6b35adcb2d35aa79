"""Permutation nulls: draws that equal the score, and all orders in place of draws where they are few."""

from itertools import permutations

import numpy as np
import pytest

from whyalike.similarity.api import score
from whyalike.similarity.nulls import p_value, row_orders, within_class_orders
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.read_files import Pairs
from whyalike.similarity.score_files import score_pairs_of_files
from whyalike.similarity.scoring import score_pairs

DISTINCT = np.arange(5)[:, None]


def _of_files(x, y, metric, draws, labels=None, **parameters):
    files = Pairs({"x": x, "y": y}, [("x", "y")], False, [])
    found, missing = score_pairs_of_files(files, {metric: parameters}, labels, draws, intervals=False)
    assert not missing
    return found.iloc[0]


def test_draws_equal_to_the_score_but_for_rounding_count():
    score = 0.1 + 0.2  # 0.30000000000000004
    assert p_value(score, [0.3, 0.1, 0.2]) == 2 / 4
    assert p_value(-score, [-0.3, 0, -0.2], "distance") == 2 / 4
    assert p_value(1e-17, [0.5, -0.5, -3e-18]) == 3 / 4  # relative to what the draws reach, too
    assert p_value(0.3, [0.3 - 1e-6, 0.1, 0.2]) == 1 / 4


def test_few_orders_are_all_given_once_but_for_the_given_one():
    orders = row_orders(np.random.default_rng(0), 5, 119, DISTINCT)
    assert sorted(map(tuple, orders.tolist())) == list(permutations(range(5)))[1:]
    assert row_orders(np.random.default_rng(0), 5, 118, DISTINCT).shape == (118, 5)
    drawn = row_orders(np.random.default_rng(0), 5, 119)
    np.testing.assert_array_equal(drawn, row_orders(np.random.default_rng(0), 5, 119, np.arange(40)[:, None])[:, :5])


def test_equal_rows_count_as_one_order():
    rows = np.array([[2.0], [0], [2], [0], [1]])
    orders = row_orders(np.random.default_rng(0), 5, 29, rows)
    seen = {tuple(rows[order].ravel()) for order in orders}
    assert len(orders) == len(seen) == 29  # 5! / (2! 2!) less the given one
    assert tuple(rows.ravel()) not in seen
    assert all(sorted(order) == list(range(5)) for order in orders)


def test_few_orders_within_classes_are_all_given():
    groups = np.array([1, 0, 1, 0, 1])
    orders = within_class_orders(np.random.default_rng(0), groups, 11, every=True)
    assert len({tuple(order) for order in orders}) == 11  # 3! 2! less the given one
    assert (groups[orders] == groups).all()
    assert not (orders == np.arange(5)).all(axis=1).any()
    assert len(within_class_orders(np.random.default_rng(0), groups, 10, every=True)) == 10
    alone = within_class_orders(np.random.default_rng(0), np.arange(5), 7, every=True)
    np.testing.assert_array_equal(alone, np.tile(np.arange(5), (7, 1)))  # no other order: the given one


@pytest.mark.parametrize("metric", ["rsa", "cka", "procrustes_distance"])
def test_no_p_is_below_one_over_all_orders(metric):
    g = np.random.default_rng(0)
    x = g.normal(size=(5, 8))
    y = x + 0.01 * g.normal(size=(5, 8))
    sign = -1 if metric == "procrustes_distance" else 1
    all_of_them = [sign * score(metric, x, y[list(order)]) for order in permutations(range(5))]
    found = _of_files(x, y, metric, 9999)
    assert found.p_value == np.mean(np.array(all_of_them) >= all_of_them[0] - 1e-12) >= 1 / 120
    words = ("study", "comparison", "setting", "factor", "condition", "stimuli", "stimuli_kind")
    columns = {"seed": 0, **dict.fromkeys(words, "a word")}
    pair = PairOnStimuli("x", "y", None, None, (np.arange(5),), None, None, None, columns)
    study = score_pairs({"x": {"l": x}, "y": {"l": y}}, [pair], {metric: {}}, ["exact"], 9999, 0)
    assert study.p_value.tolist() == [found.p_value]


def test_unbiased_cka_of_four_stimuli_has_the_p_of_its_few_values():
    g = np.random.default_rng(1)
    x, y = g.normal(size=(2, 4, 3))
    all_of_them = np.array([score("cka_unbiased", x, y[list(order)]) for order in permutations(range(4))])
    expected = np.mean(all_of_them >= all_of_them[0] - 1e-9)
    assert expected >= 4 / 24  # three values, each of eight orders
    assert _of_files(x, y, "cka_unbiased", 99).p_value == expected


@pytest.mark.parametrize("draws", [9999, 69])
def test_grouped_stimuli_have_the_p_of_their_groupings(draws):
    """Two groups of four: of the 70 groupings two give the score, theirs and that with the names exchanged."""
    two = np.array([0, 1, 0, 0, 1, 1, 0, 1])
    x = np.eye(2)[two] + [[0.5, 0.25]]
    assert _of_files(x, x @ [[0.6, -0.8], [0.8, 0.6]], "cka", draws).p_value == 2 / 70
    assert _of_files(x, x @ [[0.6, -0.8], [0.8, 0.6]], "rsa", draws, rdm="euclidean").p_value == 2 / 70


def test_drawn_p_of_grouped_stimuli_counts_the_draws_that_repeat_the_grouping():
    two = np.repeat([0, 1], 6)
    x = np.eye(2)[two] + [[0.5, 0.25]]
    found = _of_files(x, x @ [[0.6, -0.8], [0.8, 0.6]], "cka", 899)  # of 924 groupings two: 0 to 8 draws of 899
    assert 1 / 900 < found.p_value < 9 / 900
