"""Neighbour metrics on lists that can be solved by eye, and on representations with a known neighbourhood."""

import numpy as np
import pytest
import similarity_oracles as oracle

from whyalike.similarity.api import score
from whyalike.similarity.nearest import nearest, products_at
from whyalike.similarity.neighbours import compare_cycle, compare_mutual, edit_total, lcs_total

A = np.array([[1, 2, 3, 4]])


@pytest.mark.parametrize(
    ("b", "lcs", "edit"),
    [
        ([1, 2, 3, 4], 4, 0),
        ([5, 6, 7, 8], 0, 4),
        ([4, 3, 2, 1], 1, 4),  # one can stay, and every place differs
        ([2, 3, 4, 1], 3, 2),  # delete 1 in front, insert it behind
        ([1, 9, 3, 4], 3, 1),
        ([9, 1, 2, 3], 3, 2),
        ([2, 1, 4, 3], 2, 3),
    ],
)
def test_lcs_and_edit_distance_solved_by_eye(b, lcs, edit):
    b = np.array([b])
    assert (lcs_total(A, b), edit_total(A, b)) == (lcs, edit)


def test_tables_of_all_rows_at_once_equal_row_by_row():
    g = np.random.default_rng(0)
    a, b = (np.array([g.permutation(9)[:6] for _ in range(200)]) for _ in range(2))
    assert lcs_total(a, b) == sum(oracle.lcs(list(p), list(q)) for p, q in zip(a, b, strict=True))
    assert edit_total(a, b) == sum(oracle.levenshtein(list(p), list(q)) for p, q in zip(a, b, strict=True))


def test_mutual_and_cycle_solved_by_eye():
    x = np.array([[1], [2], [3], [0]])  # a ring: each row's neighbour is the next
    y = np.array([[3], [0], [1], [2]])  # the same ring the other way round
    assert compare_mutual(x, y, {}) == 0
    assert compare_cycle(x, y, {}) == 1  # one step back in y, one ahead in x: home
    assert compare_mutual(x, x, {}) == 1
    assert compare_cycle(x, x, {}) == 0  # two steps ahead are never home: (X, X) need not give 1


def test_neighbours_are_ordered_by_inner_product_without_self():
    x = np.array([[1.0, 0], [0.9, 0.1], [0.5, 0.5], [0, 1]])
    lists = nearest(x, 3)
    assert lists.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [2, 1, 0]]
    assert products_at(x, lists)[0].tolist() == [0.9, 0.5, 0]


def test_equal_products_put_the_earlier_row_first():
    assert nearest(np.eye(4), 2).tolist() == [[1, 2], [0, 2], [0, 1], [0, 1]]


def test_neighbours_in_blocks_equal_neighbours_at_once(monkeypatch):
    x = np.random.default_rng(0).normal(size=(50, 3))
    whole = nearest(x, 5)
    monkeypatch.setattr("whyalike.similarity.nearest.BLOCK", 7)
    np.testing.assert_array_equal(nearest(x, 5), whole)


def test_published_edit_of_unrelated_lists_is_three_quarters_and_lcs_exceeds_one():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(400, 30)), g.normal(size=(400, 30))
    assert score("edit_distance_knn", x, y, k=2, protocol="as_published") == pytest.approx(0.75, abs=0.01)
    assert score("edit_distance_knn", x, x, protocol="as_published") == 1
    assert score("lcs_knn", x, x, k=10, protocol="as_published") == 2.5  # k / 4


def test_long_rows_do_not_become_everyones_neighbours_in_exact_scores():
    g = np.random.default_rng(0)
    x = g.normal(size=(60, 5))
    longer = x.copy()
    longer[:3] *= 100
    assert score("mutual_knn", x, longer) == 1
