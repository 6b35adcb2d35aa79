"""Unbiased RBF CKA: against HSIC_1 written out, and at its chance level."""

import numpy as np
import pytest
import similarity_oracles as oracle

from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore


def _hsic_1(k, m):
    """Eq. 5 of Song et al. (2012) with loops over all ordered tuples of distinct stimuli, which it is the mean of."""
    n, total = len(k), 0.0
    for i in range(n):
        for j in range(n):
            for q in range(n):
                for r in range(n):
                    if len({i, j, q, r}) == 4:
                        total += k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])
    return total / (n * (n - 1) * (n - 2) * (n - 3))


@pytest.mark.parametrize("sigma", [0.05, 0.4, 3.0, 1e4])
def test_it_is_hsic_1_of_rbf_kernels_as_a_u_statistic(sigma):
    g = np.random.default_rng(0)
    x, y = g.normal(size=(7, 3)), g.normal(size=(7, 2))
    kernels = [np.expm1(-(oracle.distances(z) ** 2) / (2 * sigma**2)) for z in (x / 10, y / 10)]
    expected = _hsic_1(*kernels) / np.sqrt(_hsic_1(kernels[0], kernels[0]) * _hsic_1(kernels[1], kernels[1]))
    assert score("cka_rbf_unbiased", x / 10, y / 10, sigma=sigma) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rows", ["raw", "l2"])
@pytest.mark.parametrize("width", [{"sigma": 0.4}, {"sigma_median": 0.4}, {}])
def test_it_equals_the_plain_form_to_twelve_digits(rows, width, xy):
    x, y = (z.astype(float) for z in xy)
    found = score("cka_rbf_unbiased", x, y, rows=rows, **width)
    assert found == pytest.approx(oracle.cka_rbf_unbiased(x, y, rows=rows, **width), abs=1e-12)


def test_many_rows_in_float32_are_those_of_float64(many_rows):
    g = np.random.default_rng(1)
    x = g.normal(size=(many_rows, 6)).astype(np.float32)
    y = x[:, :4] + g.normal(size=(many_rows, 4)).astype(np.float32)
    for sigma in (0.15, 0.5, 2.0):
        single = score("cka_rbf_unbiased", x, y, sigma_median=sigma)
        assert single == pytest.approx(
            score("cka_rbf_unbiased", x.astype(float), y.astype(float), sigma_median=sigma), abs=1e-6
        )


def test_independent_representations_are_at_0_whatever_the_widths():
    g = np.random.default_rng(2)
    for d, sigma in ((2, 1.0), (200, 1.0), (200, 0.3)):
        drawn = [score("cka_rbf_unbiased", g.normal(size=(40, d)), g.normal(size=(40, d)), sigma_median=sigma)
                 for _ in range(200)]  # fmt: skip
        error = np.std(drawn) / np.sqrt(len(drawn))
        assert abs(np.mean(drawn)) < 4 * error and error < 0.01
        biased = score("cka_rbf", g.normal(size=(40, d)), g.normal(size=(40, d)), sigma_median=sigma)
        assert biased > 0.05


def test_stimuli_that_are_all_equally_far_apart_have_no_score():
    with pytest.raises(UndefinedScore, match="cka_rbf_unbiased needs distances that differ"):
        score("cka_rbf_unbiased", np.eye(20), np.eye(20))
    with pytest.raises(UndefinedScore, match="cka_rbf_unbiased needs a median distance above 0"):
        score("cka_rbf_unbiased", np.eye(20)[np.maximum(np.arange(20) - 15, 0)], np.eye(20))
