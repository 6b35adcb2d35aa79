"""Ways to look at models, and steps by rule: what a configuration may say of them."""

import json
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.files import canonical_json
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow

CELL = Cell("digits", "dataset", 0)


def message(values):
    with pytest.raises(ConfigError) as error:
        check(values)
    return str(error.value)


def work(values, setting="digits"):
    cell = SimpleNamespace(setting=setting, factor="dataset", seed=0, stimuli="digits_test")
    return json.loads(Workflow(check(values)).activations_work(cell))


def test_a_kind_of_layers_is_their_names(demo):
    demo["settings"]["digits"]["layers"] = "convolutions"
    layers = check(demo).settings["digits"].layers
    assert layers[:2] == ("conv1", "layer1.0.conv1") and all("downsample" not in layer for layer in layers)
    demo["settings"]["digits"]["layers"] = "blocks"
    assert check(demo).settings["digits"].layers[0] == "layer1.0"


def test_comparisons_know_the_layers_behind_a_kind(demo):
    demo["settings"]["digits"]["layers"] = "blocks"
    study = demo["studies"]["dataset_overlap"]
    study["comparisons"] = {"deep": {"a": "digits", "layers": [["layer1.0", "layer2.0"]]}}
    check(demo)
    study["comparisons"]["deep"]["layers"] = [["conv1", "layer2.0"]]
    assert "'conv1' is not under settings.digits.layers" in message(demo)


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        ({"family": "vit", "size": 8}, "convolutions", "vit have no layers 'convolutions'. Known of it: blocks."),
        ({"family": "import", "path": "my.code:f"}, "blocks", "import have no layers 'blocks'. Name the modules."),
    ],
)
def test_a_family_without_such_layers_is_one_fault(demo, model, kind, words):
    demo["models"]["own"] = model
    demo["settings"]["digits"] |= {"model": "own", "layers": kind, "size": 8}
    text = message(demo)
    assert f"settings.digits.layers: models of the family {words}" in text and "1 fault" in text


def test_an_unknown_word_for_layers_and_an_unknown_model_are_said(demo):
    demo["settings"]["digits"]["layers"] = "convolution"
    assert "settings.digits.layers" in message(demo)
    demo["settings"]["digits"] |= {"layers": "convolutions", "model": "resnet9"}
    assert "'resnet9' is not under models" in message(demo)


def test_a_way_to_look_changes_parameters_of_extraction_and_no_run(demo):
    before, runs = work(demo), Grid(check(demo)).runs(CELL)
    demo["settings"]["digits"] |= {"pooling": "mean", "batch_norm": "running"}
    assert work(demo) == before
    demo["settings"]["digits"] |= {"pooling": "center", "batch_norm": "recalibrated"}
    after = work(demo)
    assert Grid(check(demo)).runs(CELL) == runs
    assert after["runs"] == before["runs"] and set(after["views"]) == set(before["runs"])
    assert (after.pop("pooling"), after.pop("recalibration")) == ("center", 512)
    views = [*after.pop("views").values(), *after["untrained"]]
    assert not {*views} & {*before["runs"], *before["untrained"]} and len({*views}) == len(views)
    assert list(after["untrained"].values()) == list(before["untrained"].values())
    assert canonical_json({**after, "untrained": before["untrained"]}) == canonical_json(before)


def test_every_way_to_look_has_views_of_its_own(demo):
    found = []
    for way in ({}, {"pooling": "center"}, {"batch_norm": "recalibrated"},
                {"batch_norm": "recalibrated", "recalibration_images": 64}):  # fmt: skip
        demo["settings"]["digits"] |= way
        asked = work(demo)
        found += [*(asked.get("views") or {run: run for run in asked["runs"]}).values(), *asked["untrained"]]
        demo["settings"]["digits"].pop("pooling", None)
    assert len(set(found)) == len(found)


def test_training_images_are_an_input_of_extraction_where_they_recalibrate_alone(demo):
    flow = Workflow(check(demo))
    job = SimpleNamespace(setting="digits")
    assert flow.recalibration_dataset(job) == []
    demo["settings"]["digits"]["batch_norm"] = "recalibrated"
    assert Workflow(check(demo)).recalibration_dataset(job) == flow.dataset("digits")


def test_the_identity_of_checkpoints_does_not_know_how_they_are_looked_at(demo):
    own = {"dataset": "digits", "labelling": "digit", "runs": ["x", "y"], "checkpoints": "my/{run}.pt", "size": 8,
           "model": demo["settings"]["digits"]["model"], "mean": [78] * 3, "std": [96] * 3}  # fmt: skip
    demo["settings"]["theirs"] = own
    demo["studies"]["theirs"] = {"factor": "external", "settings": ["theirs"], "stimuli": ["digits_test"]}
    cell = Cell("theirs", "external", 0)
    before = Grid(check(demo)).runs(cell)
    own |= {"pooling": "center4", "batch_norm": "recalibrated", "layers": "convolutions"}
    assert Grid(check(demo)).runs(cell) == before


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"pooling": "centre"}, "pooling"),
        ({"batch_norm": "stored"}, "batch_norm"),
        ({"recalibration_images": 64}, "recalibration_images is of batch_norm: recalibrated: remove it, or set that"),
    ],
)
def test_a_way_to_look_that_cannot_be_is_a_fault(demo, setting, words):
    demo["settings"]["digits"] |= setting
    assert words in message(demo)


def test_a_rule_of_steps_is_no_part_of_a_runs_identity(demo):
    before = Grid(check(demo)).runs(CELL)
    demo["recipes"]["digits"]["keep_steps"] = {"log2": True, "epochs": [1]}
    assert Grid(check(demo)).runs(CELL) == before


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "it keeps no step: set log2, or name epochs or extra steps"),
        ({"log2": False}, "it keeps no step"),
        ({"epochs": [10**6]}, "keep_steps.epochs: there is no epoch 1000000, the last is"),
        ({"epoch": [1]}, "epoch"),
    ],
)
def test_a_rule_that_keeps_nothing_or_what_is_not_there_is_a_fault(demo, rule, words):
    demo["recipes"]["digits"]["keep_steps"] = rule
    assert words in message(demo)


def test_recipes_that_count_steps_know_no_epochs_and_no_step_behind_their_last(demo):
    adam = {"objective": "cross_entropy_adam", "lr": 0.1, "steps": 50, "batch_size": 8, "mean": [1], "std": [1]}
    demo["recipes"]["adam"] = {**adam, "keep_steps": {"epochs": [1]}}
    assert "this objective counts steps, not epochs. Name steps under extra" in message(demo)
    demo["recipes"]["adam"] = {**adam, "keep_steps": {"extra": [51]}}
    assert "keep_steps.extra: there is no step 51, the last is 50" in message(demo)


def test_comparisons_name_steps_that_are_known_by_number(demo):
    demo["recipes"]["digits"]["keep_steps"] = {"log2": True, "epochs": [1], "extra": [50]}
    study = demo["studies"]["dataset_overlap"]
    study["comparisons"] = {"early": {"a": "digits", "steps": [0, 1, 32, 50, "final"]}}
    check(demo)
    study["comparisons"]["early"]["steps"] = [33]
    text = message(demo)
    assert "Kept: 50, 1, 2, 4, ... below the end, the ends of epochs 1, beside 0 and final." in text
    assert "An epoch's end has a number only when training begins: name it under extra." in text
