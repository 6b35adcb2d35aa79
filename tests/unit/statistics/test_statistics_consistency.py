"""Consistency over stimulus sets: intervals and tests on simulated worlds, whose models have effects of their own."""

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.statistics.consistency import agreement, at_common_spread, consistency, pairs_of_groups
from whyalike.statistics.crossed import crossed_jackknife, label_permutation

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
    worlds, models, held, naive = 150, 20, 0, 0
    for number in range(worlds):
        stack = world(np.random.default_rng(number), models, 5)
        row = scored(stack).set_index("measure").loc["pearson"]
        held += row["ci_low"] < TRUE_R < row["ci_high"]
        half = 1.96 / np.sqrt(models * (models - 1) / 2 - 3)
        i, j = np.triu_indices(models, 1)
        r = np.corrcoef(stack[0][i, j], stack[1][i, j])[0, 1]
        naive += abs(np.arctanh(r) - np.arctanh(TRUE_R)) < half
    error = 2 * np.sqrt(0.05 * 0.95 / worlds)
    assert held / worlds >= 0.93 - error  # it is conservative, as both variances are added
    assert naive / worlds < 0.70


def test_groups_that_do_not_differ_are_told_apart_by_a_rank_sum_over_pairs_of_sets_and_not_by_permuted_labels():
    worlds, sets, groups = 60, 12, ["u"] * 12 + ["v"] * 18
    by_sets = by_models = 0
    for number in range(worlds):
        stack = world(np.random.default_rng(1000 + number), 30, sets)

        def of_group(labels, group, stack=stack):
            i, j = pairs_of_groups(labels, group, group)
            return agreement(stack[:, i, j]).pearson[np.triu_indices(sets, 1)]

        def contrast(labels, of_group=of_group):
            return float(np.median(of_group(labels, "u")) - np.median(of_group(labels, "v")))

        both = [of_group(groups, name) for name in "uv"]
        by_sets += scipy.stats.mannwhitneyu(*both).pvalue <= 0.01
        by_models += label_permutation(contrast, groups, draws=99, seed=number)[1] <= 0.05
    assert by_sets / worlds > 0.6
    assert scipy.stats.binomtest(by_models, worlds, 0.05, "greater").pvalue > 0.01


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
