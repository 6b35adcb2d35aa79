"""Blocks of stimuli: orders that move them whole, p and intervals of rows that are near copies, and what is refused."""

from math import factorial

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.randomness import keyed
from whyalike.similarity.api import pairwise, score
from whyalike.similarity.blocks import codes_of_blocks, orders_of_rows, orders_within_class
from whyalike.similarity.intervals import interval
from whyalike.similarity.layers import layers
from whyalike.similarity.nulls import p_value, row_orders
from whyalike.similarity.workbench import Workbench

WORLDS = 400
BLOCKS, ROWS = 12, 5
GROUPS = np.repeat(np.arange(BLOCKS), ROWS)
# rejections of true nulls at the 5 % level: fewer or more come once in 10,000 runs each
FEWEST, MOST = scipy.stats.binom.ppf([0.0001, 0.9999], WORLDS, 0.05)


def near_copies(g, d, signal=None):
    """Rows of a block are one row and a little noise."""
    blocks = g.normal(size=(BLOCKS, d)) if signal is None else signal @ g.normal(size=(signal.shape[1], d))
    return blocks[GROUPS] + 0.1 * g.normal(size=(len(GROUPS), d))


def test_orders_move_whole_blocks_each_with_its_rows_in_order():
    groups = np.array([2, 0, 1, 0, 2, 1, 0, 1, 2])  # blocks need not lie together
    orders = orders_of_rows(0, 9, 40, groups=groups)
    assert orders.shape == (40, 9)
    for order in orders:
        assert sorted(order) == list(range(9))
        for block in range(3):
            taken = order[groups == block]
            assert len(set(groups[taken])) == 1 and (np.diff(taken) > 0).all()
    assert len(np.unique(orders, axis=0)) == factorial(3)
    x = np.random.default_rng(0).normal(size=(9, 2))
    others = orders_of_rows(0, 9, 40, x, groups)
    assert len(others) == factorial(3) - 1 == len(np.unique(others, axis=0))  # each once, without the given one
    x[groups == 1] = x[groups == 0]
    assert len(orders_of_rows(0, 9, 40, x, groups)) == 2  # of three orders: two blocks are equal


def test_a_block_a_row_is_no_block():
    singles = orders_of_rows(3, 8, 7, groups=np.arange(8))
    assert (singles == row_orders(keyed("blocks", 3, 8), 8, 7)).all()


def test_within_class_blocks_of_the_same_classes_change_places_and_rows_meet_their_class():
    groups = np.repeat(np.arange(6), 3)
    labels = np.array([0, 0, 1] * 2 + [1, 0, 0] * 2 + [2, 2, 2] * 2)  # four blocks of 0, 0, 1; two of 2, 2, 2
    orders = orders_within_class(0, 18, labels, 200, groups)
    assert (labels[orders] == labels).all()
    assert len(orders) == factorial(4) * factorial(2) - 1 == len(np.unique(orders, axis=0))
    for order in orders:
        assert all(len(set(groups[order[groups == block]])) == 1 for block in range(6))
    for _ in range(3):  # drawn where they are more
        assert (labels[orders_within_class(1, 18, labels, 5, groups)] == labels).all()


@pytest.mark.parametrize("metric", ["cka_unbiased", "mutual_knn"])
def test_p_of_near_copies_is_far_too_small_by_row_and_right_by_block(metric):
    g = np.random.default_rng(0)
    params = {"k": 6} if metric == "mutual_knn" else {}
    by_row, by_block = 0, 0
    for world in range(WORLDS):
        x, y = near_copies(g, 4), near_copies(g, 6)
        by_row += score(metric, x, y, permutations=19, seed=world, **params).p_value <= 0.05
        by_block += score(metric, x, y, groups=GROUPS, permutations=19, seed=world, **params).p_value <= 0.05
    assert by_row > 3 * MOST
    assert FEWEST <= by_block <= MOST


def test_p_within_class_of_near_copies_is_right_by_block():
    g, labels = np.random.default_rng(1), GROUPS // 6  # two classes of six blocks
    by_row, by_block = 0, 0
    for world in range(WORLDS):
        x, y = (near_copies(g, d) + 2 * g.normal(size=(2, d))[labels] for d in (4, 6))
        options = {"labels": labels, "permutations": 19, "seed": world}
        by_row += score("cka_unbiased", x, y, **options).p_within_class <= 0.05
        by_block += score("cka_unbiased", x, y, groups=GROUPS, **options).p_within_class <= 0.05
    assert by_row > 3 * MOST
    assert FEWEST <= by_block <= MOST


def test_blocks_that_correspond_are_found():
    g, found = np.random.default_rng(2), 0
    for world in range(60):
        signal = g.normal(size=(BLOCKS, 3))
        x, y = near_copies(g, 4, signal), near_copies(g, 6, signal)
        found += score("cka_unbiased", x, y, groups=GROUPS, permutations=39, seed=world).p_value <= 0.05
    assert found > 50  # of 60; by chance 3


def test_intervals_of_near_copies_hold_the_mean_by_block_and_not_by_row():
    g = np.random.default_rng(3)
    maps = [g.normal(size=(3, d)) for d in (4, 6)]

    def draw():
        signal = g.normal(size=(BLOCKS, 3))
        blocks = [signal @ one + g.normal(size=(BLOCKS, one.shape[1])) for one in maps]
        return [one[GROUPS] + 0.1 * g.normal(size=(len(GROUPS), one.shape[1])) for one in blocks]

    mean = np.mean([score("cka_unbiased", *draw()) for _ in range(4000)])  # right to a twentieth of the SD over draws
    held = {"rows": 0, "blocks": 0}
    for _ in range(200):
        x, y = draw()
        for called, groups in (("rows", None), ("blocks", GROUPS)):
            found = interval("cka_unbiased", x, y, groups=groups)
            held[called] += found.low <= mean <= found.high
    assert held["blocks"] > scipy.stats.binom.ppf(0.0001, 200, 0.95)  # 190 of 200
    assert held["rows"] < 150  # 127


def test_the_interval_leaves_out_whole_blocks():
    g = np.random.default_rng(4)
    groups = np.array([0] * 5 + [1] * 9 + [2] * 7 + [3] * 9)  # of any sizes
    x, y = g.normal(size=(2, 30, 3))
    y = y + x
    order = g.permutation(30)
    without = [score("cka", x[groups != block], y[groups != block]) for block in range(4)]
    error = np.sqrt(3 / 4 * np.sum((without - np.mean(without)) ** 2))
    found = interval("cka", x[order], y[order], groups=groups[order].astype(str))
    assert found.method == "jackknife" and found.standard_error == pytest.approx(error, rel=1e-9)
    half = scipy.stats.t.ppf(0.975, 3) * error
    assert found.high == pytest.approx(min(1, score("cka", x, y) + half), abs=1e-9)


@pytest.mark.parametrize(("metric", "params", "kept"), [("mutual_knn", {"k": 5}, 8), ("linear", {"ridge": 1}, 5)])
def test_subsets_are_of_blocks(metric, params, kept, monkeypatch):
    g, seen = np.random.default_rng(5), []
    groups = g.permutation(np.repeat(np.arange(10), 6))
    x = g.normal(size=(60, 3))
    scorable = Workbench.scorable

    def spied(self, run_x, run_y, rows, *others):
        seen.append(np.bincount(groups[rows.index], minlength=10).tolist())
        return scorable(self, run_x, run_y, rows, *others)

    monkeypatch.setattr(Workbench, "scorable", spied)
    found = interval(metric, x, x + g.normal(size=(60, 3)), groups=groups, **params)
    assert found.method == "subsampling" and len(seen) == 101
    assert all(sorted(sizes) == [0] * (10 - kept) + [6] * kept for sizes in seen[1:])
    assert (found.high - found.low) / found.standard_error <= 2 * scipy.stats.t.ppf(0.975, 9) + 1e-9


def test_pairs_layers_and_two_arrays_have_the_same_null_by_block():
    g = np.random.default_rng(6)
    x, y = near_copies(g, 4), near_copies(g, 6)
    alone = score("cka", x, y, groups=GROUPS)
    orders = orders_of_rows(0, len(x), 99, groups=GROUPS)
    draws = [score("cka", x, y[order]) for order in orders]
    assert alone.null_mean == pytest.approx(np.mean(draws), abs=1e-9)
    assert alone.p_value == p_value(alone.value, draws)
    table = pairwise("cka", {"x": x, "y": y}, groups=GROUPS)
    assert table.drop(columns=["metric", "a", "b"]).iloc[0].to_dict() == pytest.approx(
        {name: getattr(alone, name) for name in ("value", "n", "null_mean", "null_p95", "p_value")}, abs=1e-9
    )
    found = layers([x], [y], "cka", permutations=99, groups=GROUPS)
    assert (found.null_mean, found.p_value) == pytest.approx((alone.null_mean, alone.p_value), abs=1e-9)
    labels = GROUPS % 3
    within = score("cka", x, y, labels=labels, groups=GROUPS)
    found = layers([x], [y], "cka", permutations=99, groups=GROUPS, labels=labels)
    assert found.null_mean == pytest.approx(within.null_within_class, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": GROUPS[:-1]}, "groups must be one block a stimulus: there are 60 rows, there are 59 groups"),
        ({"groups": GROUPS[:, None]}, r"there are 60 rows, groups have shape \(60, 1\)"),
        ({"groups": 0 * GROUPS}, "groups need two blocks or more; all 60 rows are in one"),
        (
            {"groups": np.where(GROUPS == 3, 2, GROUPS)},
            "blocks of equal size.*; 11 blocks have 5 to 10 rows. Take as many",
        ),
        ({"groups": np.where(GROUPS == 3, np.nan, GROUPS)}, "one block a stimulus; 5 of 60 are missing"),
        ({"groups": pd.Series(GROUPS, dtype="Int64").where(GROUPS != 3)}, "one block a stimulus; 5 of 60 are missing"),
        (
            {"groups": np.array([*"ab" * 25, *range(10)], object)},
            "groups must be numbers or text, not both. Write them",
        ),
        ({"groups": GROUPS, "permutations": 0}, "groups need draws of the null: the closed forms are of single rows"),
        ({"groups": GROUPS, "labels": GROUPS}, "no two of 12 blocks hold as many rows of each class"),
        ({"labels": GROUPS[:3]}, "labels must be one class a stimulus: there are 60 rows, there are 3 labels"),
        ({"labels": np.arange(60)}, "a class of two rows or more, which change places; all 60 differ, as ids do. Give"),
        ({"permutations": -1}, "the draws of the null must be at least 0; got -1"),
        ({"permutations": 10.5}, r"permutations must be a whole number of draws; got 10\.5\. Give one"),
        ({"permutations": "10"}, "permutations must be a whole number of draws; got '10'"),
        ({"permutations": True}, "permutations must be a whole number of draws; got True"),
    ],
)
def test_blocks_that_cannot_be_are_refused(change, message):
    x, y = np.random.default_rng(0).normal(size=(2, 60, 3))
    with pytest.raises(ValueError, match=message):
        score("cka", x, y, **change)
    with pytest.raises(ValueError, match=message):
        pairwise("cka", {"x": x, "y": y}, **change)


@pytest.mark.parametrize("groups", [GROUPS[:-1], 0 * GROUPS], ids=["length", "single"])
def test_an_interval_needs_two_blocks_of_these_stimuli(groups):
    with pytest.raises(ValueError, match=r"there are 60 rows, there are 59 groups|all 60 rows are in one"):
        interval("cka", *np.random.default_rng(0).normal(size=(2, 60, 3)), groups=groups)


def test_blocks_may_have_any_names():
    names = pd.Series([f"subject {block:02}" for block in GROUPS])
    assert (codes_of_blocks(names, 60) == GROUPS).all()
