"""The null of permutations within class in closed form: against every order, and against many draws."""

from itertools import permutations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from whyalike.similarity.metrics.cka import Features, class_sums_of, hsic_1, prepare_linear
from whyalike.similarity.nulls import closed_within_class, within_class_orders
from whyalike.similarity.within_class import (
    FEWEST,
    MOST_BYTES,
    OfClasses,
    class_sums,
    moments_within_class,
    null_within_class,
)

DRAWS = 20_000
KINDS = ("narrow", "wide", "heavy tails", "classes", "weak classes", "uneven classes")


def prepared(x: np.ndarray) -> Features:
    """The intermediates of features, never as a kernel where they are no wider than n."""
    return prepare_linear(x, {"permuted": False})


def scores(x: Features, y: Features, order: np.ndarray, hollow: bool) -> float:
    """Z, or HSIC_1 times n (n - 3), of one order of y's rows."""
    n, square = len(order), float(((x.matrix.T @ y.matrix[order]) ** 2).sum())
    return hsic_1(square, x.diagonal, y.diagonal[order]) * n * (n - 3) if hollow else square


def features(kind: str, groups: np.ndarray, g: np.random.Generator) -> np.ndarray:
    """Rows that share with another call's their classes at most."""
    n, classes = len(groups), groups.max() + 1
    if kind == "narrow":
        return g.normal(size=(n, 6)) @ g.normal(size=(6, 6))
    if kind == "wide":
        return np.maximum(g.normal(size=(n, n)), 0)
    if kind == "heavy tails":
        return g.standard_t(8, size=(n, 12))
    far = {"classes": 2.0, "weak classes": 0.3, "uneven classes": 2.0}[kind]
    spread = np.exp(0.2 * g.normal(size=classes))[groups] if kind == "uneven classes" else np.ones(n)
    return (far * g.normal(size=(classes, 16))[groups] + g.normal(size=(n, 16))) * spread[:, None]


@pytest.mark.parametrize("hollow", [False, True])
def test_mean_and_variance_are_those_of_every_order(hollow):
    g = np.random.default_rng(0)
    groups = np.array([0, 1, 0, 1, 1, 0, 1, 0, 1])  # four of one class, five of the other
    x, y = (prepared(g.normal(size=(9, d)) ** 3) for d in (4, 3))
    rows = [np.flatnonzero(groups == group) for group in (0, 1)]
    values = []
    for first, second in product(permutations(rows[0]), permutations(rows[1])):
        order = np.empty(9, int)
        order[rows[0]], order[rows[1]] = first, second
        values.append(scores(x, y, order, hollow))
    mean, variance, _ = moments_within_class(class_sums_of(x, groups), class_sums_of(y, groups), hollow)
    assert_allclose(mean, np.mean(values), rtol=1e-9)
    assert_allclose(variance, np.var(values), rtol=1e-9)


@pytest.mark.parametrize("hollow", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_p_of_the_drawn_points_is_theirs(kind, hollow):
    g = np.random.default_rng(3)
    groups = np.arange(120) % 5
    x, y = (prepared(features(kind, groups, g)) for _ in "xy")
    drawn = np.array([scores(x, y, order, hollow) for order in within_class_orders(g, groups, DRAWS)])
    divisor = 1 / (120 * 117) if hollow else 1.0
    null = null_within_class([OfClasses(class_sums_of(x, groups), class_sums_of(y, groups), divisor, hollow)])
    assert abs(null.mean - drawn.mean()) < 4 * drawn.std() / DRAWS**0.5
    assert_allclose(null.sd, drawn.std(), rtol=0.03)  # the spread of 20,000 draws of skewness 1 is known to 1 %
    # three standard errors of the drawn point, .005, and as much again for the third moment, which is a normal one's
    assert abs(null.p_value(np.quantile(drawn, 0.95)) - 0.05) < 0.01
    assert abs(null.p_value(np.quantile(drawn, 0.99)) - 0.01) < 0.005


@pytest.mark.parametrize("kind", ["long rows", "classes alone", "classes and rounding"])
def test_there_is_none_where_few_rows_decide_and_where_no_order_changes_anything(kind):
    g = np.random.default_rng(5)
    groups = np.arange(64) % 4
    scale = {"long rows": np.exp(g.normal(size=(64, 1))), "classes alone": 0.0, "classes and rounding": 1e-15}[kind]
    x, y = (prepared(g.normal(size=(4, 6))[groups] + scale * g.normal(size=(64, 6))) for _ in "xy")
    pair = OfClasses(class_sums_of(x, groups), class_sums_of(y, groups), x.norm * y.norm, hollow=False)
    assert closed_within_class(0.5, [pair]) == {}


def test_float32_features_of_many_rows_have_the_moments_of_float64():
    g = np.random.default_rng(1)
    groups = g.integers(0, 7, 1200)
    x, y = (features("classes", groups, g) for _ in "xy")
    wide, narrow = (
        moments_within_class(
            *(class_sums_of(prepare_linear(z, {"permuted": False, "single": single}), groups) for z in xy), h
        )
        for xy, single in (((x, y), False), ((x.astype(np.float32), y.astype(np.float32)), True))
        for h in (True,)
    )
    assert_allclose(narrow, wide, rtol=1e-4)


def test_there_is_none_of_small_classes_and_of_a_kernel_of_many_units():
    x = np.random.default_rng(2).normal(size=(40, 5))
    groups = np.arange(40) // FEWEST
    assert class_sums(x, (x**2).sum(axis=1), groups) is not None
    groups[0] = 99
    assert class_sums(x, (x**2).sum(axis=1), groups) is None
    assert class_sums_of(prepared(np.random.default_rng(2).normal(size=(20, 30))), np.arange(20) % 2) is None
    wide = np.ones((8, int((MOST_BYTES / 8) ** 0.5) + 1), np.float32)
    assert class_sums(wide, np.ones(8), np.arange(8) % 2) is None


def test_a_score_that_is_cut_at_zero_has_its_null_cut():
    g = np.random.default_rng(4)
    groups = np.arange(60) % 3
    x, y = (class_sums_of(prepared(g.normal(size=(60, 4))), groups) for _ in "xy")
    one = OfClasses(x, y, 0.5, hollow=True, cut=True)
    null = closed_within_class(0.0, [one])
    assert null["p_within_class"] == 1
    assert null["null_within_class"] > 0
    assert closed_within_class(0.0, [one, one]) == {}
