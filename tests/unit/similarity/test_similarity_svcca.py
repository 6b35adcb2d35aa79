"""SVCCA: dead units, wanted rank, and the reference's randomness, keyed."""

import numpy as np
import pytest
import similarity_oracles as oracle

from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.svcca import randomised_bases
from whyalike.similarity.preprocessing import l2_rows


@pytest.fixture
def big():
    g = np.random.default_rng(0)
    signal = g.normal(size=(200, 20))
    return tuple(signal @ g.normal(size=(20, 30)) + 2 * g.normal(size=(200, 30)) for _ in range(2))


def test_dead_units_do_not_count(xy):
    x, y = xy
    dead = np.column_stack([x, np.full(len(x), 0.1, np.float32), np.zeros(len(x), np.float32)])
    assert score("svcca", dead, y, dims=4) == pytest.approx(score("svcca", x, y, dims=4), abs=1e-12)


def test_exact_directions_are_those_of_the_centred_features(big):
    """As in Raghu et al.: no unit is scaled, so that a rotation changes nothing."""
    x, y = big
    turned = x @ np.linalg.qr(np.random.default_rng(1).normal(size=(30, 30))).Q
    assert score("svcca", turned, y, dims=5) == pytest.approx(score("svcca", x, y, dims=5), abs=1e-9)  # rounding
    leading = [np.linalg.svd(z - z.mean(axis=0), full_matrices=False)[0][:, :5] for z in big]
    expected = np.linalg.svd(leading[0].T @ leading[1], compute_uv=False).mean()
    assert score("svcca", x, y, dims=5) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("protocol", ["exact", "as_published"])
def test_too_few_dimensions_are_undefined(protocol, xy):
    with pytest.raises(UndefinedScore, match=r"svcca needs 10 dims.*rank 7"):
        score("svcca", xy[0], xy[0], protocol=protocol)


def test_published_value_is_keyed_and_differs_between_seeds(big):
    values = [score("svcca", *big, protocol="as_published", seed=seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_published_value_is_the_maximum_of_four_independent_draws(big):
    """Against draws made here from the reference's steps, without the package's preprocessing or keys."""
    g = np.random.default_rng(5)
    prepared = []
    for z in big:
        z = oracle.published(z)
        prepared.append((z - z.mean(axis=0)) / z.std(axis=0, ddof=1))

    def draw():
        u, v = (randomised_bases(z, 10, [g])[0][0] for z in prepared)
        return np.linalg.svd(u.T @ v, compute_uv=False).mean()

    expected = np.array([max(draw() for _ in range(4)) for _ in range(150)])
    got = np.array([score("svcca", *big, protocol="as_published", seed=seed) for seed in range(150)])
    error = np.sqrt(expected.var() / 150 + got.var() / 150)
    assert abs(expected.mean() - got.mean()) < 4 * error  # 4 standard errors
    single = np.mean([draw() for _ in range(150)])
    assert got.mean() > single + 4 * error  # a single draw is lower: the maximum is what counts


@pytest.mark.parametrize("shape", [(50, 12), (12, 50)])
def test_randomised_basis_finds_the_leading_vectors_where_the_spectrum_falls(shape):
    g = np.random.default_rng(0)
    u, s, vt = np.linalg.svd(g.normal(size=shape), full_matrices=False)
    x = u @ np.diag(10.0 ** -np.arange(len(s))) @ vt
    [(basis, values)] = randomised_bases(x, 3, [g])
    assert np.abs(np.sum(basis * u[:, :3], axis=0)) == pytest.approx(np.ones(3), abs=1e-6)  # falls by 1e5 a direction
    assert values == pytest.approx([1, 0.1, 0.01], rel=1e-6)


@pytest.mark.parametrize("shape", [(2500, 64), (40, 60)])
def test_draws_that_are_made_together_are_those_made_alone(shape):
    x = np.random.default_rng(0).normal(size=shape)
    together = randomised_bases(x, 5, [np.random.default_rng(seed) for seed in range(4)])
    for seed, (basis, s) in enumerate(together):
        [(alone, own)] = randomised_bases(x, 5, [np.random.default_rng(seed)])
        np.testing.assert_allclose(basis, alone, atol=1e-12)  # of small products BLAS rounds otherwise
        np.testing.assert_allclose(s, own, rtol=1e-12)


def test_all_draws_of_a_model_take_one_pass(big, monkeypatch):
    counts = []

    def counted(x, dims, generators):
        counts.append(len(generators))
        return randomised_bases(x, dims, generators)

    monkeypatch.setattr("whyalike.similarity.metrics.svcca.randomised_bases", counted)
    score("svcca", *big, protocol="as_published")
    assert counts == [4, 4]  # of each side: its layer and all layers, each with those of the other side


def test_row_normalisation_keeps_zero_rows():
    assert l2_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0, 0]]
