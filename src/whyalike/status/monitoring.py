"""How far a configuration is: its runs by state, the files made of them, the queue, hours spent and left, what failed.

Looked at from outside, at any time and from any terminal: Snakemake may run, have died, or never have been started.
What is finished is told by the run store, what runs by heartbeats, what failed by the logs that jobs leave, what waits
by SLURM's queue, what it should cost by the plan. Nothing is written and no lock is taken, so no trainer is disturbed.
"""

import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from whyalike.cluster.site import has_gpu
from whyalike.cluster.slurm import PREFIX, QueuedJob, queued
from whyalike.config.config import Config
from whyalike.designs.registry import design
from whyalike.grid.parts import WHOLE, runs_of
from whyalike.grid.runs import Cell, Run
from whyalike.planning.costs import Costs
from whyalike.planning.plan import Plan
from whyalike.planning.spending import spent_seconds
from whyalike.status import failures
from whyalike.status.failures import Failure
from whyalike.studies.main_line import studies_of
from whyalike.studies.study import IMPORTS, MODELS, ON_DEVICE, Job, Study
from whyalike.studies.traces import TELLING, fault_of
from whyalike.training.store import StoredRun

State = Literal["done", "running", "waiting", "interrupted", "failed"]
STATES: tuple[State, ...] = ("done", "running", "waiting", "interrupted", "failed")
NO_STORE = Path("no_store")  # a plan with it is that of everything


@dataclass(frozen=True)
class RunState:
    """One run: its state, its last known step, of how many (None where unknown), and its trainer (host, pid, job)."""

    run: Run
    state: State
    step: int | None = None
    steps: int | None = None
    trainer: Mapping[str, Any] | None = None

    @property
    def remaining(self) -> float:
        """The share of the training that is still to be done."""
        return 1 - min(1.0, (self.step or 0) / self.steps) if self.steps else 1.0


@dataclass(frozen=True)
class Made:
    """The jobs of a stage: made, how many there are, and made of other parameters or code than are asked for now."""

    made: int = 0
    asked: int = 0
    outdated: int = 0


@dataclass(frozen=True)
class Status:
    """What one look found.

    ``rows`` has the runs (identities) of each (study, setting): one that several share stands in each, and once in
    ``runs``. ``jobs`` are counted by study and stage. Hours are of training and extraction;
    ``left_seconds`` of all stages, on one worker. ``queue`` is None without SLURM, and a sentence where SLURM does not
    answer.
    """

    runs: Mapping[str, RunState]
    rows: Mapping[tuple[str, str], list[str]]
    jobs: Mapping[str, Mapping[str, Made]]
    queue: list[QueuedJob] | str | None
    failures: list[Failure]
    device: str
    spent_hours: float
    planned_hours: float
    left_hours: float
    left_seconds: float

    @property
    def counts(self) -> Counter:
        """How many runs are in each state."""
        return Counter(one.state for one in self.runs.values())

    @property
    def workers(self) -> int:
        """Jobs that run now: SLURM's, or else the processes that show a heartbeat."""
        if isinstance(self.queue, list) and (running := sum(job.state == "RUNNING" for job in self.queue)):
            return running
        return len(
            {
                (one.trainer["host"], one.trainer.get("job_pid", one.trainer["pid"]))
                for one in self.runs.values()
                if one.trainer
            }
        )


class Monitor:
    """Looks at one configuration, of a partial result at the whole.

    Parameters
    ----------
    config : what is asked for.
    costs : the cost table.
    folder : working directory of the jobs, by which SLURM's are known.
    prefix : of the names of the SLURM jobs (`slurm-jobname-prefix`).
    """

    def __init__(self, config: Config, costs: Costs, folder: Path = Path(), prefix: str = PREFIX):
        main, *others = studies_of(config)
        self.flow = main.flow
        self.grid, self.root, self.store = self.flow.grid, Path(self.flow.root), Path(self.flow.store)
        self.costs, self.folder, self.prefix = costs, folder, prefix
        self._manifests = dict(zip(self.grid.cells, self.flow.all_manifests(), strict=True))
        self._rows = self._runs_by_study()
        self._gpu = has_gpu() or isinstance(self._queue(), list)  # here, or where SLURM's jobs run
        self._wanted: dict[tuple[str, ...], str] = {}  # files of a job -> its parameters
        self.studies = [main, *(study for study in others if study.asked or Path(study.root).is_dir())]
        jobs = [job for study in self.studies for job in _timed(study)]
        planned = _seconds(self.plan(NO_STORE), jobs, {})
        self._planned = sum(planned.get(stage, 0.0) for stage in ON_DEVICE)

    def look(self) -> Status:
        """The state of everything now."""
        plan, found = self.plan(self.store), self._failures()
        runs = self._runs(plan, {failure.target: failure for failure in found})
        cells = {cell: self.grid.runs(cell) for cell in self.grid.cells}
        whole = {cell: all(runs[run.identity].state == "done" for run in own) for cell, own in cells.items()}
        jobs = {study: _timed(study) for study in self.studies}
        outdated = {job.files for study, own in jobs.items() for job in own if self._is_outdated(study, job, whole)}
        all_jobs = list(chain.from_iterable(jobs.values()))
        left = _seconds(plan, [job for job in all_jobs if not job.made(whole) or job.files in outdated], runs)
        trained = {(cell, part): [StoredRun(self.store, run.identity) for run in runs_of(self.grid, cell, part)]
                   for cell, part, _ in self._training_jobs() if design(cell.factor).is_trained}  # fmt: skip
        return Status(
            runs=runs,
            rows=self._rows,
            jobs={study.name: _made(study, own, whole, outdated) for study, own in jobs.items()},
            queue=self._queue(),
            failures=found,
            device=plan.device,
            spent_hours=spent_seconds(self.root / "benchmarks", trained) / 3600,
            planned_hours=self._planned / 3600,
            left_hours=sum(left.get(stage, 0.0) for stage in ON_DEVICE) / 3600,
            left_seconds=sum(left.values()),
        )

    # ---- runs ----

    def _runs(self, plan: Plan, failed: Mapping[str, Failure]) -> dict[str, RunState]:
        """Each run once: if several cells share it, as the first tells."""
        states: dict[str, RunState] = {}
        for cell, part, manifest in self._training_jobs():
            runs, failure = runs_of(self.grid, cell, part), failed.get(manifest)
            # a fault names the run that it is of; one of the whole job (its data, its device) names none
            named = failure.runs & {run.identity for run in runs} if failure else frozenset()
            for run in runs:
                if run.identity not in states:
                    is_failed = failure is not None and (not named or run.identity in named)
                    states[run.identity] = self._state(plan, cell, run, is_failed)
        return states

    def _training_jobs(self) -> Iterator[tuple[Cell, str, str]]:
        """Cell, name of its part, manifest of each job that trains or imports."""
        for job in self.studies[0].jobs():
            if job.stage in (MODELS, IMPORTS):
                (cell,) = job.cells
                yield cell, job.wildcards.get("part", WHOLE), job.files[0]

    def _state(self, plan: Plan, cell: Cell, run: Run, failed: bool) -> RunState:
        stored = StoredRun(self.store, run.identity)
        if not design(cell.factor).is_trained:  # not trained: it is there when the job that registers it has ended
            there = Path(self._manifests[cell]).is_file()
            return RunState(run, "done" if there else "failed" if failed else "waiting")
        if stored.result.is_file():
            return RunState(run, "done")
        trainer = stored.trainer()
        steps, _, known = plan.workload.steps(cell.setting, cell.factor)
        step = next((event["step"] for event in reversed(stored.events()) if "step" in event), None)
        state = "running" if trainer else "failed" if failed else "interrupted" if stored.folder.is_dir() else "waiting"
        return RunState(run, state, step, steps if known else None, trainer)

    def _runs_by_study(self) -> dict[tuple[str, str], list[str]]:
        rows: dict[tuple[str, str], dict[str, None]] = {}
        for cell, studies in self.grid.cells.items():
            for study in studies:
                needed = self.grid.needed(study, cell)
                rows.setdefault((study, cell.setting), {}).update(dict.fromkeys(sorted(needed)))
        return {key: list(identities) for key, identities in sorted(rows.items(), key=lambda row: self._place(*row[0]))}

    def _place(self, study: str, setting: str) -> tuple[int, int]:
        studies = self.flow.config.studies
        return list(studies).index(study), list(studies[study].settings).index(setting)

    # ---- around it ----

    def plan(self, store: Path) -> Plan:
        """The plan of what a store lacks."""
        plan = Plan(self.flow.config, self.grid, self.costs, store, gpu=self._gpu)
        for study in self.studies[1:]:
            plan.add(study.name, study.rules)
        return plan

    def _is_outdated(self, study: Study, job: Job, whole: Mapping[Cell, bool]) -> bool:
        """Whether what a job made was made of other parameters or code than the configuration asks for now."""
        telling = next((path for path in map(Path, job.files) if path.suffix in TELLING and path.is_file()), None)
        if telling is None or not (job.is_traced and job.made(whole)):
            return False
        if job.files not in self._wanted:
            self._wanted[job.files] = study.work(job)
        try:
            return fault_of(telling, self._wanted[job.files]) != ""
        except (OSError, ValueError):  # a damaged file, or one that is being replaced
            return True

    def _failures(self) -> list[Failure]:
        """What failed, without jobs of settings, studies and figures that are no longer asked for."""
        found = []
        for study in self.studies:
            wanted = {file for job in study.jobs() for file in job.files}
            stages = tuple(f"{study.root}/{stage}/" for stage in ("models", "activations", "similarity", "figures"))
            found += [one for one in failures.read(Path(study.root, "logs"))
                      if one.target in wanted or not one.target.startswith(stages)]  # fmt: skip
        return sorted(found, key=lambda failure: failure.time)

    def _queue(self) -> list[QueuedJob] | str | None:
        if shutil.which("squeue") is None:
            return None
        try:
            return queued(self.prefix, self.folder)
        except RuntimeError as error:
            return str(error)


def _timed(study: Study) -> list[Job]:
    """The jobs whose time is told: those that train, and those of the stages that status counts."""
    return [job for job in study.watched() if job.stage in (MODELS, *study.stages)]


def _made(
    study: Study, jobs: Iterable[Job], runs: Mapping[Cell, bool], outdated: Collection[tuple[str, ...]]
) -> dict[str, Made]:
    """How many jobs of each stage are made."""
    stages: dict[str, Made] = {}
    for job in jobs:
        if job.stage in study.stages:
            so_far, is_outdated = stages.get(job.stage, Made()), job.files in outdated
            made = so_far.made + (job.made(runs) and not is_outdated)
            stages[job.stage] = Made(made, so_far.asked + 1, so_far.outdated + is_outdated)
    return stages


def _seconds(plan: Plan, jobs: Iterable[Job], runs: Mapping[str, RunState]) -> dict[str, float]:
    """By stage, expected seconds of jobs, less what the training of their runs has done.

    A run that several jobs share counts once.
    """
    seconds, seen = Counter(), set()
    for job in jobs:
        estimate = plan.estimate(job.rule, job.wildcards)
        lacking = {identity: run for identity, run in estimate.runs.items() if identity not in seen}
        seen |= lacking.keys()
        known = {identity for identity, run in lacking.items() if identity in runs and not run.until}
        shares = {identity: runs[identity].remaining if identity in known else 1.0 for identity in lacking}
        seconds[job.stage] += sum(shares[identity] * run.seconds for identity, run in lacking.items())
        seconds[job.stage] += estimate.own_seconds if lacking or job.stage != MODELS else 0.0
    return dict(seconds)
