"""Consistency over stimulus sets: intervals and tests on simulated worlds, whose models have effects of their own."""

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.statistics.consistency import agreement, at_common_spread, consistency, measures, reliability
from whyalike.statistics.consistency_groups import MEASURES, Groups, Scores, quadratic, r_squared, silhouette
from whyalike.statistics.crossed import crossed_jackknife, label_permutation, permuted_labels

MODEL, PAIR, MODEL_ON_SET, PAIR_ON_SET = 0.12, 0.05, 0.06, 0.05  # standard deviations of a world's effects
SIGNAL = 2 * MODEL**2 + PAIR**2
TRUE_R = SIGNAL / (SIGNAL + 2 * MODEL_ON_SET**2 + PAIR_ON_SET**2)


def world(generator, models, sets):
    """Similarities (sets x M x M) of models and pairs with effects of their own, and others on each set."""
    i, j = np.triu_indices(models, 1)
    own = generator.normal(0, MODEL, models)
    everywhere = own[i] + own[j] + generator.normal(0, PAIR, len(i))
    stack = np.zeros((sets, models, models))
    for table in stack:
        here = generator.normal(0, MODEL_ON_SET, models)
        table[i, j] = everywhere + here[i] + here[j] + generator.normal(0, PAIR_ON_SET, len(i))
        table += table.T
    return stack


def scored(stack, groups=None, **options):
    names = [f"set{k}" for k in range(len(stack))]
    groups = groups or ["all"] * stack.shape[1]
    return consistency("cka", dict(zip(names, stack, strict=True)), groups, {name: name for name in names}, **options)


def test_the_interval_over_models_and_sources_holds_the_correlation_that_fishers_over_pairs_misses():
    worlds, models, crossed, of_models, naive = 120, 20, 0, 0, 0
    for number in range(worlds):
        stack = world(np.random.default_rng(number), models, 5)
        row = scored(stack).set_index("measure").loc["pearson"]
        crossed += row["ci_low"] < TRUE_R < row["ci_high"]
        half = scipy.stats.t.ppf(0.975, models - 1) * row["se_models"]
        of_models += abs(np.arctanh(row["value"]) - np.arctanh(TRUE_R)) < half
        half = 1.96 / np.sqrt(models * (models - 1) / 2 - 3)
        i, j = np.triu_indices(models, 1)
        r = np.corrcoef(stack[0][i, j], stack[1][i, j])[0, 1]
        naive += abs(np.arctanh(r) - np.arctanh(TRUE_R)) < half
    error = 2 * np.sqrt(0.05 * 0.95 / worlds)
    assert 0.93 - error <= of_models / worlds  # sets have no effects of their own here: the models are all of the error
    assert of_models <= crossed  # it is conservative, as both variances are added
    assert naive / worlds < 0.70


def test_groups_that_do_not_differ_are_told_apart_by_a_rank_sum_over_pairs_of_sets_and_not_by_permuted_labels():
    worlds, models, sets, labels = 100, 30, 12, ["u"] * 12 + ["v"] * 18
    names = tuple(f"set{k}" for k in range(sets))
    i, j = np.triu_indices(models, 1)
    at, by_sets, by_models, alarms = list(MEASURES).index("pearson"), 0, 0, []
    for number in range(worlds):
        values = world(np.random.default_rng(1000 + number), models, sets)[:, i, j]
        scores = Scores(values, np.stack([values, values]), tuple(map(str, range(models))), names, names)
        groups = Groups(scores, labels, range(models))
        (contrast,) = [one for one in groups.contrasts(first=False) if (one.theta, one.theta_2) == ("u", "v")]
        null = groups.null([contrast], 99, number, None)
        by_sets += groups.naive_p([contrast])[0, at] <= 0.01
        by_models += null.p[0, at] <= 0.01
        alarms.append(null.false_alarms[0])
    assert by_sets / worlds > 0.6
    # .01 of 100 worlds is 1 on average; 5 or more have a probability of .003
    assert scipy.stats.binomtest(by_models, worlds, 0.01, "greater").pvalue > 0.003
    assert np.mean(alarms) == pytest.approx(by_sets / worlds, abs=0.15)  # 3 standard errors of the share: .15


def test_a_narrow_group_that_agrees_as_well_has_a_low_correlation_and_the_same_residual():
    generator = np.random.default_rng(3)
    pairs = 20_000  # so many that a value of theirs is that of the population within .01
    wide, narrow = (generator.normal(0, spread, pairs) for spread in (0.2, 0.05))
    noise = generator.normal(0, 0.04, (2, 2, pairs))
    both = [agreement(signal + of_sets) for signal, of_sets in zip((wide, narrow), noise, strict=True)]
    r = [one.pearson[0, 1] for one in both]
    assert r == pytest.approx([0.2**2 / (0.2**2 + 0.04**2), 0.05**2 / (0.05**2 + 0.04**2)], abs=0.01)
    assert [one.residual_sd[0, 1] for one in both] == pytest.approx([0.04, 0.04], abs=0.001)
    # Thorndike's case is of a predictor without noise: here it brings most of the difference back
    assert at_common_spread(r[1], both[1].spread[0, 1], both[0].spread[0, 1]) == pytest.approx(r[0], abs=0.04)


def test_measures_are_those_of_their_definitions():
    x, y = np.random.default_rng(4).normal(size=(2, 30)) + np.linspace(0, 2, 30)
    found = agreement(np.stack([x, y]))
    assert found.pearson[0, 1] == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
    assert found.spearman[0, 1] == pytest.approx(scipy.stats.spearmanr(x, y).statistic)
    apart = np.stack([x - x.mean(), y - y.mean()])
    assert found.residual_sd[0, 1] == pytest.approx(np.linalg.svd(apart)[1][1] / np.sqrt(29))
    concordance = 1 - ((x - y) ** 2).sum() / (((x - x.mean()) ** 2).sum() + ((y - y.mean()) ** 2).sum()
                                               + 30 * (x.mean() - y.mean()) ** 2)  # fmt: skip
    assert found.concordance[0, 1] == pytest.approx(concordance, abs=0.02)  # n - 1 in place of n


def test_what_is_left_of_models_of_groups_that_differ_is_the_correlation_within():
    stack = world(np.random.default_rng(5), 24, 4)
    groups = ["u"] * 12 + ["v"] * 12
    apart = np.array([group == "v" for group in groups]) * 1.0
    found = scored(stack, groups, draws=9).set_index(["measure", "theta", "phi"])["value"]
    moved = scored(stack + np.add.outer(apart, apart), groups, draws=9).set_index(["measure", "theta", "phi"])["value"]
    assert moved["pearson", "all", "all"] > 0.95 > found["pearson", "all", "all"]
    assert moved["pearson_within", "all", "all"] == pytest.approx(found["pearson_within", "all", "all"])
    for cell in (("u", "u"), ("u", "v"), ("v", "v")):
        assert moved["pearson", *cell] == pytest.approx(found["pearson", *cell])


def test_pairs_of_sets_of_one_source_do_not_count():
    stack = world(np.random.default_rng(6), 12, 4)
    stack[1] = stack[0]  # the same images twice
    sources = dict(zip("abcd", ["one", "one", "two", "three"], strict=True))
    tables = dict(zip("abcd", stack, strict=True))
    row = consistency("cka", tables, ["all"] * 12, sources).set_index("measure").loc["pearson"]
    i, j = np.triu_indices(12, 1)
    apart = [(a, b) for a, b in itertools.combinations(range(4), 2) if (a, b) != (0, 1)]
    expected = np.tanh(np.mean([np.arctanh(np.corrcoef(stack[a][i, j], stack[b][i, j])[0, 1]) for a, b in apart]))
    assert row["value"] == pytest.approx(expected)
    assert (row["sets"], row["sources"], row["pairs_of_sets"]) == (4, 3, 5)


def test_families_and_sources_are_left_out_whole():
    scores = np.random.default_rng(8).normal(size=(5, 6))
    families, sources = list("ppqqrr"), list("vvwxx")
    found = crossed_jackknife(lambda models, sets: float(scores[np.ix_(sets, models)].mean()), families, sources)
    of_families = [np.delete(scores, [2 * k, 2 * k + 1], axis=1).mean() for k in range(3)]
    of_sources = [np.delete(scores, rows, axis=0).mean() for rows in ([0, 1], [2], [3, 4])]
    assert (found.models, found.sources) == (3, 3)
    assert found.se_models == pytest.approx(np.sqrt(2 / 3 * np.sum((of_families - np.mean(of_families)) ** 2)))
    assert found.se_sources == pytest.approx(np.sqrt(2 / 3 * np.sum((of_sources - np.mean(of_sources)) ** 2)))
    assert found.low < scores.mean() < found.high


def test_too_few_to_leave_out_is_refused():
    stack = world(np.random.default_rng(7), 5, 2)
    with pytest.raises(ValueError, match="an interval over sources needs three or more to leave out; there are 2"):
        scored(stack)
    with pytest.raises(ValueError, match="no permutation changes the labels"):
        label_permutation(lambda labels: 0.0, ["u", "u", "u"])
    assert pd.isna(agreement(np.ones((2, 2))).pearson).all()


def orthogonal(count, pairs=40):
    """Vectors of mean 0, standard deviation 1 and correlation 0, count x pairs."""
    drawn = np.random.default_rng(9).normal(size=(pairs, count))
    return np.linalg.qr(drawn - drawn.mean(axis=0))[0].T * np.sqrt(pairs - 1)


def test_measures_of_a_planted_world_are_their_closed_values():
    signal, *noise = orthogonal(3)
    x = 0.5 + 0.2 * signal + 0.1 * np.array(noise)
    x[1] += 0.3
    found = {name: values[0, 1] for name, values in measures(x).items()}
    assert found["pearson"] == pytest.approx(0.04 / 0.05)
    assert found["concordance"] == pytest.approx(2 * 0.04 / (0.05 + 0.05 + 0.3**2))
    assert found["residual_sd"] == pytest.approx(0.1)  # of equal noise on both sets that of each
    slopes = agreement(np.stack([signal, 3 * signal + 1])).slope
    assert slopes[0, 1] == pytest.approx(3) and slopes[1, 0] == pytest.approx(1 / 3)


def test_reliability_and_the_correlation_without_the_noise_of_stimuli_are_their_closed_values():
    signal, own, *noise = orthogonal(6)
    truth = np.stack([signal, 0.6 * signal + 0.8 * own])  # correlated .6
    halves = truth + 0.5 * np.array(noise).reshape(2, 2, -1)
    assert reliability(halves) == pytest.approx([1 / (1 + 0.5**2 / 2)] * 2)
    found = measures(halves.mean(axis=0), halves=halves)
    assert found["pearson"][0, 1] == pytest.approx(0.6 / 1.125)
    assert found["ceiling"][0, 1] == pytest.approx(1 / 1.125)
    assert found["pearson_of_ceiling"][0, 1] == pytest.approx(0.6)
    opposed = np.stack([truth, -truth + 0.1 * np.array(noise[:2])])
    assert np.isnan(measures(truth, halves=opposed)["pearson_of_ceiling"][0, 1])


def test_a_ratio_to_the_ceiling_above_one_is_not_clipped():
    signal, *noise = orthogonal(3)
    halves = signal + np.array(noise)[:, None]
    both = np.stack([signal, signal])
    assert measures(both, halves=np.repeat(halves, 2, axis=1))["pearson_of_ceiling"][0, 1] > 1.4


def test_groups_that_differ_in_range_alone_have_one_correlation_at_the_common_spread():
    signal, noise = orthogonal(2)
    r = [np.corrcoef(spread * signal, spread * signal + 0.1 * noise)[0, 1] for spread in (0.05, 0.25)]
    assert r == pytest.approx([0.45, 0.93], abs=0.01)
    assert at_common_spread(np.array(r), np.array([0.05, 0.25]), 0.25) == pytest.approx([r[1]] * 2)


def test_a_label_is_permuted_within_its_stratum():
    labels, strata = np.array(list("uuvvuuvv")), list("ppppqqqq")
    height = np.array([1.0, 1, 1, 1, 5, 5, 5, 5])  # the strata's, not the labels'
    for permuted in permuted_labels(labels, 50, strata=strata):
        assert sorted(permuted[:4]) == sorted(permuted[4:]) == list("uuvv")
    confounded = np.array(list("uuuvuvvv"))

    def apart(of):
        return float(height[of == "v"].mean() - height[of == "u"].mean())

    value, p = label_permutation(apart, confounded, draws=199, strata=strata)
    assert value == 2 and p == 1  # whatever changes places within strata, the difference is that of the strata
    assert label_permutation(apart, confounded, draws=199)[1] < 0.7
    with pytest.raises(ValueError, match="no permutation changes the labels: the models of each stratum have one"):
        permuted_labels(list("uuvv"), 9, strata=list("ppqq"))


def test_numbers_of_fewer_than_three_models_have_no_interval():
    scores = np.random.default_rng(10).normal(size=(4, 6))

    def two(models, sets):
        return scores[np.ix_(sets, models)].mean(), scores[np.ix_(sets, models[models < 2])].mean()

    def as_array(models, sets):
        return np.array(two(models, sets))

    found = crossed_jackknife(as_array, range(6), range(4), taking_part=np.array([6, 2]))
    assert np.isfinite(found.low[0]) and np.isnan(found.low[1])
    assert found.without_models[5, 0] == pytest.approx(scores[:, :5].mean())


def test_clusters_are_as_scikit_learn_finds_them():
    from sklearn.metrics import silhouette_score

    points = np.random.default_rng(11).normal(size=(12, 3))
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    codes = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3])  # the last one is alone
    assert silhouette(distance, codes) == pytest.approx(silhouette_score(distance, codes, metric="precomputed"))
    total = ((points - points.mean(axis=0)) ** 2).sum()
    inside = sum(((points[codes == g] - points[codes == g].mean(axis=0)) ** 2).sum() for g in range(4))
    assert r_squared(distance, codes) == pytest.approx(1 - inside / total)


def test_equal_noise_on_the_logit_scale_is_an_inverse_u_of_similarities():
    generator = np.random.default_rng(12)
    x = np.linspace(-3, 3, 500) + generator.normal(0, 0.5, (40, 500))
    plain = 1 / (1 + np.exp(-x))
    assert quadratic(plain.mean(axis=0), plain.std(axis=0)) < -0.3
    # standard error of SD of 40 is .11 of it; of the coefficient over 500 pairs about .11/sqrt(500 * .8) = .006
    assert abs(quadratic(x.mean(axis=0), x.std(axis=0))) < 0.02


def test_a_contrast_of_labels_that_strata_fix_has_no_p_while_others_have():
    i, j = np.triu_indices(16, 1)
    values, sets = world(np.random.default_rng(13), 16, 4)[:, i, j], tuple("abcd")
    scores = Scores(values, np.stack([values, values]), tuple(map(str, range(16))), sets, sets)
    labels, strata = [level for level in "uvwx" for _ in range(4)], ["p"] * 4 + ["q"] * 4 + ["r"] * 8
    groups = Groups(scores, labels, range(16))
    contrasts = groups.contrasts(first=False)
    p = groups.null(contrasts, 19, 0, strata).p[:, list(MEASURES).index("pearson")]
    of = {(one.theta, one.theta_2): value for one, value in zip(contrasts, p, strict=True)}
    assert np.isnan(of["u", "v"]) and 0 < of["u", "w"] <= 1 and 0 < of["w", "x"] <= 1
