"""Properties of the metrics, read from their facts: self value, range, symmetry, invariances, chance level."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from similarity_cases import PUBLISHED, SMALL, WITH_PROTOCOLS, fitting

from whyalike.similarity.api import pairwise, score
from whyalike.similarity.metrics.facts import INVARIANCES
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.nulls import row_orders
from whyalike.similarity.preprocessing import EXACT
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

EXACT_TO = 1e-9  # float64 rounding at n = 30
CHANGES = {
    "linear": lambda x, g: x @ g.normal(size=(x.shape[1],) * 2),
    "orthogonal": lambda x, g: x @ np.linalg.qr(g.normal(size=(x.shape[1],) * 2)).Q,
    "scale": lambda x, g: 3.7 * x,
    "translation": lambda x, g: x + g.normal(size=x.shape[1]),
    "row_scale": lambda x, g: x * g.uniform(0.5, 2, size=(len(x), 1)),
}
INVARIANT = [(name, change) for name in METRICS for change in METRICS[name].facts.invariances]
NOT_INVARIANT = [(name, change) for name in METRICS for change in CHANGES if (name, change) not in INVARIANT]


def _score(metric, x, y, **parameters):
    return score(metric, x, y, **{**SMALL.get(metric, {}), **parameters})


def test_the_metrics_are_registered_and_nine_have_a_published_form():
    neighbours = ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn")
    assert {"cka", "cka_rbf", "cka_unbiased", *neighbours, "cknna", "svcca"} <= set(PUBLISHED)
    others = {"cca", "pwcca", "procrustes_distance", "rsa", "linear", "procrustes", "permutation", "soft_matching"}
    assert others <= set(METRICS) - set(PUBLISHED)


@pytest.mark.parametrize("metric", METRICS)
def test_registry_entry_loads_its_protocols_and_known_preprocessing(metric):
    facts = METRICS[metric].facts
    assert set(METRICS[metric].load()) == set(facts.protocols)
    assert facts.preprocessing in EXACT
    assert facts.kind in ("similarity", "distance")
    assert set(facts.invariances) <= set(CHANGES) == set(INVARIANCES)


def test_registry_imports_no_numpy():
    code = "import sys, whyalike.similarity.metrics.registry; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("metric", [name for name in METRICS if METRICS[name].facts.self_value is not None])
def test_self_value(metric, xy):
    [x] = fitting(metric, xy[0])
    assert _score(metric, x, x) == pytest.approx(METRICS[metric].facts.self_value, abs=EXACT_TO)


@pytest.mark.parametrize("metric", METRICS)
def test_value_is_in_range(metric, xy):
    low, high = METRICS[metric].facts.range
    assert low <= _score(metric, *fitting(metric, *xy)) <= high


@pytest.mark.parametrize("metric", METRICS)
def test_rounding_takes_no_value_beyond_the_range(metric, xy, monkeypatch):
    """The square root of 1 - s, arccos and arctanh of a score are numbers."""
    chosen = scoring(metric, "exact", SMALL.get(metric, {}))
    low, high = METRICS[metric].facts.range
    bench = Workbench({"x": {"l": xy[0]}, "y": {"l": xy[1]}}, 0)
    if metric in ("permutation", "linear"):
        bench = Workbench({name: {"l": z} for name, z in zip("xy", fitting(metric, *xy), strict=True)}, 0)
    scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), chosen, "l")
    for given, expected in ((high + 4e-16, high), (low - 1e-16, low), (high + 0.1, high + 0.1)):
        made = replace(
            scorable, form=replace(scorable.form, meet=None, compare=lambda x, y, parameters, given=given: given)
        )
        if np.isfinite(given):
            assert made.value() == expected  # what is wrong by more than rounding is not hidden


def test_a_thousand_self_similarities_are_in_range():
    g = np.random.default_rng(0)
    draws = [g.normal(size=(12, 5)) for _ in range(200)]
    for metric in ("cka", "cka_unbiased", "cka_rbf", "svcca", "rsa"):
        assert max(score(metric, x, x, **SMALL.get(metric, {})) for x in draws) <= 1
    values = pairwise(["cka"], {str(i): 2 * x @ np.eye(5)[::-1] for i, x in enumerate([draws[0]] * 9)}).value
    assert values.max() <= 1


def test_an_angle_reaches_half_of_pi():
    a, b = np.array([[1.0, 0], [-1, 0], [0, 0], [0, 0]]), np.array([[0.0, 0], [0, 0], [0, 1], [0, -1]])
    assert score("procrustes_distance", a, b, angular=True) == pytest.approx(np.pi / 2, abs=1e-12)
    assert scoring("procrustes_distance", "exact", {"angular": True}).range == (0, np.pi / 2)
    assert scoring("procrustes_distance", "exact", {}).range == (0, 2**0.5)


@pytest.mark.parametrize("metric", METRICS)
def test_symmetry_is_as_the_facts_say(metric, xy):
    x, y = fitting(metric, *xy)
    few = {"k": 3} if "k" in METRICS[metric].facts.parameters else {}  # with 10 of 29, nearly every row returns
    equal = bool(abs(_score(metric, x, y, **few) - _score(metric, y, x, **few)) < EXACT_TO)
    assert equal is METRICS[metric].facts.symmetric


@pytest.mark.parametrize(("metric", "change"), INVARIANT)
def test_invariance(metric, change, xy):
    x, y = (z.astype(float) for z in fitting(metric, *xy))
    changed = CHANGES[change](x, np.random.default_rng(1))
    assert _score(metric, changed, y) == pytest.approx(_score(metric, x, y), abs=EXACT_TO)


@pytest.mark.parametrize(("metric", "change"), NOT_INVARIANT)
def test_what_is_no_invariance_changes_the_value(metric, change, xy):
    x, y = (z.astype(float) for z in fitting(metric, *xy))
    changed = CHANGES[change](x, np.random.default_rng(1))
    assert abs(_score(metric, changed, y) - _score(metric, x, y)) > 1e-6


def test_unbiased_cka_averages_zero_where_biased_cka_grows_with_dimension():
    g = np.random.default_rng(0)
    biased, unbiased = {}, {}
    for d in (5, 40):
        pairs = [(g.normal(size=(40, d)), g.normal(size=(40, d))) for _ in range(200)]
        biased[d] = np.mean([score("cka", x, y) for x, y in pairs])
        unbiased[d] = [score("cka_unbiased", x, y) for x, y in pairs]
    for draws in unbiased.values():
        assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(len(draws))  # 4 standard errors
    assert biased[40] > biased[5] + 0.2


def test_cosine_of_double_centred_squared_distances_is_linear_cka(xy):
    centred = []
    for z in xy:
        z = z.astype(float)
        squared = ((z[:, None] - z[None]) ** 2).sum(axis=2)
        h = np.eye(len(z)) - 1 / len(z)
        centred.append((h @ squared @ h).ravel())
    a, b = centred
    assert score("cka", *xy) == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=EXACT_TO)


def test_rbf_cka_tends_to_linear_cka_as_sigma_grows(xy):
    gaps = [abs(score("cka_rbf", *xy, sigma_median=s) - score("cka", *xy)) for s in (1, 10, 100)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-3  # the next term of the exponential is of relative size 1 / (2 sigma^2) = 5e-5


@pytest.mark.parametrize(("metric", "protocol"), WITH_PROTOCOLS)
def test_permuted_intermediates_equal_recomputed(metric, protocol, xy):
    if metric == "svcca" and protocol == "as_published":
        pytest.skip("draws of another matrix differ; see the test of svcca's draws")
    x, y = fitting(metric, *xy)
    order = np.random.default_rng(3).permutation(len(x))
    bench = Workbench({"x": {"l": x}, "y": {"l": y}, "z": {"l": y[order]}}, seed=0)
    chosen = scoring(metric, protocol, SMALL.get(metric, {}))
    layer = None if chosen.layers_together else "l"
    rows = Rows.of(np.arange(len(x)))
    permuted = bench.scorable("x", "y", rows, chosen, layer).value(order)
    assert permuted == pytest.approx(bench.scorable("x", "z", rows, chosen, layer).value(), abs=EXACT_TO)
    assert permuted != pytest.approx(bench.scorable("x", "y", rows, chosen, layer).value(), abs=1e-6)


@pytest.mark.parametrize("widths", [(40, 40), (3, 40), (40, 3)])  # kernels are kept for features wider than n
@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "cka_rbf"])
def test_permuted_kernels_equal_recomputed(metric, widths, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.metrics.cka.BLOCK", 60)  # five of the twelve rows at a time
    g = np.random.default_rng(0)
    x, y, order = g.normal(size=(12, widths[0])), g.normal(size=(12, widths[1])), g.permutation(12)
    chosen = scoring(metric, "exact", {})
    scorable = Workbench({"x": {"l": x}, "y": {"l": y}}, 0).scorable("x", "y", Rows.of(np.arange(12)), chosen, "l")
    assert scorable.value(order) == pytest.approx(score(metric, x, y[order]), abs=EXACT_TO)


@pytest.mark.parametrize("k", [3, 10])
def test_null_of_mutual_knn_is_its_chance_level(k, xy):
    x, y = xy
    chosen = scoring("mutual_knn", "exact", {"k": k})
    scorable = Workbench({"x": {"l": x}, "y": {"l": y}}, 0).scorable("x", "y", Rows.of(np.arange(30)), chosen, "l")
    null = [scorable.value(order) for order in row_orders(np.random.default_rng(0), 30, 2000)]
    assert np.mean(null) == pytest.approx(k / 29, abs=4 * np.std(null) / np.sqrt(2000))  # 4 standard errors


def test_null_of_unbiased_cka_is_zero(xy):
    chosen = scoring("cka_unbiased", "exact", {})
    bench = Workbench({"x": {"l": xy[0]}, "y": {"l": xy[1]}}, 0)
    scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), chosen, "l")
    null = [scorable.value(order) for order in row_orders(np.random.default_rng(0), 30, 2000)]
    assert abs(np.mean(null)) < 4 * np.std(null) / np.sqrt(2000)
