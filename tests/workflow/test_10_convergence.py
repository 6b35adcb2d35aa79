"""Convergence over layers, training and shifts through every stage, as small as can be."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from workflow_folder import REPOSITORY, TINY, Folder

from whyalike.config.reading import check
from whyalike.studies.study import rule_studies

CONFIG = Path(__file__).with_name("convergence.yaml")
COSTS = str(REPOSITORY / "config" / "costs.yaml")
ANALYSES = {"corrected", "as_published"}
GROUPS = {"resnet", "simclr", "gpt", "resnet_shuffled"}


def tiny(section=None, **recipe):
    """The configuration with other keys of its section, and of a recipe of classifiers."""
    values = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    values["convergence"] |= section or {}
    values["recipes"]["sgd"] |= recipe
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The target `convergence`, run to its end."""
    path = tmp_path_factory.mktemp("convergence")
    config = path / "tiny.yaml"
    config.write_text(yaml.safe_dump(tiny(), sort_keys=False))
    folder = Folder(path, config=config)
    done = folder.call(folder.snakemake_command("convergence"))
    assert done.returncode == 0, done.stdout
    folder.results = path / "results" / "tiny_convergence"
    return folder


def other(folder, name, values):
    """A configuration beside the folder's own."""
    path = folder.path / name
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def test_every_figure_and_table_of_the_plan_is_made(folder):
    study = rule_studies(check(tiny()))["convergence"]
    assert {path.stem for path in (folder.results / "figures").glob("*.svg")} == set(study.figures())
    for kind in study.figures():
        for suffix in ("pdf", "png"):
            assert (folder.results / "figures" / f"{kind}.{suffix}").stat().st_size > 1000
        assert len(pd.read_csv(folder.results / "figures" / f"{kind}.csv")) > 0, kind
    for name in study.tables():
        table = pd.read_parquet(folder.results / "statistics" / f"{name}.parquet")
        assert {"group", "setting", "analysis", "quantity", "value"} <= set(table), name
        assert set(table["analysis"].dropna()) <= ANALYSES, name
    assert (folder.results / "claims.md").stat().st_size > 0


def test_all_pairs_are_scored_at_every_checkpoint_in_both_analyses(folder):
    study = rule_studies(check(tiny()))["convergence"]
    assert set(study.groups) == GROUPS
    for group in GROUPS:
        members = study.groups[group].members  # pairs of one seed, or of two models of start and order 0
        main = sum((one.start, one.order) == ("0", "0") for one in members)
        seeds = Counter(one.seed for one in members).values()
        compared = sum(n * (n - 1) // 2 for n in seeds) + main * (main - 1) // 2
        for checkpoint in study.checkpoints(group):
            scores = pd.read_parquet(folder.results / "scores" / f"{group}.{checkpoint}.parquet")
            pairs = scores[~scores["relation"].isin(["own_end", "other_end"]) & (scores["scoring"] == "procrustes")]
            pairs = pairs[pairs["comparison"] == "pearson"]
            layers = len(study.groups[group].layers)
            expected = dict.fromkeys(ANALYSES, compared * layers)
            assert pairs.groupby("analysis").size().to_dict() == expected, (group, checkpoint)
            assert scores["value"].abs().max() <= 1 + 1e-6
            accuracy = pd.read_parquet(folder.results / "accuracy" / f"{group}.{checkpoint}.parquet")
            assert accuracy.groupby("analysis").size().to_dict() == dict.fromkeys(ANALYSES, len(members))


def test_nothing_is_left_to_do(folder):
    assert "Nothing to be done" in folder.call(folder.snakemake_command("convergence", "--dry-run")).stdout


def test_another_parameter_of_a_metric_trains_nothing(folder):
    changed = tiny({"metrics": {"linear": {"ridge": 0.01}, "procrustes": {}, "permutation": {}, "soft_matching": {}}})
    said = folder.call(
        folder.snakemake_command("convergence", "-n", config=other(folder, "metric.yaml", changed))
    ).stdout
    assert "Convergence: alignment of resnet at final" in said and "Convergence: figure depth" in said
    for part in ("Training", "Data:", "Splits", "Import"):
        assert part not in said, part


def test_a_step_added_later_scores_that_step_alone(folder):
    """Weights of step 2 are kept by the recipe; only one setting asks for it."""
    section = {"checkpoints": {**tiny()["convergence"]["checkpoints"], "resnet": {"steps": [1, 2, 4], "epochs": [1]}}}
    added = other(folder, "step.yaml", tiny(section))
    said = folder.call(folder.snakemake_command("convergence", "-n", config=added)).stdout
    assert all(f"alignment of {group} at step2" in said for group in ("resnet", "resnet_shuffled"))
    for part in ("Training", "at step1", "at final", "of simclr at", "of gpt at", "rotated bases", "all layers of"):
        assert part not in said, part
    target = "results/tiny_convergence/scores/resnet.step2.parquet"
    done = folder.call(folder.snakemake_command(target, config=added))
    assert done.returncode == 0, done.stdout
    assert set(pd.read_parquet(folder.path / target)["step"]) == {2}


def test_a_step_that_no_run_has_kept_trains_only_as_far_as_it_needs(folder):
    """A list more under keep_steps: runs are trained again to step 3, and their final weights stay as they are."""
    section = {"checkpoints": {**tiny()["convergence"]["checkpoints"], "resnet": {"steps": [3], "epochs": [1]}}}
    keep = {"log2": True, "epochs": [1], "extra": [3]}
    added = other(folder, "kept.yaml", tiny(section, keep_steps=keep))
    models = rule_studies(check(tiny()))["convergence"].groups["resnet"].members
    runs = [folder.path / "results" / "runs" / one.run for one in models]
    before = [(run / "weights.safetensors").read_bytes() for run in runs]
    done = folder.call(folder.snakemake_command("results/tiny_convergence/scores/resnet.step3.parquet", config=added))
    assert done.returncode == 0, done.stdout
    assert [(run / "weights.safetensors").read_bytes() for run in runs] == before
    assert all((run / "weights.step3.safetensors").is_file() for run in runs)
    for word in ("simclr", "gpt"):
        assert f"Training: {word}" not in done.stdout


def test_a_killed_job_ends_in_the_same_bytes(folder):
    path = folder.results / "scores" / "simclr.final.parquet"
    beside = folder.results / "accuracy" / "simclr.final.parquet"
    log = folder.results / "logs" / "score_checkpoint" / "simclr.final.log"
    before = [path.read_bytes(), beside.read_bytes()]
    for file in (path, beside, log):
        file.unlink()
    target = str(path.relative_to(folder.path))
    process = folder.begin(folder.snakemake_command(target))
    until = time.monotonic() + 120
    while not log.exists() and time.monotonic() < until:  # its job has begun
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert log.exists()
    assert folder.call(folder.snakemake_command("--unlock")).returncode == 0
    done = folder.call(folder.snakemake_command(target))
    assert done.returncode == 0, done.stdout
    assert [path.read_bytes(), beside.read_bytes()] == before


def test_status_tells_of_it(folder):
    said = folder.process(folder.whyalike_command("status", str(folder.config), "--costs", COSTS)).stdout
    assert "Made of convergence:" in said


def test_a_configuration_without_the_section_is_told_in_a_line(folder):
    done = folder.call(folder.snakemake_command("convergence", "--dry-run", config=TINY))
    assert done.returncode == 1
    assert "convergence: the configuration has no section `convergence`: take config/convergence.yaml" in done.stdout
