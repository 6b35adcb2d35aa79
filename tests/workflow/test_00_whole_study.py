"""The tiny study from configuration to findings."""

import fcntl
import json
import os
import re
import shutil
import signal
import sys
import time

import pandas as pd
import pytest
from workflow_folder import REPOSITORY, TINY, Folder

from whyalike.locks import Lock
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.table import SCORE_SCHEMA
from whyalike.statistics.table import STATISTICS_SCHEMA

STUDIES = ("dataset_overlap", "task_overlap", "label_overlap")
FIGURES = ("dataset_overlap", "label_overlap", "accuracy", "classes")
NO_LOCKS = REPOSITORY / "tests" / "no_locks"


def test_every_room_leaves_its_folder(finished):
    rooms = ("data", "splits", "models", "activations", "similarity", "statistics", "figures")
    assert {path.name for path in finished.results.iterdir()} == {
        *rooms,
        "logs",
        "benchmarks",
        "findings.md",
        "claims.md",
    }


def test_each_figure_has_four_formats(finished):
    for figure in FIGURES:
        for suffix, magic in {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG", "csv": b""}.items():
            content = (finished.results / "figures" / f"{figure}.{suffix}").read_bytes()
            assert content.startswith(magic)
            assert len(content) > 100


def test_score_tables_hold_every_column_and_pair(finished):
    table = pd.read_parquet(finished.results / "similarity" / "dataset_overlap" / "digits" / "digits_test.parquet")
    assert list(table.columns) == SCORE_SCHEMA.names
    # 2 seeds x 2 levels x 2 metrics x 2 protocols
    assert len(table) == 16
    assert table[["value", "null_mean", "null_p95", "null_within_class", "untrained", "p_value"]].notna().all().all()
    assert table[["null_within_class_p95", "p_within_class"]].notna().all().all()
    assert set(table["metric"]) <= set(METRICS)
    # 5 permutations: the smallest possible p is 1 / 6; cka has its null in closed form
    assert table.loc[table["metric"] == "mutual_knn", "p_value"].min() >= 1 / 6
    assert table.loc[table["metric"] == "cka", "p_value"].min() < 1 / 6


def test_a_is_one_run_at_all_levels(finished):
    table = pd.read_parquet(finished.results / "similarity" / "dataset_overlap" / "digits" / "digits_test.parquet")
    assert table.groupby("seed")["run_a"].nunique().eq(1).all()
    assert table.groupby("seed")["run_b"].nunique().eq(2).all()


def test_task_overlap_is_scored_on_the_classes_of_both_one_and_neither(finished):
    table = pd.read_parquet(finished.results / "similarity" / "task_overlap" / "digits" / "digits_test.parquet")
    kinds = table.groupby("condition")["stimuli_kind"].unique().map(set).to_dict()
    # 10 classes, 5 a model: at .4 two are shared, six belong to one model, two to neither; at 1 none belongs to one
    assert kinds == {"0.4": {"common", "ood_one", "ood_both"}, "1": {"common", "ood_both"}}
    common = table[(table["condition"] == "0.4") & (table["stimuli_kind"] == "common")]
    assert set(common["classes"]) == {2}


def test_label_overlap_carries_the_shared_information_of_the_labels(finished):
    path = finished.results / "similarity" / "label_overlap" / "colorshapedigit" / "colorshapedigit_test.parquet"
    table = pd.read_parquet(path).query("metric == 'cka' and score_protocol == 'exact'").set_index("condition")
    # two values an attribute: shape and digit share nothing, shape_digit and shape_color one of two bits, the last all
    assert table["label_information"].round(9).to_dict() == {"1": 0, "2A": 0.5, "3": 1}
    assert table.loc["1", "label_gram"] == pytest.approx(0, abs=1e-12)  # orthogonal labels of a balanced product set
    assert table.loc["3", "label_gram"] == pytest.approx(1, abs=1e-12)


def test_statistics_have_points_and_seeds_beside_every_number(finished):
    for study in STUDIES:
        table = pd.read_parquet(finished.results / "statistics" / f"{study}.parquet")
        assert list(table.columns) == STATISTICS_SCHEMA.names
        assert (table["n"] >= table["n_seeds"]).all()
        # two points of one seed, as in the task study, give no regression: no row, not a NaN
        assert set(table["protocol"]) == ({"corrected"} if study == "task_overlap" else {"as_published", "corrected"})
        assert table["value"].notna().all()


def test_manifests_name_runs_that_the_store_holds(finished):
    for path in (finished.results / "models").rglob("*.parquet"):
        for row in pd.read_parquet(path).itertuples():
            result = json.loads((finished.path / "results" / "runs" / row.run / "result.json").read_text())
            assert result["sha256"]["weights.safetensors"] == row.sha256


def test_it_ends_by_saying_what_was_found_and_where_it_lies(finished):
    assert finished.said.rstrip().endswith("each as .svg, .pdf, .png and .csv)")
    assert (finished.results / "findings.md").read_text() in finished.said


def test_a_person_sees_how_far_it_is_and_the_logs_have_the_rest(finished):
    seen, log = finished.said[: finished.said.index("# Findings")], finished.log(finished.said)
    for words in ("Job stats:", "41 of 41 steps (100%) done", "Complete log(s): "):
        assert words in seen
    assert re.search(r"^\d\d:\d\d:\d\d \d+ of 41 steps done, \d under way · \w+: ", seen, re.MULTILINE)
    every_job = r"^Job \d+: |^Finished jobid|^Select jobs|^similarity .* pairs$|^activations \d/\d"
    assert re.findall(every_job, seen, re.MULTILINE) == []
    assert len(re.findall(r"^Job \d+: |^Finished jobid", log, re.MULTILINE)) == 40 + 41  # `all` has no message
    notes = (finished.results / "logs" / "train_models" / "digits.dataset.seed1.log").read_text()
    assert [line.split(" · ")[0] for line in notes.splitlines()] == [f"training {i}/3 runs" for i in (1, 2, 3)]


def test_nothing_is_left_to_do(finished):
    again = finished.call(finished.snakemake_command("--dry-run"))
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout


def test_a_figure_is_a_target_of_its_own_name(tmp_path):
    folder = Folder(tmp_path)
    plan = folder.call(folder.snakemake_command("--dry-run", "label_overlap"))
    assert plan.returncode == 0, plan.stdout
    # its own study's stages and no other's
    assert "Training: colorshapedigit, label overlap, seed 0" in plan.stdout
    assert "Training: digits" not in plan.stdout


def test_findings_name_the_metrics_with_their_parameters(finished):
    metrics = re.search(r"^Metrics \(exact\): (.*)\.$", (finished.results / "findings.md").read_text(), re.MULTILINE)[1]
    assert metrics == "cka; mutual_knn (k = 5)"


def test_the_end_says_what_was_kept_and_made(finished):
    assert "Kept 0 runs, trained 15; made first: activations 6, scores 5, statistics 3, figures 4." in finished.said


def test_a_fault_of_the_configuration_is_one_message_before_any_job(tmp_path):
    folder = Folder(tmp_path)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TINY.read_text().replace("mutual_knn", "mutual_kn"))
    command = [str(wrong) if part == str(TINY) else part for part in folder.run_command()]
    refused = folder.call(command)
    assert refused.returncode == 1
    assert "similarity.metrics" in refused.stdout
    assert "Did you mean 'mutual_knn'?" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert not (tmp_path / "results").exists()


def test_a_second_run_in_the_folder_is_refused(finished):
    with (finished.path / ".snakemake" / "whyalike.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (finished.run_command(), finished.snakemake_command("--forcerun", "write_findings")):
            refused = finished.call(command)
            assert refused.returncode == 1
            assert "Another run is under way in this folder" in refused.stdout


@pytest.mark.parametrize("locks", [True, False], ids=["with locks", "without locks"])
def test_a_snakemake_that_runs_jobs_holds_its_folder_and_its_results(tmp_path, locks):
    folder = Folder(tmp_path)
    folder.python_path += [] if locks else [NO_LOCKS]
    process = folder.begin(folder.snakemake_command("all"))
    held = Lock(tmp_path / ".snakemake" / "whyalike.lock"), Lock(tmp_path / "results" / ".tiny.lock")
    try:
        while not (folder.results / "logs").is_dir():
            assert process.poll() is None
            time.sleep(0.05)
        assert [lock.holder()["pid"] for lock in held] == [process.pid] * 2
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_second_driver_of_the_same_results_is_refused_and_may_plan(tmp_path):
    folder, shared = Folder(tmp_path / "here"), ("--config", f"results={tmp_path}")
    folder.path.mkdir()
    lock = Lock(tmp_path / ".tiny.lock")
    assert lock.take()
    try:
        for command in ([*folder.run_command(), *shared], folder.snakemake_command("all", *shared)):
            refused = folder.call(command)
            assert refused.returncode == 1
            assert f"Another run writes to {tmp_path}/tiny/ (it holds {lock.path}, process {os.getpid()} on" in (
                refused.stdout
            )
        planned = folder.call(folder.snakemake_command("--dry-run", *shared))
        assert planned.returncode == 0, planned.stdout
    finally:
        lock.release()


def test_a_clone_with_the_environment_of_another_is_refused(tmp_path):
    for name in ("workflow", "config", "profiles"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy(REPOSITORY / "Snakefile", tmp_path)
    (tmp_path / "src" / "whyalike").mkdir(parents=True)
    copied = Folder(tmp_path, repository=tmp_path)
    copied.python_path = [REPOSITORY / "src"]
    refused = copied.call(copied.snakemake_command("--dry-run"))
    assert refused.returncode == 1
    assert f"is of {REPOSITORY}, and this Snakefile of {tmp_path}: make one here, by make setup." in refused.stdout


def test_environment_clone_and_working_folder_may_have_names_with_spaces_and_quotes(tmp_path):
    links, own = tmp_path / "Bob's clone & more", tmp_path / "my study"
    links.mkdir()
    own.mkdir()
    (links / "environment").symlink_to(sys.prefix)
    (links / "whyalike").symlink_to(REPOSITORY)
    folder = Folder(own, repository=links / "whyalike")
    command = folder.snakemake_command("--until", "make_splits")
    done = folder.process([str(links / "environment" / "bin" / "python"), *command[1:]])
    assert done.returncode == 0, done.stdout
    assert len(list((folder.results / "splits").rglob("*.parquet"))) == 4


@pytest.mark.parametrize("name", ["a $(touch ran) `touch ran2` b", "a'; touch ran; \"b"])
def test_folders_with_commands_in_their_names_are_refused_before_any_job(tmp_path, name):
    inside = tmp_path / name
    inside.mkdir()
    shutil.copy(TINY, inside)
    folder, other = Folder(inside), Folder(tmp_path)
    for refused in (
        folder.call(folder.run_command()),
        folder.call(folder.snakemake_command("all")),
        other.call(other.snakemake_command("all", "--directory", str(inside))),
        other.call(other.snakemake_command("all", config=inside / TINY.name)),
    ):
        assert refused.returncode == 1, refused.stdout
        assert re.search("nothing was run: the path .* has .*: rename the folder", refused.stdout), refused.stdout
    assert not list(tmp_path.rglob("ran*"))
    assert not list(tmp_path.rglob("results"))
