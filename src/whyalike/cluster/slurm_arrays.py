"""A function on SLURM as a job array by submitit: the values come back as Python values, jobs that are lost are told.

submitit looks at its jobs by `sacct` alone, which knows nothing on a cluster without accounting: a killed job would be
waited for without end. So jobs are watched by `squeue` here, and submitit's own watching is not used. Seen with
submitit 1.5.
"""

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# not `whyalike`, the prefix of the workflow's jobs: a driver that is started again cancels those
NAME = "calibration"
ASK_SECONDS = 2.0  # between two looks at the queue: short jobs, one question for all of them
GRACE_SECONDS = 10.0  # until the result of a job that has ended is visible: another node wrote it
SILENCE_SECONDS = 300.0  # a controller that is restarted answers again within a minute or two
SIGNAL_SECONDS = 30  # before its time limit a job is told: submitit then writes that it ran out of time
# words of `squeue` for a job that will not go on; a requeued one is pending again
ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
         "REVOKED", "TIMEOUT")  # fmt: skip
FORGOTTEN = "no longer known to SLURM"


@dataclass(frozen=True)
class Asked:
    """What each job asks for; ``gpu`` is a type of GPU, "" for any, None for no GPU."""

    partition: str | None
    account: str | None
    gpu: str | None
    minutes: int
    memory_mb: int
    threads: int

    def parameters(self) -> dict[str, Any]:
        """As submitit names them."""
        gpus = {} if self.gpu is None else {"gpus": f"{self.gpu}:1" if self.gpu else 1}
        named = {"partition": self.partition, "account": self.account, "additional_parameters": gpus}
        return {
            "job_name": NAME,
            "time": self.minutes,
            "mem": f"{self.memory_mb}M",
            "cpus_per_task": self.threads,
            "signal_delay_s": SIGNAL_SECONDS,
            **{name: value for name, value in named.items() if value},
        }


@dataclass(frozen=True)
class Task:
    """One job of an array: what it is for, in words, its id, where its value will be, its log."""

    words: str
    id: str
    result: Path
    log: Path
    value: Callable[[], Any]


def submit(function: Callable[[Any], Any], arguments: Mapping[str, Any], asked: Asked, folder: Path) -> list[Task]:
    """Submit one job for each argument, as an array.

    Parameters
    ----------
    function : of one argument; both are pickled.
    arguments : what each job is for -> its argument.
    asked : what each job asks for.
    folder : for logs and values; all nodes see it.

    Raises
    ------
    RuntimeError : SLURM refuses the jobs; with its words.
    """
    import submitit

    executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=0)
    executor.update_parameters(**asked.parameters(), array_parallelism=len(arguments))
    try:
        jobs = executor.map_array(function, list(arguments.values()))
    except submitit.core.utils.FailedJobError as error:
        raise RuntimeError(f"SLURM refused the jobs: {str(error).strip()}") from None
    return [
        Task(words, job.job_id, job.paths.result_pickle, job.paths.stderr, job.result)
        for words, job in zip(arguments, jobs, strict=True)
    ]


def collect(tasks: Sequence[Task], say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Wait until every job has ended.

    Parameters
    ----------
    tasks : the jobs.
    say : gets a line for each value.

    Returns
    -------
    values : task id -> value, of the jobs that have one.
    faults : a line for each that has none, with job, state and log.

    Raises
    ------
    RuntimeError : SLURM does not answer for long. The jobs are cancelled then, and if the wait is interrupted.
    """
    values, faults, open_tasks, gone = {}, [], {task.id: task for task in tasks}, {}
    answered = time.monotonic()
    try:
        while open_tasks:
            states = _states()
            answered = time.monotonic() if states is not None else answered
            if time.monotonic() - answered > SILENCE_SECONDS:
                raise RuntimeError(f"SLURM has not answered for {SILENCE_SECONDS:g} s: jobs {', '.join(open_tasks)} "
                                   f"may run on; their logs: {tasks[0].log.parent}")  # fmt: skip
            for task in list(open_tasks.values()):
                if task.result.exists():
                    _take(task, values, faults, say)
                elif states is None or not _is_lost(task, states, gone):
                    continue
                else:
                    faults.append(f"{task.words}: job {task.id} ended without a result, it is "
                                  f"{states.get(task.id, FORGOTTEN)}. Log: {task.log}")  # fmt: skip
                del open_tasks[task.id]
            time.sleep(ASK_SECONDS if open_tasks else 0)
    except BaseException:
        cancel(open_tasks)
        raise
    return values, faults


def cancel(jobs: Iterable[str]) -> None:
    """Cancel jobs by their ids."""
    if jobs := list(jobs):
        subprocess.run(["scancel", *jobs], check=False)


def _take(task: Task, values: dict[str, Any], faults: list[str], say: Callable[[str], None]) -> None:
    """The value of a job, or its fault in one line."""
    try:
        values[task.id] = task.value()
        say(f"{task.words}: measured (job {task.id})")
    except Exception as error:  # submitit raises its own kinds with the job's whole traceback as text
        lines = [
            line for line in str(error).splitlines() if line.strip() and not line.startswith((" ", "-", "You can"))
        ]
        faults.append(f"{task.words}: job {task.id} failed: {lines[-1] if lines else error}. Log: {task.log}")


def _is_lost(task: Task, states: Mapping[str, str], gone: dict[str, float]) -> bool:
    """Whether a job without a result has been at its end for so long that none will come."""
    if task.id in states and states[task.id] not in ENDED:
        gone.pop(task.id, None)  # requeued
        return False
    return time.monotonic() - gone.setdefault(task.id, time.monotonic()) >= GRACE_SECONDS


def _states() -> dict[str, str] | None:
    """This user's jobs with their states, also those that ended lately; None if SLURM does not answer."""
    command = ["squeue", "--me", "--noheader", "--array", "--states=all", f"--name={NAME}", "--format=%i|%T"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return dict(line.strip().split("|") for line in done.stdout.splitlines() if "|" in line)
