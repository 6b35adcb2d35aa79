"""Constructed models say what the paper says: close in distribution and unlike, and the bound by d_LLV."""

import numpy as np
import pytest

from whyalike.similarity.metrics.divergences import kl_divergence
from whyalike.similarity.metrics.llv import llv_parts
from whyalike.similarity.metrics.m_svd import m_cca, m_svd_unembeddings, max_d_svd
from whyalike.studies.closeness.constructed import ANGLE, PERMUTATION, RADII, noisy_copies, permuted_circle


def test_divergence_vanishes_with_the_radius_while_models_stay_unlike():
    kl, llv, d_svd, cca = np.array(
        [
            [kl_divergence(p, q), llv_parts(p, q, num_samples=100).distance, max_d_svd(p, q), m_cca(p, q)]
            for p, q in map(permuted_circle, RADII)
        ]
    ).T
    assert kl[-1] < 1e-4 * kl[1]
    assert (np.diff(kl[1:]) < 0).all()
    assert llv.min() > 1
    assert np.ptp(llv) < 1e-4 * llv.min()  # ln sum exp is the largest logit but for exp(-rho)
    assert np.ptp(d_svd) < 1e-12 < 0.9 < d_svd.min()
    assert cca.max() < 0.01
    assert (d_svd <= 4 * llv).all()


def test_both_models_of_a_circle_give_every_input_its_label():
    for rho in (RADII[0], RADII[-1]):
        for f, g in permuted_circle(rho, per_class=20):
            assert ((f @ g.T).argmax(axis=1) == np.repeat(np.arange(7), 20)).all()
            assert np.linalg.norm(g, axis=1) == pytest.approx(np.full(7, rho))


def test_embeddings_of_a_circle_are_as_described():
    (f, g), (f2, g2) = permuted_circle(3.0)
    assert (f.shape, g.shape, f2.shape, g2.shape) == ((3500, 2), (7, 2), (3500, 2), (7, 2))
    np.testing.assert_array_equal(g2, g[list(PERMUTATION)])
    lengths = np.linalg.norm(f, axis=1)
    assert lengths.min() >= 2
    assert (lengths - 2).mean() == pytest.approx(0.01 * np.sqrt(2 / np.pi), rel=0.05)  # mean of |N(0, 1)|; 4 SEs: .05
    cosines = np.einsum("ij,ij->i", f / lengths[:, None], np.repeat(g / 3, 500, axis=0))
    angles = np.arccos(np.minimum(cosines, 1))
    assert ANGLE * 0.99 < angles.max() <= ANGLE + 1e-7  # arccos near 1
    np.testing.assert_allclose(np.linalg.norm(f2, axis=1), lengths)


def test_bound_holds_at_every_noise_level_and_similarity_falls_with_noise():
    rows = []
    for level, p, q in noisy_copies():
        parts = llv_parts(p, q, num_samples=300)
        of_g = 1 - m_svd_unembeddings(p, q, pivot=parts.pivot_input, inputs=parts.inputs)
        rows.append((level, parts.distance, max_d_svd(p, q), of_g))
    level, distance, d_svd, of_g = np.array(rows).T
    assert len(rows) == 250
    assert (d_svd <= 4 * distance).all()
    assert (of_g <= 4 * distance).all()
    assert level[[0, -1]] == pytest.approx([1 / 250, 1])
    assert np.corrcoef(level, distance)[0, 1] > 0.8
    assert d_svd[:25].max() < d_svd[-25:].min()


def test_models_are_keyed_and_the_noise_of_a_circle_does_not_depend_on_rho():
    for part in range(2):
        np.testing.assert_array_equal(permuted_circle(2.0)[part][0], permuted_circle(5.0)[part][0])
    assert (permuted_circle(2.0, seed=1)[0][0] != permuted_circle(2.0)[0][0]).any()
    first, second = ([copy[0] for _, _, copy in noisy_copies(levels=3, seed=seed)] for seed in (0, 1))
    again = [copy[0] for _, _, copy in noisy_copies(levels=3)]
    np.testing.assert_array_equal(first, again)
    assert (np.array(first) != np.array(second)).all()


def test_a_circle_without_radius_is_refused():
    with pytest.raises(ValueError, match="radius of the unembeddings must be above 0; got 0"):
        permuted_circle(0)
