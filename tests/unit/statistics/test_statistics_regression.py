"""Lines over points and slopes a seed against numpy and by hand."""

import numpy as np
import pytest

from whyalike.statistics.panels import Points
from whyalike.statistics.regression import level_permutation_p, ols, seed_gains, seed_slopes, with_a_slope


def test_ols_equals_polyfit():
    generator = np.random.default_rng(0)
    x, y = np.repeat([0.0, 0.5, 1.0], 4), generator.standard_normal(12)
    line = ols(x, y)
    assert (line.slope, line.intercept) == pytest.approx(np.polyfit(x, y, 1), abs=1e-12)
    assert line.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=1e-12)


def test_ols_of_two_points_or_one_level_is_absent():
    assert ols(np.array([0.0, 1.0]), np.array([0.0, 1.0])) is None
    assert ols(np.zeros(4), np.arange(4.0)) is None


def test_r2_of_a_constant_is_absent():
    assert ols(np.arange(4.0), np.ones(4)).r2 is None


def test_seed_slopes_by_hand():
    points = Points(np.repeat([7, 3], 3), np.tile([0, 0.5, 1], 2), np.array([0.1, 0.2, 0.7, 1.0, 0.5, 0.0]))
    np.testing.assert_allclose(seed_slopes(points), [-1.0, 0.6], atol=1e-12)  # ascending seeds: 3, then 7


def test_seed_slopes_equal_polyfit_for_unequal_levels():
    points = Points(np.array([0, 0, 0, 1, 1]), np.array([0, 0.2, 1, 0.4, 0.6]), np.array([0.3, 0.1, 0.9, 0.5, 0.2]))
    by_loop = [np.polyfit(points.x[points.seed == s], points.y[points.seed == s], 1)[0] for s in (0, 1)]
    np.testing.assert_allclose(seed_slopes(points), by_loop, atol=1e-12)


def test_a_seed_with_one_level_has_no_slope():
    points = Points(np.array([0, 0, 1]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, 5.0]))
    assert with_a_slope(points).seeds.tolist() == [0]


def test_gain_is_highest_less_lowest_for_seeds_with_both():
    points = Points(
        np.array([0, 0, 0, 1, 1, 2, 2]),
        np.array([1.0, 0.0, 0.5, 0.0, 0.5, 0.0, 1.0]),
        np.array([0.9, 0.2, 9.0, 0.1, 0.4, 0.3, 0.5]),
    )
    np.testing.assert_allclose(seed_gains(points), [0.7, 0.2])


def test_gain_of_one_level_is_empty():
    assert len(seed_gains(Points(np.arange(3), np.zeros(3), np.arange(3.0)))) == 0


def test_level_permutation_p_equals_full_enumeration_by_hand():
    # one seed, y = x over 3 levels: of 6 orders the identity and its mirror reach |slope| 1, so p tends to 1/3
    points = Points(np.zeros(3, int), np.array([0, 0.5, 1]), np.array([0, 0.5, 1]))
    # SD of the share of 20,000 draws is .0033
    assert level_permutation_p(points, 20_000, np.random.default_rng(0)) == pytest.approx(1 / 3, abs=0.015)


def test_level_permutation_p_is_never_zero():
    points = Points(np.repeat(np.arange(6), 3), np.tile([0, 0.5, 1], 6), np.tile([0, 0.5, 1], 6))
    assert 1 / 201 <= level_permutation_p(points, 200, np.random.default_rng(0)) < 0.02
