"""The how-to guides in docs/ are run: on a copy of the repository, with just the files and lines that they name."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from guides import ROOT, blocks, copy_of_repository, put
from workflow_folder import SNAKEMAKE, Folder

GUIDES = sorted((ROOT / "docs").glob("add-*.md"))


def name(path):
    return path.stem


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the repository that followed every guide, with a copy of the demo that has what they add."""
    repository = copy_of_repository(tmp_path_factory.mktemp("extended"))
    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    for block in (block for guide in GUIDES for block in blocks(guide)):
        put(block, repository)
        if "config" in block.words:
            for section, entries in yaml.safe_load(block.text).items():
                config[section].update(entries)
    config["recipes"]["digits"] |= {"epochs": 4, "peak_epoch": 1}  # in seconds
    (repository / "extended.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    python(repository, "tests/unit/test_versions.py")  # make pins
    python(repository, "-m", "whyalike.documentation.reference")  # make reference
    tool(repository, "ruff", "check", "--fix", "--quiet", ".")  # make format
    tool(repository, "ruff", "format", "--quiet", ".")
    return repository


def python(repository: Path, *arguments: str) -> str:
    """What a call of Python says in the copy."""
    return tool(repository, "python", *arguments)


def tool(repository: Path, program: str, *arguments: str) -> str:
    """What a program of the environment says in the copy, with the copy's package; it must not fail."""
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository / "src"), "PYTHONPYCACHEPREFIX": str(repository) + ".pycache"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def passes(repository: Path, *arguments: str) -> None:
    """Tests of the copy, at least one (else pytest fails), and none fails."""
    python(repository, "-m", "pytest", "-p", "no:cacheprovider", *arguments)


def snakemake(repository: Path, *arguments: str) -> str:
    """What Snakemake says in the copy; it must not fail."""
    done = Folder(repository, repository).call(
        [*SNAKEMAKE, "--configfile", "extended.yaml", "--cores", "2", *arguments]
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_there_is_a_guide_for_each_thing_that_rooms_hold():
    names = ("a-data-set", "a-design", "a-figure", "a-metric", "a-model", "a-shift", "an-objective")
    assert [name(guide) for guide in GUIDES] == [f"add-{one}" for one in names]


@pytest.mark.parametrize("guide", GUIDES, ids=name)
def test_a_guide_has_one_new_file_one_entry_of_a_table_tests_and_a_configuration(guide):
    words = [block.words for block in blocks(guide)]
    assert [sum(key in one for one in words) for key in ("file", "line", "test", "config")] == [1, 1, 1, 1]


@pytest.mark.parametrize("guide", GUIDES, ids=name)
def test_a_guide_says_what_to_make_at_its_end(guide):
    text = guide.read_text(encoding="utf-8")
    pinned = any("VERSION = " in block.text for block in blocks(guide))
    assert ("`make pins`" in text) is pinned
    assert all(f"`make {target}`" in text for target in ("reference", "format", "lint"))


def test_the_tests_of_the_guides_pass_and_those_that_read_the_table_of_metrics_take_the_new_one(extended):
    own = [block.words["test"] for guide in GUIDES for block in blocks(guide) if "test" in block.words]
    folder = "tests/unit/similarity"
    files = ("properties", "oracles", "inputs", "api")
    others = ("tests/unit/documentation/test_metrics_page.py", "tests/unit/config/test_config.py")
    chosen = "rdm_cosine or registered or without_a_published or metrics_page or a_fault_is_named"
    chosen += "".join(f" or {Path(test).stem}" for test in own)
    passes(extended, *own, *others, *(f"{folder}/test_similarity_{one}.py" for one in files), "-k", chosen)


def test_the_new_code_has_the_style_of_the_rest(extended):
    passes(extended, "tests/unit/test_style.py")
    tool(extended, "ruff", "check", ".")  # make lint
    tool(extended, "ruff", "format", "--check", ".")
    tool(extended, "lint-imports")


def test_the_new_names_reach_the_plan_without_a_change_of_rules(extended):
    plan = snakemake(extended, "--dry-run", "all")
    cells = [f"Training: {setting}, dataset overlap, seed 0" for setting in ("stripes", "flat")]
    cells += ["Training: digits, label_noise overlap, seed 1", "Training: hinge, dataset overlap, seed 0"]
    for message in ("Data: prepare stripes", *cells, "Figures: spread", "Figures: rdm_cosine", "Figures: label_noise"):
        assert message in plan


def test_the_new_data_set_metric_model_and_objective_run(extended):
    scores = [f"results/demo/similarity/{study}/{study}/digits_test.parquet" for study in ("stripes", "flat", "hinge")]
    snakemake(extended, *scores)
    for table in (pd.read_parquet(extended / path) for path in scores):
        assert set(table["metric"]) == {"cka", "rdm_cosine"}
        assert table["value"].between(0, 1).all()


def test_the_new_shift_makes_a_stimulus_set_a_level_that_is_scored(extended):
    sets = [f"few_greys@{level}" for level in ("control", "4", "2")]
    scores = [f"results/demo/similarity/few_greys/digits/{name}.parquet" for name in sets]
    snakemake(extended, *scores)
    tables = [pd.read_parquet(extended / path) for path in scores]
    assert [set(table["stimuli"]) for table in tables] == [{name} for name in sets]
    assert [set(table["stimuli_kind"]) for table in tables] == [{"out_of_distribution"}] * 3
    control, four, two = (table.loc[table["metric"] == "cka", "value"].to_numpy() for table in tables)
    assert (control != four).any() and (four != two).any()


def test_the_new_design_is_split_trained_scored_analysed_and_drawn(extended):
    snakemake(extended, "label_noise")
    scores = pd.read_parquet(extended / "results/demo/similarity/label_noise/digits/digits_test.parquet")
    assert scores.groupby("label_overlap")["data_overlap"].agg(["min", "max"]).to_dict("list") == {
        "min": [1.0] * 2, "max": [1.0] * 2
    }  # fmt: skip
    statistics = pd.read_parquet(extended / "results/demo/statistics/label_noise.parquet")
    assert {"slope", "gain"} <= set(statistics["estimator"])
    cka = scores[(scores["metric"] == "cka") & (scores["score_protocol"] == "exact")]
    alike = cka.groupby("label_overlap")["value"].mean()
    assert alike[0.0] < alike[1.0]


@pytest.fixture(scope="module")
def with_study(tmp_path_factory) -> Path:
    """A copy of the repository with the smallest study, and the demo's configuration with its section."""
    repository = copy_of_repository(tmp_path_factory.mktemp("study"))
    for block in blocks(ROOT / "docs" / "a-new-study.md"):
        put(block, repository)
    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    (repository / "extended.yaml").write_text(yaml.safe_dump({**config, "toy": {"number": 7}}), encoding="utf-8")
    return repository


def test_a_new_study_stands_in_the_plan_and_in_status_and_runs(with_study):
    number = "results/toy/statistics/number.parquet"
    assert "Toy: the number" in snakemake(with_study, "--dry-run", "all")
    assert "Made of toy: statistics 0 of 1" in tool(with_study, "whyalike", "status", "extended.yaml")
    snakemake(with_study, number)
    assert pd.read_parquet(with_study / number)["number"].tolist() == [7]
    assert "Made of toy: statistics 1 of 1" in tool(with_study, "whyalike", "status", "extended.yaml")
