"""Cells in parts, runs at once, data on the node's own disk: other jobs, the same bytes, nothing is trained twice."""

import shutil

import pandas as pd
import pytest
import yaml
from workflow_folder import TINY, Folder

MANIFEST = "models/digits/dataset/seed0.parquet"  # of three runs
PARTS = [f"models/digits/dataset/seed0.part{part}.parquet" for part in (0, 1)]


@pytest.fixture
def config(tmp_path):
    """The tiny study with at most two runs a training job, one or more at once, and a level more if asked for."""

    def write(levels=("0", "1"), at_once=1):
        values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
        values["operation"] |= {"runs_per_job": 2, "runs_at_once": at_once}
        values["studies"]["dataset_overlap"]["levels"] = list(levels)
        path = tmp_path / "parts.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    return write


def make(folder, config, *targets):
    """Make files of the results."""
    done = folder.call(folder.snakemake_command(*(f"results/tiny/{target}" for target in targets), config=config))
    assert done.returncode == 0, done.stdout


def trained(folder):
    """Run -> who trained which of its steps, when."""
    return {path.parent.name: path.read_bytes() for path in folder.path.glob("results/runs/*/ledger.jsonl")}


def test_parts_of_runs_at_once_from_a_copy_train_the_same_weights(finished, tmp_path, config):
    folder, scratch = Folder(tmp_path), tmp_path / "scratch"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "site.yaml").write_text(f"scratch: {scratch}\nstage_gb: 1\n")
    scratch.mkdir()
    make(folder, config(at_once=2), MANIFEST)
    assert [path.stat().st_size for path in scratch.glob("whyalike-*/*/array.npy")] == [
        (folder.results / "data" / "digits" / "array.npy").stat().st_size
    ]
    # the manifest has the hashes of the weights
    assert (folder.results / MANIFEST).read_bytes() == (finished.results / MANIFEST).read_bytes()
    rows = [list(pd.read_parquet(folder.results / part)["name"]) for part in PARTS]
    assert rows == [["A", "B@0"], ["B@1"]]


def test_a_finished_study_is_cut_into_parts_without_training_and_grows_by_a_level(finished, tmp_path, config):
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    folder, before = Folder(tmp_path), trained(finished)
    make(folder, config(("0", "0.5", "1")), MANIFEST)
    after = trained(folder)
    runs = pd.read_parquet(folder.results / MANIFEST).set_index("name")["run"]
    assert set(after) - set(before) == {runs["B@0.5"]}
    assert {run: after[run] for run in before} == before
    command = folder.snakemake_command("--dry-run", f"results/tiny/{MANIFEST}", config=config(("0", "0.5", "1")))
    plan = folder.call(command)
    assert "Nothing to be done" in plan.stdout


def test_a_comparison_that_is_scored_seed_by_seed_has_the_same_table(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    folder, before = Folder(tmp_path), trained(finished)
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["operation"] |= {"seeds_per_score_job": 1}
    config = tmp_path / "seeds.yaml"
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    table = "similarity/dataset_overlap/digits/digits_test.parquet"
    whole = (folder.results / table).read_bytes()
    shutil.rmtree((folder.results / table).parent)
    make(folder, config, table)
    parts = sorted(path.name for path in (folder.results / table).parent.glob("families/digits_test.*"))
    assert parts == [f"digits_test.{job}.part{part}.parquet" for job in ("kernels", "neighbours_k5") for part in (0, 1)]
    assert (folder.results / table).read_bytes() == whole
    assert trained(folder) == before
