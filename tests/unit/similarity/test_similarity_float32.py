"""Many rows of float32 features: scores from float32 products against float64 definitions, and memory."""

import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import scipy.stats
import similarity_oracles as oracle
from similarity_cases import MANY
from threadpoolctl import threadpool_limits

from whyalike.similarity import precision
from whyalike.similarity.api import LAYER, pairwise, score
from whyalike.similarity.metrics import candidates
from whyalike.similarity.metrics.nearest import Neighbours, _search, neighbours
from whyalike.similarity.metrics.neighbours import edit_total, lcs_total, meet
from whyalike.similarity.precision import centred, cross, may_be_single
from whyalike.similarity.preprocessing import unit_rows
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

pytestmark = pytest.mark.usefixtures("many_rows")

N, D = MANY, 24
PROMISED = 1e-6  # agreement of scores with float64


def _pair(kind, n=N, d=D):
    g = np.random.default_rng(5)
    signal = g.normal(size=(n, d))
    x, y = signal + g.normal(size=(n, d)), signal + g.normal(size=(n, d))
    change = {
        "plain": lambda z: z,
        "large means": lambda z: z + 1e4 * g.normal(size=d),  # of 7 digits 3 are left
        "uneven units": lambda z: z * np.exp(2 * g.normal(size=d)),
        "uneven rows": lambda z: z * np.exp(g.normal(size=(n, 1))),
        "out of float32's squares": lambda z: 1e30 * z,
    }[kind]
    return change(x).astype(np.float32), change(y).astype(np.float32)


def _truth(metric, x, y, **parameters):
    """The definitions on n x n float64 kernels; distances at once, for the oracle's loops take minutes at this n."""
    x, y = x.astype(float), y.astype(float)
    if metric != "cka_rbf":
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)  # no invariance is at stake here, and digits are
        return getattr(oracle, metric)(x, y)
    kernels = []
    for z in (x, y):
        squared = scipy.spatial.distance.cdist(z, z, "sqeuclidean")
        width = parameters.get("sigma_median", 1) * np.median(np.sqrt(squared[np.triu_indices(len(z), 1)]))
        kernels.append(np.exp(-squared / (2 * width**2)))
    return oracle.normalised(oracle.hsic_biased, *kernels, 0)


@pytest.mark.parametrize("kind", ["plain", "large means", "uneven units", "uneven rows", "out of float32's squares"])
@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "cka_rbf"])
def test_float32_features_score_as_in_float64(metric, kind):
    x, y = _pair(kind)
    assert score(metric, x, y) == pytest.approx(_truth(metric, x, y), abs=PROMISED)


@pytest.mark.parametrize("sigma_median", [0.2, 3, 1000])  # kernels near the identity, and near 1 throughout
def test_float32_rbf_kernels_keep_their_digits_whatever_the_width(sigma_median):
    x, y = _pair("plain")
    expected = _truth("cka_rbf", x, y, sigma_median=sigma_median)
    assert score("cka_rbf", x, y, sigma_median=sigma_median) == pytest.approx(expected, abs=PROMISED)


@pytest.mark.parametrize("n", [100, N])
@pytest.mark.parametrize(("sigma", "limit"), [(1e-60, 1e-5), (1e60, 1e5)])
def test_rbf_kernels_narrower_or_wider_than_any_distance_score_as_their_limit(sigma, limit, n):
    x, y = (z[:n] for z in _pair("plain"))
    assert score("cka_rbf", x, y, sigma=sigma) == pytest.approx(score("cka_rbf", x, y, sigma=limit), abs=PROMISED)


def test_features_that_came_as_float64_are_multiplied_in_float64():
    x, y = (z.astype(float) for z in _pair("plain"))
    assert score("cka", x, y) == pytest.approx(_truth("cka", x, y), abs=1e-12)
    assert not may_be_single(x, N)
    assert may_be_single(x.astype(np.float32), N) and may_be_single(x.astype(np.float16), N)
    assert not may_be_single(x.astype(np.float32), precision.FEW_ROWS - 1)
    assert not may_be_single(np.ones((N, 2), np.int32), N)


@pytest.mark.parametrize("kernels", [False, True])
def test_unbiased_cka_whose_kernel_is_nearly_its_diagonal_is_made_in_float64(kernels, monkeypatch):
    g = np.random.default_rng(0)
    signal = g.normal(size=(N, 200))
    # stimuli almost as far from each other as can be: HSIC_1 is what is left of much larger terms
    far = 20 * np.eye(N)[:, : N // 2]
    x, y = (np.hstack([far, 0.01 * (signal + g.normal(size=signal.shape))]).astype(np.float32) for _ in range(2))
    monkeypatch.setattr("whyalike.similarity.all_pairs.kernels_pay", lambda *given: kernels)
    truth = score("cka_unbiased", x.astype(float), y.astype(float))
    assert score("cka_unbiased", x, y) == pytest.approx(truth, abs=PROMISED)


def test_centred_rows_and_sums_of_blocks_equal_those_made_at_once(monkeypatch):
    x, y = _pair("large means")
    monkeypatch.setattr("whyalike.similarity.precision.BLOCK", 7)
    monkeypatch.setattr("whyalike.similarity.precision.SUMMED", 9)
    rows, squares = centred(x, single=True)
    exact = x.astype(float) - x.astype(float).mean(axis=0)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, exact, rtol=1e-6, atol=1e-6)  # float32 of numbers around 1
    np.testing.assert_allclose(squares, (rows.astype(float) ** 2).sum(axis=1), rtol=1e-12)
    total = cross(rows, centred(y, single=True)[0])
    assert total.dtype == np.float64
    np.testing.assert_allclose(total, exact.T @ (y.astype(float) - y.astype(float).mean(axis=0)), atol=1e-3)  # of 1e3
    assert centred(1e30 * x, single=True)[0].dtype == np.float64


NEIGHBOURHOODS = {
    "plain": lambda g: g.normal(size=(N, D)),
    "all near each other": lambda g: 30 + g.normal(size=(N, D)),
    "clusters": lambda g: g.normal(size=(10, D))[g.integers(0, 10, N)] + 1e-4 * g.normal(size=(N, D)),
    "whole numbers, with ties": lambda g: g.integers(0, 3, size=(N, 4)).astype(float),
    "equal rows": lambda g: np.repeat(g.normal(size=(N // 50, D)), 50, axis=0),
    "rows of 0": lambda g: g.normal(size=(N, D)) * (g.random((N, 1)) > 0.1),
}


@pytest.mark.parametrize("kind", NEIGHBOURHOODS)
@pytest.mark.parametrize(("k", "threads", "side"), [(1, 1, None), (10, 1, None), (3, 1, 37), (10, 3, 37)])
def test_neighbours_found_in_float32_are_those_of_float64_products(kind, k, threads, side, monkeypatch):
    if side:  # many blocks of products, the last of them not full
        monkeypatch.setattr(candidates, "SIDE", side)
        monkeypatch.setattr(candidates, "STRIP", 2)
    x = unit_rows(NEIGHBOURHOODS[kind](np.random.default_rng(1)))
    with threadpool_limits(threads):
        found, tied, _ = _search(x, k)
    has_ties = kind in ("whole numbers, with ties", "equal rows", "rows of 0")
    products = (x @ x.T).round(12) if has_ties else x @ x.T  # rounded, ties are equal, and in the order of the rows
    np.fill_diagonal(products, -np.inf)
    np.testing.assert_array_equal(found, np.argsort(-products, axis=1, kind="stable")[:, :k])
    assert tied is has_ties


def test_only_rows_with_close_neighbours_are_made_again(monkeypatch):
    x = unit_rows(np.random.default_rng(0).normal(size=(N, D)))
    again = []

    def noted(x, rows, k):
        again.extend(rows)
        return np.empty((len(rows), k), int), np.zeros(len(rows), bool), np.ones(len(rows), int)

    monkeypatch.setattr("whyalike.similarity.metrics.nearest._decided", noted)
    neighbours(x, 5)
    assert again == []
    x[: N // 2] = x[0]  # more equal rows than there are candidates
    neighbours(x, 5)
    assert set(again) >= set(range(N // 2))


@pytest.mark.parametrize("k", [3, 130])  # tables of one byte, and of four
def test_tables_of_lcs_and_edit_distance_hold_long_lists(k):
    g = np.random.default_rng(0)
    a, b = (np.array([g.permutation(k + 5)[:k] for _ in range(4)]) for _ in range(2))
    assert lcs_total(meet(Neighbours(a), Neighbours(b), None)) == sum(
        oracle.lcs(list(p), list(q)) for p, q in zip(a, b, strict=True)
    )
    assert edit_total(meet(Neighbours(a), Neighbours(b), None)) == sum(
        oracle.levenshtein(list(p), list(q)) for p, q in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("comparison", ["spearman", "pearson"])
@pytest.mark.parametrize("tied", [False, True])
def test_rsa_of_many_rows_equals_scipy_and_permutes(comparison, tied):
    x, y = _pair("plain", d=6)
    if tied:
        x, y = np.round(x), np.round(y)  # few values: many distances are equal
    order = np.random.default_rng(2).permutation(N)
    bench = Workbench({"x": {LAYER: x}, "y": {LAYER: y}}, 0)
    chosen = scoring("rsa", "exact", {"rdm": "euclidean", "comparison": comparison})
    scorable = bench.scorable("x", "y", Rows.of(np.arange(N)), chosen, LAYER)
    of_two = scipy.stats.spearmanr if comparison == "spearman" else scipy.stats.pearsonr
    for value, other in ((scorable.value(), y), (scorable.value(order), y[order])):
        triangles = [np.round(scipy.spatial.distance.pdist(z.astype(float), "sqeuclidean"), 9) for z in (x, other)]
        assert value == pytest.approx(of_two(*map(np.sqrt, triangles)).statistic, abs=PROMISED)


@pytest.mark.parametrize("parameters", [{"dims": 5}, {"variance": 0.9}])
def test_svcca_of_tall_features_equals_its_definition(parameters):
    x, y = _pair("uneven units")
    expected = oracle.svcca(x.astype(float), y.astype(float), **parameters)
    assert score("svcca", x, y, **parameters) == pytest.approx(expected, abs=PROMISED)


def _peak(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_linear_and_neighbour_metrics_hold_no_array_of_all_pairs_of_stimuli():
    n = 6000
    x, y = _pair("plain", n=n, d=16)
    metrics = ["cka", "cka_unbiased", "mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna", "svcca"]
    for metric in metrics:
        peak = _peak(lambda metric=metric: pairwise(metric, {"x": x, "y": y}))
        assert peak < n * n, f"{metric} took {peak} bytes"  # even one byte a pair is too much, let alone four


def test_rbf_and_rsa_take_few_bytes_a_pair_of_stimuli():
    n = 2000
    x, y = _pair("plain", n=n, d=16)
    assert _peak(lambda: score("cka_rbf", x, y)) < 14 * n * n  # two float32 kernels and half a one to sort
    assert _peak(lambda: score("rsa", x, y)) < 50 * n * n  # ranks are made in float64


def test_searches_in_several_threads_limit_those_of_blas_one_after_another(monkeypatch):
    inside, most = [], []

    @contextmanager
    def slow(limit, api):
        inside.append(limit)
        time.sleep(0.02)  # so that another one would come in
        most.append(len(inside))
        with threadpool_limits(limit, api):
            yield
        inside.pop()

    monkeypatch.setattr(candidates, "threadpool_limits", slow)
    x = unit_rows(np.random.default_rng(0).normal(size=(N, D)))
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda k: neighbours(x, k), [3, 4, 5, 6]))
    assert most == [1] * 4
