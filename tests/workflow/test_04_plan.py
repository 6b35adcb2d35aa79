"""The GPU-hour plan at the end of a dry-run, by the commands that people use, in empty folders and finished ones."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from workflow_folder import REPOSITORY, SNAKEMAKE, Folder

from whyalike.cluster import site

NAME = 27  # columns of the table's first column
SLURM = ("--profile", str(REPOSITORY / "profiles" / "slurm"))


def dry_run(folder, *arguments):
    """What a dry-run prints; it must succeed."""
    plan = folder.call(folder.snakemake_command(*SLURM, "--dry-run", *arguments))
    assert plan.returncode == 0, plan.stdout
    return plan.stdout


def table(said):
    """The rows of the plan, name -> jobs, runs, reserved and expected GPU hours, ...; it must be the last output."""
    assert said.count("GPU-hour plan") == 1, said
    lines = said[said.index("GPU-hour plan") :].splitlines()
    assert lines[-1].startswith("total ")
    assert max(len(line) for line in lines) <= 100
    assert "\x1b" not in said  # no colours in a pipe
    rows = [line for line in lines if re.match(r"(  \S|total)", line)]
    return {line[:NAME].strip(): line[NAME:].split() for line in rows}


def jobs_by_snakemake(said):
    """Snakemake's own count of jobs by rule."""
    return dict(re.findall(r"^(\w+) +(\d+)$", said, flags=re.MULTILINE))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_a_dry_run_of_everything_ends_with_the_plan(folder):
    said = dry_run(folder, "--quiet", "reason", "--", "all")
    rows, counted = table(said), jobs_by_snakemake(said)
    assert {rule: rows[rule][0] for rule in counted} == counted
    # 2 seeds x (A + 2 B); A + 2 B; 2 models of one attribute, 2 of two, 2 of three
    studies = {"dataset_overlap": "6", "task_overlap": "3", "label_overlap": "6"}
    assert {name: rows[name][1] for name in studies} == studies
    assert {name: rows[name][1] for name in ("dataset", "task", "label", "train_models", "total")} == {
        "dataset": "6", "task": "3", "label": "6", "train_models": "15", "total": "15",
    }  # fmt: skip
    reserved, expected = (float(hours) for hours in rows["total"][2:4])
    assert reserved > expected > 0
    assert "guessed" in rows["total"]


@pytest.mark.parametrize("given", [True, False], ids=["--configfile", "the default"])
def test_a_key_that_stands_twice_is_one_message_of_a_plain_snakemake_too(tmp_path, given):
    for name in ("workflow", "config"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Snakefile", tmp_path)
    config = tmp_path / "config" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "\nname: again\n", encoding="utf-8")
    options = ["--configfile", str(config)] if given else []
    refused = Folder(tmp_path).call([*SNAKEMAKE, "--dry-run", *options])
    assert refused.returncode == 1
    assert "config.yaml is not valid YAML: the key 'name' stands twice" in refused.stdout
    assert "Traceback" not in refused.stdout


@pytest.mark.skipif(site.has_gpu(), reason="this machine has a GPU, and a local plan is for it")
def test_a_local_plan_speaks_of_no_gpu(folder):
    plan = folder.call(folder.snakemake_command("--dry-run"))
    said = plan.stdout[plan.stdout.index("CPU-hour plan for cpu") :]
    assert "GPU" not in said and "queue" not in said
    assert "The longest jobs, as expected: " in said
    jobs, runs, hours, disk = re.search(
        r"^total +(\d+) +(\d+) +([\d.]+) +([\d.]+)  ", said, flags=re.MULTILINE
    ).groups()
    assert (int(jobs), int(runs)) == (41, 15) and float(hours) > 0 and float(disk) > 0


def test_one_figure_bills_what_it_needs(folder):
    rows = table(dry_run(folder, "dataset_overlap"))
    assert rows["total"][1] == rows["train_models"][1] == "6"
    assert not {"task", "task_overlap", "label", "label_overlap"} & rows.keys()


def test_reserved_hours_are_what_snakemake_will_ask_for(folder):
    said = dry_run(folder, "dataset_overlap", "--set-resources", "train_models:runtime=90", "train_models:gpu=2")
    assert table(said)["train_models"][:3] == ["2", "6", "6.00"]  # 2 jobs x 1.5 h x 2 GPUs


@pytest.mark.parametrize("quiet", ["all", "rules", "progress", "reason"])
def test_a_quiet_dry_run_has_the_plan_too(folder, quiet):
    assert table(dry_run(folder, "--quiet", quiet, "--", "label_overlap"))["total"][1] == "6"


def test_where_snakemake_names_no_job_the_last_line_says_so(folder):
    said = dry_run(folder, "--quiet", "rules", "progress", "--", "all")
    assert said.splitlines()[-1].startswith("No plan of hours: with `--quiet rules progress`")


def test_a_finished_study_costs_nothing_and_still_has_a_plan(finished):
    assert table(dry_run(finished))["total"] == ["0", "0", "0", "0", "0", "0", "-"]


def test_only_runs_that_the_store_lacks_are_billed(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    folder = Folder(tmp_path)
    manifest = pd.read_parquet(folder.results / "models" / "digits" / "dataset" / "seed0.parquet")
    rows = table(dry_run(folder, "--forcerun", "train_models"))
    assert rows["train_models"][:2] == ["4", "0"]  # the jobs would start, and find every run
    shutil.rmtree(folder.path / "results" / "runs" / manifest["run"][0])
    rows = table(dry_run(folder, "--forcerun", "train_models"))
    assert rows["train_models"][:2] == ["4", "1"]
    assert [rows[name][1] for name in ("dataset_overlap", "task_overlap", "label_overlap")] == ["1", "0", "0"]


def test_after_a_fault_there_is_no_plan(folder):
    refused = folder.call(folder.snakemake_command("--dry-run", "no_such_figure"))
    assert refused.returncode == 1
    assert "no_such_figure" in refused.stdout and "GPU-hour plan" not in refused.stdout


def test_a_run_that_is_not_dry_prints_no_plan(finished):
    assert "GPU-hour plan" not in finished.said


def test_the_default_study_is_planned_on_slurm(folder):
    command = [*SNAKEMAKE, "--snakefile", str(REPOSITORY / "Snakefile"), *SLURM]
    plan = folder.call([*command, "--dry-run", "--", "all"])
    assert plan.returncode == 0, plan.stdout
    rows = table(plan.stdout)
    assert rows["total"][1] == rows["train_models"][1]
    # the paper's own by factor; the factorial and the controls come on top, and stand in lines of their own
    assert sum(int(rows[factor][1]) for factor in ("dataset", "task", "label")) == 944
    assert rows["factorial"][1] == rows["factorial_overlap"][1] == "630"
    # of the controls' 7 models a seed, 3 are shared: there is one A for all levels
    assert int(rows["total"][1]) == 944 + 630 + 10 * 4
    sections = ("dataset", "task", "label", "dataset_overlap_text", "task_overlap_text", "label_overlap")
    assert all(float(rows[name][3]) > 0 for name in sections)
    assert "given," in rows["train_models"]
    # well-sized jobs: some hundreds; the shortest are those of cheap families of metrics on few stimuli, a seventh
    said = " ".join(plan.stdout.split())
    sizes = re.search(r"queue: (\d+), of ([\d.]+) to [\d.]+ expected minutes, (\d+) under a minute", said)
    assert int(sizes[1]) < 600 and float(sizes[2]) >= 0.25 and int(sizes[3]) < 70
    # the first page says it in whole numbers
    _, _, reserved, expected, cpu, disk = (round(float(number)) for number in rows["total"][:6])
    first = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    assert f"has {int(rows['total'][1]):,} models" in first
    assert f"expects {expected} GPU hours of an H100 ({reserved} reserved), {cpu} CPU hours and {disk} GB" in first


def test_ones_own_costs_are_those_of_the_working_directory(folder):
    own = folder.path / "config" / "costs.local.yaml"
    own.parent.mkdir()
    rate = {"match": {"family": "resnet"}, "device": "h100", "step_seconds": 100, "source": "measured"}
    own.write_text(yaml.safe_dump({"rates": [rate]}))
    rows = table(dry_run(folder, "dataset_overlap"))
    # 6 runs of 3 epochs: 100 training images, batches of 10
    assert float(rows["train_models"][3]) == pytest.approx(6 * 30 * 100 / 3600, abs=0.1)
    assert "measured," in rows["train_models"]


def test_a_faulty_cost_table_is_one_message_before_any_job(folder):
    own = folder.path / "config" / "costs.local.yaml"
    own.parent.mkdir()
    own.write_text("device: abacus\n")
    refused = folder.call(folder.snakemake_command("--dry-run"))
    assert refused.returncode == 1
    assert "device: 'abacus' is not under devices" in refused.stdout and "Traceback" not in refused.stdout
