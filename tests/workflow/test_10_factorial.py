"""The factorial and the controls through every stage: splits, training, scores, contrasts, figure and findings."""

import pandas as pd
import pytest
from workflow_folder import TINY, finished

FACTORIAL = TINY.with_name("factorial.yaml")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The small factorial, finished."""
    return finished(tmp_path_factory.mktemp("factorial"), FACTORIAL)


def test_scores_have_both_overlaps_and_the_labels_share_as_much_as_they_should(study):
    table = pd.read_parquet(study.results / "similarity" / "factorial_overlap" / "colorshapedigit" / "cells.parquet")
    assert set(zip(table["data_overlap"], table["label_overlap"], strict=True)) == {
        (p, q) for p in (0.0, 1.0) for q in (0.0, 1 / 3, 1.0)
    }
    assert (
        table["label_information"] - table["label_overlap"]
    ).abs().max() < 1e-9  # of balanced facts, but for rounding
    gram = table[table["metric"] == "cka"].groupby("label_overlap")["label_gram"].agg(["min", "max"])
    # k shared bits of 3: (2^k - 1)/(2^3 - 1) of the centred label kernels
    assert gram.loc[0.0].max() < 1e-9
    assert gram.loc[1 / 3].tolist() == pytest.approx([1 / 7, 1 / 7])
    assert gram.loc[1.0].tolist() == pytest.approx([1, 1])
    assert table["untrained"].notna().all()


def test_a_seed_trains_one_a_and_one_b_a_condition_and_two_of_each_on_the_papers_labels(study):
    for path in (study.results / "models" / "colorshapedigit").rglob("*.parquet"):
        classes = pd.read_parquet(path).set_index("name")["classes"].to_dict()
        facts = dict.fromkeys(["A", "B@0:0", "B@0:1", "B@0:1/3", "B@1:0", "B@1:1", "B@1:1/3"], 8)
        assert classes == facts | dict.fromkeys(["A/shape", "A/digit", "B@1:shape", "B@1:digit"], 4)
        assert set(pd.read_parquet(path)["n_train"]) == {64 * 8}


def test_statistics_figure_and_findings_answer_the_question(study):
    statistics = pd.read_parquet(study.results / "statistics" / "factorial_overlap.parquet")
    assert {"effect_data", "effect_label", "interaction", "interaction_angle"} <= set(statistics["estimator"])
    assert {"bridge_label", "bridge_minus_facts", "share_bridge_label"} <= set(statistics["estimator"])
    numbers = pd.read_csv(study.results / "figures" / "factorial_overlap.csv")
    assert {"effect_data", "effect_label", "floor", "ceiling", "labels alone", "paper's labels"} <= set(numbers["mark"])
    text = (study.results / "findings.md").read_text()
    assert "## Study factorial_overlap" in text
    assert "no claim" in text.lower()  # two seeds
    assert "the paper's labels, shape or digit, label overlap 0 to 1" in text


def test_the_controls_share_runs_with_dataset_overlap_and_the_same_run_twice_is_one_model(study):
    table = pd.read_parquet(study.results / "similarity" / "controls" / "digits" / "digits_test.parquet")
    cka = table[table["metric"] == "cka"].set_index("condition")
    # the CPU is deterministic: a run trained a second time has the same weights
    assert cka.loc["same_run", "value"].to_numpy() == pytest.approx(1, abs=1e-6)  # float32 features
    assert (cka.loc["other_order", "untrained"] > 1 - 1e-6).all()  # the same start
    across = cka.loc["across_seeds"]
    assert len(across) == 6
    assert across["data_overlap"].between(0.3, 0.7).all() and across["data_overlap"].nunique() > 1
    paths = [study.results / "models" / "digits" / factor / "seed0.parquet" for factor in ("controls", "dataset")]
    manifests = [pd.read_parquet(path).set_index("name")["run"] for path in paths]
    for one, other in (("A", "A"), ("same_data", "B@1"), ("disjoint_data", "B@0")):
        assert manifests[0][one] == manifests[1][other]
    numbers = pd.read_csv(study.results / "figures" / "controls.csv")
    assert {"expected", "pair", "seed", "mean"} == set(numbers["mark"])
    assert "random halves" in (study.results / "findings.md").read_text()


def test_nothing_is_left_to_do(study):
    assert "Nothing to be done" in study.call(study.snakemake_command("--dry-run")).stdout
