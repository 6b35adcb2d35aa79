"""What Snakemake's SLURM plugin leaves open: the jobs of a driver that was killed, and a controller that is away.

The plugin knows only jobs that it submitted itself, so a driver that is started again would submit a second job beside
each one that still runs; `cancel_predecessors` ends those first (training goes on from its checkpoints). And the plugin
forgets every job for good when the controller does not answer a few questions in a row, takes a job that was preempted
for good as one that still runs, and takes a job that SLURM did not take yet for one that failed; `mend` changes these.
Seen with the plugin's version 2.8.
"""

import asyncio
import os
import re
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ASK_SECONDS = 10  # between two questions to a controller that does not answer
SUBMIT_SECONDS = 5  # between two attempts to submit: one job makes them, however many wait
END_SECONDS = 300  # until cancelled jobs are gone: sites give a job up to a few minutes between SIGTERM and SIGKILL
FAILED = "FAILED"
PREFIX = "whyalike"  # of the jobs' names, as profiles/slurm sets it
# what `sbatch` says while the queue is full: the names of SLURM's limits on submission (a user's, an account's, a
# partition's), and its words where the controller has MaxJobCount jobs. Limits on a job's size or time do not pass
PASSING = re.compile(r"\b(?:Assoc|QOS)\w*SubmitJob\w*|temporarily un\w+")

Answer = tuple[dict[str, str] | None, float | None]


@dataclass(frozen=True)
class QueuedJob:
    """One job in the queue: its id, SLURM's words for its state and for why it waits, the rule that it runs."""

    job: str
    state: str
    reason: str
    rule: str


def folder_fault(folder: str) -> str | None:
    """What SLURM would read otherwise in the name of a working folder; None where it reads the name as it is.

    `sbatch` fills in patterns such as %u in the path of a job's log, and the job fails without a word where there is no
    such folder; Snakemake writes what is not printed, and backslashes, as Python does.
    """
    if odd := [letter for letter in folder if letter in "%\\" or not letter.isprintable()]:
        return f"nothing was run: the working folder {folder} has {odd[0]!r}, which jobs of SLURM cannot: rename it"
    return None


def queued(prefix: str, folder: Path) -> list[QueuedJob]:
    """This user's jobs in the queue that were submitted in ``folder``, known as those of `predecessors`.

    Raises
    ------
    RuntimeError : SLURM does not answer.
    """
    jobs = _squeue("%i|%T|%r|%k", prefix, folder)
    # the plugin's comment: rule_{name}_wildcards_{values}, or of a group of jobs rule_{group}, such as extract.cifar10
    return [
        QueuedJob(job, state, reason, comment.removeprefix("rule_").partition("_wildcards_")[0].partition(".")[0])
        for job, state, reason, comment in jobs
    ]


def predecessors(prefix: str, folder: Path) -> list[str]:
    """Ids of this user's jobs that an earlier run submitted in ``folder``: by the prefix of their names.

    Raises
    ------
    RuntimeError : SLURM does not answer.
    """
    return [job for (job,) in _squeue("%i", prefix, folder)]


def _answers() -> bool:
    """Whether the controller does."""
    return subprocess.run(["squeue", "--me", "--noheader"], capture_output=True, check=False).returncode == 0


def _squeue(fields: str, prefix: str, folder: Path) -> list[list[str]]:
    """These fields of the jobs whose names begin with the prefix and that were submitted in the folder."""
    # %Z, the folder, last: it may hold any character
    command = ["squeue", "--me", "--noheader", f"--format={fields}|%j|%Z"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"squeue ended with status {done.returncode}: {done.stderr.strip()}. Start again later.")
    jobs = [line.split("|", fields.count("|") + 2) for line in done.stdout.splitlines()]
    here = os.path.realpath(folder)
    return [
        values for *values, name, place in jobs if name.startswith(f"{prefix}_") and os.path.realpath(place) == here
    ]


def cancel_predecessors(prefix: str, folder: Path, say: Callable[[str], None], seconds: float = END_SECONDS) -> None:
    """Cancel what an earlier run in ``folder`` left in the queue, and wait until it has ended.

    Only while Snakemake's lock on the folder is held: then no other driver waits for these jobs.

    Parameters
    ----------
    prefix : of the jobs' names (`slurm-jobname-prefix`).
    folder : the working directory of the run.
    say : gets a sentence if there are any.
    seconds : how long to wait.

    Raises
    ------
    RuntimeError : SLURM does not answer, or jobs do not end in time.
    """
    jobs = predecessors(prefix, folder)
    if not jobs:
        return
    say(f"{len(jobs)} jobs of an earlier run in this folder are cancelled ({', '.join(jobs)}): "
        "this run submits them anew, and training goes on from its checkpoints.")  # fmt: skip
    subprocess.run(["scancel", *jobs], check=False)
    deadline = time.monotonic() + seconds
    while left := predecessors(prefix, folder):
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"jobs {', '.join(left)} of an earlier run in this folder have not ended {seconds:g} s after scancel. "
                "Start again when squeue no longer shows them."
            )
        time.sleep(1)


def mend(plugin: ModuleType) -> None:
    """Change how the plugin submits and looks at jobs, once: patiently, and taking preempted jobs for failed ones."""
    if not hasattr(plugin.query_job_status, "mended"):
        plugin.query_job_status = patient(plugin.query_job_status)
        plugin.get_min_job_age = remembered(plugin.get_min_job_age)
        submit_when_taken(plugin.Executor)


def submit_when_taken(executor: type, seconds: float = SUBMIT_SECONDS) -> None:
    """Let an executor submit a job until SLURM takes it: while the controller is away or the queue is full, it waits.

    `sbatch` gives up at once, and each time uses up one of the job's retries. The executor submits in threads of its
    own, so all else goes on; of those that wait one asks at a time. What still waits when the run is interrupted is not
    submitted.

    Parameters
    ----------
    executor : the plugin's class; its methods are replaced.
    seconds : between two attempts.
    """
    submit, cancel, report = executor.run_job, executor.cancel_jobs, executor._report_job_error_threadsafe
    interrupted, here = threading.Event(), threading.local()
    asking, waiting = threading.Lock(), threading.Lock()  # one `sbatch` at a time; of the jobs that wait, one asks

    def attempt(self: Any, job: Any) -> str:
        if not _answers():
            return "SLURM does not answer"
        here.refusal = ""
        with asking:
            submit(self, job)
        return here.refusal

    def run_job(self: Any, job: Any) -> None:
        told = ""
        if interrupted.is_set() or not attempt(self, job):
            return
        with waiting:
            while not interrupted.is_set() and (why := attempt(self, job)):
                if why != told:
                    self.logger.warning(f"{why}; {job.name} is submitted when it does. It is asked again every "
                                        f"{seconds:g} s.")  # fmt: skip
                told = why
                interrupted.wait(seconds)

    def report_error(self: Any, job: Any, message: str) -> None:
        if refusal := PASSING.search(message):
            here.refusal = f"SLURM takes no more jobs of yours for now ({refusal[0]})"
        else:
            report(self, job, message)

    def cancel_jobs(self: Any, jobs: Any) -> None:
        interrupted.set()
        cancel(self, jobs)

    executor.run_job, executor.cancel_jobs, executor._report_job_error_threadsafe = run_job, cancel_jobs, report_error


def patient(
    query: Callable[[str, Any], Awaitable[Answer]], seconds: float = ASK_SECONDS
) -> Callable[[str, Any], Awaitable[Answer]]:
    """``query``, asked again until there is an answer.

    A job that SLURM requeues is pending at once; one that stays preempted is over, and is submitted again like a failed
    one.
    """

    async def ask(command: str, logger: Any) -> Answer:
        silent = False
        while (answer := await query(command, logger))[0] is None:
            if not silent:
                logger.warning(f"SLURM does not answer; it is asked again every {seconds:g} s. Jobs that run go on.")
            silent = True
            await asyncio.sleep(seconds)
        states, duration = answer
        return {job: FAILED if state == "PREEMPTED" else state for job, state in states.items()}, duration

    ask.mended = True
    return ask


def remembered(age: Callable[[], int | None]) -> Callable[[], int | None]:
    """``age``, or its last answer while SLURM gives none: the plugin would go over to sacct, which may know nothing."""
    last: list[int] = []

    def ask() -> int | None:
        if (answer := age()) is not None:
            last[:] = [answer]
        return last[0] if last else None

    return ask
