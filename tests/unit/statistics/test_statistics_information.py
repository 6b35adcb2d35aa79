"""Mutual information against scikit-learn, a plain loop of Ross's formula, and a null."""

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from whyalike.statistics.inference import jackknife_interval
from whyalike.statistics.information import entropy, jackknifed_information, mi_ksg, mi_ross, untied
from whyalike.statistics.panels import Points


def sample(levels, points_a_level, slope=0.5, key=0):
    x = np.tile(np.arange(levels) / (levels - 1), points_a_level)
    return x, slope * x + 0.1 * np.random.default_rng(key).standard_normal(len(x))


def ross_by_loop(x, y, neighbours=3):
    kept = [i for i in range(len(x)) if np.sum(x == x[i]) > 1]
    terms = []
    for i in kept:
        own = sorted(abs(y[i] - y[j]) for j in kept if j != i and x[j] == x[i])
        k = min(neighbours, len(own))
        closer = sum(abs(y[i] - y[j]) < own[k - 1] for j in kept)
        terms.append(digamma(k) - digamma(len(own) + 1) - digamma(closer))
    return max(0.0, digamma(len(kept)) + np.mean(terms))


def test_ksg_is_the_published_call():
    x, y = sample(3, 5)
    assert mi_ksg(x, y) == mutual_info_regression(x.reshape(-1, 1), y, random_state=42)[0]


def test_ksg_of_four_points_or_one_level_is_absent():
    assert mi_ksg(np.arange(4.0), np.arange(4.0)) is None
    assert mi_ksg(np.zeros(9), np.arange(9.0)) is None


@pytest.mark.parametrize("levels", [2, 3, 11])
@pytest.mark.parametrize("ties", [False, True])
def test_ross_equals_sklearn_from_eight_points_a_level(levels, ties):
    for key in range(5):
        x, y = sample(levels, 9, key=key)
        y = y.round(1) if ties else y
        theirs = mutual_info_regression(x.reshape(-1, 1), y, discrete_features=True, random_state=42)[0]
        assert mi_ross(x[None], untied(y))[0] == pytest.approx(theirs, abs=1e-12)  # same counts: rounding of the mean


@pytest.mark.parametrize("points_a_level", [2, 3, 6])
def test_ross_equals_a_loop_and_leaves_single_points_out(points_a_level):
    x, y = sample(3, points_a_level)
    x, y = np.append(x, 7.0), untied(np.append(y, 0.1))
    assert mi_ross(x[None], y)[0] == pytest.approx(ross_by_loop(x, y), abs=1e-12)


def test_ross_of_many_assignments_is_each_ones_own():
    x, y = sample(3, 4)
    stack = np.stack([x, np.roll(x, 1), x[::-1]])
    np.testing.assert_allclose(mi_ross(stack, untied(y)), [mi_ross(row[None], untied(y))[0] for row in stack])


def test_separated_levels_tell_everything():
    x = np.repeat([0.0, 0.5, 1.0], 8)
    y = untied(10 * x + np.random.default_rng(0).random(24))
    # with levels far apart every closer point is of the own level: MI = psi(24) - psi(8), .04 above ln 3 at this n
    assert mi_ross(x[None], y)[0] == pytest.approx(digamma(24) - digamma(8), abs=1e-12)


def test_entropy_by_hand():
    assert entropy(np.array([0, 0, 1, 1, 2, 2])) == pytest.approx(np.log(3))
    assert entropy(np.array([0, 1, 1, 1])) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))


def test_jackknife_leaves_one_seed_out_at_a_time():
    x, y = sample(3, 5)
    seed = np.repeat(np.arange(5), 3)
    found = jackknifed_information(Points(seed, x, y), 0, np.random.default_rng(0))
    clean = untied(y)
    left_out = [ross_by_loop(x[seed != s], clean[seed != s]) for s in range(5)]
    assert found.full.null is None
    assert found.full.adjusted is None
    assert found.mi_interval == pytest.approx(jackknife_interval(ross_by_loop(x, clean), left_out), abs=1e-12)


def test_one_seed_has_no_information():
    x, y = sample(3, 1)
    assert jackknifed_information(Points(np.zeros(3, int), x, y), 10, np.random.default_rng(0)) is None


def test_two_seeds_have_no_interval():
    x, y = sample(3, 2)
    found = jackknifed_information(Points(np.repeat([0, 1], 3), x, y), 10, np.random.default_rng(0))
    assert found.mi_interval is None
    assert found.adjusted_interval is None


def test_adjusted_information_is_near_zero_without_an_effect_and_near_one_with_a_large_one():
    seed = np.repeat(np.arange(8), 3)

    def adjusted(slope, key):
        points = Points(seed, *sample(3, 8, slope, key))
        return jackknifed_information(points, 40, np.random.default_rng(0)).full.adjusted

    nulls = [adjusted(0.0, key) for key in range(40)]
    assert abs(np.mean(nulls)) < 3 * np.std(nulls, ddof=1) / np.sqrt(40)  # three standard errors about 0
    assert adjusted(5.0, 0) > 0.9


def test_adjusted_information_is_the_share_beyond_the_null():
    points = Points(np.repeat(np.arange(8), 3), *sample(3, 8))
    full = jackknifed_information(points, 20, np.random.default_rng(0)).full
    assert full.adjusted == pytest.approx((full.mi - full.null) / (np.log(3) - full.null))
