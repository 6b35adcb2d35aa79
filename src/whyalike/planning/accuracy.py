"""What finished jobs took beside what the plan says of the same work, job by job: how far a plan can be trusted.

The plan is that of an empty store, with the costs of the device that trained. Of a training job that was cut off and
tried again only the last attempt has a benchmark, so what is planned is its share: of each run the steps that the
attempt made. Queues and Snakemake's two starts in a job of SLURM lie outside of both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from whyalike.config.yaml_file import ConfigError
from whyalike.grid.parts import parts
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning.costs import Costs
from whyalike.planning.experience import Experience
from whyalike.planning.plan import EXTRACTION
from whyalike.planning.spending import Span

NEAR = 0.3  # a job within this share of its plan counts as near
NO_STORE = Path("no_store")  # a plan with it is that of everything


@dataclass(frozen=True)
class Compared:
    """One job: its stage, of which kind of cell it is (setting and factor, study), seconds planned, seconds taken."""

    stage: str
    of: str
    planned: float
    took: float

    @property
    def is_near(self) -> bool:
        """Whether it took what was planned, give or take `NEAR` of it."""
        return abs(self.took - self.planned) <= NEAR * self.planned


def compared(flow: Workflow, costs: Costs, gpu: str | None = None) -> list[Compared]:
    """Every finished job that is still asked for, stage by stage.

    Parameters
    ----------
    flow, costs : the configuration with its paths, and the cost table.
    gpu : the cost table's name of the GPU that trained; by default the device that plans are made for.

    Raises
    ------
    ConfigError : no job has left a benchmark, or it is not known which GPU trained.
    """
    experience = Experience(flow, costs, gpu)
    jobs = [
        *_planned(experience, "prepare_data", "{dataset}"),
        *_training(experience),
        *_extraction(experience),
        *_planned(experience, "score_comparison", "{comparison}, {study}, {job}"),
        *_fixed(experience),
    ]
    if not jobs:
        raise ConfigError(f"{experience.folder} tells of no finished job: run the study first")
    return jobs


def shown(jobs: Iterable[Compared]) -> Table:
    """A row for the jobs of each stage and kind of cell: how many, planned, taken, their ratio, how many are near."""
    table = Table(box=None, header_style="bold")
    for name, side in {"stage": "left", "of": "left", "jobs": "right", "planned, s": "right", "took, s": "right",
                       "ratio": "right", f"within {NEAR:.0%}": "right"}.items():  # fmt: skip
        table.add_column(name, justify=side, no_wrap=True)
    rows: dict[tuple[str, str], list[Compared]] = {}
    for job in jobs:
        rows.setdefault((job.stage, job.of), []).append(job)
    for (stage, of), own in rows.items():
        planned, took = sum(job.planned for job in own), sum(job.took for job in own)
        ratio, near = f"{took / planned:.2f}" if planned else "-", sum(job.is_near for job in own)
        table.add_row(stage, of, str(len(own)), f"{planned:.1f}", f"{took:.1f}", ratio, str(near))
    return table


def _planned(experience: Experience, rule: str, of: str) -> Iterator[Compared]:
    """The jobs of a rule that needs no device, named by their wildcards."""
    plan = experience.plan(None, NO_STORE)
    for took, wildcards in experience.benchmarks(rule):
        yield Compared(rule, of.format(**wildcards), plan.estimate(rule, wildcards).seconds, took)


def _training(experience: Experience) -> Iterator[Compared]:
    for setting, cells in experience.cells.items():
        plan = experience.plan(experience.devices[setting], NO_STORE)
        for cell in cells:
            for part in parts(experience.flow.grid, cell):
                if job := experience.job(cell, part):
                    took, own = job
                    wildcards = {name: str(value) for name, value in vars(cell).items()}
                    estimate = plan.estimate("train_models", {**wildcards, "part": part})
                    everything = experience.attempts(cell, part)
                    shares = {identity: _steps(spans) / _steps(everything[identity])
                              for identity, spans in own.items() if _steps(spans)}  # fmt: skip
                    runs = sum(share * estimate.runs[identity].seconds for identity, share in shares.items())
                    yield Compared("train_models", _words(cell), estimate.own_seconds + runs, took)


def _extraction(experience: Experience) -> Iterator[Compared]:
    for rule in experience.extractions():
        for took, wildcards in experience.benchmarks(rule):
            cell = Cell(wildcards["setting"], wildcards["factor"], int(wildcards["seed"]))
            plan = experience.plan(experience.devices[cell.setting], NO_STORE)
            yield Compared(EXTRACTION.rstrip("_"), _words(cell), plan.estimate(rule, wildcards).seconds, took)


def _fixed(experience: Experience) -> Iterator[Compared]:
    stages = experience.costs.stages
    for rule, jobs in experience.fixed():
        stage = stages.get(rule, stages["other"])
        for name, took in jobs.items():
            yield Compared(rule, stage.word([name]) or "", stage.seconds_named([name]), took)


def _steps(spans: Iterable[Span]) -> int:
    return sum(span.steps for span in spans)


def _words(cell: Cell) -> str:
    return f"{cell.setting}, {cell.factor}"
