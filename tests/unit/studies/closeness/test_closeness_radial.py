"""Radial data: points of a known spread, labelled by direction."""

import math

import numpy as np
import pytest
from scipy import stats

from whyalike.studies.closeness.radial import radial


def test_points_are_normal_with_sd_3():
    x, _ = radial(20_000, 4, seed=0)
    assert x.shape == (20_000, 2)
    for column in x.T:
        assert stats.kstest(column, stats.norm(scale=3).cdf).pvalue > 1e-3  # a fixed draw
    assert abs(np.corrcoef(x.T)[0, 1]) < 4 / np.sqrt(20_000)  # 4 standard errors


@pytest.mark.parametrize("classes", [4, 6, 10, 18])
def test_label_is_the_bin_of_the_angle_modulo_pi(classes):
    x, labels = radial(2000, classes, seed=1)
    for (a, b), label in zip(x, labels, strict=True):
        degrees = math.degrees(math.atan2(b, a))
        degrees += 180 if degrees < 0 else 0
        assert label * 180 / classes <= degrees <= (label + 1) * 180 / classes
    counts = np.bincount(labels, minlength=classes)
    assert len(counts) == classes
    assert stats.chisquare(counts).pvalue > 1e-3  # a fixed draw


def test_number_of_classes_does_not_move_points_and_more_points_begin_with_the_same():
    x, labels = radial(100, 4, seed=0)
    np.testing.assert_array_equal(x, radial(100, 18, seed=0)[0])
    np.testing.assert_array_equal(x[:40], radial(40, 4, seed=0)[0])
    np.testing.assert_array_equal(labels, radial(100, 4, seed=0)[1])
    assert (x != radial(100, 4, seed=1)[0]).all()


@pytest.mark.parametrize(("n", "classes", "shown"), [(0, 4, "n = 0, 4 classes"), (5, 1, "n = 5, 1 classes")])
def test_no_points_or_one_class_are_refused(n, classes, shown):
    with pytest.raises(ValueError, match=f"at least 2 classes; got {shown}"):
        radial(n, classes, seed=0)
