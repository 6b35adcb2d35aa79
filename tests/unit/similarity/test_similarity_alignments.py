"""All fitted maps of a pair at once: equal to the public metrics, known truths, rotated units, what is absent."""

import numpy as np
import pytest

from whyalike.similarity import folds
from whyalike.similarity.alignments import align, drawn, haar, rotations
from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.fold_moments import Moments
from whyalike.similarity.metrics.inner_ridge import GRID
from whyalike.similarity.prepared import Prepared

SAME = 1e-10  # float64: both sum thousands of products, in another order
BOTH = ("pearson", "spearman")
SCORED = [
    ("ols", "linear", {}),
    ("ridge", "linear", {"ridge": 0.1}),
    ("inner", "linear", {"ridge": "inner"}),
    ("procrustes", "procrustes", {}),
    ("permutation", "permutation", {}),
    ("soft", "soft_matching", {}),
    ("mapped", "soft_matching", {"score": "mapped"}),
    ("pooled", "procrustes", {"correlation": "pooled"}),
    ("pooled_units", "permutation", {"correlation": "pooled"}),
]


def world(n, d, seed=0, truth=0.8, decay=0.0):
    """Two rotated copies, one of them noisy, whose best linear map is a rotation and reaches ``truth``."""
    g = np.random.default_rng(seed)
    spread = np.arange(1, d + 1) ** (-decay / 2)  # variances fall as k to the power -decay
    x = g.normal(size=(n, d)) * spread
    noise = g.normal(size=(n, d)) * spread * np.sqrt(truth**-2 - 1)
    return x @ haar(d, g), (x + noise) @ haar(d, g)


def planted(n, p, q, seed=0):
    """Two related representations, n x p and n x q, whose units have means and spreads of their own."""
    x, y = world(n, max(p, q), seed, decay=1)
    return x[:, :p] * np.linspace(0.1, 3, p) + 5, y[:, :q] * np.linspace(3, 0.5, q) - 100


def expected(metric, x, y, **parameters):
    try:
        return score(metric, x, y, **parameters)
    except (UndefinedScore, ValueError):
        return None


@pytest.mark.parametrize(
    ("n", "p", "q"),
    [(150, 6, 6), (151, 6, 4), (150, 4, 9), (62, 30, 30), (90, 75, 75), (60, 80, 80), (60, 20, 90), (45, 70, 50)],
)
def test_values_are_those_of_the_public_metrics(n, p, q):
    x, y = planted(n, p, q)
    found = align(Prepared(x), Prepared(y), SCORED, BOTH)
    for name, metric, parameters in SCORED:
        for comparison in BOTH:
            value = expected(metric, x, y, comparison=comparison, **parameters)
            aligned = found.get((name, comparison))
            assert (aligned is None) == (value is None), (name, comparison)
            if aligned is not None:
                assert aligned.value == pytest.approx(value, abs=SAME), (name, comparison)
                assert (aligned.value_ab + aligned.value_ba) / 2 == pytest.approx(value, abs=SAME)


def test_units_that_are_constant_count_as_in_the_public_metrics():
    x, y = planted(150, 8, 8)
    held_out = folds.fold_of_rows(150, 5, 42) == 2
    x[held_out, 0], y[held_out, 4:7] = 0.1, (0.7, 1 / 3, 2 / 7)  # no correlation on this fold, whatever rounding leaves
    y[:, 3], x[:, 5] = 7, 1e5  # dropped
    found = align(Prepared(x), Prepared(y), SCORED, BOTH)
    for name, metric, parameters in SCORED:
        for comparison in BOTH:
            value = score(metric, x, y, comparison=comparison, **parameters)
            assert found[name, comparison].value == pytest.approx(value, abs=SAME), (name, comparison)
    x[~held_out, 1] = 3.3  # varies on one fold alone: there are no training stimuli to fit it on
    matched = align(Prepared(x), Prepared(y), SCORED[4:7], BOTH)
    for name, metric, parameters in SCORED[4:7]:
        for comparison in BOTH:
            value = score(metric, x, y, comparison=comparison, **parameters)
            assert matched[name, comparison].value == pytest.approx(value, abs=SAME), (name, comparison)
    assert -1 <= align(Prepared(x), Prepared(y), [("p", "procrustes", {})])["p", "pearson"].value < 1


def test_predictions_that_cancel_are_scored_from_rows():
    g = np.random.default_rng(0)
    x = g.normal(size=(200, 5))
    x = np.hstack([x, x[:, :2] + 1e-5 * g.normal(size=(200, 2))])  # maps use differences of nearly equal units
    y = np.hstack([1e5 * (x[:, 5:] - x[:, :2]), x[:, 2:5]])
    found = align(Prepared(x), Prepared(y), [("ols", "linear", {})])["ols", "pearson"]
    assert found.value_ab == pytest.approx(1, abs=1e-9)  # least squares lose ten of sixteen digits
    assert found.value == pytest.approx(score("linear", x, y), abs=1e-9)


def test_each_direction_and_the_spread_over_folds_are_told():
    x = np.random.default_rng(0).normal(size=(100, 6))
    found = align(Prepared(x), Prepared(x[:, :3]), [("l", "linear", {}), ("s", "soft_matching", {})])
    ols = found["l", "pearson"]
    assert ols.value_ab == pytest.approx(1, abs=1e-9)  # b is a part of a
    assert ols.value_ba == pytest.approx(0.5, abs=0.1)  # half of a's units are in b; the others correlate by chance
    assert 0 < ols.fold_sd < 0.1
    assert ols.matched is None
    swapped = align(Prepared(x[:, :3]), Prepared(x), [("l", "linear", {})])["l", "pearson"]
    assert (swapped.value_ab, swapped.value_ba) == pytest.approx((ols.value_ba, ols.value_ab), abs=SAME)


def test_at_equal_widths_soft_matching_is_permutation_and_all_of_it_one_to_one():
    x, y = planted(120, 9, 9)
    found = align(Prepared(x), Prepared(y), [("p", "permutation", {}), ("s", "soft_matching", {})])
    assert found["s", "pearson"].value == pytest.approx(found["p", "pearson"].value, abs=1e-14)
    assert found["s", "pearson"].matched == 1


def test_of_unequal_widths_the_plan_is_one_to_one_to_p_over_q_at_most():
    g = np.random.default_rng(0)
    x = g.normal(size=(120, 4))
    copies = np.hstack([x, x]) + 0.01 * g.normal(size=(120, 8))  # half of a unit's mass goes to each of its copies
    halves = align(Prepared(x), Prepared(copies), [("s", "soft_matching", {})])["s", "pearson"]
    assert halves.matched == pytest.approx(0.5, abs=1e-9)
    other = align(Prepared(x), Prepared(g.normal(size=(120, 7))), [("s", "soft_matching", {})])["s", "pearson"]
    assert other.matched <= 4 / 7 + 1e-9


@pytest.mark.parametrize(
    ("n", "d", "decay", "value"), [(160, 64, 0, 0.71), (160, 64, 1, 0.76), (160, 512, 0, 0.30), (160, 512, 1, 0.53)]
)
def test_with_few_stimuli_a_unit_procrustes_falls_far_below_the_truth(n, d, decay, value):
    found = [
        align(*map(Prepared, world(n, d, seed, decay=decay)), [("p", "procrustes", {})])["p", "pearson"].value
        for seed in range(3)
    ]
    assert np.mean(found) == pytest.approx(value, abs=0.025)  # SD over seeds .003 to .01, and the table has two digits


def test_with_two_stimuli_a_unit_least_squares_are_below_procrustes_of_the_same_truth():
    scored = [("p", "procrustes", {}), ("ols", "linear", {"ridge": 1e-9}), ("ridge", "linear", {"ridge": 0.1})]
    found = align(*map(Prepared, world(1000, 512, decay=1)), scored)
    values = [found[name, "pearson"].value for name in ("p", "ols", "ridge")]
    assert values == pytest.approx([0.743, 0.563, 0.684], abs=0.012)  # SD over seeds .001, and of another draw of units


@pytest.mark.slow
def test_at_ten_thousand_stimuli_all_reach_the_truth():
    scored = [("p", "procrustes", {}), ("inner", "linear", {"ridge": "inner"})]
    found = align(*map(Prepared, world(10_000, 512)), scored)
    assert found["p", "pearson"].value == pytest.approx(0.79, abs=0.01)
    assert found["inner", "pearson"].value == pytest.approx(0.79, abs=0.015)


# ---- a ridge of inner folds ----


@pytest.mark.parametrize(("n", "d", "decay"), [(160, 40, 0), (160, 40, 1), (100, 120, 1), (600, 40, 0)])
def test_a_ridge_of_inner_folds_is_as_good_as_the_best_fixed_one(n, d, decay):
    scored = [(str(ridge), "linear", {"ridge": float(ridge)}) for ridge in GRID]
    found = align(*map(Prepared, world(n, d, decay=decay)), [("inner", "linear", {"ridge": "inner"}), *scored])
    best = max(found[name, "pearson"].value for name, _, _ in scored)
    assert found["inner", "pearson"].value > best - 0.005  # the best is chosen on what is held out


def plain_inner(x, y, n_folds=5):
    """Ridges and held-out correlation of x -> y by plain loops over fits of rows."""
    fold = folds.fold_of_rows(len(x), n_folds, 42)

    def fit(train, ridge):
        a, b = x[train] - x[train].mean(axis=0), y[train] - y[train].mean(axis=0)
        penalty = ridge * np.trace(a.T @ a) / x.shape[1]
        return np.linalg.solve(a.T @ a + penalty * np.eye(x.shape[1]), a.T @ b)

    ridges, scores = [], []
    for i in range(n_folds):
        errors = np.zeros(len(GRID))
        for j in set(range(n_folds)) - {i}:
            train, tested = (fold != i) & (fold != j), fold == j
            for k, ridge in enumerate(GRID):
                w = fit(train, ridge)
                off = (x[tested] - x[train].mean(axis=0)) @ w - (y[tested] - y[train].mean(axis=0))
                errors[k] += (off**2 / y[train].var(axis=0)).sum()
        ridges.append(GRID[errors.argmin()])
        predicted, response = x[fold == i] @ fit(fold != i, ridges[-1]), y[fold == i]
        scores.append([np.corrcoef(predicted[:, k], response[:, k])[0, 1] for k in range(y.shape[1])])
    return ridges, np.mean(scores)


@pytest.mark.parametrize(("n", "p", "q"), [(100, 12, 7), (50, 9, 60), (40, 60, 9), (40, 50, 60)])
def test_the_ridge_is_that_of_plain_loops(n, p, q):
    x, y = planted(n, p, q)
    a, b = Prepared(x), Prepared(y)
    ridges, value = plain_inner(x, y)
    products = Moments.of(a.coordinates, b.coordinates)
    assert list(a.spectra.ridges(products, b.weights)) == ridges
    found = align(a, b, [("inner", "linear", {"ridge": "inner"})])["inner", "pearson"]
    assert found.value_ab == pytest.approx(value, abs=1e-9)


def test_held_out_stimuli_do_not_choose_their_ridge():
    x, y = world(120, 30, decay=1)
    held_out = folds.fold_of_rows(120, 5, 42) == 2
    others = y.copy()
    others[held_out] = 30 * np.random.default_rng(1).normal(size=(held_out.sum(), 30))
    a, both = Prepared(x), [Prepared(y), Prepared(others)]
    chosen, changed = (a.spectra.ridges(Moments.of(a.units, b.units), b.weights) for b in both)
    assert chosen[2] == changed[2]
    assert (np.delete(chosen, 2) < np.delete(changed, 2)).all()  # of the other folds noise asks for a larger one
    maps = [a.spectra.maps(Moments.of(a.units, b.units), b.weights)[2] for b in both]
    assert maps[0] == pytest.approx(maps[1], abs=1e-9)


def test_a_ridge_of_inner_folds_needs_three_folds():
    x, y = world(60, 4)
    assert align(Prepared(x, folds=2), Prepared(y, folds=2), [("l", "linear", {"ridge": "inner"})]) == {}
    with pytest.raises(ValueError, match=r"linear cannot have ridge 'inner' and folds 2\. .*3 folds or more"):
        score("linear", x, y, ridge="inner", folds=2)


# ---- rotated units ----


@pytest.mark.parametrize(("n", "d"), [(200, 7), (60, 20), (40, 50)])  # by products, by rows, and in fewer directions
@pytest.mark.parametrize("standardised", [True, False])
def test_rotations_are_those_of_rotated_rows(n, d, standardised):
    x, y = planted(n, d, d)
    (u, v) = (x / x.std(axis=0), y / y.std(axis=0)) if standardised else (x, y)
    one = rotations(Prepared(x), Prepared(y), 2, 3, standardised)
    both = rotations(Prepared(x), Prepared(y), 2, 3, standardised, both=True)
    for draw in range(2):
        q, r = drawn(d, 3, draw, "a"), drawn(d, 3, draw, "b")
        assert one[draw] == pytest.approx(score("permutation", u @ q, y), abs=SAME)
        assert both[draw] == pytest.approx(score("permutation", u @ q, v @ r), abs=SAME)


def test_a_draw_does_not_depend_on_how_many_there_are_and_another_seed_gives_others():
    a, b = map(Prepared, world(100, 5))
    assert rotations(a, b, 3, 0)[:2] == pytest.approx(rotations(a, b, 2, 0), abs=0)
    assert (np.abs(rotations(a, b, 3, 0) - rotations(a, b, 3, 1)) > 1e-6).all()


def test_rotation_takes_the_units_of_a_copy_and_leaves_those_of_a_rotation():
    g = np.random.default_rng(0)
    x = g.normal(size=(400, 20))
    y = x + 0.5 * g.normal(size=x.shape)
    native = align(Prepared(x), Prepared(y), [("p", "permutation", {})])["p", "pearson"].value
    turned = align(Prepared(x), Prepared(y @ haar(20, g)), [("p", "permutation", {})])["p", "pearson"].value
    drawn_values = rotations(Prepared(x), Prepared(y), 10, 0)
    assert native > 0.85
    assert drawn_values.max() < 0.6
    assert abs(turned - drawn_values.mean()) < 4 * drawn_values.std()  # one more draw of the same


def test_rotations_are_uniform():
    g = np.random.default_rng(0)
    draws, d = 2000, 3
    made = np.array([haar(d, g) for _ in range(draws)])
    assert made @ made.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(d), made.shape), abs=1e-12)
    # of a uniform direction: mean 0, variance 1/d, fourth moment 3 / d(d + 2); without the sign fix the mean is -.5
    first = made[:, 0, 0]
    error = 4 / np.sqrt(draws)  # four standard errors of what has SD 1; entries have less
    assert abs(first.mean()) < error
    assert (first**2).mean() == pytest.approx(1 / d, abs=error)
    assert (first**4).mean() == pytest.approx(3 / (d * (d + 2)), abs=error)
    assert abs(np.sign(np.linalg.det(made)).mean()) < error  # reflections as often as rotations


# ---- what has no value, and wrong calls ----


def test_undefined_scores_are_absent():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(60, 12)), g.normal(size=(60, 8))
    scored = [(name, name, {}) for name in ("linear", "procrustes", "permutation", "soft_matching")]
    found = align(Prepared(x), Prepared(y), scored)  # 48 training stimuli for 12 units; widths differ
    assert set(found) == {("procrustes", "pearson"), ("soft_matching", "pearson")}
    assert rotations(Prepared(x), Prepared(y), 3, 0).shape == (0,)
    for short in (np.full((60, 8), 2.0), y[:14]):  # a constant layer; fewer than three stimuli a fold
        assert align(Prepared(x[: len(short)]), Prepared(short), scored) == {}


def test_a_scoring_with_a_comparison_of_its_own_has_that_one():
    a, b = map(Prepared, world(60, 4))
    found = align(a, b, [("p", "procrustes", {"comparison": "spearman"}), ("q", "procrustes", {})], BOTH)
    assert set(found) == {("p", "spearman"), ("q", "pearson"), ("q", "spearman")}


def test_wrong_calls_say_what_is_wrong():
    x, y = world(60, 4)
    with pytest.raises(ValueError, match=r"same stimuli and folds: there are 60 and 50 stimuli, 5 and 5 folds"):
        align(Prepared(x), Prepared(y[:50]), [])
    with pytest.raises(ValueError, match=r"'c' needs a metric that fits a map; got 'cka'"):
        align(Prepared(x), Prepared(y), [("c", "cka", {})])
    with pytest.raises(ValueError, match=r"'p' has \{'folds': 10\}, and its representations 5 folds of key 42"):
        align(Prepared(x), Prepared(y), [("p", "procrustes", {"folds": 10})])
    with pytest.raises(ValueError, match=r"finite matrix, stimuli x units; its shape is \(60,\)"):
        Prepared(x[:, 0])
    x[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"finite matrix, stimuli x units; its shape is \(60, 4\)"):
        Prepared(x)


def test_a_representation_is_not_changed_and_float32_is_enough():
    x, y = (one.astype(np.float32) for one in world(100, 5))
    before = x.copy()
    found = align(Prepared(x), Prepared(y), [("p", "procrustes", {})])["p", "pearson"].value
    assert np.array_equal(x, before)
    double = align(Prepared(x.astype(np.float64)), Prepared(y.astype(np.float64)), [("p", "procrustes", {})])
    assert found == double["p", "pearson"].value
