"""The plan of finished runs that lack steps to keep: those alone, up to the last step that lacks."""

import json
from pathlib import Path

import pytest

from whyalike.config.reading import check
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.missing_steps import missing_steps
from whyalike.planning.plan import Plan
from whyalike.planning.plan_table import PlannedJob, trained_again
from whyalike.training.store import StoredRun

COSTS = costs.read(Path(__file__).parents[3] / "config" / "costs.yaml")
CELL = {"setting": "digits", "factor": "dataset", "seed": "0"}


@pytest.fixture
def plan(demo, tmp_path):
    """A plan of the demo whose runs of one cell are stored; two of them lack steps 4 and 8, one step 8."""
    demo["recipes"]["digits"]["keep_steps"] = [4, 8]
    flow = Workflow(check(demo))
    runs = flow.grid.runs(Cell("digits", "dataset", 0))
    for run, kept in zip(runs, [(), (), (4,), *[(4, 8)] * (len(runs) - 3)], strict=True):
        stored = StoredRun(tmp_path / "runs", run.identity)
        names = ["weights.safetensors", *(stored.weights_at(step).name for step in kept)]
        stored.folder.mkdir(parents=True)
        stored.result.write_text(json.dumps({"steps": 99, "n_train": 64, "sha256": dict.fromkeys(names, "")}))
    return Plan(flow.config, flow.grid, COSTS, tmp_path / "runs"), runs


def test_runs_with_all_steps_cost_nothing_and_the_others_their_part(plan):
    plan, runs = plan
    estimate = plan.estimate("train_models", CELL)
    step, *_ = plan.step(Cell("digits", "dataset", 0))
    assert set(estimate.runs) == {run.identity for run in runs[:3]}
    size = 4 * plan.workload.model("digits")[0]
    whole, part = estimate.runs[runs[0].identity], estimate.runs[runs[2].identity]
    assert (whole.until, part.until) == (8, 8)
    assert (whole.bytes, part.bytes) == (2 * size, size)
    assert whole.seconds == part.seconds == pytest.approx(8 * step)
    assert estimate.studies["dataset_overlap"] == set(estimate.runs)


def test_the_table_says_that_finished_runs_are_trained_again(plan):
    estimate = plan[0].estimate("train_models", CELL)
    (words,) = trained_again([PlannedJob("train_models", estimate, 0, 1, 1)])
    assert words.startswith("3 of the runs are finished and lack steps") and "up to step 8 at most" in words
    assert trained_again([]) == []


def test_a_result_that_cannot_be_read_is_left_to_the_job(plan):
    plan, (run, *_) = plan
    stored = StoredRun(plan.store, run.identity)
    recipe = plan.config.recipes["digits"]
    assert missing_steps(stored, recipe) == (2, 8)
    stored.result.write_text("{")
    assert missing_steps(stored, recipe) == (0, 0)
