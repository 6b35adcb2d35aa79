"""Neighbour metrics on lists that can be solved by eye, and on representations with a known neighbourhood."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import similarity_oracles as oracle

from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.nearest import Neighbours, _search, neighbours, products_at
from whyalike.similarity.metrics.neighbours import Meeting, cycle, edit_total, lcs_total, meet, mutual
from whyalike.similarity.preprocessing import unit_rows
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

A = np.array([[1, 2, 3, 4]])


def met(x: np.ndarray, y: np.ndarray) -> Meeting:
    """The meeting of two lists."""
    return meet(Neighbours(x), Neighbours(y), None)


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
    assert (lcs_total(met(A, b)), edit_total(met(A, b))) == (lcs, edit)


def test_tables_of_all_rows_at_once_equal_row_by_row():
    g = np.random.default_rng(0)
    a, b = (np.array([g.permutation(9)[:6] for _ in range(200)]) for _ in range(2))
    assert lcs_total(met(a, b)) == sum(oracle.lcs(list(p), list(q)) for p, q in zip(a, b, strict=True))
    assert edit_total(met(a, b)) == sum(oracle.levenshtein(list(p), list(q)) for p, q in zip(a, b, strict=True))


def test_mutual_and_cycle_solved_by_eye():
    x = np.array([[1], [2], [3], [0]])  # a ring: each row's neighbour is the next
    y = np.array([[3], [0], [1], [2]])  # the same ring the other way round
    assert mutual(met(x, y)) == 0
    assert cycle(met(x, y)) == 1  # one step back in y, one ahead in x: home
    assert mutual(met(x, x)) == 1
    assert cycle(met(x, x)) == 0  # two steps ahead are never home: (X, X) need not give 1


def test_neighbours_are_ordered_by_inner_product_without_self():
    x = np.array([[1.0, 0], [0.96, 0.28], [0.6, 0.8], [0, 1]])
    lists = neighbours(x, 3).lists
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
    lists = neighbours(unit_rows(x), 5).lists
    np.testing.assert_array_equal(neighbours(unit_rows(copy), 5).lists, lists)
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
    whole = neighbours(x, 5).lists
    monkeypatch.setattr("whyalike.similarity.metrics.nearest.BLOCK", 7)
    np.testing.assert_array_equal(neighbours(x, 5).lists, whole)


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


def _saturated(g, winners):
    """A softmax whose winner has everything but rounding."""
    logits = 20 * (8 * np.eye(10)[winners] + g.normal(size=(len(winners), 10)))
    return scipy.special.softmax(logits, axis=1)


COLLAPSED = {
    "rank 1": lambda g, n: g.uniform(1, 2, (n, 1)) * g.normal(size=(1, 64)),
    "rank 1 and noise": lambda g, n: g.uniform(1, 2, (n, 1)) * g.normal(size=(1, 32)) + 1e-9 * g.normal(size=(n, 32)),
    "offset": lambda g, n: g.normal(size=(n, 20)) + 1e8,
    "softmax of one class": lambda g, n: _saturated(g, np.zeros(n, int)),
}
NEIGHBOURS = ["mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"]


@pytest.mark.parametrize("n", [200, 1200])  # 1,200: found with float32 products
@pytest.mark.parametrize("metric", ["mutual_knn", "cknna"])  # the others are of the same lists
@pytest.mark.parametrize("kind", COLLAPSED)
def test_rows_that_are_equally_near_to_all_others_have_no_neighbours(kind, metric, n):
    g = np.random.default_rng(0)
    x, y = COLLAPSED[kind](g, n), g.normal(size=(n, 8))
    for one, other in ((x, y), (y, x), (x, COLLAPSED[kind](g, n))):
        with pytest.raises(UndefinedScore, match=f"each of these {n} is equally near to all others.*layer 'x'"):
            score(metric, one, other)


@pytest.mark.parametrize("noise", [3e-7, 1e-6])
@pytest.mark.parametrize("metric", ["mutual_knn", "lcs_knn", "edit_distance_knn", "cknna"])
def test_directions_that_differ_by_little_more_than_rounding_agree_by_chance(metric, noise):
    g = np.random.default_rng(0)
    x, y = (g.uniform(1, 2, (200, 1)) * g.normal(size=(1, 32)) + noise * g.normal(size=(200, 32)) for _ in range(2))
    assert abs(score(metric, x, y)) < 0.2  # ten drawn out of 199: .05 by chance


@pytest.mark.parametrize("metric", NEIGHBOURS)
def test_classes_that_are_points_agree_by_chance_within_them(metric):
    """Two models that are sure of the same classes share these, and nothing within: both draw, each for itself."""
    g = np.random.default_rng(0)
    winners = np.arange(200) % 4
    x, y = _saturated(g, winners), _saturated(g, winners)
    values, null = [], []
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(200)
        values.append(score(metric, x[order], y[order]))
        within = np.array([g.permutation(np.flatnonzero(winners == c)) for c in range(4)]).T.ravel()
        null.append(score(metric, x[order], y[within][order]))
    # 4 standard errors of the difference of two means of 12
    assert abs(np.mean(values) - np.mean(null)) < 4 * np.sqrt((np.var(values) + np.var(null)) / 11) + 1e-12
    if metric == "mutual_knn":
        assert np.mean(values) == pytest.approx(10 / 49, abs=4 * np.std(values) / np.sqrt(11))
    assert score(metric, x, y) == pytest.approx(score(metric, y, x), abs=1e-12) or metric in ("cycle_knn", "cknna")


@pytest.mark.parametrize("metric", ["mutual_knn", "lcs_knn", "edit_distance_knn", "cknna"])
def test_stimuli_that_come_twice_are_structure_that_copies_share(metric):
    x = np.repeat(np.random.default_rng(0).normal(size=(60, 12)), 2, axis=0)
    copy = 3 * x @ np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12))).Q
    assert score(metric, x, copy) == pytest.approx(1, abs=1e-9)


def test_published_scores_draw_the_ties_of_equal_lists_alike_as_ever():
    x = np.eye(4)[np.arange(80) % 4]
    assert score("mutual_knn", x, x, protocol="as_published") == 1
    assert score("mutual_knn", x, x) < 0.9


def test_a_permutation_null_of_tied_classes_holds_the_score():
    """Rows of both drawn apart: the order that changes nothing gives the score."""
    x = np.eye(4)[np.arange(80) % 4]
    bench = Workbench({"x": {"l": x}, "y": {"l": x}}, 0)
    for metric in NEIGHBOURS:
        scorable = bench.scorable("x", "y", Rows.of(np.arange(80)), scoring(metric, "exact", {}), "l")
        assert scorable.value(np.arange(80)) == scorable.value() < 0.9
