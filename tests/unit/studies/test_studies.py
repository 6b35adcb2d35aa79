"""Studies with rules of their own: what the table promises, and that plan, status, clean and verify know them."""

import io
import json
import math
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from rich.console import Console

from whyalike.commands.housekeeping import one_run, stale, verify
from whyalike.config.reading import check, read
from whyalike.config.yaml_file import ConfigError
from whyalike.files import file_sha256, write_table
from whyalike.grid.runs import Grid
from whyalike.planning import costs
from whyalike.planning.plan import Plan
from whyalike.planning.plan_table import PlannedJob, table
from whyalike.status.monitoring import Monitor
from whyalike.status.status_table import shown
from whyalike.studies.registry import STUDIES
from whyalike.studies.study import RuleStudy, check_names, rule_studies
from whyalike.training.store import StoredRun

ROOT = Path(__file__).parents[3]
COSTS = ROOT / "config" / "costs.yaml"
TINY = yaml.safe_load((ROOT / "tests" / "workflow" / "closeness.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def config(demo, tmp_path, monkeypatch):
    """The demo with the study of closeness at the size of a test, in a folder of the test without a study's file."""
    monkeypatch.chdir(tmp_path)
    return check({**demo, **TINY})


@pytest.fixture
def study(config):
    return rule_studies(config)["closeness"]


@pytest.fixture
def plan_of():
    def make(config):
        plan = Plan(config, Grid(config), costs.read(COSTS, "none"), Path(config.results, "runs"))
        for name, study in rule_studies(config).items():
            plan.add(name, study.rules)
        return plan

    return make


@pytest.mark.parametrize("name", list(STUDIES))
def test_a_study_in_the_table_has_its_name_and_its_section(name, demo):
    study = STUDIES[name].load()(check(demo), ROOT / "config" / f"{name}.yaml")
    assert isinstance(study, RuleStudy)
    assert study.name == name
    assert name in type(check(demo)).model_fields
    assert not study.asked
    assert bool(study.rules) == study.stands_alone == (not study.missing)
    assert study.targets().keys() >= {name}


@pytest.mark.parametrize("name", [name for name, entry in STUDIES.items() if entry.facts.stands_alone])
def test_a_study_that_stands_alone_has_a_file_with_its_section(name, demo):
    study = STUDIES[name].load()(check(demo), ROOT / "config" / f"{name}.yaml")
    # without its file the study is the same: the file spells out what holds anyway
    assert study.section == STUDIES[name].load()(check(demo), "nowhere.yaml").section


@pytest.mark.parametrize("name", [name for name, entry in STUDIES.items() if not entry.facts.stands_alone])
def test_the_file_of_another_study_is_a_whole_configuration_with_its_section(name):
    config = read(ROOT / "config" / f"{name}.yaml")
    study = rule_studies(config)[name]
    assert study.asked and study.rules and not study.missing


def test_two_studies_do_not_share_a_folder(demo):
    config = check({**demo, "closeness": {"name": "twice"}})
    studies = list(rule_studies(config).values())
    check_names(config, studies)
    other = SimpleNamespace(name="another", root=studies[0].root, rules=studies[0].rules, section=studies[0].section,
                            targets=dict)  # fmt: skip
    with pytest.raises(ConfigError, match=r"another\.name: 'twice' is that of closeness too: choose another"):
        check_names(config, [*studies, other])


def test_a_fault_in_the_file_of_a_study_is_told_with_file_and_key(demo, tmp_path):
    (tmp_path / "closeness.yaml").write_text("closeness: {cifar10: {dimensions: [9]}}")
    with pytest.raises(ConfigError, match=r"closeness\.yaml.*\n.*closeness\.cifar10\.dimensions: .*at most 8, got 9"):
        rule_studies(check(demo), tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "must hold the key closeness and no other, got none"), ("closeness: {}\nmine: 1", "got closeness, mine"),
     ("- a", "must hold keys as"), ("a: [", "is not valid YAML")],
)  # fmt: skip
def test_a_file_of_a_study_that_is_no_section_is_one_message(demo, tmp_path, text, said):
    (tmp_path / "closeness.yaml").write_text(text)
    with pytest.raises(ConfigError, match=f"closeness.yaml.* {said}"):
        rule_studies(check(demo), tmp_path)


def test_every_job_of_a_study_has_its_own_files_and_a_rule(study):
    jobs = study.jobs()
    files = [file for job in jobs for file in job.files]
    assert len(files) == len(set(files))
    assert {job.rule for job in jobs} == set(study.rules) - {"prepare_closeness"}
    for job in jobs:
        rule = study.rules[job.rule]
        assert all(re.fullmatch(rule.wildcards[name], value) for name, value in job.wildcards.items())
        assert job.benchmark == f"{rule.place.format(**job.wildcards)}.tsv"
    figures = [job.files[0] for job in jobs if job.stage == "figures"]
    assert sorted(study.targets()["closeness"]) == sorted(figures)


def test_the_parameters_of_every_job_hold_the_state_of_its_code(study):
    for rule in study.rules.values():
        for wildcards in rule.jobs:
            values = json.loads(rule.parameters(wildcards))
            assert {"code", "version"} & values.keys() or all("identity" in run for run in values.get("runs", [{}]))


def test_the_part_that_all_makes_is_what_its_figures_need_and_no_more(study):
    part = study.jobs(whole=False)
    assert set(study.part()) == {job.files[0] for job in part if job.stage == "figures"}
    values = {value for job in part for value in job.wildcards.values()}
    figures = {"circle", "copies", "width_synthetic", "metrics_synthetic", "tuples_synthetic"}
    assert values == {"k4_width4", "k4_width16", "synthetic", *figures}
    stages = [job.stage for job in study.jobs()]
    assert list(dict.fromkeys(stages)) == list(study.stages)
    assert part == [job for job in study.jobs() if job in part]


def test_a_rule_without_a_job_is_none_and_costs_follow_the_table_where_no_rule_says_otherwise(demo, study, plan_of):
    section = {**TINY["closeness"], "cifar10": None}
    without = rule_studies(check({**demo, "closeness": section}))["closeness"]
    of_photographs = {"prepare_closeness", "train_embedders", "embed_images"}
    assert set(study.rules) - set(without.rules) == of_photographs
    plan = plan_of(study.config)
    assert {rule for rule in study.rules if not plan.is_fixed(rule)} == of_photographs
    assert not any(plan.is_fixed(rule) for rule in ("train_models", "extract_all", "download_data", "write_beton"))
    assert all(plan.is_fixed(rule) for rule in ("make_splits", "analyse_study", "a_rule_of_the_past"))


def test_a_group_of_photographs_costs_the_runs_that_the_store_lacks(config, study, plan_of):
    section = study.section.cifar10
    train = plan_of(config).estimate("train_embedders", {"group": "cifar10_m2"})
    device = costs.read(COSTS, "none").devices["h100"]
    # one block of two 3x3 convolutions of 4 channels; 32^2 points, of which each parameter is used on a twentieth
    operations = 6 * (2 * 9 * 4 * 4) * (32**2 / 20) * section.recipe.batch_size
    step = device.step_seconds + operations / device.training_operations
    assert math.isclose(train.seconds, device.startup_seconds + 3 * section.recipe.steps * step)
    assert set(train.runs) == set(study.runs())
    done = StoredRun(Path(config.results, "runs"), next(iter(train.runs)))
    done.folder.mkdir(parents=True)
    done.result.write_text("{}")
    assert len(plan_of(config).estimate("train_embedders", {"group": "cifar10_m2"}).runs) == 2


@pytest.mark.parametrize(("group", "seconds"), [("k4_width16", 24), ("k18_width256", 630), ("digits_m5", 220)])
def test_a_group_of_perceptrons_costs_what_the_table_says_of_it_shared_by_its_models(demo, plan_of, group, seconds):
    estimate = plan_of(check(demo)).estimate("train_embeddings", {"group": group})
    assert math.isclose(estimate.seconds, seconds)
    assert len(estimate.runs) == (10 if group == "digits_m5" else 20)


def test_the_plan_has_a_row_of_the_study_with_its_runs_and_gpu_hours(config, plan_of):
    plan = plan_of(config)
    jobs = [PlannedJob("train_embedders", plan.estimate("train_embedders", {"group": "cifar10_m2"}), 1, 30, 1)]
    rows = [line.split() for line in table(jobs, plan).splitlines()]
    assert ["closeness", "1", "3", "0.50", "0.02"] in [row[:5] for row in rows]


def group(study, name, weights=b"weights"):
    """The files of a finished group."""
    folder = Path(study.root, "models")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    path.write_bytes(weights)
    work = next((json.loads(study.work(job)) for job in study.jobs() if str(path) in job.files), {})
    made_by = {"sha256": file_sha256(path), "work": work}
    write_table(folder / f"{name}.parquet", pa.table({"run": [f"{name}_seed0"]}), made_by)
    return path


def run_of_photographs(study, identity):
    stored = StoredRun(Path(study.store), identity)
    stored.folder.mkdir(parents=True)
    stored.weights.write_bytes(b"w")
    stored.result.write_text(json.dumps({"sha256": {stored.weights.name: file_sha256(stored.weights)}}))
    (stored.folder / "lock").touch()
    return stored


def test_clean_removes_groups_that_no_configuration_asks_for_and_keeps_runs_of_photographs(config, study):
    wanted, gone = group(study, "k4_width16"), group(study, "k9_width16")
    training = Path(study.root, "models", "k8_width4.seed0.checkpoint.pt")
    training.write_bytes(b"half")
    asked = next(iter(study.runs()))
    for identity in (asked, "0" * 16):
        run_of_photographs(study, identity)
    removal = stale([config])
    assert [run.identity for run in removal.runs] == ["0" * 16]
    lines = removal.plan().splitlines()
    assert "the group closeness_tiny k9_width16 of models, 0.000 GB" in lines
    assert lines[-1] == "not touched: 1 group with a checkpoint of the last hour"
    assert removal.carry_out() == "removed 1 run, 0 files, 1 group"
    assert wanted.is_file() and training.is_file()
    assert not gone.exists() and not gone.with_suffix(".parquet").exists()
    os.utime(training, (time.time() - 7200,) * 2)
    assert list(stale([config]).groups) == ["closeness_tiny k8_width4"]


def test_one_run_of_photographs_goes_with_the_manifest_that_names_it(config, study):
    identity = next(iter(study.runs()))
    run_of_photographs(study, identity)
    group(study, "k4_width16")  # its manifest names no run of the store
    manifest = Path(study.root, "models", "cifar10_m2.parquet")
    write_table(manifest, pa.Table.from_pandas(pd.DataFrame({"run": ["a"], "identity": [identity]})), {"work": {}})
    removal = one_run([config], identity)
    assert removal.manifests == [manifest]
    assert "  closeness_tiny cifar10_m2: 1 run, 0.000 GB" in removal.plan().splitlines()


def test_verify_compares_the_weights_of_groups(config, study):
    whole, changed, missing = (group(study, f"k{k}_width{w}") for k, w in ((4, 4), (4, 16), (5, 4)))
    assert verify(config).summary() == (
        "0 runs, 3 groups, 0 data sets and 3 tables are what was written; 0 unfinished; 0 faults"
    )
    changed.write_bytes(b"other")
    missing.unlink()
    found = verify(config)
    assert found.groups == 1 and whole.is_file()
    assert any("k4_width16.safetensors is not the file that was written" in fault for fault in found.faults)
    assert any("k5_width4.safetensors is missing. Remove" in fault for fault in found.faults)


def status(config):
    stream = io.StringIO()
    found = Monitor(config, costs.read(COSTS, "none")).look()
    Console(file=stream, width=200).print(shown(found, Path("mine.yaml")))
    return found, stream.getvalue()


def test_status_tells_what_is_made_of_the_study_and_what_is_left(config, study):
    before, _ = status(config)
    group(study, "k4_width16")
    found, text = status(config)
    line = "Made of closeness: models 1 of 2, activations 0 of 2, similarity 0 of 5, statistics 0 of 1, figures 0 of 5"
    assert line in text
    assert found.left_seconds < before.left_seconds
    group(study, "digits_m2")  # of the whole study
    assert "Made of closeness: models 2 of 6, activations 0 of 6" in status(config)[1]


def test_status_leaves_out_a_study_that_is_neither_asked_for_nor_begun(demo, config):
    assert "Made of" not in status(check(demo))[1]
