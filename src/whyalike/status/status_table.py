"""What `whyalike status` shows: runs by study and setting, what runs or was cut off, jobs, hours, the last error."""

import shlex
from collections import Counter
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from whyalike.planning.plan_table import number
from whyalike.status.monitoring import STATES, Made, RunState, Status

LISTED = 12  # runs in training or cut off that are named one by one: as many as fit a terminal beside the rest
MESSAGE = 12  # last lines of an error: its message has few, a log may have many


def shown(status: Status, configfile: Path) -> Group:
    """Everything as text and tables for a `rich.console.Console`.

    Parameters
    ----------
    status : what was found.
    configfile : the configuration, for the command that tries a job again.
    """
    parts: list[RenderableType] = [_runs(status)]
    if any(one.state in ("running", "interrupted", "failed") for one in status.runs.values()):
        parts.append(_under_way(status))
    parts += [Text(line) for line in [*_jobs(status), *_queue(status), *_hours(status), *_error(status, configfile)]]
    return Group(*parts)


def _runs(status: Status) -> Table:
    table = Table(box=None, header_style="bold", show_footer=True)
    total = status.counts
    table.add_column("study", footer="all, each run once")
    table.add_column("setting")
    table.add_column("runs", justify="right", footer=str(total.total()))
    for state in STATES:
        table.add_column(state, justify="right", footer=str(total[state]))
    for (study, setting), identities in status.rows.items():
        counts = Counter(status.runs[identity].state for identity in identities)
        table.add_row(study, setting, str(len(identities)), *(str(counts[state] or "-") for state in STATES))
    return table


def _under_way(status: Status) -> Table:
    """The runs in training, then those that failed or were cut off."""
    table = Table(box=None, header_style="bold")
    for name in ("run", "", "state"):
        table.add_column(name, overflow="fold")
    runs = [one for state in ("running", "failed", "interrupted") for one in status.runs.values() if one.state == state]
    for one in runs[:LISTED]:
        run = one.run
        table.add_row(run.identity, f"{run.setting} {run.factor} seed {run.seed} {run.name}", _state(one))
    if len(runs) > LISTED:
        table.add_row("", f"and {len(runs) - LISTED} more", "")
    return table


def _state(one: RunState) -> str:
    """ "running at step 500 of 4900 on node7 (job 12)"; the step is that of the last checkpoint."""
    words = [one.state] if one.step is None else [one.state, f"at step {one.step}"]
    if one.step is not None and one.steps is not None:
        words.append(f"of {one.steps}")
    if one.trainer:
        job = f" (job {one.trainer['job']})" if one.trainer["job"] else f" (process {one.trainer['pid']})"
        words.append(f"on {one.trainer['host']}{job}")
    return " ".join(words)


def _jobs(status: Status) -> list[str]:
    """A line of what is made of the configuration, and one for each study with rules of its own."""
    made = {f"Made of {name}" if name else "Made": stages for name, stages in status.jobs.items()}
    return [
        f"{title}: " + ", ".join(f"{stage} {_counted(jobs)}" for stage, jobs in stages.items())
        for title, stages in made.items()
    ]


def _counted(jobs: Made) -> str:
    outdated = f" ({jobs.outdated} outdated: other parameters or code)" if jobs.outdated else ""
    return f"{jobs.made} of {jobs.asked}{outdated}"


def _queue(status: Status) -> list[str]:
    if status.queue is None:
        return []
    if isinstance(status.queue, str):
        return [f"SLURM's queue is not known: {status.queue.splitlines()[0]}"]
    if not status.queue:
        return ["No job of this folder is in SLURM's queue."]
    # why it waits is of interest for a job that waits alone
    kinds = Counter((job.rule, job.state, job.reason if job.state == "PENDING" else "") for job in status.queue)
    listed = ", ".join(
        f"{count} {rule} {state}{f' ({reason})' if reason else ''}" for (rule, state, reason), count in kinds.items()
    )
    return [f"In SLURM's queue: {listed}"]


def _hours(status: Status) -> list[str]:
    unit = "hours" if status.device == "cpu" else "GPU hours"
    lines = [f"Training and extraction: {number(status.spent_hours)} hours spent; the plan for {status.device}: "
             f"{number(status.planned_hours)} {unit} in all, {number(status.left_hours)} left"]  # fmt: skip
    if status.left_seconds:
        workers = max(1, status.workers)
        jobs = "1 job" if workers == 1 else f"{workers} jobs"
        now = f"with {jobs} at a time, as now" if status.workers else f"with {jobs} at a time; none runs now"
        lines.append(f"Time left by the plan: {_time(status.left_seconds / workers)} {now}")
    return lines


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes / 60:.1f} h" if minutes >= 60 else f"{max(1, round(minutes))} min"


def _error(status: Status, configfile: Path) -> list[str]:
    if not status.failures:
        return []
    last, profile = status.failures[-1], "slurm" if isinstance(status.queue, list) else "local"
    count = "1 job" if len(status.failures) == 1 else f"{len(status.failures)} jobs"
    command = ["snakemake", "--configfile", str(configfile), "--profile", f"profiles/{profile}", last.target]
    lines = last.message.splitlines()
    return [
        f"\n{count} failed in the last attempt. The last error:",
        *(f"  {line}" for line in lines[-MESSAGE:]),
        f"Log: {last.log}",
        f"Try it alone, when no other run is under way in this folder:\n  {shlex.join(command)}",
    ]
