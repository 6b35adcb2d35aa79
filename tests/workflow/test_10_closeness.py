"""Closeness in distribution through every stage, beside a configuration of another study."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from workflow_folder import REPOSITORY, TINY, Folder

SECTION = TINY.with_name("closeness.yaml")
PUBLISHED_SETS = REPOSITORY / "tests" / "unit" / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tiny study's configuration with the section, and `closeness_synthetic` run to its end."""
    path = tmp_path_factory.mktemp("closeness")
    values = {**yaml.safe_load(TINY.read_text()), **yaml.safe_load(SECTION.read_text())}
    config = path / "both.yaml"
    config.write_text(yaml.safe_dump(values))
    folder = Folder(path, config=config)
    done = folder.call(folder.snakemake_command("closeness_synthetic"))
    assert done.returncode == 0, done.stdout
    folder.results = path / "results" / "closeness_tiny"
    return folder


def test_every_figure_is_there_with_its_numbers(folder):
    drawn = {path.name for path in (folder.results / "figures").iterdir()}
    names = ("circle", "copies", "width_synthetic", "metrics_synthetic", "tuples_synthetic")
    assert drawn == {f"{name}.{suffix}" for name in names for suffix in ("svg", "pdf", "png", "csv")}
    shown = pd.read_csv(folder.results / "figures" / "width_synthetic.csv")
    assert set(shown["classes"]) == {4}
    assert set(shown["width"]) == {4, 16}


def test_models_learn(folder):
    manifest = pd.read_parquet(folder.results / "models" / "k4_width16.parquet")
    assert manifest["seed"].tolist() == [0, 1, 2, 3]
    assert manifest["accuracy"].mean() > 0.4  # chance is .25


def test_the_larger_part_needs_the_other_labels_only_and_nothing_is_left_of_the_smaller(folder):
    done = folder.call(folder.snakemake_command("closeness_synthetic", "--dry-run"))
    assert "Nothing to be done" in done.stdout
    done = folder.call(folder.snakemake_command("closeness", "--dry-run"))
    assert "train k5_width4" in done.stdout
    assert "train digits_m2" in done.stdout
    assert "train cifar10_m2" in done.stdout
    assert "train k4" not in done.stdout


def test_its_results_go_into_the_archive_and_are_known_to_be_what_is_asked_for(folder):
    done = folder.call(folder.whyalike_command("export", str(folder.config), "-o", "s.zip", "--partial"))
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(folder.path / "s.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("closeness_tiny/")]
        missing = archive.read("tiny/MISSING.txt").decode()
    made = {str(path.relative_to(folder.path / "results"))
            for stage in ("models", "similarity", "statistics", "figures")
            for path in (folder.results / stage).iterdir()
            if path.suffix != ".safetensors" and not path.name.startswith(".")}  # fmt: skip
    assert set(names) == made
    assert "closeness_tiny" not in missing


def test_all_leaves_the_study_out_where_the_configuration_does_not_have_it(folder):
    listed = folder.call(folder.snakemake_command("all", "--dry-run", config=TINY)).stdout
    assert "Figures: " in listed
    assert "Closeness: figure" not in listed


def test_photographs_that_are_missing_are_told_before_any_job(folder):
    refused = folder.call(folder.snakemake_command("closeness"))
    assert refused.returncode == 1
    assert "nothing was run, data are missing" in refused.stdout
    assert "closeness.cifar10: CIFAR-10 must lie as published in data/cifar10/cifar-10-batches-py" in refused.stdout
    assert "Closeness: " not in refused.stdout


def test_photographs_go_through_every_stage_and_their_models_are_runs_of_the_store(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(PUBLISHED_SETS))
    import published_sets

    published_sets.cifar10(folder.path / "data" / "cifar10", n=30)
    monkeypatch.setattr(folder, "python_path", [*folder.python_path, Path(__file__).with_name("small_cifar"),
                                                PUBLISHED_SETS])  # fmt: skip
    target = "results/closeness_tiny/figures/cifar10.svg"
    done = folder.call(folder.snakemake_command(target))
    assert done.returncode == 0, done.stdout
    manifest = pd.read_parquet(folder.results / "models" / "cifar10_m2.parquet")
    assert manifest["seed"].tolist() == [0, 1, 2]
    assert manifest["n_test"].tolist() == [30] * 3
    for identity in manifest["identity"]:
        assert (folder.path / "results" / "runs" / identity / "weights.safetensors").is_file()
    shown = pd.read_csv(folder.results / "figures" / "cifar10.csv")
    assert len(shown) == 3
    assert (shown["n"] == 30).all()
    again = folder.call(folder.snakemake_command(target, "--dry-run"))
    assert "Nothing to be done" in again.stdout
