"""Models looked at in several ways: shared runs, views of their own, added steps, a token that never varies."""

import json

import numpy as np
import pandas as pd
import pytest
from workflow_folder import TINY, finished

from whyalike.activations.table import read_activations
from whyalike.files import made_by

CONFIG = TINY.with_name("looking.yaml")
WAYS = ("mean", "center", "recalibrated")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study, finished."""
    return finished(tmp_path_factory.mktemp("looking"), CONFIG)


@pytest.fixture(scope="module")
def views(study):
    return pd.read_parquet(study.results / "similarity" / "views.parquet")


def scores(study, name):
    return pd.read_parquet(study.results / "similarity" / "overlap" / name / "digits_test.parquet")


def test_settings_that_differ_in_a_way_to_look_share_their_runs(study, views):
    runs = {name: set(views[views["setting"] == name]["run"]) for name in WAYS}
    assert runs["mean"] == runs["center"] == runs["recalibrated"]
    for run in runs["mean"]:
        events = [json.loads(line) for line in (study.path / "results/runs" / run / "ledger.jsonl").open()]
        assert [event["event"] for event in events].count("start") == 1


def test_each_way_has_views_of_its_own_and_the_default_one_is_the_run(views):
    of = {name: set(views[views["setting"] == name]["view"]) for name in WAYS}
    assert len(set.union(*of.values())) == sum(map(len, of.values()))
    final = views[(views["setting"] == "mean") & views["step"].isna()]
    assert (final["view"] == final["run"]).all()
    shown = views.drop_duplicates("setting").set_index("setting")
    assert shown["pooling"].to_dict() == {"mean": "mean", "center": "center", "recalibrated": "center", "tokens": "cls"}
    assert shown["batch_norm"].to_dict() == dict.fromkeys(("mean", "center", "tokens"), "running") | {
        "recalibrated": "recalibrated"
    }
    assert shown["recalibration_images"].dropna().to_dict() == {"recalibrated": 40}


def test_the_table_of_views_knows_place_width_and_receptive_field(views):
    layers = views[views["setting"] == "center"].drop_duplicates("layer").set_index("layer")
    assert layers["receptive_field"].to_dict() == {"conv1": 3, "layer1.0.conv1": 7, "layer1.0.conv2": 11}
    assert layers["receptive_share"].tolist() == [3 / 8, 7 / 8, 11 / 8]
    assert layers["place"].tolist() == layers["depth"].tolist() == [0, 0.5, 1]
    assert set(layers["width"]) == {4}


def test_score_tables_name_the_views(study, views):
    for name in (*WAYS, "ways"):
        table = scores(study, name)
        for side in "ab":
            setting = table["setting"] if side == "a" else table["setting_b"].fillna(table["setting"])
            columns = {f"run_{side}": "view", f"layer_{side}": "layer", f"name_{side}": "name", f"step_{side}": "step"}
            seen = table.rename(columns=columns).assign(setting=setting)
            keys = ["view", "layer", "name", "step", "setting"]
            found = seen[keys].drop_duplicates().merge(views[keys].drop_duplicates(), how="left", indicator=True)
            assert (found["_merge"] == "both").all()
    ways = scores(study, "ways")
    start = ways[(ways["step_a"] == 0) & (ways["step_b"] == 0)]
    assert len(start) and (start["value"] == start["untrained"]).all()


def test_the_same_weights_give_other_vectors_in_other_ways(study, views):
    own = views[views["step"].isna() & (views["name"] == "A") & (views["seed"] == 0) & (views["layer"] == "conv1")]
    vectors = {
        row.setting: read_activations(
            study.results / f"activations/{row.setting}/dataset/seed0/digits_test.conv1.parquet", row.view
        )
        for row in own.itertuples()
        if row.setting in WAYS
    }
    assert not np.allclose(vectors["mean"], vectors["center"])
    # the first convolution has no BatchNorm before it; the last ones have
    assert np.array_equal(vectors["center"], vectors["recalibrated"])
    one, other = scores(study, "center"), scores(study, "recalibrated")
    assert not np.allclose(one["untrained"], other["untrained"])


def test_a_token_that_never_varies_is_absent_with_its_reason_and_the_rest_is_scored(study, views):
    table = scores(study, "tokens")
    path = study.results / "similarity" / "overlap" / "tokens" / "digits_test.parquet"
    assert set(table["layer_a"]) == {"encoder.layers.encoder_layer_0"}
    absent = made_by(path)["absent"]
    assert {one["layer"] for one in absent} == {"encoder.dropout"}
    assert {one["run"] for one in absent} == {*table["run_a"], *table["run_b"]}
    told = views[views["setting"].eq("tokens") & views["step"].isna()].set_index("layer")["absent"]
    assert set(told["encoder.dropout"]) == {"does not vary over the stimuli (digits_test)"}
    assert told["encoder.layers.encoder_layer_0"].isna().all()
    assert views[views["setting"] != "tokens"]["absent"].isna().all()
    assert "absent" not in made_by(study.results / "similarity" / "overlap" / "mean" / "digits_test.parquet")
    logs = (study.results / "logs" / "score_comparison").glob("overlap.tokens.*")
    assert all("no scores of layer encoder.dropout" in log.read_text() for log in logs)


def test_a_step_that_is_added_is_planned_and_trained_alone(study, tmp_path):
    runs = study.path / "results" / "runs"
    (run, *_) = sorted(path.parent.name for path in runs.glob("*/weights.step1.safetensors"))
    kept = {path.name for path in (runs / run).glob("weights.step*")}
    before = {path: path.read_bytes() for path in runs.glob("*/weights.safetensors")}
    assert kept == {f"weights.step{step}.safetensors" for step in (1, 2, 4, 8, 10, 16)}
    changed = tmp_path / "looking.yaml"
    changed.write_text(CONFIG.read_text().replace("epochs: [1]}", "epochs: [1], extra: [5]}"))
    plan = " ".join(study.call(study.snakemake_command("--dry-run", config=changed)).stdout.split())
    assert "3 of the runs are finished and lack steps" in plan and "up to step 5 at most" in plan
    done = study.call(study.snakemake_command("results/looking/models/mean/dataset/seed0.parquet", config=changed))
    assert done.returncode == 0, done.stdout
    assert (runs / run / "weights.step5.safetensors").is_file()
    assert {path: path.read_bytes() for path in before} == before
    starts = [
        (event["step"], event.get("again"))
        for event in map(json.loads, (runs / run / "ledger.jsonl").open())
        if event["event"] in ("start", "end")
    ]
    assert starts[-2:] == [(0, [5]), (5, None)]
