"""Every metric against its plain definition, under both protocols."""

import numpy as np
import pytest
import similarity_oracles as oracle
from similarity_cases import PUBLISHED, fitting

from whyalike.similarity.api import score
from whyalike.similarity.metrics.registry import METRICS

TOLERANCE = 1e-9  # two float64 computations of the same number in another order, n = 30
PARAMETERS = {name: dict(METRICS[name].facts.parameters) for name in METRICS}
PARAMETERS |= {name: {"k": 6} for name, values in PARAMETERS.items() if "k" in values} | {"svcca": {"dims": 4}}
VARIANTS = [
    (name, {parameter: value})
    for name in METRICS
    for parameter, values in METRICS[name].facts.choices.items()
    for value in values
    if value != METRICS[name].facts.parameters[parameter]
]
VARIANTS = [
    (name, {**given, "score": "mapped"} if name == "soft_matching" and "correlation" in given else given)
    for name, given in VARIANTS
] + [
    ("rsa", {"rdm": "cosine", "comparison": "pearson"}),
    *((metric, {"alpha": alpha}) for metric in ("shape_correlation", "shape_distance") for alpha in (0, 0.2, 1)),
    *(("gulp", {"ridge": ridge}) for ridge in (0, 1e-6, 1)),
    ("linear", {"ridge": 0.3}),
    ("linear", {"ridge": 2, "folds": 3, "seed": 7}),
    ("procrustes", {"folds": 4, "seed": 0, "correlation": "pooled", "comparison": "spearman"}),
    ("soft_matching", {"score": "mapped", "correlation": "pooled", "comparison": "spearman"}),
]
NEIGHBOURS = [name for name, values in PARAMETERS.items() if "k" in values]
DETERMINISTIC = [name for name in PUBLISHED if name != "svcca"]


@pytest.mark.parametrize("metric", METRICS)
def test_exact_equals_plain_definition(metric, xy):
    x, y = (z.astype(float) for z in fitting(metric, *xy))
    if metric in NEIGHBOURS:
        x, y = oracle.unit_rows(x), oracle.unit_rows(y)
    expected = getattr(oracle, metric)(x, y, **PARAMETERS[metric])
    assert score(metric, *fitting(metric, *xy), **PARAMETERS[metric]) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(("metric", "parameters"), VARIANTS)
def test_every_choice_of_a_parameter_equals_plain_definition(metric, parameters, xy):
    x, y = (z.astype(float) for z in fitting(metric, *xy))
    expected = getattr(oracle, metric)(x, y, **parameters)
    assert score(metric, *fitting(metric, *xy), **parameters) == pytest.approx(expected, abs=TOLERANCE)
    assert abs(score(metric, x, y) - expected) > 1e-6  # the choice matters


@pytest.mark.parametrize("metric", DETERMINISTIC)
def test_published_equals_plain_definition_with_its_quirks(metric, xy):
    x, y = (oracle.published(z) for z in xy)
    parameters = {"k": 6} if metric in NEIGHBOURS else {"sigma": 1.0} if "rbf" in metric else {}
    eps = {"eps": 1e-6} if metric.startswith("ck") else {}
    expected = getattr(oracle, metric)(x, y, **parameters, **eps)
    expected = {"lcs_knn": expected * 6 / 4, "edit_distance_knn": 1 - (1 - expected) / 4}.get(metric, expected)
    given = {} if "rbf" in metric else parameters
    assert score(metric, *xy, protocol="as_published", **given) == pytest.approx(max(0, expected), abs=TOLERANCE)


@pytest.mark.parametrize("parameters", [{"sigma": 2.5}, {"sigma_median": 0.4}])
def test_rbf_width_is_absolute_or_relative_to_the_median(parameters, xy):
    x, y = (z.astype(float) for z in xy)
    assert score("cka_rbf", *xy, **parameters) == pytest.approx(oracle.cka_rbf(x, y, **parameters), abs=TOLERANCE)


@pytest.mark.parametrize("variance", [0.5, 0.99])
def test_svcca_keeps_the_dims_that_hold_the_variance(variance, xy):
    x, y = (z.astype(float) for z in xy)
    assert score("svcca", *xy, variance=variance) == pytest.approx(oracle.svcca(x, y, variance=variance), abs=TOLERANCE)


@pytest.mark.parametrize("width", [3, 40])  # features of one against the kernel of the other, and two kernels
@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "cka_rbf", "cka_rbf_unbiased"])
def test_more_units_than_stimuli_equal_plain_definition(metric, width):
    g = np.random.default_rng(0)
    x, y = g.normal(size=(12, 40)), g.normal(size=(12, width))
    expected = getattr(oracle, metric)(x, y)
    assert score(metric, x, y) == pytest.approx(expected, abs=TOLERANCE)
    assert score(metric, y, x) == pytest.approx(expected, abs=TOLERANCE)
