"""Data that the user has yet to bring: one error before any job, a warning in a dry-run, a target to download each."""

import pytest
import yaml
from workflow_folder import TINY, Folder

MISSING = {"cifar10": {"source": "cifar10"}, "mnist": {"source": "mnist", "folder": "elsewhere"}}


@pytest.fixture
def folder(tmp_path):
    """The tiny study, its dataset overlap also evaluated on two data sets that are not there."""
    values = yaml.safe_load(TINY.read_text())
    values["datasets"] |= MISSING
    values["stimuli"] |= {name: {"dataset": name} for name in MISSING}
    values["studies"]["dataset_overlap"]["stimuli"] += list(MISSING)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(values))
    return Folder(tmp_path)


def call(folder, *arguments):
    command = folder.snakemake_command(*arguments)
    command[command.index(str(TINY))] = str(folder.path / "study.yaml")
    return folder.call(command)


def test_a_run_names_all_that_is_missing_before_any_job(folder):
    refused = call(folder, "dataset_overlap")
    assert refused.returncode == 1
    assert "nothing was run, data are missing" in refused.stdout
    lines = [line for line in refused.stdout.splitlines() if line.startswith("datasets.")]
    assert len(lines) == 2
    assert "in data/cifar10/cifar-10-batches-py: 7 of 7 files are missing (data_batch_1" in lines[0]
    assert lines[0].endswith("With a network: snakemake --cores 1 download_cifar10.")
    assert "in elsewhere/MNIST/raw: 4 of 4 files are missing (train-images-idx3-ubyte" in lines[1]
    assert "Data: prepare" not in refused.stdout
    assert not folder.results.exists()
    assert "Traceback" not in refused.stdout
    again = call(folder, "dataset_overlap")  # the refused run left no lock
    assert "data are missing" in again.stdout


def test_a_dry_run_warns_with_a_line_a_data_set_and_plans(folder):
    for quiet in ([], ["--quiet", "rules", "progress", "--"]):
        plan = call(folder, "--dry-run", *quiet, "dataset_overlap")
        assert plan.returncode == 0
        lines = [line for line in plan.stdout.splitlines() if line.startswith("datasets.")]
        assert [line.split(":")[0] for line in lines] == ["datasets.cifar10", "datasets.mnist"]
    assert "prepare_data" in call(folder, "--dry-run", "dataset_overlap").stdout


def test_data_of_other_targets_are_not_asked_for(folder):
    plan = call(folder, "--dry-run", "label_overlap")
    assert plan.returncode == 0
    assert "files are missing" not in plan.stdout


def test_each_published_data_set_has_a_download_target_that_nothing_else_calls(folder):
    listed = call(folder, "--list-target-rules").stdout.split()
    assert {name for name in listed if name.startswith("download_")} == {"download_cifar10", "download_mnist"}
    alone = call(folder, "--dry-run", "download_cifar10")
    assert "Data: download cifar10" in alone.stdout
    assert "files are missing" not in alone.stdout  # it is there to bring them
    assert "Data: download" not in call(folder, "--dry-run", "all").stdout
