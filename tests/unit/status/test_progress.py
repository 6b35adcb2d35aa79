"""A terminal shows how far a run is, warnings and errors; what every job has goes to Snakemake's log alone."""

import io
import logging
import os
import threading
import time

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from whyalike.status import progress
from whyalike.status.progress import Progress, pause


class Run:
    """Snakemake's logger with its terminal, a second handler in place of its log, and the progress of a run."""

    def __init__(self):
        self.terminal, self.log, self.logger = io.StringIO(), io.StringIO(), logging.Logger("run")
        shown = logging.StreamHandler(self.terminal)
        self.progress = Progress(shown)
        for handler in (shown, logging.StreamHandler(self.log), self.progress):
            self.logger.addHandler(handler)

    def say(self, message, event=None, level=logging.INFO, **told):
        self.logger.log(level, message, extra={"event": event, **told} if event else None)

    def begin(self, jobid, message, *logs):
        self.say(f"Job {jobid}", LogEvent.JOB_INFO, jobid=jobid, rule_msg=message, rule_name="rule", log=logs)

    def shown(self):
        """What the terminal got since the last look, the times of the lines left out."""
        lines = self.terminal.getvalue().splitlines()
        self.terminal.truncate(self.terminal.seek(0))
        return [line.split(" ", 1)[1] if "under way" in line else line for line in lines]


@pytest.fixture
def run():
    run = Run()
    yield run
    run.progress.close()


def test_what_every_job_has_is_in_the_log_alone(run):
    run.begin(3, "Training: digits")
    run.say("Select jobs to execute...")
    run.say("Execute 1 jobs...", LogEvent.JOB_STARTED)
    run.say("Finished jobid: 3", LogEvent.JOB_FINISHED, job_id=3)
    run.say("some steps", LogEvent.PROGRESS, done=1, total=2)
    assert run.shown() == []
    for words in ("Job 3", "Select jobs", "Execute 1", "Finished jobid: 3", "some steps"):
        assert words in run.log.getvalue()


def test_what_will_be_done_warnings_errors_and_the_end_are_seen(run):
    run.say("Job stats: 2", LogEvent.RUN_INFO, stats={"total": 2})
    run.say("Select jobs to execute is wrong", level=logging.WARNING)
    run.say("Error in rule train:\n    jobid: 3", LogEvent.JOB_ERROR, logging.ERROR, jobid=3)
    run.say("2 of 2 steps", LogEvent.PROGRESS, done=2, total=2)
    run.say("Complete log(s): here")
    assert run.shown() == ["Job stats: 2", "Select jobs to execute is wrong", "Error in rule train:", "    jobid: 3",
                           "2 of 2 steps", "Complete log(s): here"]  # fmt: skip


def test_a_line_says_how_many_steps_are_done_and_what_works(run):
    run.progress.say()
    assert run.shown() == []  # nothing does
    run.say("", LogEvent.RUN_INFO, stats={"total": 9})
    run.shown()
    run.begin(3, "Training: digits")
    run.begin(4, None)
    run.progress.say()
    assert run.shown() == ["0 of 9 steps done, 2 under way · Training: digits"]
    run.say("", LogEvent.JOB_FINISHED, job_id=3)
    run.say("some steps", LogEvent.PROGRESS, done=1, total=9)
    run.progress.say()
    assert run.shown() == ["1 of 9 steps done, 1 under way · rule"]
    run.begin(5, "Training: others")
    jobs = [{"jobid": 4}, {"jobid": 5}]
    run.say("Error in group", LogEvent.GROUP_ERROR, logging.ERROR, job_error_info=jobs)
    run.shown()
    run.progress.say()
    assert run.shown() == []
    assert "under way" not in run.log.getvalue()


def test_a_line_tells_the_latest_note_of_a_job(run, tmp_path):
    old, one, two = (tmp_path / name for name in ("old.log", "one.log", "two.log"))
    old.write_text("training 3/3 runs · of the attempt before\n")
    os.utime(old, (1, 1))
    run.begin(1, "Training: a", str(old))
    run.begin(2, "Training: b", str(one), str(tmp_path / "none.log"))
    run.begin(3, "Training: c", str(two))
    run.progress.say()
    assert run.shown() == ["0 of 0 steps done, 3 under way · Training: a"]
    one.write_text("training 1/3 runs · 70 %\n")
    two.write_text(("x" * progress.TAIL) + "\ntraining 2/3 runs · 71 %\nof another kind\nnot yet · who")
    now = time.time()
    os.utime(one, (now + 5, now + 5))
    os.utime(two, (now + 9, now + 9))
    run.progress.say()
    assert run.shown() == ["0 of 0 steps done, 3 under way · Training: c · training 2/3 runs · 71 %"]


def test_lines_come_of_themselves_while_jobs_work_and_end_with_the_run(run, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    said = threading.Semaphore(0)
    monkeypatch.setattr(run.progress, "say", said.release)
    run.begin(1, "Training: a")
    run.begin(2, "Training: b")
    assert all(said.acquire(timeout=60) for _ in range(3))
    threads = [thread for thread in threading.enumerate() if thread.name == progress.__name__]
    assert len(threads) == 1
    run.progress.close()
    threads[0].join(timeout=60)
    assert not threads[0].is_alive()


def test_the_longer_a_run_the_rarer_the_lines():
    assert [pause(spent) for spent in (0, 240, 1000, 1e6)] == [5, 5, 20, 60]
