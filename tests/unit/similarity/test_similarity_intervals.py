"""The interval over stimuli: against the spread over independent draws of stimuli, and its pieces by hand."""

from dataclasses import replace

import numpy as np
import pytest
from similarity_cases import WITH_PROTOCOLS, fitting

from whyalike.similarity import intervals
from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.intervals import interval
from whyalike.similarity.metrics.cka import LINEAR
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench


def _draws(n, count):
    """Independent draws of n stimuli as two noisy representations of four signals."""
    g = np.random.default_rng(0)
    a, b = g.normal(size=(4, 6)), g.normal(size=(4, 6))
    for _ in range(count):
        s = g.normal(size=(n, 4))
        yield s @ a + g.normal(size=(n, 6)), s @ b + 1.5 * g.normal(size=(n, 6))


def _against_draws(metric, n, count, **parameters):
    """Standard error over the SD over draws, and the share of intervals that hold the mean over draws."""
    found = [interval(metric, x, y, **parameters) for x, y in _draws(n, count)]
    values = [score(metric, x, y, **parameters) for x, y in _draws(n, 5 * count)]
    held = np.mean([one.low <= np.mean(values) <= one.high for one in found])
    return np.sqrt(np.mean([one.standard_error**2 for one in found])) / np.std(values), held


def test_jackknife_of_unbiased_cka_is_the_spread_over_draws_of_stimuli():
    ratio, held = _against_draws("cka_unbiased", 100, 120)
    # the SD over 600 draws is right to 3 %, the mean of 120 errors, each to 16 % and skewed, to about 3 %
    assert ratio == pytest.approx(1, abs=0.15)
    assert held > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 120)  # 4 binomial standard errors


def test_subsampling_of_neighbours_is_wider_than_the_spread_over_draws_and_not_by_much(monkeypatch):
    monkeypatch.setattr(intervals, "SUBSETS", 25)
    ratio, held = _against_draws("mutual_knn", 80, 40, k=5)
    assert 1 < ratio < 2  # about 1.4
    assert held > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 40)


def test_jackknife_of_a_mean_is_its_standard_error(monkeypatch):
    """For n groups and a mean of numbers, the jackknife is the textbook standard error."""
    form = Form(lambda x, parameters: x, lambda x, y, parameters: float((x * y).mean()), LINEAR["exact"].permute)
    monkeypatch.setattr("whyalike.similarity.metrics.cka.LINEAR", {"exact": form})
    x, y = np.random.default_rng(0).uniform(size=(2, 20, 1))  # the mean and its interval lie in CKA's range
    found = interval("cka", x, y)
    error = (x * y).std(ddof=1) / np.sqrt(20)
    assert found.standard_error == pytest.approx(error, abs=1e-12)
    assert found.high - found.low == pytest.approx(2 * 2.0930240544 * error, abs=1e-9)  # t, 19 degrees of freedom
    # subsets of m of n without replacement: the variance of their mean is s^2 (1/m - 1/n)
    monkeypatch.setattr(intervals, "SUBSETS", 20_000)
    monkeypatch.setattr(intervals, "_fewer", lambda chosen, n: (chosen, 10))
    monkeypatch.setattr("whyalike.similarity.metrics.cka.LINEAR", {"exact": replace(form, randomised=True)})
    assert interval("cka", x, y).standard_error == pytest.approx(error, rel=0.02)  # 20,000 subsets: .5 %


def test_groups_are_all_stimuli_once_and_nearly_equal():
    left_out = [np.setdiff1d(np.arange(47), kept) for kept in intervals._without_groups(47, 20, 0)]
    assert sorted(np.concatenate(left_out)) == list(range(47))
    assert {len(one) for one in left_out} == {2, 3}


def test_subsets_hold_no_stimulus_twice():
    assert all(len(np.unique(subset)) == 30 for subset in intervals._subsets(50, 30, 0))


@pytest.mark.parametrize(("k", "smaller", "m"), [(10, 8, 80), (5, 4, 80), (2, 1, 50), (3, 2, 67)])
def test_neighbourhoods_stay_as_large_a_part_of_the_stimuli(k, smaller, m):
    fewer, size = intervals._fewer(scoring("mutual_knn", "exact", {"k": k}), 100)
    assert (fewer.parameters["k"], size) == (smaller, m)


def test_the_interval_is_keyed_and_lies_about_the_score(xy):
    first, again, other = (interval("mutual_knn", *xy, k=5, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert (first.low + first.high) / 2 == pytest.approx(score("mutual_knn", *xy, k=5), abs=1e-12)
    assert first.high - first.low == pytest.approx(2 * 1.959963985 * first.standard_error, abs=1e-9)


@pytest.mark.parametrize(("metric", "protocol"), WITH_PROTOCOLS)
def test_every_metric_has_an_interval_of_its_kind(metric, protocol, xy, monkeypatch):
    monkeypatch.setattr(intervals, "SUBSETS", 5)
    x, y = (np.vstack([z, np.random.default_rng(0).normal(size=z.shape)]) for z in fitting(metric, *xy))
    facts = METRICS[metric].facts
    parameters = {"svcca": {"dims": 3}, "linear": {"ridge": 0.1}}.get(metric, {})
    found = interval(metric, x, y, protocol=protocol, **parameters)
    subsampled = bool({"k", "folds"} & set(facts.parameters)) or (metric, protocol) == ("svcca", "as_published")
    assert found.method == ("subsampling" if subsampled else "jackknife")
    assert found.low < score(metric, x, y, protocol=protocol, **parameters) < found.high


@pytest.mark.parametrize("metric", ["cka", "cka_rbf", "cca", "procrustes_distance", "rsa"])
def test_of_few_stimuli_each_is_left_out_alone_and_no_seed_counts(metric, xy):
    first, other = (interval(metric, *xy, seed=seed) for seed in (0, 1))
    assert first == other
    left_out = [score(metric, *(np.delete(z, i, axis=0) for z in xy)) for i in range(30)]
    assert first.standard_error == pytest.approx(np.sqrt(29 * np.var(left_out)), abs=1e-9)


@pytest.mark.parametrize("metric", ["cka", "cka_unbiased"])
def test_linear_kernels_leave_out_each_of_many_stimuli_too(metric):
    [(x, y)] = _draws(230, 1)
    first, other = (interval(metric, x, y, seed=seed) for seed in (0, 1))
    assert first == other
    left_out = [score(metric, np.delete(x, i, axis=0), np.delete(y, i, axis=0)) for i in range(230)]
    assert first.standard_error == pytest.approx(np.sqrt(229 * np.var(left_out)), abs=1e-9)


@pytest.mark.parametrize("metric", ["cka", "cka_unbiased"])
@pytest.mark.parametrize("widths", [(5, 4), (30, 4), (4, 30), (30, 40)])  # beyond n the kernel is kept
def test_scores_without_each_stimulus_are_those_of_the_others(metric, widths):
    g = np.random.default_rng(0)
    x, y = (g.normal(size=(12, d)) + 3 for d in widths)
    chosen = scoring(metric, "exact", {})
    scorable = Workbench({"x": {"l": x}, "y": {"l": y}}, 0).scorable("x", "y", Rows.of(np.arange(12)), chosen, "l")
    [(one, other)] = scorable.layer_pairs
    expected = [score(metric, np.delete(x, i, axis=0), np.delete(y, i, axis=0)) for i in range(12)]
    found = scorable.form.left_out(one, other, chosen.parameters)
    np.testing.assert_allclose(found, expected, atol=1e-12)  # float64 rounding


@pytest.mark.parametrize("metric", ["procrustes", "permutation", "cka"])
def test_the_interval_of_a_seed_lies_about_the_score_of_that_seed(metric, xy, monkeypatch):
    monkeypatch.setattr(intervals, "SUBSETS", 5)
    x, y = (np.vstack([z, np.random.default_rng(0).normal(size=z.shape)]) for z in fitting(metric, *xy))
    x, y = x[:, :5], y[:, :5]
    found = {seed: interval(metric, x, y, seed=seed) for seed in (None, 3)}
    for seed, one in found.items():
        assert (one.low + one.high) / 2 == pytest.approx(score(metric, x, y, seed=seed), abs=1e-12)
    if metric != "cka":
        assert found[None].low != found[3].low


def test_the_smallest_neighbourhood_has_no_interval(xy):
    with pytest.raises(UndefinedScore, match=r"mutual_knn needs k > 1 for an interval.*Use k >= 2"):
        interval("mutual_knn", *xy, k=1)
    with pytest.raises(UndefinedScore, match=r"cknna needs k > 2 for an interval"):
        interval("cknna", *xy, k=2)


def test_too_few_stimuli_in_a_part_are_said(xy):
    with pytest.raises(UndefinedScore, match="linear needs 5 training stimuli a unit, or a ridge: there are 12 for 4"):
        interval("linear", *fitting("linear", *xy))


@pytest.mark.parametrize(("metric", "parameters"), [("cka", {}), ("mutual_knn", {"k": 2})])
def test_an_interval_stays_within_the_range_of_the_metric(metric, parameters):
    x, y = np.random.default_rng(0).standard_cauchy(size=(2, 40, 2))
    found = interval(metric, x, y, **parameters)
    assert score(metric, x, y, **parameters) < 2 * found.standard_error  # so that the interval is cut at 0
    assert found.low == METRICS[metric].facts.range[0] == 0
