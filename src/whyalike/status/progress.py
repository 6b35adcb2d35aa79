"""What a terminal shows of a run: how far it is, in a line every few seconds, and whatever is a warning or an error.

Snakemake says seven lines of every job. Here these go to its log alone (.snakemake/log), and a thread says on the same
terminal how many steps are done, which job works and what it last noted in its own log.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whyalike.job import PROGRESS

SECONDS = 5.0  # between two lines at first; later a share of the time spent, so that a day is no wall of lines
SHARE, LONGEST = 0.02, 60.0
ROUTINE = frozenset({"JOB_INFO", "JOB_STARTED", "JOB_FINISHED", "GROUP_INFO", "PROGRESS", "RESOURCES_INFO", "SHELLCMD"})
# of messages that have no such kind
BEGINNINGS = ("Select jobs to execute", "Using shell:", "Conda environments:", "Singularity containers:",
              "Group jobs:", "Assuming unrestricted shared", "Building DAG")  # fmt: skip
TAIL = 2000  # bytes at the end of a log in which its last line is


@dataclass(frozen=True)
class Job:
    """A job under way: its message, its logs, and when it was begun or handed to the cluster."""

    message: str
    logs: Sequence[str]
    began: float


class Progress(logging.Handler):
    """Takes what is routine from Snakemake's terminal, and says there how far the run is.

    Parameters
    ----------
    terminal : the handler of Snakemake's logger that writes to the terminal.
    """

    def __init__(self, terminal: logging.Handler):
        super().__init__()
        self._terminal, self._jobs, self._done, self._total = terminal, {}, 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=__name__, daemon=True)
        terminal.addFilter(lambda record: not routine(record))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep account of the jobs under way."""
        told, event = vars(record), _event(record)
        if event == "RUN_INFO":
            self._total = told["stats"]["total"]
        elif event == "JOB_INFO":
            message = told["rule_msg"] or told["rule_name"]
            self._jobs[told["jobid"]] = Job(message, told["log"], time.time())
            if self._thread.ident is None:
                self._thread.start()
        elif event == "JOB_FINISHED":
            self._jobs.pop(told["job_id"], None)
        elif event in ("JOB_ERROR", "GROUP_ERROR"):
            for job in told.get("job_error_info", [told]):
                self._jobs.pop(job["jobid"], None)
        elif event == "PROGRESS":
            self._done, self._total = told["done"], told["total"]

    def say(self) -> None:
        """One line on the terminal; none while no job is under way."""
        with self.lock:
            jobs, steps = list(self._jobs.values()), f"{self._done} of {self._total} steps done"
        if not jobs:
            return
        job, noted = latest(jobs)
        head = f"{time.strftime('%H:%M:%S')} {steps}, {len(jobs)} under way"
        line = " · ".join(filter(None, [head, job.message, noted]))
        record = logging.LogRecord(__name__, logging.INFO, "", 0, line, (), None)
        self._terminal.handle(record)

    def close(self) -> None:
        """End the lines; Snakemake closes its handlers last."""
        self._ended.set()
        super().close()

    def _repeat(self) -> None:
        began = time.monotonic()
        while not self._ended.wait(pause(time.monotonic() - began)):
            self.say()


def pause(spent: float) -> float:
    """Seconds until the next line of a run that has gone on for so many seconds."""
    return min(max(SECONDS, SHARE * spent), LONGEST)


def routine(record: logging.LogRecord) -> bool:
    """Whether a message of Snakemake is one that every job or every run has; that all steps are done is none."""
    if record.levelno > logging.INFO or getattr(record, "done", 0) == getattr(record, "total", None):
        return False
    return _event(record) in ROUTINE or str(record.msg).startswith(BEGINNINGS)


def latest(jobs: Sequence[Job]) -> tuple[Job, str]:
    """The job that noted its progress last, and how; the one that goes on longest, and nothing, where none did."""
    found = [(jobs[0].began, jobs[0], "")]
    for job in jobs:
        for log in map(Path, job.logs):
            try:
                state = log.stat()
                with log.open("rb") as file:
                    file.seek(max(0, state.st_size - TAIL))
                    lines = file.read().decode(errors="replace").split("\n")
            except OSError:  # it has none yet
                continue
            notes = [line for line in lines[:-1] if PROGRESS.search(line)]  # the last has no end, or nothing in it
            if notes and state.st_mtime >= job.began:  # an older log is of an attempt before
                found.append((state.st_mtime, job, notes[-1]))
    _, job, noted = max(found, key=lambda one: one[0])
    return job, noted


def _event(record: logging.LogRecord) -> str | None:
    """Snakemake's name of the kind of a message."""
    return getattr(getattr(record, "event", None), "name", None)
