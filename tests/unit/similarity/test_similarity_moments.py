"""The null of row permutations in closed form: against every order, and against many draws."""

from itertools import permutations, product

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose

from whyalike.similarity import moments
from whyalike.similarity.api import workbench_of
from whyalike.similarity.moments import SMALLEST_P, PearsonIII, null_of_rows, sums_of_features, sums_of_kernel
from whyalike.similarity.nulls import closed_null, row_orders
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Scorable, Workbench

METRICS = ("cka", "cka_unbiased", "cka_rbf", "cka_rbf_unbiased")
DRAWS = 20_000


def scorable(metric: str, x: np.ndarray, y: np.ndarray, permuted: bool = False) -> Scorable:
    """The score of two arrays; ``permuted``: from the intermediates that many permutations ask for."""
    bench = workbench_of({"x": x, "y": y}, 0, metric, permuted=permuted)
    return bench.scorable("x", "y", Rows.of(np.arange(len(x))), scoring(metric, "exact", {}), "x")


def features(kind: str, n: int, generator: np.random.Generator) -> np.ndarray:
    """Rows that say nothing of another call's."""
    if kind == "narrow":
        return generator.normal(size=(n, 6)) @ generator.normal(size=(6, 6))
    if kind == "wide":
        return np.maximum(generator.normal(size=(n, 2 * n)), 0)
    if kind == "one wide unit":  # the skewest that still has a closed form
        return generator.normal(size=(n, 4)) * (1.9, 1, 1, 1)
    if kind == "heavy tails":
        return generator.standard_t(5, size=(n, 12))
    return 2 * generator.normal(size=(10, 16))[generator.permutation(n) % 10] + generator.normal(size=(n, 16))


@pytest.mark.parametrize("width", [3, 12])
@pytest.mark.parametrize("metric", METRICS)
def test_moments_are_those_of_every_order(metric, width):
    generator = np.random.default_rng(width)
    x, y = generator.normal(size=(7, width)) ** 3, generator.normal(size=(7, 2))
    one = scorable(metric, x, y)
    values = np.array([one.value(np.array(order)) for order in permutations(range(7))])
    null = null_of_rows([one.kernels()])
    assert_allclose((null.mean, null.sd), (values.mean(), values.std()), rtol=1e-9, atol=1e-12)
    assert_allclose(null.skewness, scipy.stats.skew(values), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n", [300, 1100])  # float64, and float32 features of many rows
@pytest.mark.parametrize("metric", METRICS)
def test_it_does_not_depend_on_how_the_kernel_is_kept(metric, n):
    x = np.random.default_rng(0).normal(size=(n, 150)).astype(np.float32)
    kept, permuted, doubled = (
        null_of_rows([scorable(metric, one, one, permuted).kernels()])
        for one, permuted in ((x, False), (x, True), (x.astype(np.float64), False))
    )
    for other in (permuted, doubled):  # float32 has seven digits; skewness is a difference of sums that are larger
        assert_allclose((kept.mean, kept.sd), (other.mean, other.sd), rtol=1e-6, atol=1e-9)
        assert_allclose(kept.skewness, other.skewness, rtol=1e-3)


@pytest.mark.parametrize("width", [4, 40])
def test_sums_from_features_are_those_over_the_kernel(width):
    n = 200
    x = np.random.default_rng(width).normal(size=(n, width)) ** 3
    x -= x.mean(axis=0)
    kernel = x @ x.T
    a = np.diagonal(kernel)
    moved = a / (n - 2) - a.sum() / (2 * (n - 1) * (n - 2))
    hollow = kernel + moved[:, None] + moved
    np.fill_diagonal(hollow, 0)
    for found, given in zip(sums_of_features(x, a, x.T @ x), (kernel, hollow), strict=True):
        expected = sums_of_kernel(given)
        size = expected.square**1.5  # of sums of third degree, whose terms cancel
        for name, wanted in vars(expected).items():
            cancelled = 1e-11 * size if name in ("cube", "entries") else 1e-9
            assert_allclose(getattr(found, name), wanted, rtol=1e-11, atol=cancelled, err_msg=name)


def test_the_spread_of_unbiased_cka_depends_on_n_alone():
    generator = np.random.default_rng(1)
    for kind in ("narrow", "wide", "clustered"):
        null = null_of_rows([scorable("cka_unbiased", *(features(kind, 90, generator) for _ in "xy")).kernels()])
        assert_allclose((null.mean, null.sd), (0, (2 / (90 * 87)) ** 0.5), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        *product(METRICS, ["narrow", "wide", "heavy tails", "clustered"]),
        *product(METRICS[:2], ["one wide unit"]),
    ],
)
def test_points_are_those_of_many_draws(metric, kind):
    n, generator = 100, np.random.default_rng(2)
    one = scorable(metric, features(kind, n, generator), features(kind, n, generator), permuted=True)
    drawn = np.array([one.value(order.astype(np.intp)) for order in row_orders(generator, n, DRAWS)])
    null = null_of_rows([one.kernels()])
    share = 0.03 if null.skewness <= 1.5 else 0.05
    assert abs(null.mean - drawn.mean()) < 3 * drawn.std() / DRAWS**0.5
    for above in (0.05, 0.01):
        point = np.quantile(drawn, 1 - above)
        # the share, and three standard errors of the drawn point
        error = 3 * (above * (1 - above) / DRAWS) ** 0.5 / scipy.stats.gaussian_kde(drawn[:4000])(point)[0]
        assert abs(null.point(above) - point) < share * abs(point) + error


@pytest.mark.parametrize("metric", METRICS)
def test_p_is_uniform_where_nothing_is_shared(metric):
    generator = np.random.default_rng(3)
    p = [
        closed_null(one.value(), [one.kernels()])["p_value"]
        for one in (scorable(metric, *generator.normal(size=(2, 60, 6))) for _ in range(800))
    ]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_a_mean_over_subsets_of_stimuli_has_a_narrower_null():
    generator = np.random.default_rng(4)
    sums = [scorable("cka", *(features("narrow", 80, generator) for _ in "xy")).kernels() for _ in range(4)]
    apart, together = [null_of_rows([one]) for one in sums], null_of_rows(sums)
    assert_allclose(together.mean, np.mean([null.mean for null in apart]))
    assert_allclose(together.sd, np.sum([null.sd**2 for null in apart]) ** 0.5 / 4)


def test_there_is_none_where_one_row_outweighs_the_others():
    x = np.random.default_rng(5).normal(size=(200, 4))
    x[0] *= 100
    assert closed_null(0.5, [scorable("cka", x, x).kernels()]) == {}


def published(metric: str, *layers: np.ndarray) -> Scorable:
    """A score as published of a representation of some layers with itself."""
    of_run = {f"layer{i}": x for i, x in enumerate(layers)}
    bench = Workbench({"x": of_run, "y": of_run}, 0)
    return bench.scorable("x", "y", Rows.of(np.arange(len(layers[0]))), scoring(metric, "as_published", {}))


def test_there_is_none_where_no_order_changes_anything():
    x = np.eye(12)  # all rows are equally far apart
    assert closed_null(1.0, [scorable("cka", x, x).kernels()]) == {}


def test_there_is_none_of_few_rows_or_of_a_maximum_over_layers():
    x = np.random.default_rng(6).normal(size=(5, 3))
    assert closed_null(0.5, [scorable("cka", x, x).kernels()]) == {}
    assert published("cka", x, x).kernels() is None


@pytest.mark.parametrize("metric", METRICS[:2])
def test_the_null_of_one_layer_as_published_is_that_of_many_draws(metric):
    generator = np.random.default_rng(9)
    one = published(metric, 1e-4 * generator.normal(size=(80, 5)))  # so small that the reference's eps counts
    drawn = np.array([one.value(order.astype(np.intp)) for order in row_orders(generator, 80, DRAWS)])
    null = closed_null(one.value(), [one.kernels()])
    assert abs(null["null_mean"] - drawn.mean()) < 3 * drawn.std() / DRAWS**0.5
    assert_allclose(null["null_p95"], np.quantile(drawn, 0.95), rtol=0.03)
    if metric == "cka_unbiased":  # the maximum over layers begins at 0
        assert drawn.min() == 0
        assert closed_null(0.0, [one.kernels()])["p_value"] == 1
        assert closed_null(0.0, [one.kernels()] * 2) == {}


@pytest.mark.parametrize("skewness", [-1.2, -1e-4, 0.0, 1e-4, 0.4, 1.9])
def test_points_and_p_are_those_of_the_distribution(skewness):
    null, known = PearsonIII(0.3, 0.02, skewness), scipy.stats.pearson3(skewness, 0.3, 0.02)
    for above in (0.3, 0.05, 0.01):
        assert_allclose(null.point(above), known.isf(above), atol=0.02 * 1e-3)
        assert_allclose(null.p_value(known.isf(above)), above, rtol=1e-3)
    assert null.p_value(0.9) == SMALLEST_P
    assert null.p_value(-0.9) == 1


@pytest.mark.parametrize("mean", [-0.05, 0.0, 0.02])
@pytest.mark.parametrize("skewness", [0.0, 0.0011, 1.9, -1.5])
def test_the_mean_above_zero_is_that_of_the_points(skewness, mean):
    null = PearsonIII(mean, 0.05, skewness)
    shares = (np.arange(20_000) + 0.5) / 20_000
    expected = np.mean([max(0.0, null.point(above)) for above in shares])
    assert abs(null.mean_above_zero() - expected) < 2e-5 * null.sd  # what the points leave out of the tail


@pytest.mark.parametrize("kind", ["narrow", "wide", "heavy tails", "clustered", "one wide unit"])
@pytest.mark.parametrize("metric", METRICS)
def test_of_many_rows_some_are_enough(metric, kind, monkeypatch):
    generator, n = np.random.default_rng(8), 600
    x, y = (features(kind, n, generator) for _ in "xy")
    exact = null_of_rows([scorable(metric, x, y).kernels()])
    monkeypatch.setattr(moments, "EXACT_ROWS", n - 1)
    monkeypatch.setattr(moments, "SAMPLED", 128)  # as sparse as 512 rows of 2,400
    monkeypatch.setattr(moments, "DIRECTIONS", 32)
    some = null_of_rows([scorable(metric, x, y).kernels()])
    assert_allclose((some.mean, some.sd), (exact.mean, exact.sd), rtol=1e-9, atol=1e-12)
    assert abs(some.skewness - exact.skewness) < 0.1
    for above in (0.05, 0.01):  # a third of the 3 % that the closed form is good to
        assert abs(some.point(above) - exact.point(above)) < 0.01 * abs(exact.point(above))
