"""Panels of the comparisons that a study names: one a pair of layers and of steps, beside those of its settings."""

import numpy as np
import pandas as pd
import pytest

from whyalike.figures import metrics_grid, overlap
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.scoring import score_pairs
from whyalike.similarity.table import to_table
from whyalike.statistics.findings import findings
from whyalike.statistics.study import study_statistics
from whyalike.statistics.table import to_arrow, view_words

N, D = 40, 6
LAYERS = {"resnet": ("early", "late"), "vgg": ("first",)}


@pytest.fixture(scope="module")
def scores():
    """A study of one setting, with a comparison of all of its layers with another's, at the end and at steps."""
    rng, representations, pairs = np.random.default_rng(0), {}, []
    across = (("early", "first"), ("late", "first"))
    for name, b, steps, layers in (
        ("resnet", None, [(None, None)], None),
        ("across", "vgg", [(None, None), (0, 9)], across),
    ):
        for seed, level, (step_a, step_b) in [(s, o, t) for s in (0, 1) for o in (0.0, 1.0) for t in steps]:
            runs = f"A {seed} {step_a}", f"{b} {seed} {level} {step_b}"
            for run, setting in zip(runs, ("resnet", b or "resnet"), strict=True):
                representations.setdefault(run, {layer: rng.normal(size=(N, D)) for layer in LAYERS[setting]})
            columns = {
                "study": "s", "comparison": name, "setting": "resnet", "factor": "dataset", "seed": seed,
                "condition": f"{level:g}", "data_overlap": level, "stimuli": "photos",
                "stimuli_kind": "in_distribution", "name_a": "A", "name_b": f"B@{level:g}", "setting_b": b,
                "step_a": step_a, "step_b": step_b,
            }  # fmt: skip
            rows = (np.arange(N),)
            pairs.append(PairOnStimuli(*runs, None, None, rows, None, None, None, columns, layers))
    return to_table(score_pairs(representations, pairs, {"cka": {}}, ["exact", "as_published"], 5, 0)).to_pandas()


@pytest.fixture(scope="module")
def statistics(scores):
    return to_arrow(study_statistics(scores, permutations=20)).to_pandas()


def test_each_pair_of_layers_is_scored_and_the_published_score_is_over_all(scores):
    layers = scores.groupby(["comparison", "layer_a", "layer_b"]).size().to_dict()
    assert layers == {
        ("across", "early", "first"): 8, ("across", "late", "first"): 8, ("across", "max", "max"): 8,
        ("resnet", "early", "early"): 4, ("resnet", "late", "late"): 4, ("resnet", "max", "max"): 4,
    }  # fmt: skip
    assert scores[scores["comparison"] == "resnet"][["setting_b", "step_a", "step_b"]].isna().all(axis=None)
    assert set(scores["name_b"]) == {"B@0", "B@1"}


def test_no_number_of_a_setting_changes_for_the_comparisons_beside_it(scores, statistics):
    alone = study_statistics(scores[scores["comparison"] == "resnet"].reset_index(drop=True), permutations=20)
    beside = study_statistics(scores, permutations=20)
    pd.testing.assert_frame_equal(beside[beside["comparison"] == "resnet"].reset_index(drop=True), alone)


def test_panels_of_a_named_comparison_mix_no_layers_and_no_steps(statistics):
    gains = statistics[(statistics["estimator"] == "gain") & (statistics["score_protocol"] == "exact")]
    words = [view_words(row) for row in gains.to_dict("records")]
    assert words == ["", "early x first", "late x first", "early x first, step 0 vs step 9",
                     "late x first, step 0 vs step 9"]  # fmt: skip
    assert set(gains["n"]) == {4}


def test_findings_give_each_view_a_line(statistics):
    page = findings({"s": statistics}, pd.DataFrame(), pd.DataFrame(columns=["protocol"]))
    assert "**resnet on photos (in distribution)**" in page
    assert "- across on photos (in distribution, late x first, step 0 vs step 9): " in page


@pytest.mark.parametrize("kind", [overlap, metrics_grid])
def test_a_figure_of_a_named_comparison_has_a_panel_for_each_view(scores, statistics, kind):
    _, numbers = kind.draw(scores, statistics, comparison="across")
    views = numbers[["panel", "layer_a", "layer_b", "step_a", "step_b"]].drop_duplicates()
    assert len(views) == views["panel"].nunique() == 4
    own = scores[scores["comparison"] == "resnet"]
    assert "layer_a" not in kind.draw(own, statistics)[1].columns
