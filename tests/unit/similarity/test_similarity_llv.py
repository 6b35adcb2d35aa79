"""d_LLV against its definition; its labels and inputs; equal distributions; the bound on d_SVD."""

import closeness_oracles as oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.llv import LLV, draw_inputs, llv_distance, llv_parts
from whyalike.similarity.metrics.m_svd import m_svd_unembeddings, max_d_svd

TO = 1e-10  # two float64 computations of numbers of order 1 in another order


def pair_of_models(seed, width, extra_labels, extra_inputs, noise):
    """A model of n = M + 1 + extra inputs and K = M + 2 + extra labels, and its noisy copy."""
    g = np.random.default_rng(seed)
    first = g.normal(size=(width + 1 + extra_inputs, width)), g.normal(size=(width + 2 + extra_labels, width))
    return first, tuple(z + noise * g.normal(size=z.shape) for z in first)


SHAPES = given(
    st.integers(0, 10_000),
    st.integers(1, 3),
    st.integers(0, 4),
    st.integers(0, 20),
    st.sampled_from([1e-3, 0.1, 1, 10]),
)


@SHAPES
@settings(max_examples=40, deadline=None)
def test_parts_equal_plain_loops(seed, width, extra_labels, extra_inputs, noise):
    p, q = pair_of_models(seed, width, extra_labels, extra_inputs, noise)
    parts = llv_parts(p, q, num_samples=5, seed=seed)
    t1, t2, t3, t4, distance, labels, inputs = oracle.llv(p, q, draw_inputs(len(p[0]), width, 5, seed))
    got = [parts.t1, parts.t2, parts.t3, parts.t4, parts.distance]
    assert got == pytest.approx([t1, t2, t3, t4, distance], rel=1e-6, abs=TO)  # relative: t over a tiny sigma
    assert (parts.pivot_input, *parts.inputs) == inputs
    assert llv_distance(p, q, num_samples=5, seed=seed) == parts.distance
    if extra_labels:  # with M + 2 labels and M = 1, several choices tie
        assert (parts.pivot, parts.left_out) == labels


def test_parts_equal_plain_loops_whatever_is_in_work_at_once(models, monkeypatch):
    whole = llv_parts(*models)
    monkeypatch.setattr("whyalike.similarity.metrics.distributions.BLOCK", 20)
    monkeypatch.setattr("whyalike.similarity.metrics.llv.BLOCK", 100)  # two pivots, six tuples
    parts = llv_parts(*models)
    *numbers, labels, inputs = oracle.llv(*models, draw_inputs(25, 2, 200, 0))
    assert [parts.t1, parts.t2, parts.t3, parts.t4, parts.distance] == pytest.approx(numbers, abs=TO)
    assert (parts.pivot, parts.left_out) == labels == (whole.pivot, whole.left_out)
    assert (parts.pivot_input, *parts.inputs) == inputs == (whole.pivot_input, *whole.inputs)


def test_distance_of_models_solved_by_hand():
    """M = 1, uniform over two labels of opposite g but for f, so that all can be written down."""
    f, g = np.array([[1.0], [-1.0]]), np.array([[1.0], [0.0], [-1.0]])
    parts = llv_parts((f, g), (2 * f, g), num_samples=1)
    # ln p(y|x) = f g(y) - c, c equal for both inputs: f g(y) / SD[f (g(y) - g(y0))] does not change with 2 f
    assert (parts.t1, parts.t2) == pytest.approx((0, 0), abs=1e-15)
    # SD of f g(y), f = 1 and -1: sqrt(2) |g(y) - g(y0)|, and of f(x1) - f(x0) = 2 times g = 1, 0, -1: 2
    assert parts.t3 == pytest.approx(
        np.sqrt(2) * abs(g[parts.pivot, 0] - np.delete(g, [parts.pivot, parts.left_out])[0])
    )
    assert parts.t4 == pytest.approx(2)
    assert parts.distance == 1e-5 * max(parts.t3, parts.t4)
    assert llv_distance((f, g), (2 * f, g), num_samples=1, weight=1) == max(parts.t3, parts.t4)


@SHAPES
@settings(max_examples=40, deadline=None)
def test_equal_distributions_have_distance_zero_and_equal_representations(seed, width, extra, inputs, noise):
    (f, g), _ = pair_of_models(seed, width, extra, inputs, noise)
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(2, width, width))).Q
    a = q[0] @ np.diag(np.linspace(1, 10, width)) @ q[1]  # condition 10
    same = f @ a.T, g @ np.linalg.inv(a) + noise
    parts = llv_parts((f, g), same, num_samples=5, seed=seed)
    smallest = min(
        *(oracle.sd(row) for row in ((f - f[parts.pivot_input])[list(parts.inputs)] @ g.T)),
        *(oracle.sd(f @ (y - g[parts.pivot])) for i, y in enumerate(g) if i not in (parts.pivot, parts.left_out)),
    )
    assert parts.distance * min(1, smallest) == pytest.approx(0, abs=1e-11)  # rounding of a and its inverse, over sigma
    assert max_d_svd((f, g), same, pivot=parts.pivot, left_out=parts.left_out) == pytest.approx(0, abs=1e-9)


@SHAPES
@settings(max_examples=60, deadline=None)
def test_bound_on_d_svd_holds(seed, width, extra_labels, extra_inputs, noise):
    p, q = pair_of_models(seed, width, extra_labels, extra_inputs, noise)
    parts = llv_parts(p, q, num_samples=5, seed=seed)
    bound = 2 * width * parts.distance
    assert max_d_svd(p, q) <= bound + TO
    assert 1 - m_svd_unembeddings(p, q, pivot=parts.pivot_input, inputs=parts.inputs) <= bound + TO


def test_more_tuples_begin_with_the_same_ones_and_t2_does_not_grow(models):
    np.testing.assert_array_equal(draw_inputs(25, 2, 300, 4)[:100], draw_inputs(25, 2, 100, 4))
    t2 = [llv_parts(*models, num_samples=count).t2 for count in (1, 10, 100, 1000)]
    assert t2 == sorted(t2, reverse=True)
    assert t2[0] > t2[-1]


def test_tuples_are_distinct_uniform_and_keyed():
    tuples = draw_inputs(5, 2, 30_000, 0)
    assert (tuples.min(), tuples.max()) == (0, 4)
    assert all(len(set(row)) == 3 for row in tuples[:1000].tolist())
    counts = np.unique(tuples @ [25, 5, 1], return_counts=True)[1]
    assert len(counts) == 5 * 4 * 3
    assert abs(counts - 500).max() < 5 * np.sqrt(500)  # 60 cells of a Poisson count: 5 standard deviations
    assert (draw_inputs(5, 2, 100, 1) != tuples[:100]).any()
    assert sorted(draw_inputs(4, 3, 1, 0)[0]) == [0, 1, 2, 3]


def test_equal_unembeddings_of_two_labels_and_repeated_inputs_are_worked_around(models):
    (f, g), (f2, g2) = models
    p = np.vstack([f, f]), np.vstack([g, g[:1]])
    q = np.vstack([f2, f2]), np.vstack([g2, g2[:1]])
    parts = llv_parts(p, q, num_samples=50)
    assert np.isfinite(parts.distance)
    assert len({i % 25 for i in (parts.pivot_input, *parts.inputs)} - {parts.pivot_input % 25}) == 2  # no copy of it


def test_distance_is_the_largest_of_the_weighted_parts():
    places = {"pivot": 0, "left_out": 1, "pivot_input": 0, "inputs": (1,)}
    parts = [(4, 1, 1, 1), (1, 4, 1, 1), (1, 1, 8, 1), (1, 1, 1, 8)]
    assert [LLV(*four, **places, weight=0.5).distance for four in parts] == [4, 4, 4, 4]


def test_labels_that_differ_by_rounding_count_as_equal(models):
    (f, g), q = models
    near = g[[0, 0, 0, 1, 1, 1, 1]] + 1e-15 * np.arange(7)[:, None]
    with pytest.raises(UndefinedScore, match="those of label 1 against pivot 0 have no variance"):
        llv_distance((f, near), q)


def test_log_odds_without_variance_whatever_is_chosen_name_label_and_input(models):
    (f, g), q = models
    with pytest.raises(UndefinedScore, match="vary over inputs; those of label 1 against pivot 0 have no variance"):
        llv_distance((f, g[[0, 0, 0, 1, 1, 1, 1]]), q)
    repeated = np.repeat(f[:1], 25, axis=0)
    repeated[-1] += 1
    first = draw_inputs(25, 2, 1, 0)[0]
    assert 24 not in first  # so that all its inputs are the same
    message = f"vary over labels; those of input {first[1]} against pivot {first[0]} have no variance"
    with pytest.raises(UndefinedScore, match=message):
        llv_distance((repeated, g), q, num_samples=1)


def test_too_few_labels_inputs_or_samples_are_refused(models):
    (f, g), (f2, g2) = models
    with pytest.raises(UndefinedScore, match=r"needs at least 4 labels, a pivot, one left out and M = 2 others; .* 3"):
        llv_distance((f, g[:3]), (f2, g2[:3]))
    with pytest.raises(UndefinedScore, match="needs at least 3 inputs, a pivot and M = 2 others; there are 2"):
        llv_distance((f[:2], g), (f2[:2], g2))
    assert np.isfinite(llv_distance((f[:3], g[:4]), (f2[:3], g2[:4])))
    for wrong in (0, 2.0, True):
        with pytest.raises(ValueError, match=f"whole number num_samples >= 1; got {wrong}"):
            llv_distance(*models, num_samples=wrong)
    with pytest.raises(ValueError, match="needs weight >= 0; got -1"):
        llv_distance(*models, weight=-1)
