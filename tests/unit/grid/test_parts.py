"""Cells that are trained in parts: which runs each part has, and that plan, status and parameters know them."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.parts import parts, runs_of, split_settings
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.plan import Plan

COSTS = costs.read(Path(__file__).parents[3] / "config" / "costs.yaml")
CELL = Cell("digits", "dataset", 0)  # of six runs
KEYS = {"setting": "digits", "factor": "dataset", "seed": "0"}


@pytest.fixture
def split(demo):
    """The demo with at most four runs a job of digits."""
    return check(demo | {"operation": {"runs_per_job": {"digits": 4}}})


def test_a_cell_is_whole_unless_the_operation_splits_its_setting(demo, split):
    whole = Grid(check(demo))
    assert parts(whole, CELL) == {"": whole.runs(CELL)}
    assert split_settings(check(demo)) == []
    assert split_settings(split) == ["digits"]
    assert split_settings(check(demo | {"operation": {"runs_per_job": 9}})) == list(demo["settings"])
    other = Cell("colorshapedigit", "label", 0)
    assert parts(Grid(split), other) == {"": Grid(split).runs(other)}


def test_parts_have_so_many_runs_in_the_order_of_names(split):
    grid = Grid(split)
    found = {name: [run.name for run in runs] for name, runs in parts(grid, CELL).items()}
    assert found == {".part0": ["A", "B@0", "B@0.25", "B@0.5"], ".part1": ["B@0.75", "B@1"]}
    assert [run for runs in parts(grid, CELL).values() for run in runs] == runs_of(grid, CELL)
    assert runs_of(grid, CELL, ".part1") == parts(grid, CELL)[".part1"]


def test_a_level_at_the_end_leaves_the_earlier_parts_as_they_were(demo, split):
    demo["studies"]["dataset_overlap"]["levels"].remove("1")
    fewer = check(demo | {"operation": {"runs_per_job": {"digits": 4}}})
    wildcards = SimpleNamespace(**KEYS, part=".part0")
    assert Workflow(fewer).training_work(wildcards) == Workflow(split).training_work(wildcards)


def test_identities_and_the_cell_s_own_parameters_do_not_know_of_parts(demo, split):
    wildcards = SimpleNamespace(**KEYS)
    assert Workflow(split).training_work(wildcards) == Workflow(check(demo)).training_work(wildcards)
    of_parts = [SimpleNamespace(**KEYS, part=part) for part in (".part0", ".part1")]
    works = [json.loads(Workflow(split).training_work(one)) for one in of_parts]
    whole = json.loads(Workflow(split).training_work(wildcards))
    assert [run for work in works for run in work["runs"]] == whole["runs"]
    assert all(work | {"runs": []} == whole | {"runs": []} for work in works)


def test_a_cell_of_parts_has_a_manifest_for_each_and_its_own(split):
    flow = Workflow(split)
    folder = f"{flow.root}/models/digits/dataset"
    assert flow.part_manifests(CELL) == [f"{folder}/seed0.part{i}.parquet" for i in (0, 1)]
    assert f"{folder}/seed0.parquet" in flow.all_manifests()
    assert not any("part" in manifest for manifest in flow.all_manifests())


def test_the_plan_bills_each_part_its_own_runs_and_a_start(demo, split, tmp_path):
    whole = Plan(check(demo), Grid(check(demo)), COSTS, tmp_path).estimate("train_models", KEYS)
    plan = Plan(split, Grid(split), COSTS, tmp_path)
    pieces = [plan.estimate("train_models", {**KEYS, "part": part}) for part in (".part0", ".part1")]
    assert [len(piece.runs) for piece in pieces] == [4, 2]
    assert pieces[0].runs | pieces[1].runs == whole.runs
    assert [piece.own_seconds for piece in pieces] == [whole.own_seconds] * 2
    assert pieces[0].studies["dataset_overlap"] == frozenset(pieces[0].runs)


def test_runs_at_once_share_the_time_on_cores_of_their_own_and_on_a_gpu_as_far_as_it_gains(demo, tmp_path):
    def seconds(device, gain, **operation):
        config = check(demo | {"operation": {"device": device, **operation}})
        gpu = COSTS.devices[COSTS.device].model_copy(update={"gain_at_once": gain})
        costly = COSTS.model_copy(update={"devices": {**COSTS.devices, COSTS.device: gpu}})
        plan = Plan(config, Grid(config), costly, tmp_path)
        estimate = plan.estimate("train_models", KEYS)
        return plan.at_once(KEYS), estimate.seconds - estimate.own_seconds

    alone = {device: seconds(device, 3)[1] for device in ("cpu", "cuda")}
    assert seconds("cpu", 3, runs_at_once=4) == (4, pytest.approx(alone["cpu"] / 3))  # four of the six, then two
    assert seconds("cuda", 3, runs_at_once=2) == (2, pytest.approx(alone["cuda"] / 2))
    assert seconds("cuda", 3, runs_at_once={"digits": 5}) == (5, pytest.approx(alone["cuda"] / 3))
    assert seconds("cuda", 1, runs_at_once=5)[1] == pytest.approx(alone["cuda"])
    assert seconds("cpu", 3, runs_at_once={"colorshapedigit": 4})[0] == 1
    # no more than a job has runs: six, or those of its part
    assert seconds("cpu", 3, runs_at_once=99)[0] == 6
    assert seconds("cpu", 3, runs_at_once=99, runs_per_job=99)[0] == 6


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_run_that_alone_is_lacking_shares_its_time_with_nobody(demo, tmp_path, device):
    config = check(demo | {"operation": {"device": device, "runs_at_once": 4}})
    plan = Plan(config, Grid(config), COSTS, tmp_path)
    first, *others = plan.estimate("train_models", KEYS).runs
    for identity in others:
        (tmp_path / identity).mkdir()
        (tmp_path / identity / "result.json").write_text("{}")
    alone = Plan(check(demo | {"operation": {"device": device}}), Grid(config), COSTS, tmp_path)
    left = Plan(config, Grid(config), COSTS, tmp_path).estimate("train_models", KEYS).runs
    assert left == alone.estimate("train_models", KEYS).runs
    assert list(left) == [first]


def test_a_part_trains_no_more_runs_at_once_than_it_has(demo, tmp_path):
    config = check(demo | {"operation": {"runs_per_job": 4, "runs_at_once": 3}})
    plan = Plan(config, Grid(config), COSTS, tmp_path)
    assert [plan.at_once({**KEYS, "part": part}) for part in (".part0", ".part1")] == [3, 2]


@pytest.mark.parametrize("field", ["runs_per_job", "runs_at_once"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"digitz": 2}, r"operation\.{}: 'digitz' is not under settings.* digits"),
        (0, r"{}.*0"),
        ({"digits": 0}, r"{}.*0"),
    ],
)
def test_a_number_for_no_setting_or_of_no_runs_is_refused(demo, field, value, words):
    with pytest.raises(ConfigError, match=words.format(field)):
        check(demo | {"operation": {field: value}})
