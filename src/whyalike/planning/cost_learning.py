"""What real runs cost, as keys of a cost table: from Snakemake's benchmark files and the ledgers of the run store.

A ledger tells how long the steps of a run took, all included (log rows, checkpoints, the test at its end); of runs that
were trained at once, what they would have taken alone. What a training job took beside its runs is its start. Of the
other jobs a benchmark gives one number a job, in which start and work are not apart: where the work, as it is planned
so far, makes less than half of the time, it stays as planned and the rest is the start; else the start stays and the
work is scaled.
"""

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from whyalike.config.yaml_file import ConfigError
from whyalike.grid.parts import parts
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning.cost_file import match
from whyalike.planning.costs import Costs
from whyalike.planning.experience import Experience
from whyalike.planning.spending import Span, covered

LEAST = 1e-3  # seconds: what is too quick to be seen in a benchmark is not free


@dataclass(frozen=True)
class Learnt:
    """Keys and values as in a cost table, how many jobs they come from, by rule, and settings that none was of."""

    values: dict[str, Any]
    jobs: dict[str, int]
    untrained: list[str]


def learn(flow: Workflow, costs: Costs, gpu: str | None, today: datetime.date) -> Learnt:
    """Everything that the finished jobs of a configuration tell.

    Parameters
    ----------
    flow, costs : the configuration with its paths, and the table as it was.
    gpu : the cost table's name of the GPU that trained; by default the device that plans are made for.
    today : the date.

    Raises
    ------
    ConfigError : no job has left a benchmark or a ledger, or it is not known which GPU trained.
    """
    learner = _Learner(Experience(flow, costs, gpu), today)
    training = [rate for setting in learner.devices if (rate := learner.training(setting))]
    extraction = [rate for setting in learner.devices if (rate := learner.extraction(setting))]
    stages, scoring = learner.stages(), learner.scoring()
    if not (training or extraction or stages or scoring):
        raise ConfigError(f"{flow.root}/benchmarks and {flow.store} tell of no finished job: run the study first, or "
                          "measure with `whyalike calibrate`")  # fmt: skip
    values: dict[str, Any] = {"rates": [*training, *extraction]} if training or extraction else {}
    devices = {rate["device"] for rate in training}
    values |= {"device": devices.pop()} if len(devices) == 1 else {}
    values |= {"stages": stages} if stages else {}
    values |= {"scoring": scoring} if scoring else {}
    return Learnt(values, learner.jobs, learner.untrained)


def apart(start: float, jobs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The start of a job, and the factor on planned work, with which all jobs together cost what they did.

    Parameters
    ----------
    start : as it is planned.
    jobs : of each the seconds that it took, and those of its planned work alone.
    """
    jobs = list(jobs)
    took, work = (sum(values) for values in zip(*jobs, strict=True))
    if work <= took / 2:
        return (took - work) / len(jobs), 1.0
    start = min(start, min(seconds for seconds, _ in jobs) / 2)
    return start, (took - len(jobs) * start) / work


def alone(attempts: Sequence[Span], most: float) -> float:
    """Seconds that attempts would have taken one after another.

    Parameters
    ----------
    attempts : of one cell; several may have gone on at once.
    most : how many times as fast several at once are as one after another, at most.
    """
    together = covered(attempts)
    at_once = sum(span.seconds for span in attempts) / together if together else 1.0
    return together * min(at_once, most)


class _Learner:
    """Rates and stages out of what lies in the results of one configuration."""

    def __init__(self, experience: Experience, today: datetime.date):
        self.experience, self.today = experience, today
        self.flow, self.costs, self.devices = experience.flow, experience.costs, experience.devices
        self.jobs: dict[str, int] = {}

    @property
    def untrained(self) -> list[str]:
        """Settings of whose runs none is finished."""
        return [setting for setting, device in self.devices.items() if device is None]

    def training(self, setting: str) -> dict[str, Any] | None:
        """The rate of a setting's training, if runs of it are in the store."""
        device, seconds, steps, starts = self.devices[setting], 0.0, 0, []
        # a run has a CPU core of its own; a GPU they share
        most = math.inf if device in (None, "cpu") else self.costs.devices[device].gain_at_once
        for cell in self.experience.cells[setting]:
            for part in parts(self.flow.grid, cell):
                own = [span for attempts in self.experience.attempts(cell, part).values() for span in attempts]
                seconds += alone(own, most)
                steps += sum(span.steps for span in own)
                if job := self.experience.job(cell, part):
                    took, trained = job
                    starts.append(max(0.0, took - covered(span for attempts in trained.values() for span in attempts)))
        if device is None or not (steps and seconds):
            return None
        self._count("train_models", len(starts))
        start = {"startup_seconds": round(median(starts), 2)} if starts else {}
        return self._rate(setting, "training", {"step_seconds": _digits(seconds / steps), **start})

    def extraction(self, setting: str) -> dict[str, Any] | None:
        """The rate of a setting's extraction, if there are benchmarks of it."""
        device = self.devices[setting]
        if device is None:
            return None
        plan, jobs, start, sample = self.experience.plan(device), [], 0.0, 0.0
        for rule in self.experience.extractions():
            for took, wildcards in self.experience.benchmarks(rule):
                if wildcards["setting"] == setting:
                    cell = Cell(setting, wildcards["factor"], int(wildcards["seed"]))
                    (start, _), (sample, _) = plan.startup(cell, "extraction"), plan.sample(cell)
                    jobs.append((took, plan.estimate(rule, wildcards).own_seconds - start))
        if not jobs:
            return None
        self._count("extraction", len(jobs))
        start, factor = apart(start, jobs)
        figures = {"samples_per_second": _digits(1 / (sample * factor)), "startup_seconds": round(start, 2)}
        return self._rate(setting, "extraction", figures)

    def stages(self) -> dict[str, dict[str, Any]]:
        """The stages without a GPU that have benchmarks."""
        found = {}
        for rule, jobs in self.experience.fixed():
            self._count(rule, len(jobs))
            found[rule] = self._fixed(rule, jobs)
        stage = self.costs.stages.get("prepare_data", self.costs.stages["other"])
        if jobs := self._worked("prepare_data", stage.seconds):
            amounts = {key: getattr(stage, key) for key in ("seconds_per_image", "seconds_per_token")}
            found["prepare_data"] = _scaled(stage.seconds, amounts, jobs)
        return found

    def _fixed(self, rule: str, jobs: Mapping[str, float]) -> dict[str, Any]:
        """The mean of a rule's jobs, and that of those whose names have a word that the table tells apart."""
        stage, by_word = self.costs.stages.get(rule, self.costs.stages["other"]), {}
        for name, seconds in jobs.items():
            by_word.setdefault(stage.word([name]), []).append(seconds)
        means = {word: max(LEAST, round(mean(seconds), 2)) for word, seconds in by_word.items()}
        found = {"seconds": means.pop(None)} if None in means else {}
        source = "measured" if means.keys() >= stage.seconds_of.keys() else stage.source
        return found | ({"seconds_of": means} if means else {}) | {"source": source}

    def scoring(self) -> dict[str, Any]:
        """The scoring, if there are benchmarks of it."""
        scoring = self.costs.scoring
        if not (jobs := self._worked("score_comparison", scoring.seconds)):
            return {}
        return _scaled(scoring.seconds, {"work": scoring.work}, jobs)

    def _worked(self, rule: str, start: float) -> list[tuple[float, float]]:
        """Of each job of a rule the seconds that it took, and those of its work as it is planned so far."""
        plan = self.experience.plan(None)
        jobs = [(took, plan.estimate(rule, wildcards).own_seconds - start)
                for took, wildcards in self.experience.benchmarks(rule)]  # fmt: skip
        if jobs:
            self._count(rule, len(jobs))
        return jobs

    def _rate(self, setting: str, work: str, figures: Mapping[str, float]) -> dict[str, Any]:
        workload = self.experience.plan(None).workload
        about = {"match": match(workload, setting), "device": self.devices[setting], "work": work}
        return {**about, **figures, "source": "measured", "date": self.today}

    def _count(self, rule: str, jobs: int) -> None:
        self.jobs[rule] = self.jobs.get(rule, 0) + jobs


def _scaled(start: float, amounts: Mapping[str, float], jobs: Iterable[tuple[float, float]]) -> dict[str, Any]:
    start, factor = apart(start, jobs)
    scaled = {key: _digits(value * factor) for key, value in amounts.items() if factor != 1}
    return {"seconds": round(start, 2), **scaled, "source": "measured"}


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
