"""Scores from which a confound is taken: against residuals of a regression of matrices, and what they are for."""

import numpy as np
import pytest
import scipy.stats
import similarity_oracles as oracle

from whyalike.similarity.api import pairwise, score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.intervals import interval
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

TOLERANCE = 1e-9  # two float64 computations of the same number in another order, n = 30
H = np.eye(30) - 1 / 30


def linear(x):
    return H @ x @ x.T @ H


def hollow(x):
    return oracle.u_centred(x @ x.T - np.diag((x**2).sum(axis=1)))


def gaussian(x):
    d = oracle.distances(x)
    return H @ np.exp(-(d**2) / (2 * np.median(d[np.triu_indices(30, 1)]) ** 2)) @ H


def ranks(x):
    values = scipy.stats.rankdata(1 - np.corrcoef(x)[np.triu_indices(30, 1)].round(12))
    return values - values.mean()


MATRICES = {
    "cka": linear,
    "cka_unbiased": hollow,
    "cka_rbf": gaussian,
    "cka_rbf_unbiased": lambda x: oracle.u_centred(gaussian(x) - np.diag(np.diag(gaussian(x)))),
    "rsa": ranks,
    "distance_correlation_unbiased": lambda x: oracle.u_centred(oracle.distances(x)),
}


@pytest.fixture
def xyz(xy):
    """Two representations and what both were made from in part."""
    z = np.random.default_rng(9).normal(size=(30, 6))
    return xy[0] + z @ np.ones((6, 7)), xy[1] - z[:, :5], z


def test_every_metric_that_takes_a_confound_is_here():
    assert {name for name in METRICS if METRICS[name].facts.deconfoundable} == set(MATRICES)


@pytest.mark.parametrize("metric", MATRICES)
def test_it_is_the_cosine_of_the_residuals_of_a_regression_on_the_confounds_matrix(metric, xyz):
    a, b, c = (MATRICES[metric](z.astype(float)).ravel() for z in xyz)
    u, v = (one - c * np.linalg.lstsq(c[:, None], one)[0] for one in (a, b))
    expected = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    x, y, z = xyz
    found = score(metric, x, y, confound=z)
    assert found == pytest.approx(expected, abs=TOLERANCE)
    assert pairwise(metric, {"x": x, "y": y}, confound=z).value.tolist() == [found]
    assert abs(score(metric, x, y) - found) > 1e-3


def test_what_two_models_share_with_their_inputs_alone_goes_away():
    g = np.random.default_rng(0)
    plain, taken = [], []
    for _ in range(100):
        z = g.normal(size=(60, 4))
        x, y = (np.hstack([z, g.normal(size=(60, 4))]) for _ in range(2))
        plain.append(score("cka_unbiased", x, y))
        taken.append(score("cka_unbiased", x, y, confound=z))
    assert np.mean(plain) > 0.4
    assert abs(np.mean(taken)) < 4 * np.std(taken) / 10  # 4 standard errors of 100 draws


def test_a_permutation_of_rows_leaves_the_confound_where_it_is(xyz):
    x, y, z = xyz
    order = np.random.default_rng(1).permutation(30)
    bench = Workbench({"x": {"l": x}, "y": {"l": y}}, 0, confound=z)
    scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), scoring("cka", "exact", {}), "l")
    assert scorable.value(order) == pytest.approx(score("cka", x, y[order], confound=z), abs=TOLERANCE)
    assert scorable.kernels() is None


def test_an_interval_may_go_below_zero(xyz):
    g = np.random.default_rng(2)
    x, y, z = (g.normal(size=(30, 3)) for _ in range(3))
    found = interval("cka", x, y - x, confound=z)
    assert found.low <= score("cka", x, y - x, confound=z) <= found.high
    x, y = g.normal(size=(2, 30, 1))
    assert interval("cka", x, y, confound=x + y).low < 0


def test_nothing_beside_the_confound_is_undefined(xyz):
    x, y, _ = xyz
    for z in (x, 2 * y + 1):
        with pytest.raises(UndefinedScore, match="nothing is left beside the confound"):
            score("cka", x, y, confound=z)


def test_metrics_that_are_no_cosine_of_matrices_and_other_confounds_are_refused(xyz):
    x, y, z = xyz
    with pytest.raises(ValueError, match=r"exact scores of cka, cka_rbf, .*, not from mutual_knn \(exact\)"):
        score("mutual_knn", x, y, confound=z)
    with pytest.raises(ValueError, match=r"not from cka \(as_published\)"):
        score("cka", x, y, protocol="as_published", confound=z)
    with pytest.raises(ValueError, match="x has 30 rows, the confound 29"):
        score("cka", x, y, confound=z[1:])
    with pytest.raises(ValueError, match="the confound must be finite"):
        score("cka", x, y, confound=np.full((30, 1), np.nan))
    with pytest.raises(UndefinedScore, match=r"cka needs features that vary; .* of the confound"):
        score("cka", x, y, confound=np.ones((30, 1)))
