"""All pairs among M models: by hand, and by simulation of models and pairs that vary."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from whyalike.statistics.dyadic import (
    correlation_interval,
    mantel,
    node_jackknife,
    node_jackknife_of_two,
    square,
    upper,
)


def _table(*values):
    """A symmetric table from its upper triangle, row by row."""
    models = int((1 + np.sqrt(1 + 8 * len(values))) / 2)
    table = np.zeros((models, models))
    table[np.triu_indices(models, 1)] = values
    return table + table.T


def _simulated(g, models, of_models, of_pairs):
    """Pairs a_i + a_j + e_ij."""
    a = of_models * g.normal(size=models)
    return _table(*(upper(a[:, None] + a) + of_pairs * g.normal(size=models * (models - 1) // 2)))


def test_square_reads_pairs_in_any_order_and_takes_the_mean_of_both_directions():
    pairs = pd.DataFrame({"a": ["y", "x", "z", "z"], "b": ["x", "z", "x", "y"], "value": [1.0, 2.0, 4.0, 5.0]})
    assert square(pairs, ["x", "y", "z"]).tolist() == [[0, 1, 3], [1, 0, 5], [3, 5, 0]]
    assert square(pairs)[0].tolist() == [0, 1, 5]  # y comes first
    assert square(pairs, ["z", "x"]).tolist() == [[0, 3], [3, 0]]  # the others are left out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("x", "y", 1)], "2 of 3 are missing: x, z; y, z. Score them"),
        ([("x", "y", 1), ("x", "y", 2)], "each pair of two models once; got x, y again"),
        ([("x", "x", 1)], "got x, x again"),
    ],
)
def test_square_refuses_pairs_that_are_missing_or_twice(rows, message):
    with pytest.raises(ValueError, match=message):
        square(pd.DataFrame(rows, columns=["a", "b", "value"]), ["x", "y", "z"])


def test_square_is_of_one_metric():
    pairs = pd.DataFrame({"metric": ["cka", "cca"], "a": "x", "b": "y", "value": 1.0})
    with pytest.raises(ValueError, match="of one metric; got cka, cca"):
        square(pairs)


def test_node_jackknife_by_hand():
    # pairs 01 02 03 12 13 23; without a model three pairs are left
    found = node_jackknife(_table(1, 2, 3, 4, 5, 9))
    without = np.array([(4 + 5 + 9) / 3, (2 + 3 + 9) / 3, (1 + 3 + 5) / 3, (1 + 2 + 4) / 3])
    assert found.value == 4
    assert found.standard_error == pytest.approx(np.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum()), abs=1e-12)
    assert found.high - found.value == pytest.approx(3.182446305 * found.standard_error, abs=1e-8)  # t, 3 degrees
    assert found.models == 4


def test_node_jackknife_of_three_models_by_hand():
    found = node_jackknife(_table(1, 2, 6))  # without a model a pair is left: 6, 2, 1
    assert (found.value, found.models) == (3, 3)
    assert found.standard_error == pytest.approx(np.sqrt(2 / 3 * (9 + 1 + 4)), abs=1e-12)
    assert found.value - found.low == pytest.approx(4.302652730 * found.standard_error, abs=1e-8)  # t, 2 degrees


def test_node_jackknife_of_two_tables_leaves_a_model_out_of_both():
    g = np.random.default_rng(0)
    a, b = _simulated(g, 6, 1, 1), _simulated(g, 6, 1, 1)
    found = node_jackknife_of_two(a, b, lambda x, y: float((x * y).sum()))
    without = [(upper(np.delete(np.delete(a, i, 0), i, 1)) * upper(np.delete(np.delete(b, i, 0), i, 1))).sum()
               for i in range(6)]  # fmt: skip
    assert found.value == pytest.approx((upper(a) * upper(b)).sum())
    assert found.standard_error == pytest.approx(np.sqrt(5 / 6 * ((without - np.mean(without)) ** 2).sum()))


def test_node_jackknife_takes_any_statistic():
    table = _table(1, 2, 3, 4, 5, 9)
    assert node_jackknife(table, lambda t: float(np.median(upper(t)))).value == 3.5


@pytest.mark.parametrize(("of_models", "of_pairs"), [(1, 0), (1, 1), (0, 1)])
def test_node_jackknife_of_three_models_holds_the_mean(of_models, of_pairs):
    g = np.random.default_rng(0)
    found = [node_jackknife(_simulated(g, 3, of_models, of_pairs)) for _ in range(600)]
    assert np.mean([one.low <= 0 <= one.high for one in found]) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 600)


@pytest.mark.parametrize("true", [0, 0.6])
def test_the_interval_of_a_correlation_holds_it(true):
    """Models' effects correlate; pairs have a quarter of their variance more, of their own."""
    g = np.random.default_rng(0)
    held = []
    for _ in range(300):
        effects = g.multivariate_normal([0, 0], [[1, true], [true, 1]], size=10).T
        a, b = (_table(*(upper(x[:, None] + x) + 0.5 * g.normal(size=45))) for x in effects)
        low, high = correlation_interval(a, b)
        held.append(low <= 2 * true / 2.25 <= high)
    assert np.mean(held) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 300)


def test_a_correlation_that_is_whole_or_lacks_without_a_model_has_no_interval():
    g = np.random.default_rng(0)
    a = _simulated(g, 5, 1, 1)
    alone = np.zeros((5, 5))
    alone[0, 1] = alone[1, 0] = 1  # without model 0 nothing varies
    assert correlation_interval(a, 2 * a) is None
    assert correlation_interval(a, alone) is None
    assert correlation_interval(a, _simulated(g, 5, 1, 1), "spearman") is not None


@pytest.mark.parametrize(("of_models", "of_pairs"), [(1, 0), (1, 1), (0, 1)])
def test_node_jackknife_holds_the_mean_where_models_or_pairs_vary(of_models, of_pairs):
    g = np.random.default_rng(0)
    found = [node_jackknife(_simulated(g, 10, of_models, of_pairs)) for _ in range(600)]
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert held > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 600)  # 4 binomial standard errors
    ratio = np.mean([one.standard_error**2 for one in found]) / np.var([one.value for one in found])
    # right for models, (M - 1)/M * 4/((M - 1)(M - 2)) over 2/(M (M - 1)) = 2.25 for pairs; 600 variances: 6 % each
    expected = {(1, 0): 1, (1, 1): None, (0, 1): 2.25}[of_models, of_pairs]
    assert ratio == pytest.approx(expected, rel=0.25) if expected else 1 < ratio < 1.6


def test_resampling_pairs_would_not_hold_the_mean():
    """Why none of it is done: the interval of independent numbers is much too narrow."""
    g = np.random.default_rng(0)
    held = []
    for _ in range(300):
        values = upper(_simulated(g, 10, 1, 0.3))
        held.append(abs(values.mean()) < 2.0154 * values.std(ddof=1) / np.sqrt(45))  # t, 44 degrees
    assert np.mean(held) < 0.8


@pytest.mark.parametrize(("method", "theirs"), [("pearson", pearsonr), ("spearman", spearmanr)])
def test_mantel_is_the_correlation_of_the_pairs(method, theirs):
    g = np.random.default_rng(0)
    a, b = _simulated(g, 8, 1, 1), _simulated(g, 8, 1, 1)
    np.fill_diagonal(b, 99)  # not read
    assert mantel(a, b, 9, method=method).value == pytest.approx(theirs(upper(a), upper(b)).statistic, abs=1e-12)


def test_mantel_by_hand_counts_all_permutations_of_four_models():
    a = _table(9, 1, 1, 1, 1, 9)  # two couples: 01 and 23
    found = mantel(a, a)
    # 8 of the 24 permutations keep the couples
    assert found.value == pytest.approx(1)
    assert (found.p_value, found.orders, found.exact) == (8 / 24, 24, True)
    drawn = mantel(a, a, 22)  # 23 other orders are one too many
    assert (drawn.orders, drawn.exact) == (23, False) and drawn.p_value >= 1 / 23


def test_mantel_of_all_orders_is_what_scipy_counts():
    g = np.random.default_rng(0)
    a, b = _simulated(g, 5, 1, 1), _simulated(g, 5, 1, 1)
    all_r = [pearsonr(upper(a), upper(b[np.ix_(order, order)])).statistic for order in permutations(range(5))]
    assert mantel(a, b).p_value == np.mean(np.abs(all_r) >= abs(all_r[0]) - 1e-12)


def test_mantel_of_all_orders_is_wrong_in_at_most_five_per_cent_and_never_below_its_least():
    g = np.random.default_rng(1)
    p = np.array([mantel(_simulated(g, 5, 1, 0.5), _simulated(g, 5, 1, 0.5)).p_value for _ in range(400)])
    assert p.min() >= 1 / 120
    assert np.mean(p <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 400))


def test_mantel_finds_a_shared_design_of_models():
    g = np.random.default_rng(0)
    family = np.arange(12) % 3
    design = (family[:, None] == family).astype(float)
    alike = _table(*(upper(design) + 0.5 * g.normal(size=66)))
    found = mantel(alike, design, 999)
    assert found.value > 0.5
    assert found.p_value <= 3 / 1000  # 1 of the 5,775 ways to make three families is this one


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_mantel_is_wrong_in_at_most_five_per_cent_of_unrelated_tables(method):
    g = np.random.default_rng(1)
    p = [mantel(_simulated(g, 9, 1, 0.5), _simulated(g, 9, 1, 0.5), 99, seed, method).p_value for seed in range(500)]
    error = np.sqrt(0.05 * 0.95 / 500)
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * error
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 500))


def test_mantel_is_keyed():
    g = np.random.default_rng(0)
    a, b = _simulated(g, 8, 1, 1), _simulated(g, 8, 1, 1)
    assert mantel(a, b, 99) == mantel(a, b, 99)
    assert mantel(a, b, 99).p_value != mantel(a, b, 99, seed=3).p_value


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (np.zeros((3, 3)), np.zeros((3, 3)), {}, r"a must be M x M with M >= 4 models; it has shape \(3, 3\)"),
        (np.arange(16.0).reshape(4, 4), np.zeros((4, 4)), {}, "a must be symmetric; entries 0, 1 are 1 and 4"),
        (_table(1, 2, 3, 4, 5, np.nan), np.zeros((4, 4)), {}, "a must be finite; 2 entries are not"),
        (_table(1, 2, 3, 4, 5, 6), _table(*range(10)), {}, "a has 4, b 5"),
        (_table(1, 2, 3, 4, 5, 6), _table(*[2] * 6), {}, "b must vary over pairs; all 6 are 2"),
        (_table(1, 2, 3, 4, 5, 6), _table(*range(6)), {"method": "kendall"}, "'pearson' or 'spearman'; got 'kendall'"),
        (_table(1, 2, 3, 4, 5, 6), _table(*range(6)), {"draws": 0}, "draws must be at least 1; got 0"),
    ],
)
def test_wrong_tables_are_refused(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        mantel(a, b, **options)
