"""Explanations of similarity: participation ratio and norm of cases solvable by eye, correlations against scipy."""

import numpy as np
import pytest
import scipy.stats

from whyalike.statistics.explanations import correlation_within_seeds, feature_norm, participation_ratio
from whyalike.statistics.inference import sign_flip_p, t_interval


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([[1, 0], [-1, 0], [0, 0]], 1),  # a line
        ([[1, 0], [-1, 0], [0, 1], [0, -1]], 2),  # the same in two directions
        ([[2, 0], [-2, 0], [0, 1], [0, -1]], (8 + 2) ** 2 / (8**2 + 2**2)),
        ([[1, 7, 0, 0], [-1, 7, 0, 0]], 1),  # wider than it has rows
    ],
)
def test_the_participation_ratio_counts_directions(x, expected):
    assert participation_ratio(np.array(x)) == pytest.approx(expected, rel=1e-12)


def test_it_is_that_of_the_eigenvalues_of_the_covariance_whatever_scale_and_place():
    x = np.random.default_rng(0).normal(size=(40, 7)) * np.arange(1, 8)
    values = np.linalg.eigvalsh(np.cov(x.T))
    expected = values.sum() ** 2 / (values**2).sum()
    for other in (x, 100 * x, x + 3, x[:, ::-1], np.hstack([x, np.zeros((40, 60))])):
        assert participation_ratio(other) == pytest.approx(expected, rel=1e-10)


def test_the_norm_is_the_mean_length_of_a_row():
    assert feature_norm(np.array([[3.0, 4.0], [0.0, 1.0]])) == 3


def test_bad_representations_are_refused_with_what_came():
    with pytest.raises(ValueError, match=r"must vary over stimuli: all 3 rows are equal"):
        participation_ratio(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"got shape \(4,\)"):
        feature_norm(np.ones(4))


def test_a_correlation_is_within_seeds_and_not_between_them():
    # within each seed y falls with x; between seeds both rise
    seed = np.repeat([0, 1, 2], 4)
    x = np.tile(np.arange(4.0), 3) + 10 * seed
    y = -x + 40 * seed + np.random.default_rng(1).normal(size=12)
    own = [scipy.stats.pearsonr(x[seed == one], y[seed == one]).statistic for one in range(3)]
    found = correlation_within_seeds(seed, x, y)
    assert found.value == pytest.approx(np.mean(own), rel=1e-12) and found.value < -0.5 < 0 < np.corrcoef(x, y)[0, 1]
    assert found.interval == pytest.approx(np.clip(t_interval(own), -1, 1))
    assert (found.p_value, found.n_seeds) == (sign_flip_p(own), 3)


def test_no_end_of_an_interval_is_a_correlation_that_cannot_be():
    seed, x = np.repeat([0, 1], 3), np.tile(np.arange(3.0), 2)
    y = np.array([0, 1, 2, 0, 2, 1.0])  # correlations of 1 and .5: a t interval over two seeds is +-3.2 around .75
    assert correlation_within_seeds(seed, x, y).interval == (-1, 1)


def test_seeds_with_two_points_or_without_variation_do_not_count():
    seed = np.array([0, 0, 1, 1, 1, 2, 2, 2])
    x = np.array([0, 1, 2, 2, 2, 0, 1, 2.0])
    y = np.array([0, 1, 0, 1, 2, 0, 1, 3.0])
    assert correlation_within_seeds(seed, x, y).n_seeds == 1
    assert correlation_within_seeds(seed[:5], x[:5], y[:5]) is None
