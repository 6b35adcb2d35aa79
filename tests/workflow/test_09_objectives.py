"""Autoencoders and language models through every stage: the same rules, tables and figures as the classifiers."""

import json

import pandas as pd
import pytest
from workflow_folder import OBJECTIVES, finished

from whyalike.files import made_by


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study of all objectives but classification, finished."""
    path = tmp_path_factory.mktemp("objectives")
    lines = [
        f"{seed},cka,{level},{common},{one},{0.2 + 0.01 * seed}"
        for seed in range(3)
        for level, common, one in ((0, -1, 0.3), (0.5, 0.4 + 0.02 * seed, 0.3), (1, 0.6, -1))
    ]
    header = "seed,metric,frac_overlap,metric_common,metric_OOD_for_one,metric_ood_all_wikitext"
    (path / "theirs.csv").write_text("\n".join([header, *lines]) + "\n")
    return finished(path, OBJECTIVES)


def scores(study, path):
    return pd.read_parquet(study.results / "similarity" / f"{path}.parquet")


def test_an_autoencoder_has_two_layers_and_the_published_rule_takes_the_most_alike(study):
    table = scores(study, "autoencoders/autoencoder/digits_test")
    layers = table.groupby("score_protocol")["layer_a"].unique().map(set).to_dict()
    assert layers == {"exact": {"mu", "logvar"}, "as_published": {"max"}}
    assert set(table["stimuli_kind"]) == {"common", "ood_one", "ood_both"}


def test_language_models_are_compared_on_windows_of_their_own_and_of_other_corpora(study):
    own, other = scores(study, "texts/topics/topics_windows"), scores(study, "texts/topics/three_windows")
    assert set(own["stimuli_kind"]) == {"in_distribution"}
    assert set(other["stimuli_kind"]) == {"out_of_distribution"}
    assert set(own["n"]) == {60}
    assert set(other["n"]) == {240}


def test_corpora_are_what_overlaps_where_the_task_does(study):
    table = scores(study, "corpora/three/three_windows")
    kinds = table.groupby("condition")["stimuli_kind"].unique().map(set).to_dict()
    # four corpora, two a model: a set that does not exist at a level is absent
    assert kinds == {"0": {"ood_one"}, "0.5": {"common", "ood_one", "ood_both"}, "1": {"common", "ood_both"}}
    assert set(table.loc[table["stimuli_kind"] == "common", "classes"]) == {1, 2}


def test_manifests_say_the_loss_and_no_accuracy(study):
    for path in (study.results / "models").rglob("*.parquet"):
        manifest = pd.read_parquet(path)
        assert manifest["accuracy"].isna().all()
        assert (manifest["loss"] > 0).all()


def test_early_stopping_is_in_the_store(study):
    for path in (study.path / "results" / "runs").glob("*/result.json"):
        result = json.loads(path.read_text())
        if made_by(path.with_name("log.parquet"))["run"]["labelling"] == "corpus":
            assert result["best_step"] in (10, 20, 30)
            assert result["steps"] in (30, result["best_step"] + 20)
        else:
            assert "best_step" not in result


def test_every_figure_is_drawn(study):
    drawn = {path.stem for path in (study.results / "figures").glob("*.png")}
    assert drawn == {"autoencoders", "texts", "beside", "seen", "corrections", "accuracy"}


def test_published_scores_stand_beside_ours(study):
    beside = pd.read_csv(study.results / "figures" / "beside.csv").query("mark == 'score'")
    assert set(beside["comparison"]) == {"three", "published_gpt"}
    own = beside[(beside["comparison"] == "published_gpt") & (beside["stimuli_kind"] == "common")]
    assert sorted(own["y"]) == pytest.approx([0.4, 0.42, 0.44, 0.6, 0.6, 0.6])  # no -1 where there is no such set
    cells = pd.read_csv(study.results / "figures" / "corrections.csv").query("comparison == 'published_gpt'")
    slopes = cells[cells["quantity"] == "slope"].set_index("stimuli_kind")
    # as published -1 counts as a score at the level 0
    assert slopes.loc["common", "as_published"] > 1 > slopes.loc["common", "corrected"] > 0


def test_every_level_has_its_sample_text(study):
    table = pd.read_csv(study.results / "samples" / "spoken.csv", dtype={"level": str})
    assert table["name"].tolist() == ["A", "B@0", "B@0.5", "B@1"]  # of the first seed
    assert table["text"].str.startswith("Do you not hear").all()
    assert "# Sample text" in (study.results / "samples" / "spoken.md").read_text()


def test_nothing_is_left_to_do(study):
    done = study.call(study.snakemake_command("--dry-run"))
    assert "Nothing to be done" in done.stdout
