"""The control ladder's numbers: rungs, steps and shares by hand, pairs across seeds against the line by loops."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from control_tables import controls_scores

from whyalike.designs.controls import RUNGS
from whyalike.statistics.controls import across_expected, ladder
from whyalike.statistics.dyadic import node_jackknife
from whyalike.statistics.findings import findings
from whyalike.statistics.inference import t_interval
from whyalike.statistics.study import study_statistics
from whyalike.statistics.tables import accuracy_table

NO_ACCURACY, NO_INFORMATION = pd.DataFrame(columns=["setting"]), pd.DataFrame(columns=["protocol"])


def test_rungs_are_means_over_seeds_with_t_intervals(number):
    scores = controls_scores()
    table = study_statistics(scores)
    for name in RUNGS:
        values = scores[scores["condition"] == name]["value"]
        row = number(table, f"rung_{name}")
        assert row["value"] == pytest.approx(values.mean())
        expected = scipy.stats.ttest_1samp(values, 0).confidence_interval()
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected))
        assert row["n_seeds"] == 5
    assert number(table, "rung_untrained")["value"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("step", "above", "below"),
    [("order", "same_run", "other_order"), ("start", "same_run", "other_start"), ("data", "same_data", "disjoint_data"),
     ("labels", "same_data", "shuffled_labels"), ("order_and_start", "same_run", "same_data")],
)  # fmt: skip
def test_steps_are_differences_within_seeds(number, step, above, below):
    scores = controls_scores()
    by_rung = {name: rows.sort_values("seed")["value"].to_numpy() for name, rows in scores.groupby("condition")}
    differences = by_rung[above] - by_rung[below]
    row = number(study_statistics(scores), f"step_{step}")
    assert row["value"] == pytest.approx(differences.mean())
    assert row["p_value"] == 2 / 2**5  # all five seeds agree
    expected = scipy.stats.ttest_1samp(differences, 0).confidence_interval()
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected))


def test_shares_lie_between_untrained_and_same_data(number):
    table = study_statistics(controls_scores(noise=0))
    assert number(table, "share_same_run")["value"] == pytest.approx(0.8 / 0.6)
    assert number(table, "share_disjoint_data")["value"] == pytest.approx(0.5 / 0.6)
    assert number(table, "share_shuffled_labels")["value"] == pytest.approx(0.1 / 0.6)
    assert not set(table["estimator"]) & {"share_same_data", "share_untrained"}  # 1 and 0 by definition


def test_there_is_no_share_of_a_scale_whose_ends_have_changed_places():
    below = study_statistics(controls_scores(noise=0, untrained=0.9))  # same data: .8
    assert not below["estimator"].str.startswith("share_").any()
    assert (below["estimator"] == "rung_untrained").any()


def test_of_a_distance_the_scale_runs_downward(number):
    distances = controls_scores(noise=0).assign(metric="procrustes_distance")
    distances["value"], distances["untrained"] = 1 - distances["value"], 1 - distances["untrained"]
    assert number(study_statistics(distances), "share_disjoint_data")["value"] == pytest.approx(0.5 / 0.6)


def test_the_interval_of_a_share_leaves_one_seed_out(number):
    scores = controls_scores(noise=0.05)
    rung, ceiling = (scores[scores["condition"] == name].sort_values("seed")["value"].to_numpy()
                     for name in ("disjoint_data", "same_data"))  # fmt: skip
    left_out = np.array([(np.delete(rung, i).mean() - 0.2) / (np.delete(ceiling, i).mean() - 0.2) for i in range(5)])
    error = np.sqrt(4 / 5 * ((left_out - left_out.mean()) ** 2).sum())
    row = number(study_statistics(scores), "share_disjoint_data")
    assert row["ci_high"] - row["value"] == pytest.approx(scipy.stats.t.ppf(0.975, 4) * error, rel=1e-9)


@pytest.mark.parametrize("across", [0.0, 0.05])
def test_pairs_across_seeds_are_held_against_the_line_at_their_true_overlap(number, across):
    scores = controls_scores(across=across)
    table = study_statistics(scores)
    row = number(table, "across_seeds_less_line")
    assert row["value"] == pytest.approx(across, abs=1e-12)  # exact but for rounding
    assert row[["n", "n_seeds"]].tolist() == [10, 5]
    square = np.zeros((5, 5))
    for pair in scores[scores["condition"] == "across_seeds"].itertuples():
        i, j = int(pair.run_a[1:]), int(pair.run_b[1:])
        square[i, j] = square[j, i] = pair.value
    expected = node_jackknife(square)
    row = number(table, "across_seeds")
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx((expected.value, expected.low, expected.high))


def test_what_is_not_there_has_no_row():
    found = set(study_statistics(controls_scores(seeds=3))["estimator"])
    assert not {"across_seeds", "across_seeds_less_line"} & found  # three models are too few
    found = set(study_statistics(controls_scores(untrained=np.nan))["estimator"])
    assert not {"rung_untrained", "step_training", "share_same_run"} & found
    scores = controls_scores()
    found = set(study_statistics(scores[scores["condition"] != "disjoint_data"])["estimator"])
    assert "across_seeds" in found and not {"step_data", "across_seeds_less_line"} & found


@pytest.mark.parametrize(("across", "held"), [(0.0, "includes"), (0.05, "excludes")])
def test_the_findings_say_what_each_step_takes_and_where_random_halves_lie(across, held):
    scores = controls_scores(across=across)
    random = np.random.default_rng(0)
    pairs = scores["condition"] == "across_seeds"
    scores.loc[pairs, "value"] += 0.001 * random.standard_normal(pairs.sum())  # else the interval has no width
    text = findings({"k": study_statistics(scores)}, NO_ACCURACY, NO_INFORMATION)
    assert "## Study k" in text
    same = scores[scores["condition"] == "same_run"]["value"]
    low, high = t_interval(same)
    assert f"the same run twice {same.mean():.3f} [{low:.3f}, {high:.3f}], same data" in text
    assert "untrained 0.200 [0.200, 0.200]." in text
    assert "another order of the images \N{MINUS SIGN}0.0" in text and "then disjoint data \N{MINUS SIGN}0." in text
    assert re.search(rf"\(10 pairs of 5 models\), less the line of data overlap: .*; .* {held} the line\.", text)


def test_models_of_shuffled_labels_have_a_row_of_their_own_in_the_table_of_accuracies():
    manifest = {
        "setting": "s",
        "factor": "controls",
        "labelling": "digit",
        "classes": 10,
        "loss": 1.0,
        "loss_unit": "nats",
    }
    runs = [("a", None, 0.9), ("b", "other_order", 0.8), ("c", "shuffled_labels", 0.1)]
    manifests = pd.DataFrame(
        [{**manifest, "run": run, "level": level, "accuracy": value} for run, level, value in runs]
    )
    table = accuracy_table(manifests).set_index("labelling")["mean"]
    assert table.to_dict() == pytest.approx({"digit": 0.85, "digit (shuffled)": 0.1})


def test_facts_of_all_seeds_share_a_row_of_the_table_of_accuracies():
    manifest = {"setting": "s", "factor": "factorial", "classes": 8, "loss": 1.0, "loss_unit": "nats", "accuracy": 0.9}
    names = ["shape.0.0_digit.0.0_color.0.0", "shape.1.0_digit.1.1_color.1.0"]
    table = accuracy_table(pd.DataFrame([{**manifest, "run": name, "labelling": name} for name in names]))
    assert table["labelling"].tolist() == ["shape.fact_digit.fact_color.fact"]
    assert table["runs"].tolist() == [2]


def test_the_ladder_is_in_its_order_and_expectations_are_of_pairs_only():
    scores = controls_scores()
    table = ladder(scores)
    assert list(table) == [*RUNGS, "untrained"]
    assert len(across_expected(scores, table)) == 10
