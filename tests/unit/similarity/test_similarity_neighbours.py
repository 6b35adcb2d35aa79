"""Neighbour metrics on lists that can be solved by eye, and on representations with a known neighbourhood."""

import numpy as np
import pytest
import scipy.stats
import similarity_oracles as oracle

from whyalike.similarity.api import score
from whyalike.similarity.metrics.nearest import _search, nearest, products_at
from whyalike.similarity.metrics.neighbours import compare_cycle, compare_mutual, edit_total, lcs_total
from whyalike.similarity.preprocessing import unit_rows

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
    x = np.array([[1.0, 0], [0.96, 0.28], [0.6, 0.8], [0, 1]])
    lists = nearest(x, 3)
    assert lists.tolist() == [[1, 2, 3], [0, 2, 3], [1, 3, 0], [2, 1, 0]]
    assert products_at(x, lists)[0].tolist() == [0.96, 0.6, 0]


WITH_TIES = {
    "rows of 0": lambda g, n: g.normal(size=(n, 20)) * (g.random((n, 1)) > 0.3),
    "one of 12": lambda g, n: np.eye(12)[g.integers(0, 12, n)],
    "16 bits": lambda g, n: (g.random((n, 16)) > 0.5).astype(float),
    "every stimulus twice": lambda g, n: np.repeat(g.normal(size=(n // 2, 30)), 2, axis=0),
}


@pytest.mark.parametrize("n", [50, 1200])  # 1,200: found with float32 products
@pytest.mark.parametrize("kind", WITH_TIES)
def test_ties_are_found_and_drawn_alike_for_rotated_and_scaled_copies(kind, n):
    g = np.random.default_rng(0)
    x = WITH_TIES[kind](g, n)
    copy = 3 * x @ np.linalg.qr(g.normal(size=(x.shape[1],) * 2))[0]
    assert _search(unit_rows(x), 5)[1] is True
    lists = nearest(unit_rows(x), 5)
    np.testing.assert_array_equal(nearest(unit_rows(copy), 5), lists)
    in_order = _search(unit_rows(x), 5)[0]
    assert (lists != in_order).any()
    products = [products_at(unit_rows(x), z) for z in (lists, in_order)]
    np.testing.assert_allclose(*products, rtol=0, atol=1e-12)  # as near: float64 sums of 30 terms


@pytest.mark.parametrize("metric", ["mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"])
@pytest.mark.parametrize("kind", ["rows of 0", "one of 12"])
def test_unrelated_representations_do_not_agree_on_ties(kind, metric):
    draws, low = 60, 0
    for seed in range(draws):
        g = np.random.default_rng(seed)
        x, y = (WITH_TIES[kind](g, 60) for _ in range(2))
        null = [score(metric, x, y[g.permutation(60)], k=5) for _ in range(9)]
        low += score(metric, x, y, k=5) > max(null)
    assert low <= scipy.stats.binom.ppf(0.999, draws, 1 / 10)  # p <= 1/10, in a tenth of all draws at most


def test_neighbours_in_blocks_equal_neighbours_at_once(monkeypatch):
    x = unit_rows(np.random.default_rng(0).normal(size=(50, 3)))
    whole = nearest(x, 5)
    monkeypatch.setattr("whyalike.similarity.metrics.nearest.BLOCK", 7)
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
