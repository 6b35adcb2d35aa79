"""Layers against layers: the null of the most alike pair, its level and its power."""

from itertools import permutations

import numpy as np
import pytest
import scipy.stats

from whyalike.randomness import keyed
from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.layers import layers
from whyalike.similarity.nulls import row_orders, within_class_orders

WORLDS = 400
ALLOWED = scipy.stats.binom.ppf(0.9999, WORLDS, 0.05)  # of true nulls at the 5 % level: more come once in 10,000 runs


def independent(g, n=24):
    """Two models of three and four layers of independent numbers; layers of a model share some."""
    sides = []
    for widths in ((3, 5, 8), (2, 4, 6, 9)):
        own = g.normal(size=(n, 2))
        sides.append({f"l{d}": np.hstack([own, g.normal(size=(n, d))]) for d in widths})
    return sides


@pytest.fixture
def two():
    g = np.random.default_rng(0)
    a, b = independent(g)
    b["l4"] = b["l4"] + a["l5"][:, :6]
    return a, b


@pytest.mark.parametrize(
    ("metric", "params"), [("cka", {}), ("procrustes_distance", {}), ("mutual_knn", {"k": 3}), ("linear", {"ridge": 1})]
)
def test_the_null_of_the_best_is_that_of_a_plain_loop(metric, params, two):
    a, b = two
    found = layers(a, b, metric, permutations=29, seed=5, **params)
    best = max if metric != "procrustes_distance" else min
    draws = [
        best(score(metric, x, y[order], **params) for x in a.values() for y in b.values())
        for order in row_orders(keyed("rows", 5, 24), 24, 29)
    ]
    values = {(i, j): score(metric, x, y, **params) for i, x in a.items() for j, y in b.items()}
    assert found.matrix().stack().to_dict() == pytest.approx(values, abs=1e-9)  # float64 rounding
    assert (found.layer_a, found.layer_b) == best(values, key=values.get) and found.value == best(found.table.value)
    assert found.null_mean == pytest.approx(np.mean(draws), abs=1e-9)
    side = (lambda value: sum(d >= value - 1e-9 for d in draws)) if best is max else (
        lambda value: sum(d <= value + 1e-9 for d in draws)
    )  # fmt: skip
    assert found.table.p_corrected.tolist() == [(1 + side(value)) / 30 for value in values.values()]
    assert found.p_value == found.table.p_corrected.min()
    end = np.quantile(draws, 0.95, method="higher") if best is max else np.quantile(draws, 0.05, method="lower")
    assert found.null_end == pytest.approx(end, abs=1e-9)


@pytest.mark.parametrize("metric", ["cka_unbiased", "procrustes_distance"])
def test_the_best_of_independent_layers_is_beyond_chance_as_often_as_it_may_be(metric):
    g = np.random.default_rng(1)
    corrected, plain = 0, 0
    for world in range(WORLDS):
        found = layers(*independent(g), metric, permutations=39, seed=world)
        corrected += found.p_value <= 0.05
        plain += found.table.p_value.min() <= 0.05
    assert corrected <= ALLOWED
    assert plain > 2 * ALLOWED  # picked by its own p, the best of twelve pairs is a false one far more often


def test_a_planted_layer_is_found():
    g = np.random.default_rng(2)
    right, power = 0, 0
    for world in range(60):
        a, b = independent(g)
        b["l6"] = a["l5"][:, 2:] @ g.normal(size=(5, 6)) + 2 * g.normal(size=(24, 6))
        found = layers(a, b, permutations=39, seed=world)
        right += (found.layer_a, found.layer_b) == ("l5", "l6")
        power += found.p_value <= 0.05
    assert power > 45 and right > 45  # of 60; by chance 3 and 5


def test_within_class_what_the_classes_alone_explain_is_not_beyond_chance():
    g = np.random.default_rng(3)
    classes = np.repeat(np.arange(4), 6)
    beyond = {"rows": 0, "within": 0}
    for world in range(100):
        a, b = ([g.normal(size=(4, d))[classes] + g.normal(size=(24, d)) for d in (4, 6)] for _ in range(2))
        beyond["rows"] += layers(a, b, permutations=39, seed=world).p_value <= 0.05
        beyond["within"] += layers(a, b, permutations=39, seed=world, labels=classes).p_value <= 0.05
    assert beyond["rows"] > 90
    assert beyond["within"] <= scipy.stats.binom.ppf(0.9999, 100, 0.05)
    found = layers(a, b, permutations=39, labels=classes)
    draws = within_class_orders(keyed("within class", 0, 24), classes, 39)
    assert found.null_mean == pytest.approx(
        np.mean([max(score("cka_unbiased", x, y[order]) for x in a for y in b) for order in draws]), abs=1e-9
    )


@pytest.mark.parametrize("labels", [None, np.repeat([0, 1], 4)], ids=["rows", "within"])
def test_few_other_orders_stand_once_each(labels):
    g = np.random.default_rng(5)
    a, b = [g.normal(size=(8, d)) for d in (3, 4)], [g.normal(size=(2, d))[np.arange(8) % 2] for d in (2, 3)]
    orders = set(permutations(np.arange(8) % 2)) if labels is None else {
        one + other for one in set(permutations((0, 1, 0, 1))) for other in set(permutations((0, 1, 0, 1)))
    }  # fmt: skip
    found, other = (layers(a, b, "cka", permutations=600, seed=seed, labels=labels) for seed in (0, 1))
    nulls = []
    for order in orders:  # of two kinds of rows
        turned = [y[np.array(order)] for y in b]
        nulls.append(max(score("cka", x, y) for x in a for y in turned))
    # whole rows: 70 groupings, each once; within: 24 * 24 orders, equal rows apart, which count equally often
    assert found.permutations == (69 if labels is None else 575)
    assert found.p_value == other.p_value
    assert found.p_value == pytest.approx(np.mean([one >= found.value - 1e-9 for one in nulls]), abs=1e-12)


def test_a_dead_layer_has_no_score_and_the_others_have(two):
    a, b = two
    expected = layers(a, b, permutations=19)
    found = layers({"dead": np.ones((24, 3)), **a}, b, permutations=19)
    assert found.matrix().loc["dead"].isna().all() and len(found.undefined) == 4
    assert "all 24 rows of layer 'x' of a: dead are the same" in found.undefined["dead", "l2"]
    assert (found.value, found.p_value) == (expected.value, expected.p_value)
    with pytest.raises(UndefinedScore, match="a: dead are the same"):
        layers({"dead": np.ones((24, 3))}, b)


def test_layers_without_names_are_numbered_and_a_confound_is_taken(two):
    a, b = (list(side.values()) for side in two)
    z = np.random.default_rng(4).normal(size=(24, 2))
    found = layers(a, b, "cka", permutations=19, confound=z)
    assert list(found.matrix().index) == ["0", "1", "2"]
    assert found.matrix().loc["1", "3"] == pytest.approx(score("cka", a[1], b[3], confound=z), abs=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"permutations": 18}, "at least 19 draws"),
        ({"permutations": "99"}, "permutations must be a whole number of draws; got '99'"),
        ({"labels": np.arange(24)}, "a class of two rows or more, which change places; all 24 differ, as ids do"),
        ({"a": {}}, "a must be layers by name"),
        ({"a": np.ones((24, 3))}, "a must be layers by name"),
        ({"b": {"short": np.eye(23)}}, "a: l3 has 24 rows, b: short 23"),
        ({"labels": [0, 1]}, "labels must be one class a stimulus: there are 24 rows, there are 2 labels"),
        ({"groups": [0, 1]}, "groups must be one block a stimulus: there are 24 rows, there are 2 groups"),
        ({"metric": "mutual_knn", "k": 30}, "k = 30, n = 24"),
    ],
    ids=["draws", "number", "ids", "none", "array", "rows", "labels", "groups", "k"],
)
def test_what_is_wrong_is_said(change, message, two):
    with pytest.raises(ValueError, match=message):
        layers(**{"a": two[0], "b": two[1], **change})
