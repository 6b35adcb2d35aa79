"""What is done beside Snakemake's SLURM plugin, with fake `squeue` and `scancel`; tests/cluster has the real ones."""

import asyncio
import logging
import os
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml

from whyalike.cluster import slurm

SQUEUE = """#!/bin/sh
[ -f {folder}/away ] && { echo 'Unable to contact slurm controller' >&2; exit 1; }
cat {folder}/queue
"""
# takes a job out of the queue, unless it is stubborn
SCANCEL = """#!/bin/sh
echo "$@" > {folder}/cancelled
[ -f {folder}/stubborn ] || : > {folder}/queue
"""


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A folder with fake programs: the file `queue` is what squeue says."""
    folder = tmp_path / "fake"
    folder.mkdir()
    for name, text in {"squeue": SQUEUE, "scancel": SCANCEL}.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)))
        (folder / name).chmod(0o755)
    (folder / "queue").write_text("")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_jobs_of_an_earlier_run_are_known_by_prefix_and_folder(queue, tmp_path):
    work = tmp_path / "a|b"
    work.mkdir()
    (tmp_path / "link").symlink_to(work)
    (queue / "queue").write_text(
        f"1|whyalike_0f|{work}\n2|whyalike_0f|{tmp_path}\n3|whyalikes_0f|{work}\n4|whyalike|{work}\n5_[1-3]|whyalike_1e|{work}\n"
    )
    assert slurm.predecessors("whyalike", tmp_path / "link") == ["1", "5_[1-3]"]


def test_they_are_cancelled_and_waited_for(queue, tmp_path):
    (queue / "queue").write_text(f"7|whyalike_0f|{tmp_path}\n8|whyalike_0f|{tmp_path}\n9|mine|{tmp_path}\n")
    said = []
    slurm.cancel_predecessors("whyalike", tmp_path, said.append)
    assert (queue / "cancelled").read_text() == "7 8\n"
    assert said[0].startswith("2 jobs of an earlier run in this folder are cancelled (7, 8)")


def test_with_none_nothing_is_cancelled_or_said(queue, tmp_path):
    said = []
    slurm.cancel_predecessors("whyalike", tmp_path, said.append)
    assert not said and not (queue / "cancelled").exists()


def test_jobs_that_do_not_end_are_an_error_with_their_ids(queue, tmp_path):
    (queue / "queue").write_text(f"7|whyalike_0f|{tmp_path}\n")
    (queue / "stubborn").touch()
    with pytest.raises(RuntimeError, match=r"jobs 7 of an earlier run in this folder have not ended 0 s after scancel"):
        slurm.cancel_predecessors("whyalike", tmp_path, lambda text: None, seconds=0)


def test_a_silent_controller_is_an_error_with_its_words(queue, tmp_path):
    (queue / "away").touch()
    with pytest.raises(RuntimeError, match=r"squeue ended with status 1: Unable to contact slurm controller"):
        slurm.predecessors("whyalike", tmp_path)


def test_a_question_is_asked_until_there_is_an_answer(caplog):
    answers = iter([(None, None), (None, None), ({"1": "RUNNING"}, 0.1)])

    async def query(command, logger):
        assert command == "squeue"
        return next(answers)

    ask = slurm.patient(query, seconds=0)
    assert asyncio.run(ask("squeue", logging.getLogger("test"))) == ({"1": "RUNNING"}, 0.1)
    assert [record.getMessage() for record in caplog.records] == [
        "SLURM does not answer; it is asked again every 0 s. Jobs that run go on."
    ]


def test_a_job_that_stays_preempted_has_failed():
    async def query(command, logger):
        return {"1": "PREEMPTED", "2": "COMPLETED"}, 0.1

    assert asyncio.run(slurm.patient(query)("squeue", None)) == ({"1": "FAILED", "2": "COMPLETED"}, 0.1)


def test_the_last_known_job_age_holds_while_slurm_is_silent():
    ages = iter([None, 300, None, 200])
    age = slurm.remembered(lambda: next(ages))
    assert [age() for _ in range(4)] == [None, 300, 300, 200]


@pytest.fixture
def executor():
    """An executor whose submissions wait for the controller; `done` is what it did."""

    class Executor:
        logger = logging.getLogger("test")

        def __init__(self):
            self.done, self.refusals = [], []

        def run_job(self, job):
            if self.refusals:
                self._report_job_error_threadsafe(
                    job, f"SLURM sbatch failed. The error message was '{self.refusals.pop()}'."
                )
            else:
                self.done.append(f"submitted {job.name}")

        def _report_job_error_threadsafe(self, job, msg):
            self.done.append(f"failed {job.name}: {msg}")

        def cancel_jobs(self, jobs):
            self.done.append(f"cancelled {jobs}")

    slurm.submit_when_taken(Executor, seconds=0.01)
    return Executor()


def submitting(executor, name):
    """A thread that submits a job, as the plugin's do."""
    thread = threading.Thread(target=executor.run_job, args=[SimpleNamespace(name=name)])
    thread.start()
    return thread


def test_a_job_is_submitted_when_the_controller_answers_again_and_that_is_told_once(queue, executor, caplog):
    (queue / "away").touch()
    thread = submitting(executor, "train_models")
    while not caplog.records:
        thread.join(0.01)
    thread.join(0.1)  # asked some times more
    assert executor.done == []
    (queue / "away").unlink()
    thread.join()
    assert executor.done == ["submitted train_models"]
    assert [record.getMessage() for record in caplog.records] == [
        "SLURM does not answer; train_models is submitted when it does. It is asked again every 0.01 s."
    ]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        # slurm 23.11's words, first those of the limit, then those of the refusal
        (
            "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates "
            "accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "QOSMaxSubmitJobPerUserLimit",
        ),
        (
            "sbatch: error: AssocGrpSubmitJobsLimit\nsbatch: error: Batch job submission failed",
            "AssocGrpSubmitJobsLimit",
        ),
        ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", "temporarily unavailable"),
    ],
)
def test_a_job_that_a_full_queue_refuses_is_submitted_again_and_does_not_fail(queue, executor, caplog, words, named):
    executor.refusals = [words, words, words]
    submitting(executor, "train_models").join()
    assert executor.done == ["submitted train_models"]
    assert [record.getMessage() for record in caplog.records] == [
        f"SLURM takes no more jobs of yours for now ({named}); train_models is submitted when it does. "
        "It is asked again every 0.01 s."
    ]


def test_several_jobs_that_wait_are_all_submitted(queue, executor):
    executor.refusals = ["sbatch: error: QOSMaxSubmitJobPerUserLimit"] * 20
    threads = [submitting(executor, f"job{i}") for i in range(5)]
    for thread in threads:
        thread.join()
    assert sorted(executor.done) == [f"submitted job{i}" for i in range(5)]


def test_a_refusal_that_does_not_pass_fails_the_job(queue, executor):
    limit = "sbatch: error: QOSMaxWallDurationPerJobLimit\nsbatch: error: Batch job submission failed: Job violates " \
            "accounting/QOS policy (job submit limit, user's size and/or time limits)"  # fmt: skip
    executor.refusals = [limit]
    submitting(executor, "train_models").join()
    assert executor.done == [f"failed train_models: SLURM sbatch failed. The error message was '{limit}'."]


def test_what_waits_to_be_submitted_is_not_once_the_run_is_interrupted(queue, executor):
    (queue / "away").touch()
    thread = submitting(executor, "train_models")
    executor.cancel_jobs(["1"])
    thread.join()
    (queue / "away").unlink()
    submitting(executor, "extract_avgpool").join()
    assert executor.done == ["cancelled ['1']"]


def test_the_plugin_is_mended_once_and_has_what_is_mended():
    import snakemake_executor_plugin_slurm as real

    plugin = ModuleType("plugin")
    plugin.query_job_status, plugin.get_min_job_age = real.query_job_status, real.get_min_job_age
    plugin.Executor = type("Executor", (real.Executor,), {})  # the real one is left as it is
    before = changed_by_mending(plugin)
    slurm.mend(plugin)
    mended = changed_by_mending(plugin)
    assert not set(mended) & set(before)
    slurm.mend(plugin)
    assert changed_by_mending(plugin) == mended


def changed_by_mending(plugin):
    """What `mend` replaces."""
    return (plugin.query_job_status, plugin.get_min_job_age, plugin.Executor.run_job, plugin.Executor.cancel_jobs)


def test_a_folder_that_sbatch_or_snakemake_reads_otherwise_is_named_with_what_it_has():
    assert slurm.folder_fault("/home/Zoë's & (1)") is None
    for folder, odd in {"/a/50%u": "%", "/a\\b": "\\", "/a\u00a0b": "\u00a0"}.items():
        assert f"has {odd!r}" in slurm.folder_fault(folder)


def test_the_profile_hands_commands_over_as_scripts():
    import snakemake_executor_plugin_slurm as plugin

    profile = yaml.safe_load((Path(__file__).parents[3] / "profiles" / "slurm" / "config.yaml").read_text())
    assert profile["slurm-pass-command-as-script"] is True
    assert hasattr(plugin.ExecutorSettings, "pass_command_as_script")
