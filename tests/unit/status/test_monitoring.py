"""What `whyalike status` finds in a store, in logs and in a queue, and that looking disturbs nothing."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from whyalike import job as jobs
from whyalike.config.reading import check
from whyalike.files import canonical_json, write_table
from whyalike.grid.runs import Cell
from whyalike.planning import costs
from whyalike.status import failures
from whyalike.status.monitoring import Made, Monitor
from whyalike.training.store import StoredRun

COSTS = costs.read(Path(__file__).parents[3] / "config" / "costs.yaml")
CELL = Cell("digits", "dataset", 0)
WILDCARDS = {"setting": "digits", "factor": "dataset", "seed": "0"}
HOLDER = """
import sys, time
from pathlib import Path
from whyalike.training.store import StoredRun
run = StoredRun(Path(sys.argv[1]), sys.argv[2])
with run.held(0.1, print):
    run.note("start", step=0)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def values(demo, tmp_path, monkeypatch):
    """The demo with results in a folder of the test, where no program but Python's is found: so no squeue."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    return demo


@pytest.fixture
def monitor(values):
    return Monitor(check(values), COSTS)


def stored(monitor, number, cell=CELL):
    """A run of a cell in the monitor's store."""
    return StoredRun(monitor.store, monitor.grid.runs(cell)[number].identity)


def finish(run, device="cpu"):
    run.folder.mkdir(parents=True, exist_ok=True)
    run.result.write_text(json.dumps({"device": device, "sha256": {}}))


def ledger(run, *events):
    """A ledger of (event, time, step)."""
    run.folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"event": event, "time": when, "step": step}) for event, when, step in events]
    run.ledger.write_text("".join(f"{line}\n" for line in lines))


def fail(log, target, message):
    """The log of a job that failed, as jobs write it."""

    def work():
        with jobs.job(str(log), 1, str(target)):
            jobs.note("training 1/6 runs · digits dataset seed 0 · A · 97.1 % · 5 s · eta 31 s")
            raise ValueError(message)

    with pytest.raises(SystemExit):
        work()
    for handler in logging.getLogger("whyalike").handlers[:]:
        logging.getLogger("whyalike").removeHandler(handler)
        handler.close()


def states(status, cell=CELL):
    """State of each run of a cell, by name."""
    return {one.run.name: one.state for one in status.runs.values()
            if (one.run.setting, one.run.factor, one.run.seed) == (cell.setting, cell.factor, cell.seed)}  # fmt: skip


# ---- the states of runs ----


def test_with_an_empty_store_all_wait_and_nothing_is_written(monitor, tmp_path):
    status = monitor.look()
    assert dict(status.counts) == {"waiting": 72}
    assert {key: len(runs) for key, runs in status.rows.items()} == {
        ("dataset_overlap", "digits"): 30, ("task_overlap", "digits"): 21, ("label_overlap", "colorshapedigit"): 21,
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []
    assert status.queue is None and status.workers == 0


def test_done_interrupted_and_begun_without_a_step_are_told_by_the_folder(monitor):
    finish(stored(monitor, 0))
    ledger(stored(monitor, 1), ("start", 0.0, 0), ("checkpoint", 5.0, 100), ("start", 9.0, 100))
    stored(monitor, 2).folder.mkdir()
    status = monitor.look()
    names = [run.name for run in monitor.grid.runs(CELL)]
    assert [states(status)[name] for name in names] == ["done", "interrupted", "interrupted", *["waiting"] * 3]
    one, two = (status.runs[stored(monitor, number).identity] for number in (1, 2))
    steps = monitor.plan(monitor.store).workload.steps("digits", "dataset")[0]
    assert (one.step, one.steps, two.step) == (100, steps, None)


def test_a_run_of_two_studies_stands_in_both_rows_and_once_in_the_counts(values):
    values["studies"]["second"] = {**values["studies"]["dataset_overlap"], "levels": ["0"]}
    monitor = Monitor(check(values), COSTS)
    finish(stored(monitor, 0))  # A, which both need
    status = monitor.look()
    done = {key[0] for key, runs in status.rows.items() if any(status.runs[run].state == "done" for run in runs)}
    assert done == {"dataset_overlap", "second"}
    assert (status.counts["done"], status.counts.total()) == (1, 72)


def test_a_live_trainer_is_seen_and_left_alone_and_a_killed_one_is_interrupted(monitor):
    run = stored(monitor, 0)
    command = [sys.executable, "-c", HOLDER, monitor.store, run.identity]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            status = monitor.look()
            one = status.runs[run.identity]
            assert (one.state, one.step, one.trainer["pid"], status.workers) == ("running", 0, holder.pid, 1)
            assert sorted(path.name for path in run.folder.iterdir() if not path.name.startswith(".")) == [
                "heartbeat.json", "ledger.jsonl", "lock",
            ]  # fmt: skip
        finally:
            holder.kill()
    # at once, though its heartbeat is fresh: it was of this machine
    assert monitor.look().runs[run.identity].state == "interrupted"


def test_a_heartbeat_of_another_machine_counts_until_it_is_stale(monitor):
    run = stored(monitor, 0)
    run.folder.mkdir(parents=True)
    beat = run.folder / "heartbeat.json"
    beat.write_text(json.dumps({"host": "node7", "pid": 1, "job": "12", "every": 10}))
    assert run.trainer() == {"host": "node7", "pid": 1, "job": "12", "every": 10}
    assert monitor.look().runs[run.identity].state == "running"
    os.utime(beat, (time.time() - 61,) * 2)  # six heartbeats of 10 s
    assert run.trainer() is None
    assert monitor.look().runs[run.identity].state == "interrupted"


def test_a_line_of_the_ledger_that_is_being_written_is_left_out(monitor):
    run = stored(monitor, 0)
    ledger(run, ("start", 0.0, 0), ("checkpoint", 5.0, 100))
    with run.ledger.open("a") as file:
        file.write('{"event": "checkpoint", "st')
    assert [event["step"] for event in run.events()] == [0, 100]


def test_runs_from_files_are_done_when_they_are_registered(values):
    values["settings"]["theirs"] = {"dataset": "digits", "labelling": "digit", "runs": ["clip", "dino", "sup"],
                                    "activations": "my/{run}.{stimuli}.npy"}  # fmt: skip
    values["studies"]["pairs"] = {"factor": "external", "settings": ["theirs"], "stimuli": ["digits_test"]}
    monitor = Monitor(check(values), COSTS)
    cell = Cell("theirs", "external", 0)
    assert set(states(monitor.look(), cell).values()) == {"waiting"}
    manifest = Path("results/demo/models/theirs/external/seed0.parquet")
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    status = monitor.look()
    assert set(states(status, cell).values()) == {"done"} and status.counts["done"] == 3
    assert status.jobs[""]["activations"] == Made(0, 34)


# ---- what is made ----


def make(study, job, work=None):
    """The files of a job, of which those that keep what they were made from tell these parameters, or the job's own."""
    work = json.loads(study.work(job)) if work is None else work
    for file in map(Path, job.files):
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".parquet":
            write_table(file, pa.table({}), {"work": work})
        elif file.suffix == ".png":
            told = PngInfo()
            told.add_text("whyalike", canonical_json(work))
            Image.new("L", (1, 1)).save(file, pnginfo=told)
        else:
            file.touch()


@pytest.fixture
def whole(monitor):
    """All runs, and all files of the stages that are counted."""
    for cell in monitor.grid.cells:
        for run in monitor.grid.runs(cell):
            finish(StoredRun(monitor.store, run.identity))
    for study in monitor.studies:
        for job in study.jobs():
            if job.stage in study.stages:
                make(study, job)
    return monitor


def test_files_of_other_parameters_or_damaged_are_outdated_and_still_to_be_made(whole):
    [main] = whole.studies
    scores = [job for job in main.jobs() if job.rule == "score_comparison"]
    make(main, scores[0], {**json.loads(main.work(scores[0])), "permutations": 7})
    Path(scores[1].files[0]).write_bytes(b"damaged")
    figure = next(job for job in main.jobs() if job.stage == "figures")
    make(main, figure, {})
    status = whole.look()
    assert status.jobs[""]["scores"] == Made(44, 46, 2) and status.jobs[""]["figures"] == Made(10, 11, 1)
    assert status.jobs[""]["statistics"] == Made(3, 3)
    assert status.left_seconds > 0
    for job in (*scores[:2], figure):
        make(main, job)
    assert whole.look().left_seconds == 0


# ---- what failed ----


def test_the_run_that_a_fault_names_failed_and_the_others_of_its_job_did_not(monitor):
    run, target = monitor.grid.runs(CELL)[1], "results/demo/models/digits/dataset/seed0.parquet"
    ledger(stored(monitor, 1), ("start", 0.0, 0), ("checkpoint", 5.0, 100))
    log = Path("results/demo/logs/train_models/digits.dataset.seed0.log")
    fail(log, target, f"run {run.name} ({run.identity}) diverged: the loss is nan. Lower lr.")
    status = monitor.look()
    assert [name for name, state in states(status).items() if state == "failed"] == [run.name]
    assert status.runs[run.identity].step == 100
    [failure] = status.failures
    assert failure.message == f"run {run.name} ({run.identity}) diverged: the loss is nan. Lower lr."
    assert (failure.log, failure.target) == (log, target)


def test_a_fault_that_names_no_run_is_one_of_all_unfinished_runs_of_its_job(monitor):
    finish(stored(monitor, 0))
    log = Path("results/demo/logs/train_models/digits.dataset.seed0.log")
    fail(log, "results/demo/models/digits/dataset/seed0.parquet", "no CUDA device")
    status = monitor.look()
    assert status.counts == {"done": 1, "failed": 5, "waiting": 66}


def test_a_fault_is_over_when_its_job_begins_anew_or_its_target_is_made(monitor, tmp_path):
    logs, target = tmp_path / "logs", tmp_path / "seed0.parquet"
    for name in ("first", "second"):
        fail(logs / "rule" / f"{name}.log", target, "no such file")
    assert [one.log.name for one in failures.read(logs)] == ["first.log", "second.log"]
    with jobs.job(str(logs / "rule" / "first.log"), 1, str(target)):
        assert [one.log.name for one in failures.read(logs)] == ["second.log"]
    assert [one.log.name for one in failures.read(logs)] == ["second.log"]
    target.touch()
    os.utime(target, (time.time() + 5,) * 2)
    assert failures.read(logs) == []


def test_the_last_fault_comes_last_and_those_of_what_is_no_longer_asked_for_are_left_out(monitor):
    root = Path("results/demo")
    log = root / "logs" / "train_models" / "old.dataset.seed0.log"
    fail(log, root / "models/old/dataset/seed0.parquet", "of a setting that the configuration lost")
    score = "results/demo/similarity/dataset_overlap/digits/digits_test.parquet"
    for name, age in (("a", 10), ("b", 20)):
        fail(root / "logs" / "score_comparison" / f"{name}.log", score, name)
        os.utime(root / "logs" / "score_comparison" / f"{name}.log.fault.json", (time.time() - age,) * 2)
    fail(root / "logs" / "write_tables.log", root / "statistics/accuracy.csv", "disk full")
    assert [one.message for one in monitor.look().failures] == ["b", "a", "disk full"]


# ---- hours ----


def benchmark(path, seconds):
    path = Path("results/demo/benchmarks", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:41\t-\n")


def test_spent_is_every_attempt_or_the_last_job_whichever_is_more(monitor):
    # two attempts of 100 and 50 s, the first cut off at its checkpoint; the pause of 900 s does not count
    ledger(stored(monitor, 0), ("start", 0.0, 0), ("checkpoint", 100.0, 9), ("start", 1000.0, 9), ("end", 1050.0, 18))
    benchmark("train_models/digits.dataset.seed0.tsv", 70)
    other = Cell("digits", "dataset", 1)
    ledger(stored(monitor, 0, other), ("start", 0.0, 0), ("end", 30.0, 18))
    benchmark("train_models/digits.dataset.seed1.tsv", 90)
    benchmark("extract_avgpool/digits.dataset.seed0.digits_test.tsv", 12.5)
    benchmark("score_comparison/dataset_overlap.tsv", 5000)  # no GPU
    assert monitor.look().spent_hours == pytest.approx((150 + 90 + 12.5) / 3600)


def test_runs_that_went_on_at_once_spend_their_time_once(monitor):
    for i in range(3):
        ledger(stored(monitor, i), ("start", 10.0 * i, 0), ("end", 100.0 + 10 * i, 18))
    assert monitor.look().spent_hours == pytest.approx(120 / 3600)


def test_a_figure_of_a_data_set_waits_for_no_model(monitor):
    [main] = monitor.studies
    names = ("colorshapedigit_classes", "accuracy")  # the latter of models that are yet to be trained
    for job in main.jobs():
        if job.stage == "figures" and job.wildcards["figure"] in names:
            make(main, job)
    assert monitor.look().jobs[""]["figures"] == Made(1, 11)


def test_hours_left_are_those_planned_less_what_the_store_has_and_what_unfinished_runs_have_done(monitor):
    before = monitor.look()
    estimate = monitor.plan(monitor.store).estimate("train_models", WILDCARDS)
    assert before.left_hours == pytest.approx(before.planned_hours)
    finish(stored(monitor, 0))
    second = stored(monitor, 1)
    steps = monitor.plan(monitor.store).workload.steps("digits", "dataset")[0]
    ledger(second, ("start", 0.0, 0), ("checkpoint", 1.0, steps // 5))
    done = estimate.runs[stored(monitor, 0).identity].seconds + estimate.runs[second.identity].seconds / 5
    after = monitor.look()
    # steps // 5 is a fifth but for one step of some hundred
    assert 3600 * (before.left_hours - after.left_hours) == pytest.approx(done, rel=0.01)
    assert after.planned_hours == before.planned_hours


def test_with_all_runs_and_files_nothing_is_left_and_without_a_run_what_is_made_of_it_is_made_again(whole):
    status = whole.look()
    assert status.left_seconds == status.left_hours == 0
    assert status.jobs[""] == {
        "activations": Made(33, 33), "scores": Made(46, 46), "statistics": Made(3, 3), "figures": Made(11, 11),
    }  # fmt: skip
    stored(whole, 0).result.unlink()
    again = whole.look()
    assert again.jobs[""]["activations"] == Made(30, 33) and again.jobs[""]["statistics"] == Made(2, 3)
    assert again.left_seconds > 0


def first_extraction(monitor):
    return next(job for job in monitor.studies[0].jobs() if job.stage == "activations")


def test_representations_that_were_removed_once_scored_are_made(values):
    job = first_extraction(Monitor(check(values), COSTS))
    runs = dict.fromkeys(job.cells, True)
    assert not job.made(runs)
    scores = Path("results/demo/similarity/dataset_overlap/digits/digits_test.parquet")
    assert job.instead == (str(scores),)
    scores.parent.mkdir(parents=True)
    scores.touch()
    assert job.made(runs) and not job.made(dict.fromkeys(job.cells, False))


def test_of_a_partial_result_the_whole_is_told(values):
    assert Monitor(check({**values, "partial": True}), COSTS).look().counts.total() == 72


# ---- SLURM ----


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """A fake squeue that says what the file `queue` holds, or fails without it."""
    folder = tmp_path / "fake"
    folder.mkdir()
    text = f"#!/bin/sh\n/bin/cat {folder}/queue 2>/dev/null || {{ echo 'Unable to contact' >&2; exit 1; }}\n"
    (folder / "squeue").write_text(text)
    (folder / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "queue"


def test_jobs_of_this_folder_are_told_by_rule_state_and_reason(values, squeue, tmp_path):
    squeue.write_text(
        f"1|RUNNING|None|rule_train_models_wildcards_digits_dataset_0|whyalike_0f|{tmp_path}\n"
        f"2|PENDING|Priority|rule_train_models_wildcards_digits_dataset_1|whyalike_0f|{tmp_path}\n"
        f"3|RUNNING|None|rule_train_models_wildcards_x|whyalike_0f|{tmp_path}/other\n"
        f"4|RUNNING|None|(null)|mine|{tmp_path}\n"
    )
    status = Monitor(check(values), COSTS).look()
    assert [(one.job, one.state, one.reason, one.rule) for one in status.queue] == [
        ("1", "RUNNING", "None", "train_models"), ("2", "PENDING", "Priority", "train_models"),
    ]  # fmt: skip
    assert status.workers == 1


def test_a_silent_controller_is_told_and_the_rest_is_there(values, squeue):
    status = Monitor(check(values), COSTS).look()
    assert status.queue == "squeue ended with status 1: Unable to contact. Start again later."
    assert status.counts.total() == 72


# ---- cells that are trained in parts ----


@pytest.fixture
def in_parts(values):
    return Monitor(check(values | {"operation": {"runs_per_job": {"digits": 4}}}), COSTS)


def test_a_part_that_failed_makes_its_own_runs_failed(in_parts):
    manifest = in_parts.flow.part_manifests(CELL)[1]
    fail(in_parts.root / "logs" / "train_models" / "digits.dataset.seed0.part1.log", manifest, "no GPU")
    finish(stored(in_parts, 5))
    status = in_parts.look()
    assert list(states(status).values()) == ["waiting"] * 4 + ["failed", "done"]
    assert [failure.target for failure in status.failures] == [manifest]


def test_hours_spent_and_planned_are_those_of_all_parts(in_parts, monitor):
    folder = in_parts.root / "benchmarks" / "train_models"
    folder.mkdir(parents=True)
    for part, seconds in ((0, 3600), (1, 1800)):
        (folder / f"digits.dataset.seed0.part{part}.tsv").write_text(f"s\n{seconds}\n")
    assert in_parts.look().spent_hours == pytest.approx(1.5)
    starts = 5 + 3  # a second part of each cell of digits: seeds of dataset and of task overlap
    more = starts * COSTS.devices[in_parts.look().device].startup_seconds / 3600
    assert in_parts.look().planned_hours == pytest.approx(monitor.look().planned_hours + more)


def test_processes_that_train_for_one_job_are_one_job(monitor):
    for number, pid in enumerate((11, 12)):
        run = stored(monitor, number)
        run.folder.mkdir(parents=True)
        beat = {"host": "node7", "pid": pid, "job_pid": 10, "job": "", "every": 10}
        (run.folder / "heartbeat.json").write_text(json.dumps(beat))
    status = monitor.look()
    assert status.counts["running"] == 2
    assert status.workers == 1
