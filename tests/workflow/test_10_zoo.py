"""A zoo from the data to the heat map: two architectures on two data sets, and activations from files beside them."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from workflow_folder import TINY, Folder

CONFIG = TINY.with_name("zoo.yaml")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("zoo")
    (path / "my").mkdir()
    np.savez(path / "my" / "random.digits_test.npz", vectors=np.random.default_rng(0).normal(size=(60, 5)))
    folder = Folder(path, config=CONFIG)
    done = folder.call(folder.snakemake_command())
    assert done.returncode == 0, done.stdout
    return folder


def test_models_of_both_settings_are_compared_layer_by_layer(study):
    scores = pd.read_parquet(study.results / "similarity/across/trained/digits_test.parquet")
    assert len(scores) == 2 * 2 * 2  # seeds x seeds x layers
    assert set(scores["layer_a"]) == {"layer1", "layer2"} and set(scores["layer_b"]) == {"avgpool"}
    assert set(zip(scores["name_a"], scores["name_b"], strict=True)) == {
        (f"seed{a}", f"seed{b}") for a in (0, 1) for b in (0, 1)
    }
    assert set(scores["stimuli_kind"]) == {"out_of_distribution"}  # they are of the data of one setting alone
    assert scores["untrained"].notna().all() and scores["data_overlap"].isna().all()


def test_activations_from_files_stand_beside_trained_models(study):
    scores = pd.read_parquet(study.results / "similarity/across/given/digits_test.parquet")
    assert scores[["name_a", "name_b", "layer_b"]].drop_duplicates().to_numpy().tolist() == [
        ["seed0", "random", "features"], ["seed1", "random", "features"],
    ]  # fmt: skip
    assert set(scores["stimuli_kind"]) == {"in_distribution"}
    assert (scores["value"] < scores["null_p95"]).all()  # of random numbers
    assert scores["untrained"].isna().all()


def test_pairs_have_intervals_findings_name_them_and_the_heat_map_shows_them(study):
    pairs = pd.read_parquet(study.results / "similarity/across/trained/pairs/digits_test.parquet")
    assert pairs["ci_low"].notna().all()
    text = (study.results / "findings.md").read_text(encoding="utf-8")
    for row in pairs.itertuples():
        names = f"| small: {row.name_a} | wide: {row.name_b} | {row.layer_a} x avgpool | cka | {row.value:.3f} |"
        assert names in text
    assert "cka, layer1 x avgpool: 4 models, 4 pairs;" in text
    assert "- small, zoo, digit: " in text  # accuracies
    shown = pd.read_csv(study.results / "figures/across_heatmap.csv").set_index(["comparison", "a", "b"])["value"]
    means = pairs.groupby("layer_a")["value"].mean()
    for layer in ("layer1", "layer2"):
        assert shown["trained", layer, "avgpool"] == pytest.approx(means[layer])
    assert (study.results / "figures/across_heatmap.svg").is_file()


def test_the_table_of_models_has_all_of_them_with_their_attributes(study):
    models = pd.read_parquet(study.results / "models/models.parquet")
    counted = models.groupby(["setting", "factor"], sort=False).size().to_dict()
    assert counted == {("small", "zoo"): 2, ("wide", "zoo"): 5, ("brought", "external"): 1, ("wide", "label"): 2}
    of_settings = models.drop_duplicates("setting").set_index("setting")
    assert of_settings["blocks"].fillna(-1).to_dict() == {"small": 2, "wide": 1.5, "brought": -1}
    assert of_settings["architecture"].to_dict() == {"small": "resnet", "wide": "resnet", "brought": "none"}
    assert models[models["kind"] == "trained"][["parameters", "accuracy", "sha256"]].notna().all(axis=None)


def test_models_that_label_overlap_has_too_are_trained_once(study):
    models = pd.read_parquet(study.results / "models/models.parquet")
    label = models[models["factor"] == "label"].set_index("name")
    zoo = models[(models["factor"] == "zoo") & (models["setting"] == "wide")].set_index("name")
    for name, other in (("shape_digit_color.0", "seed0"), ("shape_digit_color.1", "seed0.start1.order1")):
        assert label.loc[name, ["run", "sha256"]].tolist() == zoo.loc[other, ["run", "sha256"]].tolist()
        ledger = study.path / "results" / "runs" / label.loc[name, "run"] / "ledger.jsonl"
        events = [json.loads(line)["event"] for line in ledger.read_text().splitlines()]
        assert events == ["start", "end"]
    folders = [path for path in (study.path / "results" / "runs").iterdir() if path.is_dir()]
    assert len(folders) == 2 + 5  # small, wide


def test_a_zoo_without_comparisons_is_its_models(study):
    assert not (study.results / "similarity/grid").exists()
    assert not (study.results / "statistics/grid.parquet").exists()
    assert len(pd.read_parquet(study.results / "models/wide/zoo/seed0.parquet")) == 4


def test_a_finished_zoo_has_nothing_to_do_and_another_attribute_makes_its_table_alone(study):
    done = study.call(study.snakemake_command("--dry-run", "all"))
    assert "Nothing to be done" in done.stdout
    values = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    values["settings"]["small"]["attributes"]["data"] = "digits"
    changed = study.path / "changed.yaml"
    changed.write_text(yaml.safe_dump(values), encoding="utf-8")
    said = study.call(study.snakemake_command("--dry-run", "all", config=changed)).stdout
    assert "list_models" in said and "train_models" not in said and "score_comparison" not in said
