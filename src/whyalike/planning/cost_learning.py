"""What real runs cost, as keys of a cost table: from Snakemake's benchmark files and the ledgers of the run store.

A ledger tells how long the steps of a run took, all included (log rows, checkpoints, the test at its end); of runs that
were trained at once, what they would have taken alone. What a training job took beside its runs is its start. Of the
other jobs a benchmark gives one number a job, in which start and work are not apart: where the work, as it is planned
so far, makes less than half of the time, it stays as planned and the rest is the start; else the start stays and the
work is scaled.
"""

import datetime
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from whyalike.config import ConfigError
from whyalike.parts import parts, runs_of
from whyalike.planning.cost_file import match
from whyalike.planning.costs import Costs
from whyalike.planning.plan import EXTRACTION, Plan
from whyalike.planning.spending import Span, benchmark_seconds, spans
from whyalike.runs import Cell
from whyalike.sections.external import OwnActivations, OwnCheckpoints
from whyalike.training.store import StoredRun
from whyalike.workflow import Workflow

CLOCKS = 30.0  # seconds that the clocks of a node and of the file server may differ
LEAST = 1e-3  # seconds: what is too quick to be seen in a benchmark is not free
# whose cost depends on their wildcards, or on the network; all others cost the same each time, as far as is known
MODELLED = ("train_models", "prepare_data", "score_comparison", "download_data")
NAMES = {"prepare_data": ("dataset",), "score_comparison": ("study", "comparison", "stimuli"),
         EXTRACTION: ("setting", "factor", "seed", "stimuli")}  # fmt: skip


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
    experience = _Experience(flow, costs, gpu, today)
    training = [rate for setting in experience.settings if (rate := experience.training(setting))]
    extraction = [rate for setting in experience.settings if (rate := experience.extraction(setting))]
    stages, scoring = experience.stages(), experience.scoring()
    if not (training or extraction or stages or scoring):
        raise ConfigError(f"{flow.root}/benchmarks and {flow.store} tell of no finished job: run the study first, or "
                          "measure with `whyalike calibrate`")  # fmt: skip
    values: dict[str, Any] = {"rates": [*training, *extraction]} if training or extraction else {}
    devices = {rate["device"] for rate in training}
    values |= {"device": devices.pop()} if len(devices) == 1 else {}
    values |= {"stages": stages} if stages else {}
    values |= {"scoring": scoring} if scoring else {}
    return Learnt(values, experience.jobs, experience.untrained)


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


def covered(attempts: Iterable[Span]) -> float:
    """Seconds in which at least one of some attempts at runs went on."""
    seconds, until = 0.0, -math.inf
    for span in sorted(attempts, key=lambda span: span.began):
        end = span.began + span.seconds
        seconds += max(0.0, end - max(span.began, until))
        until = max(until, end)
    return seconds


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


class _Experience:
    """What lies in the results of one configuration."""

    def __init__(self, flow: Workflow, costs: Costs, gpu: str | None, today: datetime.date):
        self.flow, self.costs, self.today = flow, costs, today
        self.plan = Plan(flow.config, flow.grid, costs, flow.store)
        self.folder = Path(flow.root, "benchmarks")
        self.jobs: dict[str, int] = {}
        self.cells: dict[str, list[Cell]] = {}
        for cell in flow.grid.cells:
            if not isinstance(flow.config.settings[cell.setting], OwnCheckpoints | OwnActivations):
                self.cells.setdefault(cell.setting, []).append(cell)
        self.settings = list(self.cells)
        self._gpu = gpu
        self._devices = {setting: self._device(cells) for setting, cells in self.cells.items()}

    @property
    def untrained(self) -> list[str]:
        """Settings of whose runs none is finished."""
        return [setting for setting, device in self._devices.items() if device is None]

    def training(self, setting: str) -> dict[str, Any] | None:
        """The rate of a setting's training, if runs of it are in the store."""
        device, seconds, steps, starts = self._devices[setting], 0.0, 0, []
        # a run has a CPU core of its own; a GPU they share
        most = math.inf if device in (None, "cpu") else self.costs.devices[device].gain_at_once
        for cell in self.cells[setting]:
            for part in parts(self.flow.grid, cell):
                runs = runs_of(self.flow.grid, cell, part)
                own = [span for run in runs for span in spans(StoredRun(Path(self.flow.store), run.identity))]
                seconds += alone(own, most)
                steps += sum(span.steps for span in own)
                if (start := self._start(f"{cell.setting}.{cell.factor}.seed{cell.seed}{part}", own)) is not None:
                    starts.append(start)
        if device is None or not (steps and seconds):
            return None
        self._count("train_models", len(starts))
        start = {"startup_seconds": round(median(starts), 2)} if starts else {}
        return self._rate(setting, "training", {"step_seconds": _digits(seconds / steps), **start})

    def extraction(self, setting: str) -> dict[str, Any] | None:
        """The rate of a setting's extraction, if there are benchmarks of it."""
        device = self._devices[setting]
        if device is None:
            return None
        plan, jobs, start, sample = self._plan(device), [], 0.0, 0.0
        for rule in self.folder.glob(f"{EXTRACTION}*"):
            for path, wildcards in self._benchmarks(rule.name, EXTRACTION):
                cell = Cell(wildcards["setting"], wildcards["factor"], int(wildcards["seed"]))
                if cell in self.cells[setting] and wildcards["stimuli"] in self.flow.config.stimuli:
                    (start, _), (sample, _) = plan.startup(cell, "extraction"), plan.sample(cell)
                    work = plan.estimate(rule.name, wildcards).own_seconds - start
                    jobs.append((benchmark_seconds(path), work))
        if not jobs:
            return None
        self._count("extraction", len(jobs))
        start, factor = apart(start, jobs)
        figures = {"samples_per_second": _digits(1 / (sample * factor)), "startup_seconds": round(start, 2)}
        return self._rate(setting, "extraction", figures)

    def stages(self) -> dict[str, dict[str, Any]]:
        """The stages without a GPU that have benchmarks."""
        found = {}
        rules = {path.name.removesuffix(".tsv") for path in self.folder.glob("*")}
        for rule in sorted(rule for rule in rules if rule not in MODELLED and not rule.startswith(EXTRACTION)):
            paths = [*self.folder.glob(f"{rule}.tsv"), *self.folder.glob(f"{rule}/*.tsv")]
            if paths:
                self._count(rule, len(paths))
                seconds = sum(map(benchmark_seconds, paths)) / len(paths)
                found[rule] = {"seconds": max(LEAST, round(seconds, 2)), "source": "measured"}
        stage = self.costs.stages.get("prepare_data", self.costs.stages["other"])
        jobs = []
        for path, wildcards in self._benchmarks("prepare_data"):
            if wildcards["dataset"] in self.flow.config.datasets:
                work = self.plan.estimate("prepare_data", wildcards).own_seconds - stage.seconds
                jobs.append((benchmark_seconds(path), work))
        if jobs:
            self._count("prepare_data", len(jobs))
            amounts = {key: getattr(stage, key) for key in ("seconds_per_image", "seconds_per_token")}
            found["prepare_data"] = _scaled(stage.seconds, amounts, jobs)
        return found

    def scoring(self) -> dict[str, Any]:
        """The scoring, if there are benchmarks of it."""
        scoring, jobs = self.costs.scoring, []
        for path, wildcards in self._benchmarks("score_comparison"):
            study = self.flow.config.studies.get(wildcards["study"])
            if study and wildcards["comparison"] in study.settings and wildcards["stimuli"] in self.flow.config.stimuli:
                work = self.plan.estimate("score_comparison", wildcards).own_seconds - scoring.seconds
                jobs.append((benchmark_seconds(path), work))
        if not jobs:
            return {}
        self._count("score_comparison", len(jobs))
        amounts = {key: getattr(scoring, key) for key in ("pair", "pair_row", "pair_row_squared")}
        return _scaled(scoring.seconds, amounts, jobs)

    def _benchmarks(self, rule: str, kind: str | None = None) -> Iterator[tuple[Path, dict[str, str]]]:
        """The benchmark files of a rule with the wildcards that their names are made of."""
        names = NAMES[kind or rule]
        for path in sorted(self.folder.glob(f"{rule}/*.tsv")):
            values = path.name.removesuffix(".tsv").split(".")
            if len(values) == len(names):
                wildcards = dict(zip(names, values, strict=True))
                yield path, wildcards | ({"seed": wildcards["seed"].removeprefix("seed")} if "seed" in names else {})

    def _start(self, name: str, own: list[Span]) -> float | None:
        """What a training job took beside the runs that it trained."""
        path = self.folder / "train_models" / f"{name}.tsv"
        if not (took := benchmark_seconds(path)):
            return None
        began = path.stat().st_mtime - took - CLOCKS
        return max(0.0, took - covered([span for span in own if span.began >= began]))

    def _device(self, cells: list[Cell]) -> str | None:
        """The cost table's name of the device that trained a setting; None if nothing is finished."""
        results = (
            StoredRun(Path(self.flow.store), run.identity).result for cell in cells for run in self.flow.grid.runs(cell)
        )
        finished = next((path for path in results if path.is_file()), None)
        kind = json.loads(finished.read_text(encoding="utf-8")).get("device") if finished else None
        if kind is None or kind == "cpu":
            return kind
        name = self._gpu or self.costs.device
        if name == "cpu" or name not in self.costs.devices:
            raise ConfigError(f"{cells[0].setting} was trained on a GPU, and '{name}' is none: name it with --device. "
                              f"Known: {', '.join(self.costs.devices)}.")  # fmt: skip
        return name

    def _plan(self, device: str) -> Plan:
        plan = Plan(self.flow.config, self.flow.grid, self.costs, self.flow.store)
        plan.device = device
        return plan

    def _rate(self, setting: str, work: str, figures: Mapping[str, float]) -> dict[str, Any]:
        about = {"match": match(self.plan.workload, setting), "device": self._devices[setting], "work": work}
        return {**about, **figures, "source": "measured", "date": self.today}

    def _count(self, rule: str, jobs: int) -> None:
        self.jobs[rule] = self.jobs.get(rule, 0) + jobs


def _scaled(start: float, amounts: Mapping[str, float], jobs: Iterable[tuple[float, float]]) -> dict[str, Any]:
    start, factor = apart(start, jobs)
    scaled = {key: _digits(value * factor) for key, value in amounts.items() if factor != 1}
    return {"seconds": round(start, 2), **scaled, "source": "measured"}


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
