"""Intervals and p-values against numbers worked out by hand and plain loops."""

import itertools

import numpy as np
import pytest
import scipy.stats

from whyalike.statistics.inference import holm, jackknife_interval, permute_within, sign_flip_p, t_interval


def test_t_interval_of_one_two_three_by_hand():
    # mean 2, standard error 1/sqrt(3), t(.975, 2) = 4.302653
    half = 4.302653 / np.sqrt(3)
    assert t_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - half, 2 + half), abs=1e-6)  # the quantile has 6 digits


def test_t_interval_of_one_value_is_absent():
    assert t_interval([1.0]) is None


@pytest.mark.parametrize(("seeds", "smallest"), [(3, 0.25), (6, 0.03125), (10, 0.001953125)])
def test_sign_flip_p_of_equal_signs_is_the_smallest_possible(seeds, smallest):
    assert sign_flip_p(np.linspace(0.1, 0.3, seeds)) == smallest
    assert sign_flip_p(-np.linspace(0.1, 0.3, seeds)) == smallest


def test_sign_flip_p_counts_the_patterns_of_a_loop():
    values = np.array([0.4, -0.1, 0.3, 0.25, -0.05])
    sums = [abs(np.dot(signs, values)) for signs in itertools.product((-1, 1), repeat=5)]
    assert sign_flip_p(values) == np.mean([one >= abs(values.sum()) - 1e-12 for one in sums])


def test_sign_flip_p_of_zeros_is_one():
    assert sign_flip_p(np.zeros(4)) == 1


def test_sign_flip_p_of_many_seeds_is_drawn_and_near_the_normal_limit():
    values = np.random.default_rng(3).standard_normal(25) + 0.3
    z = values.sum() / np.sqrt((values**2).sum())
    # the normal limit of the flipped sum is off by some 1/S
    assert sign_flip_p(values) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), abs=0.04)


def test_sign_flip_p_needs_a_value():
    with pytest.raises(ValueError, match="at least one value"):
        sign_flip_p([])


def test_holm_by_hand():
    # sorted .01 .02 .03 .04: times 4 3 2 1 = .04 .06 .06 .04, made monotone .04 .06 .06 .06
    np.testing.assert_allclose(holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])


def test_holm_is_at_most_one():
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])


def test_jackknife_of_a_mean_is_its_t_interval():
    values = np.array([0.3, 0.1, 0.7, 0.2])
    left_out = [np.delete(values, i).mean() for i in range(4)]
    # for a mean the jackknife variance equals s^2/S, up to rounding
    assert jackknife_interval(values.mean(), left_out) == pytest.approx(t_interval(values), abs=1e-12)


def test_jackknife_is_absent_when_a_left_out_value_is():
    assert jackknife_interval(1.0, [1.0, None, 1.1]) is None


def test_permutations_keep_every_seed_to_its_own_levels():
    seed, x = np.array([0, 1, 0, 1, 0]), np.array([0.0, 10.0, 1.0, 20.0, 2.0])
    drawn = permute_within(seed, x, 200, np.random.default_rng(0))
    for of in (seed == 0, seed == 1):
        np.testing.assert_array_equal(np.sort(drawn[:, of], axis=1), np.tile(np.sort(x[of]), (200, 1)))
    assert len(np.unique(drawn, axis=0)) == 12  # 3! orders times 2!, each missed with probability (11/12)^200 = 3e-8
