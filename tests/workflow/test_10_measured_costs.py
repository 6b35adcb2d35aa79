"""What runs were measured to cost against what the plan then says of the same work with an empty store.

Jobs of seconds on a machine that does other things take half as long again, or half as long, from one minute to the
next. So the bound is wide, yet a start that is forgotten, half of a job's time here, or a run too few lies beyond it.
"""

import csv
import shutil
import statistics

import pytest
import yaml
from workflow_folder import REPOSITORY, TINY, Folder

from whyalike import config as configuration
from whyalike.planning import costs
from whyalike.planning.plan import Plan
from whyalike.runs import Cell
from whyalike.workflow import Workflow

COSTS = REPOSITORY / "config" / "costs.yaml"
SEEDS = (0, 1, 2, 3)
HALVES = ((0, 3), (1, 2))  # so that a machine that grows busier is in both


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Four cells of three runs, trained one after the other: of a job's time about half is training, half its start."""
    folder = Folder(tmp_path_factory.mktemp("trained"))
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values |= {"name": "measured", "operation": {"device": "cpu"}, "figures": {}}
    values["recipes"]["short"]["epochs"] = 40
    values["studies"] = {"dataset_overlap": {**values["studies"]["dataset_overlap"], "seeds": list(SEEDS)}}
    folder.config = folder.path / "measured.yaml"
    folder.config.write_text(yaml.safe_dump(values))
    folder.results = folder.path / "results" / "measured"
    manifests = [f"results/measured/models/digits/dataset/seed{seed}.parquet" for seed in SEEDS]
    done = folder.call(folder.snakemake_command("--cores", "1", "--", *manifests))
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    """The same in a folder of the test's own."""
    shutil.copytree(trained.path, tmp_path, dirs_exist_ok=True)
    folder = Folder(tmp_path, config=tmp_path / "measured.yaml")
    folder.results = tmp_path / "results" / "measured"
    return folder


def took(folder, seeds):
    """Seconds of the training jobs of some seeds, by their benchmarks."""
    found = []
    for seed in seeds:
        path = folder.results / "benchmarks" / "train_models" / f"digits.dataset.seed{seed}.tsv"
        with path.open(newline="") as file:
            found += [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    return found


def planned(folder, seeds):
    """Seconds of the same by the plan, with nothing in the store."""
    flow = Workflow(configuration.read(folder.config))
    plan = Plan(flow.config, flow.grid, costs.read(COSTS, folder.path / costs.LOCAL), folder.path / "nothing")
    jobs = [plan.estimate("train_models", {"setting": "digits", "factor": "dataset", "seed": str(seed)})
            for seed in seeds]  # fmt: skip
    assert {source for job in jobs for source in job.sources} == {"measured"}
    assert all(len(job.runs) == 3 for job in jobs)
    return [job.seconds for job in jobs]


def near(planned, measured):
    """Whether two means are less than a factor of 1.8 apart."""
    return 1 / 1.8 < statistics.mean(planned) / statistics.mean(measured) < 1.8


def whyalike(folder, *arguments):
    done = folder.call(folder.whyalike_command(*arguments, str(folder.config), "--costs", str(COSTS)))
    assert done.returncode == 0, done.stdout
    return done.stdout


def forget(folder, seeds):
    """Remove what tells of the cost of some seeds."""
    flow = Workflow(configuration.read(folder.config))
    for seed in seeds:
        (folder.results / "benchmarks" / "train_models" / f"digits.dataset.seed{seed}.tsv").unlink()
        for run in flow.grid.runs(Cell("digits", "dataset", seed)):
            shutil.rmtree(folder.path / flow.store / run.identity)


@pytest.mark.parametrize(("learnt", "others"), [HALVES, HALVES[::-1]])
def test_what_half_of_the_cells_cost_plans_the_other_half(copy, learnt, others):
    measured, source = took(copy, others), took(copy, learnt)
    forget(copy, others)
    said = whyalike(copy, "costs", "update")
    assert "Learnt from 2 jobs of train_models" in said
    told = f"{planned(copy, others)} planned, {measured} measured, learnt from {source}"
    assert near(planned(copy, others), measured), told


def test_a_calibration_plans_the_cells(copy):
    measured = took(copy, SEEDS)
    told = []
    for _ in range(3):  # seconds of other work on the machine lengthen a calibration, and not the cells that are done
        told.append(whyalike(copy, "calibrate", "--seconds", "1", "--here"))
        assert "real" in told[-1] and "noise" not in told[-1]  # the data are prepared
        if near(planned(copy, SEEDS), measured):
            return
    pytest.fail(f"{measured} measured, and calibrated in vain:\n" + "\n".join(told))


def test_every_rule_of_a_finished_study_is_learnt_and_its_plan_is_measured(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    folder = Folder(tmp_path, config=tmp_path / "tiny.yaml")
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["operation"]["device"] = "cpu"  # plans are made for it, whatever this machine has
    folder.config.write_text(yaml.safe_dump(values))
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
    assert total.split()[3:5] == ["0", "0"]  # no GPU is asked for
