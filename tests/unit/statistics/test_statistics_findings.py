"""The findings in words: the numbers are there, and nothing is claimed that the seeds cannot carry."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from whyalike.files import write_table
from whyalike.statistics.findings import findings
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.study import study_statistics
from whyalike.statistics.table import to_arrow
from whyalike.statistics.tables import accuracy_table


@pytest.fixture
def accuracy():
    rows = {"run": ["a", "b"], "setting": "resnet18", "factor": "dataset", "labelling": "class"}
    return accuracy_table(pd.DataFrame({**rows, "classes": 10, "accuracy": [0.7, 0.8], "loss": 1, "loss_unit": "nats"}))


@pytest.fixture
def written(both, accuracy):
    """A maker of findings from one study; keyword arguments as for the score tables."""

    def write(factor="dataset", **named):
        table = both(factor, **named)
        statistics = study_statistics(table, permutations=50, information_permutations=5)
        return findings({"s": statistics}, accuracy, mutual_information_table({"s": table})), statistics

    return write


def test_findings_hold_the_numbers_of_the_tables(written, number):
    text, statistics = written(seeds=6)
    gain = number(statistics, "gain", score_protocol="exact")
    for value in (gain["value"], gain["ci_low"], gain["ci_high"]):
        assert f"{value:+.3f}".replace("-", "\N{MINUS SIGN}") in text
    assert "6 seeds, p = 0.031, p (Holm, 1 panel) = 0.031" in text
    published = number(statistics, "ols_slope", score_protocol="as_published")
    fit = number(statistics, "ols_r2", score_protocol="as_published")
    assert f"slope {published['value']:+.3f}, R2 = {fit['value']:.3f}" in text
    assert "75.0 ± 7.1 % (mean ± SD over 2 runs, chance 10.0 %)" in text
    assert f"{number(statistics, 'mi_ksg', score_protocol='as_published')['value']:.3f} nats of at most 1.099" in text


def test_findings_say_how_a_layer_becomes_a_vector(written):
    text = " ".join(written()[0].split())
    assert "tokens, the mean over positions is compared, unless its setting names another pooling" in text


def test_a_clear_effect_over_six_seeds_is_a_claim(written):
    text, _ = written(seeds=6)
    assert "A claim: CKA is higher at the highest overlap than at the lowest." in text


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_three_seeds_or_fewer_claim_nothing(written, seeds):
    text, _ = written(seeds=seeds, slope=5.0)
    assert f"No claim is possible: with {seeds} seed{'s' * (seeds > 1)} and 1 panel the smallest p (Holm) is" in text
    assert "at least 6 seeds are needed." in text
    assert "A claim" not in text
    assert "a claim: CKA" not in text
    assert "ignifican" not in text


def test_a_null_over_six_seeds_is_no_claim(written):
    text, _ = written(seeds=6, slope=0.0, noise=0.1)
    assert "No claim: the seeds do not agree enough (with 6 seeds and 1 panel the smallest p (Holm) is 0.031)" in text


def test_adjustment_for_many_panels_can_take_a_claim_away(scores, accuracy):
    panels = [scores(seeds=7, stimuli=f"set{i}", kind="out_of_distribution", key=i) for i in range(3)]
    statistics = study_statistics(pd.concat(panels), permutations=50, information_permutations=0)
    text = findings({"s": statistics}, accuracy, mutual_information_table({}))
    assert text.count("a claim: CKA is higher at the highest overlap than at the lowest.") == 3
    unsure = statistics.assign(p_value=statistics["p_value"].clip(0.031), p_holm=statistics["p_holm"].clip(0.094))
    text = findings({"s": unsure}, accuracy, mutual_information_table({}))
    said = "no claim after adjustment for 3 panels (with 7 seeds in each of 3 panels the smallest p (Holm) is 0.047)"
    assert text.count(said) == 3
    assert "- resnet18-cifar10 on set0 (out of distribution): gain +0." in text
    few = study_statistics(pd.concat([one[one["seed"] < 6] for one in panels]), permutations=50)
    said = "no claim is possible: with 6 seeds in each of 3 panels the smallest p (holm) is 0.094; at least 7 seeds are"
    text = findings({"s": few}, accuracy, mutual_information_table({}))
    assert text.lower().count(said) == 1  # of all panels
    uneven = pd.concat([panels[0], *(one[one["seed"] < 5] for one in panels[1:])])
    text = findings({"s": study_statistics(uneven, permutations=50)}, accuracy, mutual_information_table({}))
    assert text.count("no claim: with 5 seeds in each of 3 panels") == 2
    assert "No panel on the whole in-distribution stimuli." in text


def test_metrics_that_disagree_in_sign_are_counted_and_named(scores, accuracy):
    table = pd.concat([scores(), scores(metric="svcca", key=1), scores(metric="cka_rbf", slope=-0.5, key=2)])
    distance = scores(metric="procrustes_distance", slope=-0.5, key=3)
    statistics = study_statistics(table, permutations=50, information_permutations=5)
    text = findings({"s": statistics}, accuracy, mutual_information_table({}))
    assert "Mean gain of the same sign: 1 of 2 other scorings (no test); not cka_rbf." in text
    statistics = study_statistics(pd.concat([table, distance]), permutations=50, information_permutations=5)
    text = findings({"s": statistics}, accuracy, mutual_information_table({}))
    said = "Mean gain of the same sign: 2 of 3 other scorings (no test, the sign of distances turned); not cka_rbf."
    assert said in text


def test_label_slopes_are_compared_in_the_same_unit(written):
    text, _ = written("label", seeds=4, noise=0.001)
    assert "a level, R2" in text
    assert "the same sign and nearly the same size" in text


def test_findings_without_numbers_say_so(accuracy):
    empty = study_statistics(pd.DataFrame(columns=_score_columns()), permutations=5)
    text = findings({"s": empty}, accuracy.head(0), mutual_information_table({}))
    for said in (
        "nothing can be said about a change",
        "Too few points, levels or seeds",
        "No run has an accuracy or a loss",
    ):
        assert said in text


def test_findings_tell_the_loss_of_models_without_accuracy(tmp_path):
    rows = {
        "run": list("abcd"),
        "setting": ["gpt", "gpt", "vae", "files"],
        "accuracy": None,
        "loss": [3, 3.5, 92, None],
    }
    units = ["nats a token", "nats a token", "nats an image", None]
    own = accuracy_table(pd.DataFrame({**rows, "factor": "task", "labelling": "x", "classes": 2, "loss_unit": units}))
    own.to_csv(tmp_path / "accuracy.csv", index=False)  # as the findings read it
    text = findings({}, pd.read_csv(tmp_path / "accuracy.csv"), mutual_information_table({}))
    lines = text[text.index("## Accuracies and losses") :].splitlines()[2:]
    assert lines == [
        "- gpt, task, x: test loss 3.250 ± 0.354 nats a token (mean ± SD over 2 runs, perplexity 25.8).",
        "- vae, task, x: test loss 92.000 nats an image (mean over 1 run).",
    ]


def _score_columns():
    return [
        "study",
        "comparison",
        "factor",
        "stimuli",
        "stimuli_kind",
        "metric",
        "score_protocol",
        "seed",
        "condition",
        "run_a",
        "run_b",
        "layer_a",
        "layer_b",
        "data_overlap",
        "label_overlap",
        "label_information",
        "value",
    ]


def test_findings_are_deterministic(written):
    assert written("label")[0] == written("label")[0]


def test_the_change_is_told_as_a_share_of_the_gap_where_untrained_pairs_are_known(scores, accuracy, number):
    table = scores().assign(untrained=0.1)
    statistics = study_statistics(table, permutations=50, information_permutations=5)
    row = number(statistics, "gain_share")
    text = findings({"s": statistics}, accuracy, mutual_information_table({}))
    low, high = 100 * row[["ci_low", "ci_high"]]
    said = f"Gain share {100 * row['value']:.0f} % [{low:.0f}, {high:.0f}] of the gap from"
    assert said in text
    without = study_statistics(scores(), permutations=50, information_permutations=5)
    assert "of the gap" not in findings({"s": without}, accuracy, mutual_information_table({}))


def test_findings_of_a_stored_table_are_those_of_the_table(written, accuracy, tmp_path):
    text, statistics = written(seeds=3)
    write_table(tmp_path / "s.parquet", to_arrow(statistics), {})
    stored = pq.read_table(tmp_path / "s.parquet").to_pandas()
    assert stored["panels"].dtype == float  # some are missing
    again = findings({"s": stored}, accuracy, mutual_information_table({}))
    assert again[: again.index("## Mutual")] == text[: text.index("## Mutual")]


def test_findings_name_the_metrics_with_their_parameters(accuracy):
    scorings = {"cka": {"metric": "cka", "eps": 0.0}, "near": {"metric": "mutual_knn", "k": 5, "eps": 0.0}}
    text = findings({}, accuracy, mutual_information_table({}), scorings=scorings)
    assert "Metrics (exact): cka; near (mutual_knn, k = 5).\n" in text
