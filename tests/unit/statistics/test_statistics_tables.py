"""Tables 3 and 5, and their Markdown and CSV."""

import numpy as np
import pandas as pd
import pytest

from whyalike.statistics.information import mi_ksg
from whyalike.statistics.mutual_information import MUTUAL_INFORMATION_COLUMNS, mutual_information_table
from whyalike.statistics.tables import accuracy_table, to_csv, to_markdown


@pytest.fixture
def manifests():
    rows = [("a", "x", 0.8), ("b", "x", 0.9), ("a", "x", 0.8), ("c", "y", 0.5), ("d", "x", None)]
    frame = pd.DataFrame(rows, columns=["run", "labelling", "accuracy"])
    frame["loss"] = 1 - frame["accuracy"]
    return frame.assign(setting="resnet18", factor="dataset", classes=10, loss_unit="nats")


def ksg(table):
    return mi_ksg(table["data_overlap"].to_numpy(), table["value"].to_numpy())


def test_published_information_is_a_mean_over_stimuli_then_comparisons_then_architectures(scores):
    def panel(comparison, stimuli, key):
        return scores(comparison=comparison, stimuli=stimuli, key=key, noise=0.3, score_protocol="as_published")

    a, b, c, d = (panel(*one) for one in [("r10", "s", 0), ("r10", "t", 1), ("r100", "s", 2), ("vae", "s", 3)])
    held = panel("vae", "s", 4).assign(stimuli_kind="fixed_classes_1")
    table = mutual_information_table(
        {"s": pd.concat([a, b, c, d, held])}, architectures={"r10": "resnet", "r100": "resnet", "vae": "vae"}
    )
    expected = (((ksg(a) + ksg(b)) / 2 + ksg(c)) / 2 + ksg(d)) / 2
    row = table.iloc[0]
    assert row["value"] == pytest.approx(expected, abs=1e-12)
    assert row[["estimator", "panels", "n", "n_seeds", "levels"]].tolist() == ["mi_ksg", 4, 48, 4, 3]
    assert row["entropy"] == pytest.approx(np.log(3))
    assert len(table) == 1  # no exact scores: no corrected row


def test_a_comparison_without_architecture_is_named(scores):
    with pytest.raises(KeyError, match="resnet18-cifar10 has none"):
        mutual_information_table({"s": scores(score_protocol="as_published")}, architectures={})


def test_corrected_information_is_on_common_levels_at_equal_seeds_and_points(scores):
    studies = {
        "dataset": scores(seeds=6, levels=(0, 0.25, 0.5, 0.75, 1)),
        "task": scores("task", seeds=5, levels=(0, 0.5, 0.75, 1)),
        "label": scores("label", seeds=4),
    }
    table = mutual_information_table(studies)
    assert list(table.columns) == MUTUAL_INFORMATION_COLUMNS
    assert table["study"].tolist() == list(studies)
    assert (table["n"] == 12).all()
    assert (table["n_seeds"] == 4).all()
    assert (table["levels"] == 3).all()
    np.testing.assert_allclose(table["entropy"], np.log(3))
    assert (table["ci_low"] < table["value"]).all()
    assert (table["value"] < table["ci_high"]).all()
    assert (table["value"] > 0.5).all()  # a slope of 25 noise SD


def test_a_panel_that_lacks_a_common_level_is_left_out(scores):
    common = scores("task", kind="common", stimuli="t", levels=(0.5, 1.0))
    table = mutual_information_table({"task": pd.concat([scores("task"), common]), "dataset": scores()})
    assert table["panels"].tolist() == [1, 1]


def test_studies_without_common_levels_have_no_corrected_row(scores):
    table = mutual_information_table({"a": scores(levels=(0.0, 1.0)), "b": scores(levels=(0.2, 0.8))})
    assert table.empty


def test_table_3_is_deterministic(scores):
    studies = {"dataset": scores(), "label": scores("label")}
    pd.testing.assert_frame_equal(mutual_information_table(studies), mutual_information_table(studies))


def test_accuracies_count_each_run_once_and_leave_runs_without_accuracy_out(manifests):
    table = accuracy_table(manifests).set_index("labelling")
    assert table.loc["x", "mean"] == pytest.approx(0.85)
    assert table.loc["x", "sd"] == pytest.approx(0.1 / np.sqrt(2))  # ddof 1
    assert table["runs"].tolist() == [2, 1]
    assert np.isnan(table.loc["y", "sd"])
    assert table.loc["x", "chance"] == pytest.approx(0.1)
    assert table.loc["x", ["loss", "loss_sd"]].tolist() == pytest.approx([0.15, 0.1 / np.sqrt(2)])
    assert table.loc["x", "loss_unit"] == "nats"
    assert table["perplexity"].isna().all()


def test_runs_without_accuracy_have_a_loss_and_empty_cells():
    losses = {"vae": [90.0, 92.0], "gpt": [3.0, 3.5]}
    rows = [(f"{name}{i}", name, None, loss) for name in losses for i, loss in enumerate(losses[name])]
    frame = pd.DataFrame(rows, columns=["run", "setting", "accuracy", "loss"])
    units = frame["setting"].map({"vae": "nats an image", "gpt": "nats a token"})
    table = accuracy_table(frame.assign(factor="task", labelling="class", classes=10, loss_unit=units))
    assert table["runs"].tolist() == [2, 2]
    assert table["loss"].tolist() == [91, 3.25]
    assert table["loss_sd"].tolist() == pytest.approx([np.sqrt(2), 0.5 / np.sqrt(2)])  # ddof 1
    assert table[["mean", "sd", "chance"]].isna().all(axis=None)
    assert np.isnan(table.loc[0, "perplexity"])
    assert table.loc[1, "perplexity"] == pytest.approx(25.7903399172)  # e to the 3.25
    assert to_csv(table).splitlines()[1] == "vae,task,class,,,2,,91.0,1.4142135623730951,nats an image,"
    assert to_markdown(table).splitlines()[3] == (
        "| gpt | task | class |  |  | 2 |  | 3.250 | 0.354 | nats a token | 25.790 |"
    )


def test_one_run_with_two_losses_is_refused(manifests):
    manifests.loc[2, "loss"] = 0.7
    with pytest.raises(ValueError, match="one accuracy and one loss: run a is listed with several"):
        accuracy_table(manifests)


def test_one_run_with_two_accuracies_is_refused(manifests):
    manifests.loc[2, "accuracy"] = 0.7
    with pytest.raises(ValueError, match="run a is listed with several"):
        accuracy_table(manifests)


def test_manifests_without_a_column_are_refused(manifests):
    with pytest.raises(ValueError, match="classes, accuracy, loss, loss_unit: labelling missing"):
        accuracy_table(manifests.drop(columns="labelling"))


def test_markdown_has_a_header_a_rule_and_a_line_a_row():
    text = to_markdown(pd.DataFrame({"name": ["a|b", "c"], "value": [0.12345, np.nan], "n": [3, 4]}))
    assert text.splitlines() == [
        "| name | value | n |",
        "| --- | ---: | ---: |",
        r"| a\|b | 0.123 | 3 |",
        "| c |  | 4 |",
    ]


def test_csv_keeps_all_digits():
    assert to_csv(pd.DataFrame({"v": [0.1 + 0.2]})) == "v\n0.30000000000000004\n"
