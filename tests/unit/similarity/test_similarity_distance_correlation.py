"""Distance correlation: by hand, its chance level, and its null in closed form."""

import numpy as np
import pytest

from whyalike.randomness import keyed
from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.nulls import closed_null, row_orders
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench


def test_of_three_numbers_by_hand():
    """Distances of 0, 1, 2 and of 0, 0, 1, less their row and column means."""
    x, y = np.array([[0.0], [1], [2]]), np.array([[0.0], [0], [1]])
    a = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]]) - np.array([1, 2 / 3, 1])[:, None] - [1, 2 / 3, 1] + 8 / 9
    b = (
        np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]])
        - np.array([1 / 3, 1 / 3, 2 / 3])[:, None]
        - [1 / 3, 1 / 3, 2 / 3]
        + 4 / 9
    )
    expected = np.sqrt((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    assert score("distance_correlation", x, y) == pytest.approx(expected, abs=1e-12)


def test_it_sees_a_dependence_that_no_linear_metric_sees():
    g = np.random.default_rng(0)
    x = g.normal(size=(400, 1))
    y = np.hstack([x**2, g.normal(size=(400, 1))])
    assert score("distance_correlation", x, y) > 0.25
    assert score("cka", x, y) < 0.02


def test_the_unbiased_one_averages_zero_where_the_other_grows_with_dimension():
    g = np.random.default_rng(0)
    pairs = [(g.normal(size=(20, 30)), g.normal(size=(20, 30))) for _ in range(300)]
    unbiased = [score("distance_correlation_unbiased", x, y) for x, y in pairs]
    assert abs(np.mean(unbiased)) < 4 * np.std(unbiased) / np.sqrt(300)  # 4 standard errors
    assert np.mean([score("distance_correlation", x, y) for x, y in pairs]) > 0.7


def test_the_null_of_the_unbiased_one_in_closed_form_is_that_of_draws(xy):
    bench = Workbench({"x": {"l": xy[0]}, "y": {"l": xy[1]}}, 0)
    chosen = scoring("distance_correlation_unbiased", "exact", {})
    scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), chosen, "l")
    draws = np.array([scorable.value(order) for order in row_orders(keyed("a test"), 30, 10_000)])
    closed = closed_null(scorable.value(), [scorable.kernels()])
    assert closed["null_mean"] == pytest.approx(draws.mean(), abs=4 * draws.std() / 100)  # 4 standard errors
    assert closed["null_p95"] == pytest.approx(
        np.quantile(draws, 0.95), rel=0.05
    )  # a quantile of 10,000 is right to 2 %


def test_equal_distances_are_undefined_where_the_diagonal_is_left_out(xy):
    with pytest.raises(UndefinedScore, match="distance_correlation_unbiased needs distances that differ"):
        score("distance_correlation_unbiased", np.eye(30), xy[1])
    assert 0 < score("distance_correlation", np.eye(30), xy[1]) < 1
