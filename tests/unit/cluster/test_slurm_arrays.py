"""How jobs of an array are watched and how lost ones are told, with a fake `squeue`; tests/cluster has the real one."""

import os

import pytest

from whyalike.cluster import slurm_arrays
from whyalike.cluster.slurm_arrays import Asked, Task, collect, submit

SQUEUE = """#!/bin/sh
echo x >> {folder}/asked
[ -f {folder}/away ] && exit 1
cat {folder}/queue
# what happens next
[ -f {folder}/next ] && mv {folder}/next {folder}/queue
[ -f {folder}/soon ] && mv {folder}/soon {folder}/1.pkl
[ -f {folder}/looks ] && [ $(wc -l < {folder}/asked) -ge $(cat {folder}/looks) ] && touch {folder}/1.pkl
exit 0
"""
SCANCEL = '#!/bin/sh\necho "$@" > {folder}/cancelled\n'
SBATCH = "#!/bin/sh\necho 'sbatch: error: invalid partition specified: none' >&2\nexit 1\n"


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A folder with fake programs: the file `queue` is what squeue says; nothing is waited for."""
    folder = tmp_path / "fake"
    folder.mkdir()
    for name, text in {"squeue": SQUEUE, "scancel": SCANCEL, "sbatch": SBATCH, "srun": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)))
        (folder / name).chmod(0o755)
    (folder / "queue").write_text("")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm_arrays, "ASK_SECONDS", 0.01)
    monkeypatch.setattr(slurm_arrays, "GRACE_SECONDS", 0.2)
    return folder


@pytest.fixture
def task(queue):
    """Makes a job whose value is there when its file is."""

    def make(job="1", value=lambda: 42):
        return Task(f"digits on g{job}", job, queue / f"{job}.pkl", queue / f"{job}.err", value)

    return make


def test_values_come_back_by_job_and_are_told(queue, task):
    (queue / "queue").write_text("1|RUNNING\n2_[0-3]|PENDING\n2_4|COMPLETED\n")
    (queue / "soon").touch()
    (queue / "2_4.pkl").touch()
    said = []
    values, faults = collect([task(), task("2_4", lambda: 7)], said.append)
    assert (values, faults) == ({"1": 42, "2_4": 7}, [])
    assert sorted(said) == ["digits on g1: measured (job 1)", "digits on g2_4: measured (job 2_4)"]


@pytest.mark.parametrize(("queued", "state"), [("1|FAILED\n", "FAILED"), ("1|TIMEOUT\n", "TIMEOUT"),
                                              ("2|RUNNING\n", "no longer known to SLURM")])  # fmt: skip
def test_a_job_that_ended_without_a_value_is_told_with_state_and_log(queue, task, queued, state):
    (queue / "queue").write_text(queued)
    values, faults = collect([task()], print)
    assert values == {}
    assert faults == [f"digits on g1: job 1 ended without a result, it is {state}. Log: {queue}/1.err"]
    assert not (queue / "cancelled").exists()


def test_a_value_that_becomes_visible_late_counts(queue, task):
    (queue / "queue").write_text("1|COMPLETED\n")
    (queue / "soon").touch()
    assert collect([task()], print) == ({"1": 42}, [])


def test_a_requeued_job_is_waited_for(queue, task):
    (queue / "queue").write_text("1|NODE_FAIL\n")
    (queue / "next").write_text("1|RUNNING\n")
    (queue / "looks").write_text("60")  # of a hundredth of a second each: beyond the grace time, had it not gone on
    assert collect([task()], print) == ({"1": 42}, [])


def test_a_fault_in_a_job_is_its_last_words_and_the_log(queue, task):
    (queue / "1.pkl").touch()

    def value():
        raise RuntimeError(
            "Job (task=0) failed during processing with trace:\n-----\nTraceback (most recent call last):\n"
            "  File x\nValueError: 5 training images are fewer than one batch of 10\n\n-----\n"
            "You can check full logs with 'job.stderr(0)'\n  - /a/b.err"
        )

    _, faults = collect([task(value=value)], print)
    assert faults == ["digits on g1: job 1 failed: ValueError: 5 training images are fewer than one batch of 10. "
                      f"Log: {queue}/1.err"]  # fmt: skip


def test_a_silent_controller_is_waited_for_then_an_error_and_the_jobs_are_cancelled(queue, task, monkeypatch):
    (queue / "away").touch()
    monkeypatch.setattr(slurm_arrays, "SILENCE_SECONDS", 0.3)
    with pytest.raises(RuntimeError, match=r"SLURM has not answered for 0\.3 s: jobs 1, 2 may run on"):
        collect([task(), task("2")], print)
    assert len((queue / "asked").read_text().split()) > 3
    assert (queue / "cancelled").read_text() == "1 2\n"


def test_an_interrupted_wait_cancels_the_jobs(queue, task):
    def interrupted():
        raise KeyboardInterrupt

    (queue / "1.pkl").touch()
    (queue / "queue").write_text("2|RUNNING\n")
    with pytest.raises(KeyboardInterrupt):
        collect([task(value=interrupted), task("2")], print)
    assert "2" in (queue / "cancelled").read_text().split()


def test_jobs_that_slurm_refuses_are_an_error_with_its_words(queue, tmp_path):
    asked = Asked("none", None, "a100", 5, 100, 1)
    with pytest.raises(RuntimeError, match=r"SLURM refused the jobs: .*invalid partition specified: none"):
        submit(len, {"one": "a", "two": "b"}, asked, tmp_path / "logs")


@pytest.mark.parametrize(("gpu", "gpus"), [("a100", {"gpus": "a100:1"}), ("", {"gpus": 1}), (None, None)])
def test_a_job_asks_for_what_its_work_needs_and_has_a_name_that_no_driver_cancels(gpu, gpus):
    found = Asked(None, "lab", gpu, 15, 16000, 1).parameters()
    assert found.get("additional_parameters") == gpus
    assert (found["account"], found["time"], found["mem"]) == ("lab", 15, "16000M")
    assert "partition" not in found
    assert not found["job_name"].startswith("whyalike")
