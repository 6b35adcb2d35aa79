"""What the jobs of photographs cost, for the plan of a dry-run and for the time that they reserve."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from whyalike.planning.estimates import Estimate, RunCost
from whyalike.planning.plan import BYTES, Plan
from whyalike.studies.closeness import images

if TYPE_CHECKING:
    from whyalike.studies.closeness.study import ClosenessStudy


def training(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """Those runs of a group that the store lacks, one after another."""
    work, model = study.training(group), _amounts(study, plan)
    recipe, device = work["recipe"], plan.costs.devices[plan.device]
    facts = {**work["model"], "size": work["size"], **{key: recipe[key] for key in ("precision", "batch_size")}}
    step, beside, source = plan.step_of(facts, model, recipe["batch_size"])
    cost = RunCost(recipe["steps"] * step + beside, BYTES * model[0])
    lacking = plan.not_stored([run["identity"] for run in work["runs"]])
    return _of(study, device.startup_seconds, dict.fromkeys(lacking, cost), {device.source, source})


def extraction(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """Trained and untrained models of a group on the test images."""
    samples = 2 * len(study.training(group)["runs"]) * study.section.cifar10.stimuli
    device = plan.costs.devices[plan.device]
    seconds = device.startup_seconds + samples * device.guessed_sample(*_amounts(study, plan))
    return _of(study, seconds, {}, {"guessed"})


def _amounts(study: "ClosenessStudy", plan: Plan) -> tuple[float, float]:
    """Parameters of an embedder's f, and how often an image uses each."""
    return plan.workload.of_model(study.section.cifar10.model, images.SIDE)


def _of(study: "ClosenessStudy", seconds: float, runs: Mapping[str, RunCost], sources: Iterable[str]) -> Estimate:
    return Estimate(seconds, 0.0, runs, frozenset(sources), studies={study.name: frozenset(runs)})
