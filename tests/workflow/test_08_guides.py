"""The how-to guides in docs/ are run: on a copy of the repository, with just the files and lines that they name."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from guides import ROOT, blocks, copy_of_repository, put

GUIDES = sorted((ROOT / "docs").glob("add-*.md"))


def name(path):
    return path.stem


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the repository that followed every guide, with the tiny study that uses what they add."""
    repository = copy_of_repository(tmp_path_factory.mktemp("extended"))
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text(encoding="utf-8"))
    for block in (block for guide in GUIDES for block in blocks(guide)):
        put(block, repository)
        if "config" in block.words:
            for section, entries in yaml.safe_load(block.text).items():
                config[section].update(entries)
    config["settings"]["stripes"]["model"] = "flat"  # one study with the new data set, model and metric
    (repository / "extended.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return repository


def python(repository: Path, *arguments: str) -> str:
    """What a call of Python says in the copy, with the copy's package; it must not fail."""
    environment = {**os.environ, "PYTHONPATH": str(repository / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=repository,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def snakemake(repository: Path, *arguments: str) -> str:
    return python(repository, "-m", "snakemake", "--configfile", "extended.yaml", "--cores", "1", *arguments)


def test_there_is_a_guide_for_each_thing_that_rooms_hold():
    assert [name(guide) for guide in GUIDES] == ["add-a-data-set", "add-a-figure", "add-a-metric", "add-a-model"]


@pytest.mark.parametrize("guide", GUIDES, ids=name)
def test_a_guide_changes_one_new_file_and_one_table_and_checks_itself(guide):
    words = [block.words for block in blocks(guide)]
    assert [sum(key in one for one in words) for key in ("file", "line", "check", "config")] == [1, 1, 1, 1]


@pytest.mark.parametrize("guide", GUIDES, ids=name)
def test_the_new_code_does_what_the_guide_checks(extended, guide):
    [check] = [block for block in blocks(guide) if "check" in block.words]
    python(extended, "-c", check.text)


def test_the_property_tests_pick_the_new_metric_up(extended):
    tests = "tests/unit/similarity/test_similarity_properties.py"
    options = ("--import-mode=importlib", "-q", "-p", "no:cacheprovider", "-o", "addopts=")
    said = python(extended, "-m", "pytest", *options, tests, "-k", "rdm_cosine")
    assert " passed" in said
    assert "failed" not in said


def test_the_new_names_reach_the_plan_without_a_change_of_rules(extended):
    plan = snakemake(extended, "--dry-run", "all")
    for message in ("Data: prepare stripes", "Training: stripes, dataset overlap, seed 0", "Figures: spread"):
        assert message in plan


def test_the_new_data_set_metric_and_model_run(extended):
    scores = "results/tiny/similarity/stripes/stripes/digits_test.parquet"
    snakemake(extended, scores)
    table = pd.read_parquet(extended / scores)
    assert set(table["metric"]) == {"cka", "rdm_cosine"}
    assert table["value"].between(0, 1).all()
