"""Curves through training with planted times, shares and slopes."""

import numpy as np
import pytest
from scipy.stats import theilslopes

from whyalike.statistics.growth import share_of_gain, theil_sen, time_to, value_at

STEPS = np.array([0, 1, 2, 4, 8, 16, 32, 64, 128])


def test_time_of_a_curve_that_is_linear_in_the_logarithm_is_where_it_was_planted():
    values = 0.2 + 0.1 * np.log2(np.maximum(STEPS, 1))  # .2 at step 1, .9 at step 128
    assert time_to(STEPS, values, 0.5) == pytest.approx(2**3.5, rel=1e-12)
    assert time_to(STEPS, values, 0.9) == pytest.approx(2**6.3, rel=1e-12)


def test_time_before_the_first_positive_step_is_linear():
    assert time_to([0, 4, 8], [0.0, 1.0, 1.0], 0.25) == 1.0


def test_times_scale_with_their_unit():
    values = 1 - np.exp(-STEPS / 20)
    assert time_to(64 * STEPS, values, 0.9) == pytest.approx(64 * time_to(STEPS, values, 0.9), rel=1e-12)


def test_the_running_maximum_takes_the_first_time_and_passes_over_dips():
    dips = [0.0, 0.6, 0.1, 0.4, 1.0]
    assert time_to([0, 10, 20, 30, 40], dips, 0.6) == 10
    # the level .8 is reached from the maximum so far (.6, held until step 30), not from the dip
    assert time_to([0, 10, 20, 30, 40], dips, 0.8) == pytest.approx(np.sqrt(30 * 40))


def test_a_curve_that_peaks_has_its_shares_on_the_way_up():
    assert time_to([0, 10, 20, 30], [0.0, 1.0, 2.0, 1.0], 1.0) == 10


def test_ties_at_the_start_are_passed_over_and_at_the_level_the_first_counts():
    assert time_to([0, 1, 2, 4], [0.3, 0.3, 0.3, 0.5], 0.0) == 0
    assert time_to([0, 1, 2, 4], [0.0, 0.5, 0.5, 1.0], 0.5) == 1


def test_without_a_gain_there_is_no_time_and_no_share():
    assert np.isnan(time_to([0, 1], [0.5, 0.5], 0.5)) and np.isnan(time_to([0, 1], [0.5, 0.4], 0.5))
    assert np.isnan(share_of_gain(0.5, 0.6, 0.5)) and np.isnan(share_of_gain(0.5, 0.6, 0.2))


def test_value_at_is_the_inverse_of_time_to_on_a_rising_curve():
    values = 1 - np.exp(-STEPS / 20)
    for share in (0.01, 0.3, 0.5, 0.9, 1.0):
        time = time_to(STEPS, values, share)
        assert value_at(STEPS, values, time) == pytest.approx(values[0] + share * (values[-1] - values[0]), abs=1e-12)


def test_value_at_knows_nothing_beyond_the_ends():
    assert np.isnan([value_at([1, 2], [0.0, 1.0], 0.5), value_at([1, 2], [0.0, 1.0], 3)]).all()
    assert value_at([1, 2], [0.0, 1.0], 1) == 0 and value_at([1, 2], [0.0, 1.0], 2) == 1


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        ([0, 2, 2], [0, 1, 2], r"ascend from 0 or later; got \[0.0, 2.0, 2.0\]"),
        ([-1, 2], [0, 1], "ascend from 0 or later"),
        ([0, 2], [0, 1, 2], r"shapes \(2,\) and \(3,\)"),
        ([0], [0], "two or more"),
    ],
)
def test_a_curve_that_is_none_is_refused(times, values, message):
    with pytest.raises(ValueError, match=message):
        time_to(times, values, 0.5)
    with pytest.raises(ValueError, match=message):
        value_at(times, values, 0.5)


def test_a_share_beyond_1_is_refused():
    with pytest.raises(ValueError, match=r"within 0 and 1; got 1\.5"):
        time_to([0, 1], [0, 1], 1.5)


def test_theil_sen_is_that_of_scipy_and_a_column_a_slope():
    g = np.random.default_rng(0)
    x, y = np.r_[0.0, 0.0, np.sort(g.random(9))], g.normal(size=(11, 3))  # two layers of one depth
    assert np.allclose(theil_sen(x, y), [theilslopes(column, x)[0] for column in y.T], atol=1e-12)


def test_theil_sen_is_the_planted_slope_whatever_one_layer_does():
    x = np.linspace(0, 1, 9)
    y = 0.9 - 0.4 * x
    y[4] = 5.0
    assert theil_sen(x, y) == pytest.approx(-0.4, abs=1e-12)


def test_theil_sen_of_one_place_has_no_slope():
    assert np.isnan(theil_sen([0.0], [1.0])) and np.isnan(theil_sen([0.5, 0.5], np.ones((2, 4)))).all()
