"""Costs that are learnt from a finished study, or measured by a short training: the commands, to the plan.

How many seconds come out is no matter here: the unit tests compare plans with times that are given.
"""

import shutil

import pytest
import yaml
from workflow_folder import REPOSITORY, TINY, Folder

from whyalike.config import reading
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.plan import Plan

COSTS = REPOSITORY / "config" / "costs.yaml"


@pytest.fixture
def folder(finished, tmp_path):
    """The finished study in a folder of the test's own, on the CPU, whatever this machine has."""
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    folder = Folder(tmp_path, config=tmp_path / "tiny.yaml")
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["operation"]["device"] = "cpu"
    folder.config.write_text(yaml.safe_dump(values))
    return folder


def whyalike(folder, *arguments):
    done = folder.call(folder.whyalike_command(*arguments, str(folder.config), "--costs", str(COSTS)))
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_calibration_plans_the_cells_of_its_setting(folder):
    said = whyalike(folder, "calibrate", "--seconds", "0.1", "--here", "--setting", "digits")
    assert "real" in said and "noise" not in said  # the data are prepared
    flow = Workflow(reading.read(folder.config))
    plan = Plan(flow.config, flow.grid, costs.read(COSTS, folder.path / costs.LOCAL), folder.path / "nothing")
    cell = {"setting": "digits", "factor": "dataset", "seed": "0"}
    estimate = plan.estimate("train_models", cell)
    assert estimate.sources == {"measured"} and len(estimate.runs) == 3
    [rate] = yaml.safe_load((folder.path / costs.LOCAL).read_text())["rates"]
    steps = 3 * 10  # epochs of 100 images, ten at a time
    runs = 3 * (rate["run_seconds"] + steps * rate["step_seconds"])
    assert estimate.seconds == pytest.approx(rate["startup_seconds"] + runs)


def test_every_rule_of_a_finished_study_is_learnt_and_its_plan_is_measured(folder):
    said = whyalike(folder, "costs", "update")
    rules = {path.name.removesuffix(".tsv") for path in (folder.results / "benchmarks").iterdir()}
    told = {words.split(" of ")[1] for words in said.splitlines()[0].removeprefix("Learnt from ").split(", ")}
    assert told == {"extraction" if rule.startswith("extract_") else rule for rule in rules}
    # again there is nothing new to tell
    again = whyalike(folder, "costs", "update")
    assert "measured" not in again
    shutil.rmtree(folder.path / "results")
    plan = folder.call(folder.snakemake_command("--dry-run", "--quiet", "reason", "--", "all"))
    assert plan.returncode == 0, plan.stdout
    total = plan.stdout.splitlines()[-1]
    assert total.startswith("total") and total.split()[-1] == "measured", plan.stdout
    assert "GPU" not in plan.stdout[plan.stdout.index("CPU-hour plan for cpu") :]
