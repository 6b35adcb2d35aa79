"""Bures similarity, shapes between CCA and Procrustes, rank-aware CCA and GULP: how they follow from each other."""

import numpy as np
import pytest

from whyalike.similarity.api import score
from whyalike.similarity.protocols import scoring

EXACT_TO = 1e-9  # float64 rounding at n = 30


def ranked(n, p, r):
    """A centred n x p representation of rank r, and its first r orthonormal directions (n x r)."""
    g = np.random.default_rng(3)
    basis = np.linalg.qr(g.normal(size=(n, r)) - 1).Q
    basis = np.linalg.qr(basis - basis.mean(axis=0)).Q
    return basis @ g.normal(size=(r, p)), basis


def test_bures_is_the_cosine_of_the_procrustes_angle_and_the_shape_without_whitening(xy):
    bures = score("normalised_bures", *xy)
    assert bures == pytest.approx(np.cos(score("procrustes_distance", *xy, angular=True)), abs=EXACT_TO)
    assert bures == pytest.approx(1 - score("procrustes_distance", *xy) ** 2 / 2, abs=EXACT_TO)
    assert bures == pytest.approx(score("shape_correlation", *xy, alpha=1), abs=EXACT_TO)


def test_a_shape_that_is_whitened_whole_is_cca_over_the_root_of_both_ranks(xy):
    total = 5 * score("cca", *xy)  # of the 7 and 5 units
    assert score("shape_correlation", *xy, alpha=0) == pytest.approx(total / np.sqrt(7 * 5), abs=EXACT_TO)
    assert score("cca_rank_aware", *xy) == pytest.approx(total / 7, abs=EXACT_TO)


def test_rank_aware_cca_falls_where_cca_does_not_see_deleted_directions():
    x, basis = ranked(30, 6, 6)
    for r in range(1, 7):
        assert score("cca", x, basis[:, :r]) == pytest.approx(1, abs=EXACT_TO)
        assert score("cca_rank_aware", x, basis[:, :r]) == pytest.approx(r / 6, abs=EXACT_TO)


@pytest.mark.parametrize(
    "metric", ["normalised_bures", "shape_correlation", "shape_distance", "cca_rank_aware", "gulp"]
)
def test_units_that_are_zero_or_copies_of_others_in_sum_change_nothing(metric, xy):
    x, y = (z.astype(float) for z in xy)
    expected = score(metric, x, y)
    assert score(metric, np.pad(x, ((0, 0), (0, 3))), y) == pytest.approx(expected, abs=EXACT_TO)
    halves = np.hstack([x * np.sqrt(0.3), x * np.sqrt(0.7)])  # the same kernel, of half the rank
    assert score(metric, halves, y) == pytest.approx(expected, abs=EXACT_TO)


def test_gulp_without_a_ridge_counts_directions(xy):
    correlations = np.linalg.svd(
        np.linalg.qr(xy[0] - xy[0].mean(axis=0, dtype=float)).Q.T
        @ np.linalg.qr(xy[1] - xy[1].mean(axis=0, dtype=float)).Q,
        compute_uv=False,
    )
    expected = np.sqrt(7 + 5 - 2 * (correlations**2).sum())
    assert score("gulp", *xy, ridge=0) == pytest.approx(expected, abs=EXACT_TO)


def test_gulp_is_the_mean_square_difference_of_ridge_predictions():
    g = np.random.default_rng(0)
    x, y, targets = g.normal(size=(20, 3)), g.normal(size=(20, 2)), g.normal(size=(20, 100_000))
    predictions = []
    for z in (x, y):
        z = z - z.mean(axis=0)
        z = z / np.sqrt((z**2).sum() / 20)
        predictions.append(z @ np.linalg.solve(z.T @ z / 20 + 0.1 * np.eye(z.shape[1]), z.T @ targets / 20))
    squares = ((predictions[0] - predictions[1]) ** 2).sum(axis=0)
    error = squares.std() / np.sqrt(len(squares))
    assert score("gulp", x, y, ridge=0.1) ** 2 == pytest.approx(squares.mean(), abs=4 * error)


@pytest.mark.parametrize("metric", ["shape_distance", "gulp"])
def test_distances_obey_the_triangle_inequality(metric):
    g = np.random.default_rng(1)
    for _ in range(50):
        x, y, z = (g.normal(size=(12, d)) @ np.diag(g.uniform(0.1, 5, d)) for d in (2, 3, 4))
        assert score(metric, x, z) <= score(metric, x, y) + score(metric, y, z) + EXACT_TO


@pytest.mark.parametrize("alpha", [-0.1, 1.5, "half", True])
def test_alpha_is_from_0_to_1(alpha):
    with pytest.raises(ValueError, match=f"shape_distance needs alpha from 0 to 1; got {alpha!r}"):
        scoring("shape_distance", "exact", {"alpha": alpha})
