"""What the jobs of the study of closeness cost, for the plan of a dry-run and for the time that they reserve."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from whyalike.planning.estimates import Estimate, RunCost, Wildcards
from whyalike.planning.plan import BYTES, TRAINING, Plan
from whyalike.studies import closeness_images

if TYPE_CHECKING:
    from whyalike.studies.closeness import ClosenessStudy

# a step of one model among others, on one thread: of any width, and for each operation of its products; with these two
# the measured widths of docs/closeness.md, which stand in config/costs.yaml, are met within a third
STEP_SECONDS, OPERATIONS = 7e-5, 5e10
FIXED = ("score_constructed", "embed_group", "score_group", "score_tuples", "analyse_closeness", "draw_closeness")


def estimates(study: "ClosenessStudy", plan: Plan) -> dict[str, Callable[[Wildcards], Estimate]]:
    """By rule, what a job of the study costs that has these wildcards."""
    fixed = {rule: lambda _, rule=rule: plan.fixed(rule, studies=[study.name]) for rule in FIXED}
    return {
        **fixed,
        "prepare_closeness": lambda _: plan.fixed("prepare_data", studies=[study.name]),
        "train_embeddings": lambda wildcards: _stacked(study, plan, wildcards["group"]),
        "train_embedders": lambda wildcards: _embedders(study, plan, wildcards["group"]),
        "embed_images": lambda wildcards: _embedded(study, plan, wildcards["group"]),
    }


def _stacked(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """All seeds of a group of perceptrons at once: by the cost table; by the steps where it does not name a width."""
    work, stage = study.training(group), plan.costs.stages.get("train_embeddings")
    recipe, width = work["recipe"], work["width"]
    parameters = width * (work["inputs"] + (recipe["layers"] - 2) * width + work["dimensions"])  # of f, nearly all
    step = STEP_SECONDS + TRAINING * parameters * recipe["batch_size"] / OPERATIONS
    seconds, start, source = recipe["steps"] * step, plan.costs.devices["cpu"].startup_seconds, "given"
    if stage and (word := stage.word([group])):
        seconds, start, source = stage.seconds_of[word] / work["seeds"], 0, stage.source
    runs = {f"{group}_seed{seed}": RunCost(seconds, 2 * BYTES * parameters) for seed in range(work["seeds"])}
    return _of(study, start, runs, {source})


def _embedders(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """Those runs of a group of embedders that the store lacks, one after another."""
    work = study.training(group)
    parameters, uses = _amounts(study, plan)
    batch, device = work["recipe"]["batch_size"], plan.costs.devices[plan.device]
    facts = {**work["model"], "size": work["size"], **{key: work["recipe"][key] for key in ("precision", "batch_size")}}
    step, sources = plan.guessed_step(parameters, uses, batch), {"guessed"}
    if rate := plan.costs.rate(facts, plan.device, "training"):
        step, sources = rate.step_seconds or batch / rate.samples_per_second, {rate.source}
    lacking = plan.not_stored([run["identity"] for run in work["runs"]])
    cost = RunCost(work["recipe"]["steps"] * step, BYTES * parameters)
    return _of(study, device.startup_seconds, dict.fromkeys(lacking, cost), {device.source, *sources})


def _embedded(study: "ClosenessStudy", plan: Plan, group: str) -> Estimate:
    """Trained and untrained models of a group on the test images."""
    samples = 2 * study.section.cifar10.seeds * study.section.cifar10.stimuli
    seconds = plan.costs.devices[plan.device].startup_seconds + samples * plan.guessed_sample(*_amounts(study, plan))
    return _of(study, seconds, {}, {"guessed"})


def _amounts(study: "ClosenessStudy", plan: Plan) -> tuple[float, float]:
    """Parameters of an embedder's f, and how often an image uses each."""
    return plan.workload.of_model(study.section.cifar10.model, closeness_images.SIDE)


def _of(study: "ClosenessStudy", seconds: float, runs: Mapping[str, RunCost], sources: Collection[Any]) -> Estimate:
    return Estimate(seconds, 0.0, runs, frozenset(sources), studies={study.name: frozenset(runs)})
