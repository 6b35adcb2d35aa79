"""What the jobs of the study of closeness cost, for the plan of a dry-run and for the time that they reserve."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from whyalike.planning.estimates import Estimate, RunCost, Wildcards
from whyalike.planning.plan import BYTES, Plan
from whyalike.studies.closeness import images

if TYPE_CHECKING:
    from whyalike.studies.closeness.study import ClosenessStudy

FIXED = ("score_constructed", "embed_group", "score_group", "score_tuples", "analyse_closeness", "draw_closeness")


def estimates(study: "ClosenessStudy", plan: Plan) -> dict[str, Callable[[Wildcards], Estimate]]:
    """By rule, what a job of the study costs that has these wildcards."""
    fixed = {rule: lambda own, rule=rule: plan.fixed(rule, studies=[study.name], names=own.values()) for rule in FIXED}
    return {
        **fixed,
        "prepare_closeness": lambda _: plan.fixed("prepare_data", studies=[study.name]),
        "train_embeddings": lambda wildcards: _stacked(study, plan, wildcards["group"]),
        "train_embedders": lambda wildcards: _embedders(study, plan, wildcards["group"]),
        "embed_images": lambda wildcards: _embedded(study, plan, wildcards["group"]),
    }


def _stacked(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """All seeds of a group of perceptrons at once: what the cost table says of the group, shared by its models."""
    whole, seeds = plan.fixed("train_embeddings", names=[group]), study.training(group)["seeds"]
    cost = RunCost(whole.own_seconds / seeds, whole.own_bytes / seeds)
    return _of(study, 0.0, {f"{group}_seed{seed}": cost for seed in range(seeds)}, whole.sources)


def _embedders(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """Those runs of a group of embedders that the store lacks, one after another."""
    work = study.training(group)
    parameters, uses = _amounts(study, plan)
    batch, device = work["recipe"]["batch_size"], plan.costs.devices[plan.device]
    facts = {**work["model"], "size": work["size"], **{key: work["recipe"][key] for key in ("precision", "batch_size")}}
    step, sources = device.guessed_step(parameters, uses, batch), {"guessed"}
    if rate := plan.costs.rate(facts, plan.device, "training"):
        step, sources = rate.step_seconds or batch / rate.samples_per_second, {rate.source}
    lacking = plan.not_stored([run["identity"] for run in work["runs"]])
    cost = RunCost(work["recipe"]["steps"] * step, BYTES * parameters)
    return _of(study, device.startup_seconds, dict.fromkeys(lacking, cost), {device.source, *sources})


def _embedded(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """Trained and untrained models of a group on the test images."""
    samples = 2 * study.section.cifar10.seeds * study.section.cifar10.stimuli
    device = plan.costs.devices[plan.device]
    seconds = device.startup_seconds + samples * device.guessed_sample(*_amounts(study, plan))
    return _of(study, seconds, {}, {"guessed"})


def _amounts(study: "ClosenessStudy", plan: Plan) -> tuple[float, float]:
    """Parameters of an embedder's f, and how often an image uses each."""
    return plan.workload.of_model(study.section.cifar10.model, images.SIDE)


def _of(study: "ClosenessStudy", seconds: float, runs: Mapping[str, RunCost], sources: Collection[Any]) -> Estimate:
    return Estimate(seconds, 0.0, runs, frozenset(sources), studies={study.name: frozenset(runs)})
