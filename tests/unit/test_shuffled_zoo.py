"""A zoo of shuffled labels: names and identities, labels, what is refused, and models that learn them by heart."""

from types import SimpleNamespace

import numpy as np
import pytest
from job_parameters import split_parameters

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.data.digits import prepare
from whyalike.data.prepared import open_prepared
from whyalike.designs import zoo
from whyalike.designs.design import Asked
from whyalike.files import read_table
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow
from whyalike.splits.parameters import SplitParameters
from whyalike.splits.stage import make_splits, read_split
from whyalike.training.cell import train_cell
from whyalike.training.parameters import Operation, TrainingParameters
from whyalike.training.store import StoredRun

CELL = Cell("digits", "zoo", 1)


@pytest.fixture
def values(demo):
    """Two zoos of the demo's digits in place of its studies, of given and of shuffled labels."""
    given = {"factor": "zoo", "settings": ["digits"], "seeds": [0, 1], "grid": 2}
    demo["studies"] = {"given": given, "shuffled": {**given, "labels": "shuffled"}}
    demo["figures"], demo["sample_texts"] = {}, {}
    return demo


def only(values, study: str):
    """The configuration with one of the two zoos."""
    return check(values | {"studies": {study: values["studies"][study]}})


def by_name(config) -> dict:
    return {run.name: run for run in Grid(config).runs(CELL)}


def faults(values) -> str:
    with pytest.raises(ConfigError) as error:
        check(values)
    return str(error.value)


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ("0_0_shuffled", "seed3.shuffled"),
        ("1_2_shuffled", "seed3.start1.order2.shuffled"),
        ("1_2", "seed3.start1.order2"),
    ],
)
def test_a_model_s_name_says_that_its_labels_are_shuffled_and_so_does_its_split(condition, name):
    run, _ = zoo.expand(Asked(3, "digit"), condition)
    assert run.name == name
    assert run.split == {"part": "all", "labels": "shuffled"} if condition.endswith("shuffled") else {"part": "all"}
    assert zoo.unit(name) == "seed3"


def test_two_zoos_of_a_setting_share_its_cells_and_each_has_models_of_its_own(values):
    grid = Grid(check(values))
    assert grid.cells[CELL] == ["given", "shuffled"]
    ends = ("", ".order1", ".start1", ".start1.order1")
    assert {run.name for run in grid.models("given", "digits")} == {f"seed{i}{end}" for i in (0, 1) for end in ends}
    assert {run.name for run in grid.models("shuffled", "digits")} == {
        f"seed{i}{end}.shuffled" for i in (0, 1) for end in ends
    }


def test_shuffled_labels_are_another_run_from_the_same_start_and_rename_no_other(values):
    both, alone = by_name(check(values)), by_name(only(values, "given"))
    assert {name: run.identity for name, run in both.items() if name in alone} == {
        name: run.identity for name, run in alone.items()
    }
    assert len({run.identity for run in both.values()}) == len(both) == 8
    assert all(run.untrained == both[f"{name}.shuffled"].untrained for name, run in alone.items())


def test_given_labels_are_what_no_key_was(values):
    before = by_name(only(values, "given"))
    values["studies"]["given"]["labels"] = "given"
    assert by_name(only(values, "given")) == before
    assert "labels" not in check(values).studies["given"].plain()


def test_all_seeds_learn_one_permutation_of_the_given_labels(values, tmp_path):
    prepare({"train_per_class": 20}, tmp_path / "data", 1, lambda line: None)
    data, learned = open_prepared(tmp_path / "data"), []
    for seed in (0, 1):
        runs = [{"name": run.name, "labelling": run.labelling, "level": run.level}
                for run in Grid(check(values)).runs(Cell("digits", "zoo", seed))]  # fmt: skip
        make_splits(split_parameters("zoo", runs, seed), tmp_path / "data", tmp_path / "splits.parquet")
        for run in runs:
            index, label, classes = read_split(tmp_path / "splits.parquet", run["name"])
            true, names = data.labelling("digit", index)
            np.testing.assert_array_equal(index, data.rows("train"))
            np.testing.assert_array_equal(np.bincount(label), np.bincount(true))
            assert classes == names
            if run["level"]:
                learned.append(label)
            else:
                np.testing.assert_array_equal(label, true)
    assert len(learned) == 8 and all(np.array_equal(one, learned[0]) for one in learned)
    assert np.mean(learned[0] == true) < 0.2  # 200 images: chance .1, and 4.7 standard errors of it


def test_what_a_zoo_of_shuffled_labels_cannot_have_is_refused(values):
    values["studies"]["shuffled"]["min_accuracy"] = 0.5
    assert "min_accuracy cannot be asked of shuffled labels" in faults(values)
    values["studies"]["shuffled"]["min_accuracy"] = 0.0
    values["settings"]["theirs"] = {"dataset": "digits", "labelling": "digit", "runs": ["a"],
                                    "activations": "my/{run}.{stimuli}.npy"}  # fmt: skip
    values["studies"]["shuffled"]["settings"] = ["theirs"]
    assert "studies.shuffled.labels: the models of 'theirs' come from files" in faults(values)
    values["recipes"]["simclr"] = {
        "objective": "simclr", "lr": 0.1, "epochs": 1, "batch_size": 50, "mean": [0] * 3, "std": [1] * 3, "hidden": 8,
        "dimensions": 8,
    }  # fmt: skip
    values["settings"]["simclr"] = {**values["settings"]["digits"], "recipe": "simclr"}
    values["studies"]["shuffled"]["settings"] = ["simclr"]
    assert "the models of 'simclr' learn no labels (objective simclr)" in faults(values)


def test_shuffled_labels_are_learnt_by_heart_and_given_ones_alone_are_held_to_a_bound(values, tmp_path):
    values["models"]["tiny"] = {"family": "resnet", "blocks": [1], "widths": [16], "stem": "3x3", "stem_stride": 1}
    values["recipes"]["digits"] |= {"epochs": 30, "peak_epoch": 5, "batch_size": 50, "augmentation": {}}
    values["settings"]["digits"] |= {"model": "tiny", "size": 8}
    values["studies"]["given"] |= {"grid": 1, "min_accuracy": 0.4}
    values["studies"]["shuffled"]["grid"] = 1
    flow, cell = Workflow(check(values)), SimpleNamespace(**vars(CELL))
    prepare({"train_per_class": 10}, tmp_path / "data", 1, lambda line: None)
    splits = SplitParameters.from_text(flow.splits_work(cell))
    make_splits(splits, tmp_path / "data", tmp_path / "splits.parquet")
    asked = TrainingParameters.from_text(flow.training_work(cell))
    train_cell(asked, Operation(device="cpu"), 1, tmp_path / "data", tmp_path / "splits.parquet", tmp_path / "runs",
               tmp_path / "manifest.parquet")  # fmt: skip
    given, shuffled = asked.runs
    results = {run.name: StoredRun(tmp_path / "runs", run.identity) for run in (given, shuffled)}
    assert list(results) == ["seed1", "seed1.shuffled"]
    learned = read_table(results["seed1.shuffled"].log).to_pandas()
    assert learned.accuracy.iloc[-1] > 0.25, learned
    accuracy = {name: stored.finished()["accuracy"] for name, stored in results.items()}
    assert accuracy["seed1"] > 0.4 > accuracy["seed1.shuffled"]
