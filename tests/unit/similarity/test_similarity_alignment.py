"""Alignment by a fitted map: what each map finds, how they relate, and where they have no value."""

import numpy as np
import ot
import pytest
import scipy.linalg
import similarity_oracles as oracle
from sklearn.model_selection import KFold

from whyalike.similarity import folds
from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.descriptions import describe
from whyalike.similarity.metrics.alignment import assignment, least_squares_inverse, rotation, transport
from whyalike.similarity.nulls import row_orders
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

ALIGNMENTS = ("linear", "procrustes", "permutation", "soft_matching")


@pytest.fixture
def source():
    return np.random.default_rng(0).normal(size=(120, 6)) * np.arange(1, 7)


@pytest.fixture
def maps():
    """A linear map, a rotation and a permutation of six units."""
    g = np.random.default_rng(1)
    return {
        "linear": g.normal(size=(6, 6)),
        "procrustes": np.linalg.qr(g.normal(size=(6, 6))).Q,
        "permutation": np.eye(6)[g.permutation(6)],
    }


def test_each_map_is_found_by_its_own_family_and_those_that_hold_it(source, maps):
    found = {name: [m for m in ALIGNMENTS if score(m, source, source @ w) > 1 - 1e-9] for name, w in maps.items()}
    assert found == {
        "linear": ["linear"],
        "procrustes": ["linear", "procrustes"],
        "permutation": list(ALIGNMENTS),
    }


def test_on_training_data_permutation_errs_most_and_least_squares_least(source, maps):
    g = np.random.default_rng(2)
    x = source - source.mean(axis=0)
    y = source @ maps["linear"] + g.normal(size=x.shape)
    y -= y.mean(axis=0)
    product = x.T @ y
    correlations = product / np.linalg.norm(x, axis=0)[:, None] / np.linalg.norm(y, axis=0)
    fitted = 6 * assignment(correlations), rotation(product), least_squares_inverse(x.T @ x, 0) @ product
    errors = [np.linalg.norm(x @ w - y) for w in fitted]
    best = min(np.linalg.norm(x @ np.eye(6)[g.permutation(6)] - y) for _ in range(2000))  # nearly all of 720
    assert best >= errors[1] > errors[2]
    assert errors[0] >= best - 1e-9


def test_soft_matching_equals_permutation_where_widths_are_equal(xy):
    x, y = xy[0][:, :5], xy[1]
    expected = score("permutation", x, y)
    for kind in ("plan", "mapped"):
        assert score("soft_matching", x, y, score=kind) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_transport_is_as_good_as_other_solvers_and_has_its_marginals(shape):
    table = np.random.default_rng(0).uniform(-1, 1, size=shape)
    p, q = shape
    plan = transport(table)
    assert plan.sum(axis=1) == pytest.approx(np.full(p, 1 / p), abs=1e-12)
    assert plan.sum(axis=0) == pytest.approx(np.full(q, 1 / q), abs=1e-12)
    assert (plan * table).sum() == pytest.approx((oracle.transport(table) * table).sum(), abs=1e-9)
    theirs = ot.emd(np.full(p, 1 / p), np.full(q, 1 / q), 1 - table)
    assert (plan * table).sum() == pytest.approx((theirs * table).sum(), abs=1e-12)


def test_a_plan_that_is_not_optimal_is_no_score(monkeypatch):
    monkeypatch.setattr("whyalike.similarity.metrics.alignment.ITERATIONS", 1)
    with (
        pytest.warns(UserWarning, match="numItermax"),
        pytest.raises(UndefinedScore, match=r"soft_matching needs an optimal plan of 30 x 20 units: numItermax"),
    ):
        transport(np.random.default_rng(0).uniform(size=(30, 20)))


def test_assignment_by_hand():
    table = np.array([[0.9, 0.8, 0], [0.8, 0.1, 0], [0, 0, 0.5]])
    # 0 -> 1 and 1 -> 0 give 1.6, more than the .9 + .1 of taking the largest first
    assert assignment(table) == pytest.approx(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]) / 3)


def test_both_directions_count(xy):
    x, y = np.hstack([xy[1], np.random.default_rng(0).normal(size=(30, 3))])[:, [0, 1, 5, 6]], xy[1][:, :2]
    both = score("linear", x, y)
    assert both == pytest.approx(oracle.linear(x.astype(float), y.astype(float)), abs=1e-9)
    assert both < 0.9  # y is a part of x, but two units of x are not in y


def test_linear_needs_five_training_stimuli_a_unit_or_a_ridge(xy):
    message = (
        r"there are 24 for 7 units\. Use ridge > 0, at least 35 training stimuli, or fewer units\. \(layer 'x' of x"
    )
    with pytest.raises(UndefinedScore, match=message):
        score("linear", *xy)
    assert -1 <= score("linear", *xy, ridge=0.1) <= 1


def test_ridge_does_not_depend_on_the_features_scale(xy):
    values = [score("linear", c * xy[0].astype(float), xy[1], ridge=0.3) for c in (1e-4, 1, 1e4)]
    assert values == pytest.approx([values[1]] * 3, abs=1e-9)


def test_linear_of_units_that_repeat_others_is_the_same(source, maps):
    y = source @ maps["linear"]
    repeated = np.hstack([source, source[:, :2]])
    assert score("linear", repeated, y) == pytest.approx(1, abs=1e-9)


def test_permutation_needs_equal_widths(xy):
    with pytest.raises(UndefinedScore, match=r"equally many units that vary; there are 7 and 5\. Use soft_matching"):
        score("permutation", *xy)


@pytest.mark.parametrize("metric", ALIGNMENTS)
def test_units_constant_on_all_stimuli_are_dropped(metric, source):
    y = source @ np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6))).Q
    dead = np.hstack([source[:, :3], np.full((120, 2), 0.1), source[:, 3:]])
    assert score(metric, dead, y) == pytest.approx(score(metric, source, y), abs=1e-12)


@pytest.mark.parametrize("comparison", ["pearson", "spearman"])
@pytest.mark.parametrize("metric", ALIGNMENTS)
def test_a_unit_that_is_constant_on_a_fold_counts_as_zero_there(metric, comparison, source):
    x = source.copy()
    held_out = folds.fold_of_rows(120, 5, 42) == 2
    x[held_out, 0] = 0.1
    value = score(metric, x, x, comparison=comparison)
    assert value == pytest.approx(1 - 1 / 6 / 5, abs=1e-9)  # one of six units, one of five folds


@pytest.mark.parametrize("metric", ALIGNMENTS)
def test_a_unit_that_varies_on_one_fold_alone_gives_a_finite_score(metric, source):
    x = source.copy()
    x[folds.fold_of_rows(120, 5, 42) != 2, 0] = 3.3
    assert -1 <= score(metric, x, source) < 1


@pytest.mark.parametrize(("n", "count", "seed"), [(23, 5, 42), (23, 5, 43), (15, 3, 0), (101, 10, 7)])
def test_folds_are_scikit_learns(n, count, seed):
    parts = KFold(count, shuffle=True, random_state=seed).split(np.empty(n))
    found = [np.flatnonzero(folds.fold_of_rows(n, count, seed) == i).tolist() for i in range(count)]
    assert found == [held_out.tolist() for _, held_out in parts]


def test_training_products_are_those_of_the_centred_training_rows(xy):
    x, y = (z.astype(float) for z in xy)
    a, b = (folds.prepare(z, {"folds": 4, "seed": 1}) for z in (x, y))
    for i, product in enumerate(folds.training_products(a, b)):
        u, v = (z[a.fold != i] - z[a.fold != i].mean(axis=0) for z in (x, y))
        assert product == pytest.approx(u.T @ v, abs=1e-9)
        assert a.scales[i] == pytest.approx(np.linalg.norm(u, axis=0), abs=1e-9)


@pytest.mark.parametrize("metric", ALIGNMENTS)
def test_null_is_about_zero(metric, source):
    y = source @ np.random.default_rng(3).normal(size=(6, 6))
    chosen = scoring(metric, "exact", {})
    scorable = Workbench({"x": {"l": source}, "y": {"l": y}}, 0).scorable(
        "x", "y", Rows.of(np.arange(120)), chosen, "l"
    )
    null = [scorable.value(order) for order in row_orders(np.random.default_rng(0), 120, 300)]
    # a held-out row deviates against its training mean, so that folds lean below 0 by less than 1/n
    assert -1 / 120 - 4 * np.std(null) / np.sqrt(300) < np.mean(null) < 4 * np.std(null) / np.sqrt(300)


def test_plan_has_no_pooled_correlation(xy):
    with pytest.raises(ValueError, match=r"soft_matching cannot have score 'plan' and correlation 'pooled'\. The plan"):
        score("soft_matching", *xy, correlation="pooled")


@pytest.mark.parametrize(
    ("metric", "parameters", "message"),
    [
        ("linear", {"ridge": -1}, r"linear needs ridge from 0 to 1e\+60, or 'inner'; got -1"),
        ("linear", {"ridge": "much"}, r"linear needs ridge from 0 to 1e\+60, or 'inner'; got 'much'"),
        ("gulp", {"ridge": "inner"}, r"gulp needs ridge from 0 to 1e\+60; got 'inner'"),
        ("procrustes", {"folds": 1}, "procrustes needs a whole number folds >= 2; got 1"),
        ("permutation", {"seed": 1.5}, "permutation needs a whole number seed >= 0; got 1.5"),
        ("soft_matching", {"score": "hard"}, "needs score to be one of 'plan', 'mapped'; got 'hard'"),
        (
            "rsa",
            {"rdm": "manhattan"},
            "rsa needs rdm to be one of 'correlation', 'cosine', 'euclidean'; got 'manhattan'",
        ),
        ("procrustes_distance", {"angular": 1}, "needs angular to be one of False, True; got 1"),
    ],
)
def test_wrong_parameters_are_refused(metric, parameters, message):
    with pytest.raises(ValueError, match=message):
        scoring(metric, "exact", parameters)


def test_folds_need_three_held_out_stimuli(xy):
    with pytest.raises(UndefinedScore, match="needs 3 held-out stimuli in each of 11 folds; there are 30 stimuli"):
        score("procrustes", *xy, folds=11)


@pytest.mark.parametrize("scale", [1e-12, 1e-8, 1e8, 1e12])
def test_least_squares_do_not_see_the_scales_of_units(scale):
    g = np.random.default_rng(0)
    signal = g.normal(size=(400, 6))
    x, y = signal + 0.5 * g.normal(size=(400, 6)), signal @ g.normal(size=(6, 6)) + 0.5 * g.normal(size=(400, 6))
    scales = np.array([scale, 1, 1, 1, 1, 1])
    assert score("linear", x * scales, y * scales) == pytest.approx(score("linear", x, y), abs=1e-9)  # float64 rounding
    assert score("linear", x * scales, y * scales, ridge=0.1) < score("linear", x, y, ridge=0.1) - 0.01  # it sees them


def test_repeated_units_of_other_scales_change_no_least_squares_prediction():
    g = np.random.default_rng(0)
    x = g.normal(size=(200, 5))
    y = x @ g.normal(size=(5, 4)) + g.normal(size=(200, 4))
    twice = np.column_stack([x, 1e9 * x[:, :2]])
    folded = {"correlation": "pooled"}
    forth = [least_squares_inverse(z.T @ z, 0) @ z.T @ y for z in (x, twice)]
    np.testing.assert_allclose(twice @ forth[1], x @ forth[0], atol=1e-8)  # float64 rounding of 200 terms
    assert np.isfinite(score("linear", twice, y, **folded))


def test_the_exact_bits_of_well_scaled_least_squares_stay():
    """Units of like scales are inverted as they are, not scaled first."""
    x = np.random.default_rng(0).normal(size=(50, 4)) * [1, 2, 30, 400]
    gram = x.T @ x
    expected = scipy.linalg.cho_solve((scipy.linalg.cholesky(gram), False), np.eye(4))
    np.testing.assert_array_equal(least_squares_inverse(gram, 0), expected)


def test_with_more_units_than_training_stimuli_a_copy_is_known_on_their_span_alone():
    x = np.random.default_rng(0).normal(size=(15, 40))
    assert score("procrustes", x, x) < 0.9
    assert score("procrustes", x[:, :8], x[:, :8]) == pytest.approx(1, abs=1e-9)
    assert "more units than training stimuli" in describe("procrustes").note
