"""Kullback-Leibler divergence and logit distance; what all metrics of pairs (f, g) refuse."""

import math
from decimal import Decimal, localcontext

import closeness_oracles as oracle
import numpy as np
import pytest

from whyalike.similarity.metrics.divergences import kl_divergence, logit_distance
from whyalike.similarity.metrics.registry import OTHER_METRICS

TO = 1e-10  # two float64 computations of numbers of order 1 in another order
PAIRS = [name for name, entry in OTHER_METRICS.items() if entry.facts.arguments == "distributions"]


def test_kl_divergence_solved_by_hand():
    g = np.log([[3.0], [1.0]])  # (3/4, 1/4) where f = 1, (1/2, 1/2) where f = 0
    p, q = (np.array([[1.0], [0.0]]), g), (np.array([[0.0], [0.0]]), g)
    one = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    back = 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    assert kl_divergence(p, q) == pytest.approx(one / 2, rel=1e-14)  # the second input's is 0
    assert kl_divergence(q, p) == pytest.approx(back / 2, rel=1e-14)


def test_kl_divergence_far_below_rounding_of_log_probabilities_is_exact():
    p, q = [60.0, 0.0, 3.0], [61.0, 0.0, 5.0]
    with localcontext(prec=60):
        a, b = ([Decimal(v).exp() for v in logits] for logits in (p, q))
        a, b = ([v / sum(z) for v in z] for z in (a, b))
        exact = float(sum(u * (u / v).ln() for u, v in zip(a, b, strict=True)))
    assert 0 < exact < 1e-20
    one = np.ones((1, 1))
    assert kl_divergence((one, np.array([p]).T), (one, np.array([q]).T)) == pytest.approx(exact, rel=1e-12)


def test_kl_divergence_of_equal_distributions_is_zero_but_for_rounding_and_never_negative():
    for seed in range(30):
        g = np.random.default_rng(seed)
        f, labels, a = g.normal(size=(3, 2)), g.normal(size=(4, 2)), g.normal(size=(2, 2))
        assert 0 <= kl_divergence((f, labels), (f @ a.T, labels @ np.linalg.inv(a))) < 1e-12


def test_logits_of_hundreds_neither_overflow_nor_vanish():
    p, q = (np.array([[1.0]]), np.array([[900.0], [0.0]])), (np.array([[1.0]]), np.array([[0.0], [900.0]]))
    assert kl_divergence(p, q) == pytest.approx(900, rel=1e-14)


def test_logit_distance_solved_by_hand():
    g = np.array([[1.0], [-1.0]])
    p, q = (np.array([[3.0], [0.0]]), g), (np.array([[1.0], [0.0]]), g + 5)
    assert logit_distance(p, q) == pytest.approx(math.sqrt((2**2 + 2**2) / 2), rel=1e-14)


@pytest.mark.parametrize("metric", [kl_divergence, logit_distance])
def test_both_equal_plain_definition_also_in_blocks_and_with_other_widths(metric, models, monkeypatch):
    p, q = models
    narrow = q[0][:, :1], q[1][:, :1]
    expected = [getattr(oracle, metric.__name__)(p, other) for other in (q, narrow)]
    assert [metric(p, q), metric(p, narrow)] == pytest.approx(expected, abs=TO)
    monkeypatch.setattr("whyalike.similarity.metrics.distributions.BLOCK", 20)  # two of the 25 inputs at a time
    assert [metric(p, q), metric(p, narrow)] == pytest.approx(expected, abs=TO)


@pytest.mark.parametrize("metric", PAIRS)
def test_wrong_pairs_of_arrays_are_refused(metric, models):
    call = OTHER_METRICS[metric].load()
    (f, g), q = models
    bad = f.copy()
    bad[3, 1] = np.nan
    for p, message in (
        (f, r"p must be a pair \(f, g\) of embeddings and unembeddings; it is a ndarray"),
        ((f, g, g), "p must be a pair"),
        ((f[:, 0], g), r"f of p must be a matrix of real numbers, stimuli x units; it has shape \(25,\)"),
        ((bad, g), "f of p must be finite; 1 of 25 rows hold NaN or infinity, the first is row 3"),
        ((f, g[:, :1]), r"need the same width M: f has shape \(25, 2\), g \(7, 1\)"),
        ((f[:20], g), "f of p has 20 rows, f of q 25"),
        ((f, g[:5]), "g of p has 5 rows, g of q 7"),
    ):
        with pytest.raises(ValueError, match=message):
            call(p, q)


@pytest.mark.parametrize("metric", ["llv_distance", "max_d_svd", "m_svd", "m_svd_unembeddings"])
def test_models_of_other_widths_are_refused_where_one_is_needed(metric, models):
    p, (f2, g2) = models
    with pytest.raises(ValueError, match="same width M: p has 2 columns, q 1"):
        OTHER_METRICS[metric].load()(p, (f2[:, :1], g2[:, :1]))


@pytest.mark.parametrize("metric", [name for name in PAIRS if name not in ("kl_divergence", "logit_distance")])
def test_constant_embeddings_are_undefined(metric, models):
    p, (f2, g2) = models
    with pytest.raises(ValueError, match=f"{metric} needs features that vary; all 25 rows of f of q are the same"):
        OTHER_METRICS[metric].load()(p, (np.full_like(f2, 0.1), g2))


@pytest.mark.parametrize("metric", PAIRS)
def test_arguments_are_not_changed_and_integers_are_taken(metric, models):
    call = OTHER_METRICS[metric].load()
    whole = [tuple(np.rint(4 * z).astype(int) for z in model) for model in models]
    before = [[z.copy() for z in model] for model in whole]
    assert call(*whole) == call(*[tuple(z.astype(float) for z in model) for model in whole])
    for model, old in zip(whole, before, strict=True):
        for z, unchanged in zip(model, old, strict=True):
            np.testing.assert_array_equal(z, unchanged)
