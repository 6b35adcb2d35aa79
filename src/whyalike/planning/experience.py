"""What the finished jobs of a configuration left that tells of their cost: benchmark files, ledgers, results of runs.

A benchmark file has one number a job, the wall-clock of its work without the starts of Snakemake around it; a ledger
has the attempts at a run. Of a training job they tell which runs it trained, and for how long.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from whyalike.config.external import External
from whyalike.config.yaml_file import ConfigError
from whyalike.file_faults import readable
from whyalike.grid.parts import runs_of
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning.costs import Costs
from whyalike.planning.plan import EXTRACTION, Plan
from whyalike.planning.spending import Span, benchmark_seconds, spans
from whyalike.studies.main_line import MainLine
from whyalike.studies.study import rule_studies
from whyalike.training.store import StoredRun

CLOCKS = 30.0  # seconds that the clocks of a node and of the file server may differ


class Experience:
    """What lies in the results of one configuration.

    Parameters
    ----------
    flow, costs : the configuration with its paths, and the cost table.
    gpu : the cost table's name of the GPU that trained; by default the device that plans are made for.

    Raises
    ------
    ConfigError : it is not known which GPU trained.
    """

    def __init__(self, flow: Workflow, costs: Costs, gpu: str | None = None):
        self.flow, self.costs = flow, costs
        self.folder = Path(flow.root, "benchmarks")
        self.cells: dict[str, list[Cell]] = {}
        for cell in flow.grid.cells:
            if not isinstance(flow.config.settings[cell.setting], External):
                self.cells.setdefault(cell.setting, []).append(cell)
        self.rule_studies, self.jobs = list(rule_studies(flow.config).values()), MainLine(flow).jobs()
        self._gpu = gpu
        self.devices = {setting: self._device(cells) for setting, cells in self.cells.items()}

    def plan(self, device: str | None, store: str | Path | None = None) -> Plan:
        """The plan for a device (None: that of plans) of what a store lacks (None: that of the configuration)."""
        plan = Plan(self.flow.config, self.flow.grid, self.costs, store or self.flow.store)
        plan.device = device or plan.device
        for study in self.rule_studies:
            plan.add(study.name, study.rules)
        return plan

    def attempts(self, cell: Cell, part: str) -> dict[str, tuple[Span, ...]]:
        """The attempts at the runs of a part of a cell, by the runs' identities."""
        runs = runs_of(self.flow.grid, cell, part)
        return {run.identity: spans(StoredRun(Path(self.flow.store), run.identity)) for run in runs}

    def job(self, cell: Cell, part: str) -> tuple[float, dict[str, tuple[Span, ...]]] | None:
        """Seconds of a part's last training job, and its attempts at runs; None without a benchmark."""
        path = self.folder / "train_models" / f"{cell.setting}.{cell.factor}.seed{cell.seed}{part}.tsv"
        if not (took := benchmark_seconds(path)):
            return None
        began = path.stat().st_mtime - took - CLOCKS
        own = {identity: tuple(span for span in attempts if span.began >= began)
               for identity, attempts in self.attempts(cell, part).items()}  # fmt: skip
        return took, own

    def benchmarks(self, rule: str) -> Iterator[tuple[float, dict[str, str]]]:
        """Seconds of each job of a rule that is still asked for, with its wildcards."""
        for job in self.jobs:
            path = self.folder / job.benchmark
            is_trained = "setting" not in job.wildcards or job.wildcards["setting"] in self.cells
            if job.rule == rule and is_trained and path.is_file():
                yield benchmark_seconds(path), dict(job.wildcards)

    def fixed(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Each rule whose jobs cost the same, with the seconds of its jobs by their names."""
        found: dict[str, dict[str, float]] = {}
        plan = self.plan(None)
        for folder in (self.folder, *(Path(study.root, "benchmarks") for study in self.rule_studies)):
            for path in sorted([*folder.glob("*.tsv"), *folder.glob("*/*.tsv")]):
                name = path.name.removesuffix(".tsv")
                rule = name if path.parent == folder else path.parent.name
                if plan.is_fixed(rule):
                    found.setdefault(rule, {})[name] = benchmark_seconds(path)
        yield from sorted(found.items())

    def extractions(self) -> list[str]:
        """The rules of extraction that have benchmarks."""
        return sorted(path.name for path in self.folder.glob(f"{EXTRACTION}*"))

    def _device(self, cells: list[Cell]) -> str | None:
        """The cost table's name of the device that trained a setting; None if nothing is finished."""
        results = (
            StoredRun(Path(self.flow.store), run.identity).result for cell in cells for run in self.flow.grid.runs(cell)
        )
        finished = next((path for path in results if path.is_file()), None)
        if finished is None:
            return None
        with readable(finished, "the result of a run", "See what `whyalike verify CONFIG` says of it."):
            kind = json.loads(finished.read_text(encoding="utf-8")).get("device")
        if kind is None or kind == "cpu":
            return kind
        name = self._gpu or self.costs.device
        if name == "cpu" or name not in self.costs.devices:
            raise ConfigError(f"{cells[0].setting} was trained on a GPU, and '{name}' is none: name it with --device. "
                              f"Known: {', '.join(self.costs.devices)}.")  # fmt: skip
        return name
