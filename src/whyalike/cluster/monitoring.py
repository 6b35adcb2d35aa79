"""How far a configuration is: its runs by state, the files made of them, the queue, hours spent and left, what failed.

Looked at from outside, at any time and from any terminal: Snakemake may run, have died, or never have been started.
What is finished is told by the run store, what runs by heartbeats, what failed by the logs that jobs leave, what waits
by SLURM's queue, what it should cost by the plan. Nothing is written and no lock is taken, so no trainer is disturbed.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from whyalike.cluster import failures, study_progress
from whyalike.cluster.failures import Failure
from whyalike.cluster.slurm import PREFIX, QueuedJob, queued
from whyalike.config import Config
from whyalike.designs.registry import design
from whyalike.parts import parts, runs_of
from whyalike.planning.costs import Costs
from whyalike.planning.plan import EXTRACTION, Plan
from whyalike.planning.spending import spent_seconds
from whyalike.runs import Cell, Run
from whyalike.sections.external import OwnActivations
from whyalike.training.store import StoredRun
from whyalike.workflow import Workflow

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
class Job:
    """One job that makes files of the runs: its rule, its wildcards, its files, the cells whose runs it needs.

    ``instead`` are files in whose presence its own need not be there: they are removed once those are made of them.
    """

    rule: str
    wildcards: Mapping[str, str]
    files: tuple[str, ...]
    cells: frozenset[Cell]
    instead: tuple[str, ...] = ()

    def made(self, runs: Mapping[Cell, bool]) -> bool:
        """Whether all files are there, and all runs: files of models that are to be trained again are made again."""
        present = [all(Path(file).is_file() for file in files) for files in (self.files, self.instead) if files]
        return all(runs[cell] for cell in self.cells) and any(present)


@dataclass(frozen=True)
class Status:
    """What one look found.

    ``rows`` has the runs (identities) of each (study, setting): one that several share stands in each, and once in
    ``runs``. ``jobs`` are those made and all, by stage. Hours are of training and extraction; ``left_seconds`` of all
    stages, on one worker. ``queue`` is None without SLURM, and a sentence where SLURM does not answer. ``studies`` has
    the jobs of studies with rules of their own.
    """

    runs: Mapping[str, RunState]
    rows: Mapping[tuple[str, str], list[str]]
    jobs: Mapping[str, tuple[int, int]]
    queue: list[QueuedJob] | str | None
    failures: list[Failure]
    device: str
    spent_hours: float
    planned_hours: float
    left_hours: float
    left_seconds: float
    studies: Mapping[str, study_progress.Stages] = field(default_factory=dict)

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
        self.flow = Workflow(config.model_copy(update={"partial": False}))
        self.grid, self.root, self.store = self.flow.grid, Path(self.flow.root), Path(self.flow.store)
        self.costs, self.folder, self.prefix = costs, folder, prefix
        self._manifests = dict(zip(self.grid.cells, self.flow.all_manifests(), strict=True))
        self.stages = {"activations": list(self._extractions()), "scores": list(self._scores()),
                        "statistics": list(self._statistics()), "figures": list(self._figures())}  # fmt: skip
        self._rows = self._runs_by_study()
        self.studies = study_progress.watched(config)
        everything = self.plan(NO_STORE)
        own, _ = study_progress.seconds(self.studies, everything, left=False)
        self._planned = self._training_seconds(everything, {}) + _seconds(everything, self.stages["activations"]) + own

    def look(self) -> Status:
        """The state of everything now."""
        plan, found = self.plan(self.store), self._failures()
        runs = self._runs(plan, {failure.target: failure for failure in found})
        cells = {cell: self.grid.runs(cell) for cell in self.grid.cells}
        whole = {cell: all(runs[run.identity].state == "done" for run in own) for cell, own in cells.items()}
        missing = {stage: [job for job in jobs if not job.made(whole)] for stage, jobs in self.stages.items()}
        training = self._training_seconds(plan, runs)
        own, own_all = study_progress.seconds(self.studies, plan, left=True)
        trained = {(cell, part): [StoredRun(self.store, run.identity) for run in runs_of(self.grid, cell, part)]
                   for cell, part, _ in self._training_jobs() if design(cell.factor).is_trained}  # fmt: skip
        return Status(
            runs=runs,
            rows=self._rows,
            jobs={stage: (len(jobs) - len(missing[stage]), len(jobs)) for stage, jobs in self.stages.items()},
            queue=self._queue(),
            failures=found,
            device=plan.device,
            spent_hours=spent_seconds(self.root / "benchmarks", trained) / 3600,
            planned_hours=self._planned / 3600,
            left_hours=(training + _seconds(plan, missing["activations"]) + own) / 3600,
            left_seconds=training + sum(_seconds(plan, jobs) for jobs in missing.values()) + own_all,
            studies=study_progress.progress(self.studies),
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
        for cell in self.grid.cells:
            for part, manifest in zip(parts(self.grid, cell), self.flow.part_manifests(cell), strict=True):
                yield cell, part, manifest

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

    def _training_seconds(self, plan: Plan, runs: Mapping[str, RunState]) -> float:
        """Expected seconds of the training jobs of which the plan's store lacks runs, less what those have done."""
        seconds, seen = 0.0, set()
        for cell, part, _ in self._training_jobs():
            if not design(cell.factor).is_trained:
                continue
            estimate = plan.estimate("train_models", {**_wildcards(cell), "part": part})
            lacking = {identity: run for identity, run in estimate.runs.items() if identity not in seen}
            seen |= lacking.keys()
            shares = {identity: runs[identity].remaining if identity in runs else 1.0 for identity in lacking}
            seconds += sum(shares[identity] * run.seconds for identity, run in lacking.items())
            seconds += estimate.own_seconds if lacking else 0.0
        return seconds

    # ---- the jobs after training ----

    def _extractions(self) -> Iterator[Job]:
        words = {setting: name for name, (_, settings) in self.flow.layer_sets().items() for setting in settings}
        for cell in self.grid.cells:
            setting = self.flow.config.settings[cell.setting]
            folder = f"{self.root}/activations/{cell.setting}/{cell.factor}/seed{cell.seed}"
            for stimuli in self.grid.stimuli(cell):
                files = tuple(f"{folder}/{stimuli}.{layer}.parquet" for layer in setting.layers)
                imported = isinstance(setting, OwnActivations)
                rule = "import_activations" if imported else f"{EXTRACTION}{words[cell.setting]}"
                scores = self._scores_of(cell, stimuli) if self.flow.config.activations == "recompute" else ()
                yield Job(rule, {**_wildcards(cell), "stimuli": stimuli}, files, frozenset([cell]), scores)

    def _scores_of(self, cell: Cell, stimuli: str) -> tuple[str, ...]:
        """The score tables that are made of a cell's representations."""
        own = f"/{cell.setting}/{stimuli}.parquet"
        paths = (path for study in self.grid.cells[cell] for path in self.flow.study_scores(study))
        return tuple(path for path in paths if path.endswith(own))

    def _scores(self) -> Iterator[Job]:
        for study in self.flow.config.studies:
            for path in self.flow.study_scores(study):
                wildcards = {"study": study, "comparison": Path(path).parent.name, "stimuli": Path(path).stem}
                yield Job("score_comparison", wildcards, (path,), self._cells(study, wildcards["comparison"]))

    def _statistics(self) -> Iterator[Job]:
        for path in self.flow.all_statistics():
            yield Job("analyse_study", {"study": Path(path).stem}, (path,), self._cells(Path(path).stem))

    def _figures(self) -> Iterator[Job]:
        for path in self.flow.figures():
            figure = self.flow.config.figures[Path(path).stem]
            of_data = figure.dataset is not None and figure.study is None  # drawn from no model
            cells = frozenset() if of_data else self._cells(figure.study)
            yield Job("draw_figure", {"figure": Path(path).stem}, (path,), cells)

    def _cells(self, study: str | None, setting: str | None = None) -> frozenset[Cell]:
        """The cells of a study and setting, each of all if left out."""
        return frozenset(cell for cell, studies in self.grid.cells.items()
                         if study in (None, *studies) and setting in (None, cell.setting))  # fmt: skip

    # ---- around it ----

    def plan(self, store: Path) -> Plan:
        """The plan of what a store lacks."""
        plan = Plan(self.flow.config, self.grid, self.costs, store)
        for name, study in self.studies.items():
            plan.add(name, study.estimates(plan))
        return plan

    def _failures(self) -> list[Failure]:
        """What failed, without jobs of settings, studies and figures that are no longer asked for."""
        jobs = (job for jobs in self.stages.values() for job in jobs)
        manifests = {manifest for _, _, manifest in self._training_jobs()}
        wanted = {*self._manifests.values(), *manifests, *(file for job in jobs for file in job.files)}
        stages = tuple(f"{self.root}/{stage}/" for stage in ("models", "activations", "similarity", "figures"))
        found = [one for one in failures.read(self.root / "logs")
                 if one.target in wanted or not one.target.startswith(stages)]  # fmt: skip
        own = [one for study in self.studies.values() for one in failures.read(Path(study.root, "logs"))]
        return sorted([*found, *own], key=lambda failure: failure.time)

    def _queue(self) -> list[QueuedJob] | str | None:
        if shutil.which("squeue") is None:
            return None
        try:
            return queued(self.prefix, self.folder)
        except RuntimeError as error:
            return str(error)


def _seconds(plan: Plan, jobs: Iterable[Job]) -> float:
    return sum(plan.estimate(job.rule, job.wildcards).seconds for job in jobs)


def _wildcards(cell: Cell) -> dict[str, str]:
    return {name: str(value) for name, value in vars(cell).items()}
