"""Properties of the metrics of distributions and predictions, read from their facts; the configuration takes none."""

import doctest
import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.similarity.metrics.registry import METRICS, NEEDS, OTHER_METRICS, of_representations

EXACT_TO = 1e-9  # float64 rounding, times the condition of the maps below
MAP, SHIFT = np.array([[2.0, 1.0], [-0.5, 1.5]]), np.array([1.0, -2.0])


def _changed_models(change):
    return {
        "reparametrisation": lambda f, g: (f @ MAP.T, g @ np.linalg.inv(MAP)),
        "unembedding_shift": lambda f, g: (f, g + SHIFT),
        "embedding_shift": lambda f, g: (f + SHIFT, g),
        "embedding_scale": lambda f, g: (3.7 * f, g),
        "embedding_map": lambda f, g: (f @ MAP.T, g),
    }[change]


CHANGES = {
    "distributions": (
        "reparametrisation",
        "unembedding_shift",
        "embedding_shift",
        "embedding_scale",
        "embedding_map",
    ),
    "predictions": ("renamed_classes", "renamed_in_one"),
}
ALL_CHANGES = [(name, change) for name, e in OTHER_METRICS.items() for change in CHANGES[e.facts.arguments]]
INVARIANT = [(name, change) for name, change in ALL_CHANGES if change in OTHER_METRICS[name].facts.invariances]
NOT_INVARIANT = [pair for pair in ALL_CHANGES if pair not in INVARIANT]


def _arguments(metric, models):
    """Two different things that the metric compares, and what else it needs."""
    if OTHER_METRICS[metric].facts.arguments == "distributions":
        return *models, {}
    g = np.random.default_rng(0)
    labels, a, b = g.integers(0, 3, 50), g.integers(0, 3, 50), g.integers(0, 3, 50)
    a[:25] = b[:25] = labels[:25]
    needs_labels = "labels" in inspect.signature(OTHER_METRICS[metric].load()).parameters
    return a, b, {"labels": labels} if needs_labels else {}


def _change(metric, change, a, b, others):
    if OTHER_METRICS[metric].facts.arguments == "distributions":
        return _changed_models(change)(*a), b, others
    names = np.array([2, 0, 1])
    in_all = change == "renamed_classes"
    return names[a], names[b] if in_all else b, {key: names[z] if in_all else z for key, z in others.items()}


def _value(metric, a, b, others):
    return OTHER_METRICS[metric].load()(a, b, **others)


def test_the_metrics_are_registered():
    assert list(OTHER_METRICS) == [
        *("kl_divergence", "logit_distance", "llv_distance", "max_d_svd", "m_svd", "m_svd_unembeddings", "m_cca"),
        *("agreement", "error_consistency"),
    ]
    assert {entry.facts.arguments for entry in OTHER_METRICS.values()} == set(NEEDS)
    assert {entry.facts.arguments for entry in METRICS.values()} == {"representations"}
    assert not set(METRICS) & set(OTHER_METRICS)


def test_registry_imports_no_numpy():
    code = "import sys, whyalike.similarity.metrics.registry; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("metric", OTHER_METRICS)
def test_parameters_of_the_facts_are_the_defaults_of_the_function(metric):
    keywords = inspect.signature(OTHER_METRICS[metric].load()).parameters.values()
    defaults = {one.name: one.default for one in keywords if one.default not in (one.empty, None)}
    assert defaults == OTHER_METRICS[metric].facts.parameters


@pytest.mark.parametrize("module", ["divergences", "predictions"])
def test_examples_give_what_they_say(module):
    failed, tried = doctest.testmod(importlib.import_module(f"whyalike.similarity.metrics.{module}"))
    assert failed == 0 < tried


@pytest.mark.parametrize("metric", OTHER_METRICS)
def test_every_invariance_of_the_facts_is_tested(metric):
    facts = OTHER_METRICS[metric].facts
    assert set(facts.invariances) <= set(CHANGES[facts.arguments])


@pytest.mark.parametrize("metric", OTHER_METRICS)
def test_self_value(metric, models):
    a, _, others = _arguments(metric, models)
    assert _value(metric, a, a, others) == pytest.approx(OTHER_METRICS[metric].facts.self_value, abs=EXACT_TO)


@pytest.mark.parametrize("metric", OTHER_METRICS)
def test_value_is_in_range_and_not_the_self_value(metric, models):
    facts = OTHER_METRICS[metric].facts
    value = _value(metric, *_arguments(metric, models))
    assert facts.range[0] <= value <= facts.range[1]
    assert abs(value - facts.self_value) > 1e-3


@pytest.mark.parametrize("metric", OTHER_METRICS)
def test_symmetry_is_as_the_facts_say(metric, models):
    a, b, others = _arguments(metric, models)
    equal = bool(abs(_value(metric, a, b, others) - _value(metric, b, a, others)) < EXACT_TO)
    assert equal is OTHER_METRICS[metric].facts.symmetric


@pytest.mark.parametrize(("metric", "change"), INVARIANT)
def test_invariance(metric, change, models):
    given = _arguments(metric, models)
    assert _value(metric, *_change(metric, change, *given)) == pytest.approx(_value(metric, *given), abs=EXACT_TO)


@pytest.mark.parametrize(("metric", "change"), NOT_INVARIANT)
def test_what_is_no_invariance_changes_the_value(metric, change):
    differences = []
    for seed in range(20):  # scale moves max_d_svd only where it makes d_LLV choose other labels
        g = np.random.default_rng(seed)
        given = _arguments(metric, [(g.normal(size=(25, 2)), g.normal(size=(7, 2))) for _ in range(2)])
        differences.append(abs(_value(metric, *_change(metric, change, *given)) - _value(metric, *given)))
    assert max(differences) > 1e-6


@pytest.mark.parametrize("metric", [name for name in OTHER_METRICS if name not in ("m_svd", "m_svd_unembeddings")])
def test_smallest_n_is_enough_for_the_smallest_models(metric):
    n = OTHER_METRICS[metric].facts.smallest_n
    g = np.random.default_rng(0)
    models = [(g.normal(size=(n, 1)), g.normal(size=(3, 1))) for _ in range(2)]
    a, b, others = _arguments(metric, models)
    if OTHER_METRICS[metric].facts.arguments == "predictions":
        a, b, others = np.zeros(n, int), np.ones(n, int), {key: np.zeros(n, int) for key in others}
    assert np.isfinite(_value(metric, a, b, others))


@pytest.mark.parametrize("metric", OTHER_METRICS)
def test_a_configuration_takes_none_of_them_and_says_what_they_compare(metric, demo):
    demo["similarity"]["metrics"][metric] = {}
    needs = NEEDS[OTHER_METRICS[metric].facts.arguments].replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(
        ConfigError, match=f"'{metric}' compares {needs}, not representations: call whyalike.similarity"
    ):
        check(demo)


def test_metrics_of_representations_and_unknown_names_pass_on():
    assert [of_representations(name) for name in ("cka", "no metric")] == ["cka", "no metric"]
