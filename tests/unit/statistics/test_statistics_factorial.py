"""Contrasts of crossed overlaps: by hand, against an analysis of variance in loops, and what may be claimed of them."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.statistics.factorial import contrasts, factorial_rows, partial_omega_squared
from whyalike.statistics.factorial_findings import factorial_findings, interaction_claimed
from whyalike.statistics.findings import findings
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.study import study_statistics

PAIRS = [("shape", "shape"), ("shape", "digit"), ("digit", "shape"), ("digit", "digit")]
CELLS = list(itertools.product((0.0, 0.5, 1.0), (0.0, 1 / 3, 2 / 3, 1.0)))
NONE = pd.DataFrame(columns=["protocol", "setting"])


def crossed(model, seeds=6, noise=0.01, metric="cka", untrained=0.1, cells=CELLS):
    """Scores model(p, l) + seed effect + noise, one row a (seed, condition)."""
    random = np.random.default_rng(3)
    rows = []
    for seed in range(seeds):
        effect = noise * random.standard_normal()
        for p, q in cells:
            value = model(p, q) + effect + noise * random.standard_normal()
            rows.append({"seed": seed, "condition": f"{p:g}:{q:.2g}", "data_overlap": p, "label_overlap": q,
                         "value": value, "run_a": f"a{seed}", "run_b": f"b{seed}{p}{q}"})  # fmt: skip
    given = {"study": "f", "comparison": "c", "setting": "c", "factor": "factorial", "stimuli": "s", "metric": metric,
             "stimuli_kind": "in_distribution", "score_protocol": "exact", "layer_a": "l", "layer_b": "l",
             "label_information": np.nan, "untrained": untrained}  # fmt: skip
    return pd.DataFrame(rows).assign(**given)


def test_contrasts_give_back_the_coefficients_of_a_plane_with_interaction():
    p, q = np.array(CELLS).T
    y = 0.3 + 0.2 * (p - 0.5) + 0.4 * (q - 0.5) + 0.1 * (p - 0.5) * (q - 0.5)
    assert contrasts(p, q, y) == pytest.approx([0.2, 0.4, 0.1], abs=1e-12)  # exact but for rounding
    few = [i for i, (one, other) in enumerate(CELLS) if one != 0.5 and other in (0, 1)]
    assert contrasts(p[few], q[few], y[few]) == pytest.approx([0.2, 0.4, 0.1], abs=1e-12)


def test_with_both_overlaps_at_their_ends_contrasts_are_differences_of_means():
    p, q, y = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.2, 0.9])
    data = (0.2 + 0.9) / 2 - (0.1 + 0.4) / 2
    label = (0.4 + 0.9) / 2 - (0.1 + 0.2) / 2
    assert contrasts(p, q, y) == pytest.approx([data, label, (0.9 - 0.4) - (0.2 - 0.1)], abs=1e-12)


def test_effects_are_means_over_seeds_of_slopes_of_marginal_means(number):
    scores = crossed(lambda p, q: 0.2 + 0.1 * p + 0.4 * q + 0.2 * p * q)
    table = study_statistics(scores)
    assert set(table["protocol"]) == {"corrected"}
    slopes = {"data_overlap": [], "label_overlap": []}
    interactions = []
    for _, rows in scores.groupby("seed"):
        for column, found in slopes.items():
            means = rows.groupby(column)["value"].mean()  # in a balanced design the other overlap averages out
            found.append(np.polyfit(means.index, means, 1)[0])
        by_label = [np.polyfit(one["data_overlap"], one["value"], 1)[0] for _, one in rows.groupby("label_overlap")]
        interactions.append(np.polyfit([0, 1 / 3, 2 / 3, 1], by_label, 1)[0])
    difference = np.subtract(slopes["label_overlap"], slopes["data_overlap"])
    for name, values in (("effect_data", slopes["data_overlap"]), ("effect_label", slopes["label_overlap"]),
                         ("interaction", interactions), ("label_minus_data", difference)):  # fmt: skip
        row = number(table, name)
        assert row["value"] == pytest.approx(np.mean(values), abs=1e-12)
        expected = scipy.stats.ttest_1samp(values, 0).confidence_interval()
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected), abs=1e-12)
        assert row["p_value"] == 2 / 2**6  # all seeds agree: 2 of 64 sign patterns
        assert row[["n", "n_seeds"]].tolist() == [72, 6]


def test_partial_omega_squared_is_that_of_an_analysis_of_variance_in_loops():
    values = np.random.default_rng(0).normal(0.5, 1, 9)
    mean = sum(values) / 9
    within = sum((value - mean) ** 2 for value in values) / 8  # mean square of contrast x seed
    effect = max(9 * mean**2 - within, -np.inf) / 9  # variance component: (MS - MS error) / S
    assert partial_omega_squared(values) == pytest.approx(effect / (effect + within), abs=1e-12)
    assert partial_omega_squared(np.ones(4)) is None
    assert partial_omega_squared(np.ones(1)) is None


def test_shares_are_of_the_gap_from_untrained_to_both_overlaps_1(number):
    scores = crossed(lambda p, q: 0.3 + 0.1 * p + 0.4 * q, noise=0)
    table = study_statistics(scores)
    assert number(table, "ceiling")["value"] == pytest.approx(0.8)
    assert number(table, "floor")["value"] == pytest.approx(0.1)
    assert number(table, "share_data")["value"] == pytest.approx(0.1 / 0.7)
    assert number(table, "share_label")["value"] == pytest.approx(0.4 / 0.7)
    assert number(table, "share_label_minus_data")["value"] == pytest.approx(0.3 / 0.7)


def test_the_interval_of_a_share_leaves_one_seed_out(number):
    scores = crossed(lambda p, q: 0.3 + 0.1 * p + 0.4 * q, seeds=5, noise=0.05)

    def share(rows):
        gap = rows[(rows["data_overlap"] == 1) & (rows["label_overlap"] == 1)]["value"].mean() - 0.1
        return np.polyfit(rows["label_overlap"], rows["value"], 1)[0] / gap

    left_out = np.array([share(scores[scores["seed"] != seed]) for seed in range(5)])
    error = np.sqrt(4 / 5 * ((left_out - left_out.mean()) ** 2).sum())
    row = number(study_statistics(scores), "share_label")
    assert row["value"] == pytest.approx(share(scores), abs=1e-12)
    assert row["ci_high"] - row["value"] == pytest.approx(scipy.stats.t.ppf(0.975, 4) * error, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"untrained": np.nan}, {"share_data", "floor"}),
        ({"untrained": 0.95}, {"share_data"}),  # pairs of one training are less alike than untrained ones: no gap
        ({"metric": "mutual_knn"}, {"interaction_angle"}),
        ({"seeds": 1}, {"omega2_data"}),
    ],
)
def test_what_cannot_be_computed_has_no_row(changes, absent):
    table = study_statistics(crossed(lambda p, q: 0.3 + 0.1 * p + 0.4 * q, **changes))
    every = {"share_data", "floor", "interaction_angle", "omega2_data", "effect_data", "ceiling"}
    assert every - set(table["estimator"]) == absent


def test_a_seed_without_every_condition_is_left_out(number):
    scores = crossed(lambda p, q: 0.3 + 0.1 * p + 0.4 * q)
    whole = study_statistics(scores[scores["seed"] != 2])
    lacking = study_statistics(scores.drop(index=scores[scores["seed"] == 2].index[3]))
    assert number(lacking, "effect_data")["value"] == number(whole, "effect_data")["value"]
    assert number(lacking, "effect_data")["n_seeds"] == 5


def test_layers_are_averaged():
    scores = crossed(lambda p, q: 0.3 + 0.1 * p)
    other = scores.assign(layer_a="m", layer_b="m", value=scores["value"] + 0.2)
    one, both = (pd.DataFrame(factorial_rows(rows)).set_index("estimator")["value"]
                 for rows in (scores, pd.concat([scores, other])))  # fmt: skip
    assert both["ceiling"] == pytest.approx(one["ceiling"] + 0.1)
    assert both["effect_data"] == pytest.approx(one["effect_data"])


@pytest.mark.parametrize(
    ("model", "claimed", "words"),
    [
        (
            lambda p, q: 0.1 + 0.1 * p + 0.2 * q + 0.3 * p * q,
            True,
            "do more together than the sum of what each does where",
        ),
        (lambda p, q: 0.2 + 0.2 * p + 0.3 * q, False, "No interaction is claimed"),
        # additive as an angle, so not on CKA itself: a matter of scale, and no claim
        (lambda p, q: np.cos(1.5 - 0.7 * p - 0.7 * q), False, "No interaction is claimed"),
    ],
)
def test_an_interaction_is_claimed_only_where_cka_and_its_angle_agree(model, claimed, words):
    table = study_statistics(crossed(model, seeds=8, noise=0.004))
    assert interaction_claimed(table) is claimed
    assert words in "\n".join(factorial_findings(table))


def test_with_three_seeds_nothing_is_claimed():
    table = study_statistics(crossed(lambda p, q: 0.1 + 0.1 * p + 0.2 * q + 0.3 * p * q, seeds=3, noise=0.001))
    text = "\n".join(factorial_findings(table))
    assert not interaction_claimed(table)
    assert "No claim which of the two matters more: with 3 seeds and 1 panel the smallest p (Holm) is 0.250" in text


def test_the_findings_say_effects_shares_and_which_matters_more():
    scores = crossed(lambda p, q: 0.3 + 0.1 * p + 0.4 * q, seeds=8)
    accuracy = pd.DataFrame(columns=["setting"])
    text = findings({"f": study_statistics(scores)}, accuracy, NONE)
    assert "## Study f" in text
    assert "- **c on s (in distribution)**, exact CKA, 8 seeds:" in text
    assert "data overlap 0 to 1: +0." in text
    assert re.search(
        r"p \(Holm, 1 panel\) = 0\.008, \d+ % \[\d+, \d+\] of the gap from untrained to same data and labels", text
    )
    assert re.search(r"that of the angle .* rad, p \(Holm, 1 panel\) = ", text)
    assert "A claim: the effect of label overlap on CKA is above that of data overlap" in text


def test_the_mutual_information_of_one_overlap_leaves_the_factorial_out(both):
    scores = crossed(lambda p, q: 0.3 + 0.1 * p).assign(n=10)
    alone = mutual_information_table({"a": both(), "b": both("task")})
    beside = mutual_information_table({"a": both(), "b": both("task"), "f": scores})
    pd.testing.assert_frame_equal(alone, beside)


def bridged(same=0.7, other=0.1, p_slope=0.05, data=(0.0, 1.0), seeds=6):
    """`crossed` scores, 0.3 + 0.1 p + 0.4 l, and those of the paper's labels, each pair of attributes apart by 0.02."""
    facts = crossed(lambda p, q: 0.3 + 0.1 * p + 0.4 * q, seeds=seeds)
    random = np.random.default_rng(5)
    rows = []
    for seed in range(seeds):
        for p, (i, (a, b)) in itertools.product(data, enumerate(PAIRS)):
            value = (same if a == b else other) + p_slope * p + 0.02 * i + 0.01 * random.standard_normal()
            rows.append({"seed": seed, "condition": f"{p:g}:{a}/{b}", "data_overlap": p, "value": value,
                         "label_overlap": float(a == b), "run_a": a, "run_b": f"{seed}{p}{b}"})  # fmt: skip
    first = facts.iloc[0].drop(list(rows[0]))
    return facts, pd.DataFrame(rows).assign(**first)


def test_the_paper_s_labels_have_rows_of_their_own_and_change_no_other(number):
    facts, bridge = bridged()
    alone, table = study_statistics(facts), study_statistics(pd.concat([bridge, facts]))
    own = table["estimator"].str.contains("bridge")
    pd.testing.assert_frame_equal(table[~own].reset_index(drop=True), alone)
    differences = []
    for _, rows in bridge.groupby("seed"):
        by_condition = rows.set_index("condition")["value"]
        value = lambda labels, of=by_condition: (of[f"0:{labels}"] + of[f"1:{labels}"]) / 2  # noqa: E731
        equal, others = value("shape/shape") + value("digit/digit"), value("shape/digit") + value("digit/shape")
        differences.append((equal - others) / 2)
    row = number(table, "bridge_label")
    assert row["value"] == pytest.approx(np.mean(differences), abs=1e-12)
    expected = scipy.stats.ttest_1samp(differences, 0).confidence_interval()
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected), abs=1e-12)
    assert row[["n", "n_seeds"]].tolist() == [6 * 8, 6]
    gap = number(table, "ceiling")["value"] - 0.1
    assert number(table, "share_bridge_label")["value"] == pytest.approx(row["value"] / gap)
    same_data = facts[facts["data_overlap"] != 0.5]
    slope = np.polyfit(same_data["label_overlap"], same_data["value"], 1)[0]  # the seeds are balanced
    assert number(table, "bridge_minus_facts")["value"] == pytest.approx(row["value"] - slope, abs=1e-12)
    assert number(table, "bridge_data")["value"] == pytest.approx(0.05, abs=0.02)  # of 48 points with noise .01


def test_the_paper_s_labels_at_one_data_overlap_have_no_effect_of_the_data():
    facts, bridge = bridged(data=(1.0,))
    found = set(study_statistics(pd.concat([facts, bridge]))["estimator"])
    assert {"bridge_label", "bridge_minus_facts"} <= found
    assert "bridge_data" not in found


def test_a_seed_without_every_pair_of_the_paper_s_labels_is_left_out_there_alone(number):
    facts, bridge = bridged()
    table = study_statistics(pd.concat([facts, bridge.iloc[1:]]))
    assert (number(table, "bridge_label")["n_seeds"], number(table, "effect_label")["n_seeds"]) == (5, 6)
    none = study_statistics(pd.concat([facts, bridge[bridge["seed"] == 99]]))
    assert not none["estimator"].str.contains("bridge").any()


def test_the_findings_set_the_paper_s_labels_beside_facts(number):
    facts, bridge = bridged()
    table = study_statistics(pd.concat([facts, bridge]))
    text = "\n".join(factorial_findings(table))
    value, less = (number(table, name)["value"] for name in ("bridge_label", "bridge_minus_facts"))
    assert f"the paper's labels, shape or digit, label overlap 0 to 1: {value:+.3f} [" in text
    assert f"less that of facts at the same data overlaps: {less:+.3f} [" in text
    assert "the paper's labels" not in "\n".join(factorial_findings(study_statistics(facts)))
