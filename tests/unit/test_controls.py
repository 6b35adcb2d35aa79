"""The control ladder's grid and splits: which runs differ in what, which are shared, what the configuration refuses."""

import numpy as np
import pytest
import torch
from job_parameters import split_parameters

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.data.prepared import open_prepared
from whyalike.designs import controls
from whyalike.grid.runs import Cell, Grid
from whyalike.models.parameters import ResNetParameters
from whyalike.splits.stage import make_splits, read_split
from whyalike.training.parameters import TaskParameters, TrainedRun
from whyalike.training.task import Task

CELL = Cell("digits", "controls", 2)


@pytest.fixture
def values(demo):
    """The demo with every control of its digits, seeds as in dataset overlap."""
    study = {"factor": "controls", "settings": ["digits"], "levels": list(controls.CONDITIONS),
             "seeds": [0, 1, 2, 3, 4], "stimuli": ["digits_test"]}  # fmt: skip
    demo["studies"]["controls"] = study
    return demo


def test_a_seed_has_a_and_one_run_a_rung(values):
    assert [run.name for run in Grid(check(values)).runs(CELL)] == ["A", *sorted(controls.RUNGS)]


def test_a_and_the_models_of_all_and_no_data_in_common_are_those_of_dataset_overlap(values):
    grid = Grid(check(values))
    of_controls = {run.name: run for run in grid.runs(CELL)}
    of_dataset = {run.name: run for run in grid.runs(Cell("digits", "dataset", 2))}
    for one, other in (("A", "A"), ("same_data", "B@1"), ("disjoint_data", "B@0")):
        assert of_controls[one].identity == of_dataset[other].identity
    assert len({run.identity for run in of_controls.values()}) == len(of_controls)


def test_rungs_differ_from_a_in_start_and_order_as_they_say(values):
    runs = {run.name: run for run in Grid(check(values)).runs(CELL)}
    a = runs["A"]
    same_start = {name for name, run in runs.items() if run.untrained == a.untrained}
    assert same_start == {"A", "same_run", "other_order"}
    assert {name for name, run in runs.items() if run.replica == "0"} == {"A", "same_run", "other_start"}
    assert {name: run.start for name, run in runs.items() if run.start} == {"other_order": "0", "other_start": "1"}
    assert "start" not in a.plain() and runs["other_order"].plain()["start"] == "0"


def test_pairs_across_seeds_are_every_two_models_a(values):
    grid = Grid(check(values))
    pairs = [pair for pair in grid.pairs("controls", "digits") if pair.condition == controls.ACROSS_SEEDS]
    assert len(pairs) == 10
    own = [grid.runs(Cell("digits", "dataset", seed))[0].identity for seed in range(5)]
    assert {frozenset((pair.run_a.identity, pair.run_b.identity)) for pair in pairs} == {
        frozenset((own[i], own[j])) for i in range(5) for j in range(i)
    }
    assert all(pair.plain()["seed_b"] > pair.seed for pair in pairs)
    others = [pair for pair in grid.pairs("controls", "digits") if pair.condition != controls.ACROSS_SEEDS]
    assert len(others) == 5 * 6
    assert not any("seed_b" in pair.plain() for pair in others)


class OnlyBuilds(Task):
    """A task that can do nothing but build its model."""

    classes = ("a", "b")
    material = read = optimizer = learning_rate = batches = loss = evaluate = None
    __abstractmethods__ = frozenset()


def test_a_run_with_another_start_builds_that_runs_initial_weights():
    model = ResNetParameters(blocks=(1,), widths=(4,)).model_dump(mode="json") | {"family": "resnet"}
    parameters = TaskParameters(seed=3, size=8, model=model)

    def weights(**run):
        one = TrainedRun(name="A", labelling="digit", level=None, identity="0" * 16, **run)
        return OnlyBuilds(parameters, None, one, torch.device("cpu")).build().state_dict()["conv1.weight"]

    assert torch.equal(weights(replica="1", start="0"), weights(replica="0"))
    assert not torch.equal(weights(replica="1"), weights(replica="0"))


def test_images_and_labels_of_the_rungs(values, tmp_path):
    from whyalike.data.digits import prepare

    prepare({"train_per_class": 20}, tmp_path / "data", 1, lambda line: None)
    data = open_prepared(tmp_path / "data")
    runs = [
        {"name": run.name, "labelling": run.labelling, "level": run.level} for run in Grid(check(values)).runs(CELL)
    ]
    make_splits(split_parameters("controls", runs, 2), tmp_path / "data", tmp_path / "splits.parquet")
    pair = [{"name": "A", "labelling": "digit", "level": None}, {"name": "B@0", "labelling": "digit", "level": "0"}]
    make_splits(split_parameters("dataset", pair, 2), tmp_path / "data", tmp_path / "pair.parquet")
    a = read_split(tmp_path / "pair.parquet", "A")
    for name in ("A", "same_run", "other_order", "other_start", "same_data"):
        for own, expected in zip(read_split(tmp_path / "splits.parquet", name), a, strict=True):
            np.testing.assert_array_equal(own, expected)
    disjoint = read_split(tmp_path / "splits.parquet", "disjoint_data")
    np.testing.assert_array_equal(disjoint[0], read_split(tmp_path / "pair.parquet", "B@0")[0])
    index, label, _ = read_split(tmp_path / "splits.parquet", "shuffled_labels")
    np.testing.assert_array_equal(index, a[0])
    np.testing.assert_array_equal(np.bincount(label), np.bincount(a[1]))
    true, _ = data.labelling("digit", index)
    assert np.mean(label == true) < 0.3  # chance is .1: of 100 images at most 30 by luck


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "levels",
            ["same_run", "other_data"],
            "levels ['other_data'] are not rungs of the controls: same_run, other_order",
        ),
        ("min_accuracy", 0.5, "min_accuracy cannot be asked of controls"),
    ],
)
def test_a_study_that_is_no_ladder_is_refused(values, key, value, message):
    values["studies"]["controls"][key] = value
    with pytest.raises(ConfigError) as error:
        check(values)
    assert message in str(error.value)
