"""How far studies with rules of their own are: the jobs made and asked for, by stage, and what is left by the plan."""

from collections.abc import Mapping
from pathlib import Path

from whyalike.config import Config
from whyalike.planning.plan import Plan
from whyalike.studies.study import OwnJob, OwnStudy, own_studies

Stages = dict[str, tuple[int, int]]
ON_DEVICE = ("models", "activations")  # stages of which hours are told


def watched(config: Config) -> dict[str, OwnStudy]:
    """The studies that the configuration has a section of, and those of which there are results."""
    studies = own_studies(config)
    return {name: study for name, study in studies.items() if study.asked or Path(study.root).is_dir()}


def progress(studies: Mapping[str, OwnStudy]) -> dict[str, Stages]:
    """For each study, by stage: how many jobs are made, and how many there are."""
    found: dict[str, Stages] = {}
    for name, study in studies.items():
        stages = found[name] = {}
        for job in _jobs(study):
            made, asked = stages.get(job.stage, (0, 0))
            stages[job.stage] = (made + is_made(job), asked + 1)
    return found


def _jobs(study: OwnStudy) -> list[OwnJob]:
    """Those that `all` makes, and all of them once anything of the rest is there."""
    part, whole = study.jobs(whole=False), study.jobs()
    return whole if any(is_made(job) for job in whole if job not in part) else part


def is_made(job: OwnJob) -> bool:
    """Whether all files of a job are there."""
    return all(Path(file).is_file() for file in job.files)


def seconds(studies: Mapping[str, OwnStudy], plan: Plan, left: bool) -> tuple[float, float]:
    """Expected seconds of all jobs, or of those ``left``: of models and activations, and of all stages."""
    jobs = [job for study in studies.values() for job in _jobs(study) if not (left and is_made(job))]
    costs = [(job, plan.estimate(job.rule, job.wildcards).seconds) for job in jobs]
    return sum(cost for job, cost in costs if job.stage in ON_DEVICE), sum(cost for _, cost in costs)
