"""The models of photographs in the study of closeness: which runs of the store a group has, parameters and costs.

A group is cifar10_m{dimensions}: all seeds of one M. A run's identity is made as `whyalike.grid.runs` makes it, of all
that its weights depend on; a seed more trains that seed alone.
"""

from typing import Any

from whyalike.grid.runs import initial_weights, trained_identity
from whyalike.planning.estimates import Estimate, RunCost
from whyalike.planning.plan import BYTES, Plan
from whyalike.studies.closeness.parameters import EmbedderEmbedding, EmbedderTraining
from whyalike.studies.closeness.section import Photographs

SOURCE, FAMILY, OBJECTIVE = "cifar10", "embedder", "cross_entropy_adam"
LABELLING, CLASSES, SIDE = "class", 10, 32
REPLICA = "0"  # the models of a group differ in their seeds


def groups(section: Photographs | None) -> list[str]:
    """The groups, none where photographs are left out."""
    return [] if section is None else [f"{SOURCE}_m{dimensions}" for dimensions in section.dimensions]


def training(section: Photographs, group: str) -> EmbedderTraining:
    """Parameters of the training of a group; the versions of the code are part of the identities of its runs."""
    dimensions = int(group.rpartition("_m")[2])
    model = {
        "family": FAMILY,
        **section.model.plain(),
        "dimensions": dimensions,
        "unembedding_width": section.width,
        "unembedding_layers": section.layers,
    }
    recipe = {"objective": OBJECTIVE, **section.recipe.plain(exclude=["keep_steps"])}
    shared = {"size": SIDE, "model": model, "recipe": recipe}
    runs = [
        {"name": f"{group}_seed{seed}", "seed": seed, "replica": REPLICA, "labelling": LABELLING, "level": None,
         "identity": _identity(section, shared, seed)}
        for seed in range(section.seeds)
    ]  # fmt: skip
    shape = {"classes": CLASSES, "width": section.width, "dimensions": dimensions}
    return EmbedderTraining(group=group, **shape, **shared, runs=runs)


def embedding(section: Photographs, group: str) -> EmbedderEmbedding:
    """Parameters of the representations of a group, on some test images."""
    stimuli = {"part": "test", "n": section.stimuli, "seed": section.stimuli_seed}
    return EmbedderEmbedding(training=training(section, group), stimuli=stimuli)


def _identity(section: Photographs, shared: dict[str, Any], seed: int) -> str:
    start = initial_weights(shared["model"], shared["size"], seed, REPLICA)
    dataset = {"source": SOURCE, **section.data.plain()}
    return trained_identity(start, dataset, shared["recipe"], {"split": {"part": "all"}, "labelling": LABELLING})


def training_cost(section: Photographs, plan: Plan, group: str) -> Estimate:
    """Those runs of a group that the store lacks, one after another."""
    work, model, device = training(section, group), _amounts(section, plan), plan.costs.devices[plan.device]
    recipe = work.recipe
    features = {**work.model, "size": work.size, **{key: recipe[key] for key in ("precision", "batch_size")}}
    step, beside, source = plan.step_of(features, model, recipe["batch_size"])
    cost = RunCost(recipe["steps"] * step + beside, BYTES * model[0])
    lacking = plan.not_stored([run.identity for run in work.runs])
    return Estimate(device.startup_seconds, 0.0, dict.fromkeys(lacking, cost), frozenset({device.source, source}))


def extraction_cost(section: Photographs, plan: Plan, group: str) -> Estimate:
    """Trained and untrained models of a group on the test images."""
    device, samples = plan.costs.devices[plan.device], 2 * section.seeds * section.stimuli
    seconds = device.startup_seconds + samples * device.guessed_sample(*_amounts(section, plan))
    return Estimate(seconds, sources=frozenset({"guessed"}))


def _amounts(section: Photographs, plan: Plan) -> tuple[float, float]:
    """Parameters of an embedder's f, and how often an image uses each."""
    return plan.workload.of_model(section.model, SIDE)
