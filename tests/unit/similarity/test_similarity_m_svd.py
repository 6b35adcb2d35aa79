"""m_SVD, max d_SVD and m_CCA against their definitions."""

import closeness_oracles as oracle
import numpy as np
import pytest

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.llv import llv_parts
from whyalike.similarity.metrics.m_svd import m_cca, m_svd, m_svd_unembeddings, max_d_svd

TO = 1e-10  # two float64 computations of numbers of order 1 in another order


@pytest.mark.parametrize(("pivot", "labels"), [(0, [1, 2]), (3, [6, 0]), (6, [2, 4])])
def test_m_svd_equals_plain_definition(pivot, labels, models):
    p, q = models
    assert m_svd(p, q, pivot=pivot, labels=labels) == pytest.approx(oracle.m_svd(*p, *q, pivot, labels), abs=TO)


@pytest.mark.parametrize(("pivot", "inputs"), [(0, [1, 2]), (20, [6, 11])])
def test_m_svd_of_unembeddings_equals_plain_definition(pivot, inputs, models):
    (f, g), (f2, g2) = models
    expected = oracle.m_svd(g, f, g2, f2, pivot, inputs)
    assert m_svd_unembeddings(*models, pivot=pivot, inputs=inputs) == pytest.approx(expected, abs=TO)


def test_labels_and_inputs_left_out_are_the_first_ones(models):
    assert m_svd(*models) == m_svd(*models, pivot=0, labels=[1, 2])
    assert m_svd(*models, pivot=1) == m_svd(*models, pivot=1, labels=[0, 2])
    assert m_svd_unembeddings(*models, pivot=2) == m_svd_unembeddings(*models, pivot=2, inputs=[0, 1])


def test_m_svd_solved_by_eye():
    f = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    g = np.array([[0.0, 0], [1, 0], [0, 1]])  # so that Z is f, but for scale
    one_direction = f[:, [0, 0]]  # correlations with f's columns: (1, 1) and (0, 0); singular values sqrt(2) and 0
    assert m_svd((f, g), (one_direction, g)) == pytest.approx(np.sqrt(2) / 2, abs=1e-14)
    assert m_svd((f, g), (f[:, ::-1], g)) == pytest.approx(1)  # axes exchanged: another linear map


@pytest.mark.parametrize("width", [1, 2, 3])
def test_max_d_svd_is_the_largest_over_all_sets_of_labels(width, monkeypatch):
    g = np.random.default_rng(width)
    p = g.normal(size=(25, width)), g.normal(size=(8, width))
    q = tuple(z + 0.5 * g.normal(size=z.shape) for z in p)
    for step in (1 << 20, 16 * width**2 * 4):  # all sets at once, four at a time
        monkeypatch.setattr("whyalike.similarity.metrics.m_svd.BLOCK", step)
        assert max_d_svd(p, q, pivot=2, left_out=7) == pytest.approx(oracle.max_d_svd(p, q, 2, 7), abs=TO)
        parts = llv_parts(p, q)
        expected = oracle.max_d_svd(p, q, parts.pivot, parts.left_out)
        assert max_d_svd(p, q) == pytest.approx(expected, abs=TO)


def test_m_cca_equals_plain_definition_also_with_other_widths(models):
    p, q = models
    narrow = q[0][:, 1:], q[1][:, 1:]
    assert m_cca(p, q) == pytest.approx(oracle.m_cca(p, q), abs=TO)
    assert m_cca(p, narrow) == pytest.approx(oracle.m_cca(p, narrow), abs=TO)


def test_m_cca_counts_no_directions_without_variance(models):
    (f, g), q = models
    padded = np.column_stack([f, f.sum(axis=1)]), np.column_stack([g, g[:, 0]])
    assert m_cca(padded, q) == pytest.approx(m_cca((f, g), q), abs=TO)
    assert m_cca((f, 0 * g), q) == m_cca((f, g), q)  # unembeddings do not count


@pytest.mark.parametrize(
    ("metric", "given", "message"),
    [
        (m_svd, {"labels": [1]}, "m_svd needs M = 2 labels besides the pivot; got 1"),
        (m_svd, {"labels": [1, 7]}, "m_svd needs distinct labels from 0 to 6; got 0, 1, 7, pivot first"),
        (m_svd, {"pivot": 2, "labels": [2, 3]}, "needs distinct labels from 0 to 6; got 2, 2, 3"),
        (m_svd, {"pivot": -1}, "needs distinct labels from 0 to 6; got -1, 0, 1"),
        (m_svd_unembeddings, {"inputs": [1, 25]}, "needs distinct inputs from 0 to 24; got 0, 1, 25"),
        (max_d_svd, {"pivot": 2}, "max_d_svd needs both pivot and left_out or neither; got 2 and None"),
        (max_d_svd, {"pivot": 2, "left_out": 2}, "max_d_svd needs distinct labels from 0 to 6; got 2, 2"),
    ],
)
def test_wrong_labels_and_inputs_are_refused(metric, given, message, models):
    with pytest.raises(ValueError, match=message):
        metric(*models, **given)


def test_too_few_labels_and_inputs_are_undefined(models):
    (f, g), (f2, g2) = models
    with pytest.raises(UndefinedScore, match="m_svd needs at least 3 labels, a pivot and M = 2 others; there are 2"):
        m_svd((f, g[:2]), (f2, g2[:2]))
    with pytest.raises(UndefinedScore, match="m_svd_unembeddings needs at least 3 inputs, a pivot and M = 2 others"):
        m_svd_unembeddings((f[:2], g), (f2[:2], g2))
    with pytest.raises(
        UndefinedScore, match=r"max_d_svd needs at least 4 labels, a pivot, one left out .* there are 3"
    ):
        max_d_svd((f, g[:3]), (f2, g2[:3]))
    with pytest.raises(UndefinedScore, match="m_svd needs at least 2 inputs, to vary; there are 1"):
        m_svd((f[:1], g), (f2[:1], g2))


def test_log_odds_without_variance_name_model_and_label(models):
    p, (f2, g2) = models
    same = g2.copy()
    same[4] = same[1] + 1e-15  # rounding
    with pytest.raises(UndefinedScore, match="under q those of label 4 against pivot 1 have no variance"):
        m_svd(p, (f2, same), pivot=1, labels=[0, 4])
    with pytest.raises(UndefinedScore, match="max_d_svd needs log-odds that vary; under q those of label 4 against"):
        max_d_svd(p, (f2, same), pivot=1, left_out=0)
