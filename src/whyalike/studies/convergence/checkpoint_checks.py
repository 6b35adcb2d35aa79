"""Checkpoints of the section `convergence` that no model has, as far as it is known before models are trained."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from whyalike.config.config import Config
from whyalike.config.faults import near
from whyalike.data.registry import SOURCES
from whyalike.studies.convergence.section import Checkpoints, Convergence
from whyalike.training.kept_steps import in_words, keeps
from whyalike.training.parameters import KeptSteps

OF_FILE = re.compile(r"^(?P<model>.+)_(?P<checkpoint>(step|epoch)\d+)$")  # a run from files that is a checkpoint


def names(asked: Checkpoints) -> list[str]:
    """The names of further checkpoints, in the order of the section; step 0 is the start."""
    return [*(f"step{step}" for step in asked.steps if step), *(f"epoch{epoch}" for epoch in asked.epochs)]


def of_checkpoints(config: Config, section: Convergence, chosen: Sequence[str]) -> Iterator[str]:
    """Checkpoints of settings that are not looked at, and those that no weights are kept of.

    Parameters
    ----------
    chosen : the settings whose models are compared.
    """
    for name, asked in section.checkpoints.items():
        path = f"convergence.checkpoints.{name}"
        if name not in chosen:
            known = ", ".join(chosen) or "none"
            yield f"{path}: '{name}' is not under convergence.stimuli.{near(name, chosen)} Known: {known}."
        elif (recipe := config.recipes.get(getattr(config.settings[name], "recipe", None))) is not None:
            yield from _of_recipe(config, path, name, asked, recipe)
    for name in (name for name in chosen if hasattr(config.settings[name], "runs")):
        yield from _of_runs(name, config.settings[name].runs, section.checkpoints.get(name, Checkpoints()))


def _of_recipe(config: Config, path: str, name: str, asked: Checkpoints, recipe: Any) -> Iterator[str]:
    """Steps and epochs that a recipe does not keep, or does not reach."""
    key, epoch_steps = f"recipes.{config.settings[name].recipe}.keep_steps", steps_of_epoch(config, name, recipe)
    total = last_step(recipe, epoch_steps)
    for step in (step for step in asked.steps if step):
        is_power = isinstance(recipe.keep_steps, KeptSteps) and step not in recipe.keep_steps.extra
        if total is not None and step > total:
            yield f"{path}.steps: there is no step {step}, the last one is {total}."
        elif not (keeps(recipe, step) or _ends_epoch(recipe, step, epoch_steps)) or (is_power and step == total):
            yield f"{path}.steps: step {step} is not kept: name it in {key}. Kept: {in_words(recipe)}."
    for epoch in asked.epochs:
        if not hasattr(recipe, "epochs"):
            yield f"{path}.epochs: the recipe of '{name}' counts steps, not epochs: name steps."
            return
        if epoch > recipe.epochs:
            yield f"{path}.epochs: there is no epoch {epoch}, the last one is {recipe.epochs}."
        elif not _keeps_epoch(recipe, epoch, epoch_steps):
            yield f"{path}.epochs: the end of epoch {epoch} is not kept: name it under {key}.epochs. Kept: " + (
                f"{in_words(recipe)}."
            )


def _keeps_epoch(recipe: Any, epoch: int, epoch_steps: int | None) -> bool:
    named = isinstance(recipe.keep_steps, KeptSteps) and epoch in recipe.keep_steps.epochs
    return named or (epoch_steps is not None and keeps(recipe, epoch * epoch_steps))


def _ends_epoch(recipe: Any, step: int, epoch_steps: int | None) -> bool:
    """Whether a step is the end of an epoch that is kept by its number."""
    kept = recipe.keep_steps.epochs if isinstance(recipe.keep_steps, KeptSteps) else ()
    return epoch_steps is not None and step % epoch_steps == 0 and step // epoch_steps in kept


def steps_of_epoch(config: Config, name: str, recipe: Any) -> int | None:
    """Steps of an epoch of a setting that is trained here; None where only files tell, and of text."""
    dataset = config.datasets[config.settings[name].dataset]
    facts = SOURCES[dataset.source].facts
    counts = facts.counts(dataset) if facts.modality != "text" else None
    return counts[0] // recipe.batch_size if counts else None


def last_step(recipe: Any, epoch_steps: int | None) -> int | None:
    """The steps of a run; None where only files tell."""
    if (steps := getattr(recipe, "steps", None)) is not None:
        return steps
    return None if epoch_steps is None else recipe.epochs * epoch_steps


def _of_runs(name: str, runs: Sequence[str], asked: Checkpoints) -> Iterator[str]:
    """Models from files without their final weights, or without a checkpoint that is asked for."""
    parsed = {run: OF_FILE.match(run) for run in runs}
    models = dict.fromkeys(match["model"] if match else run for run, match in parsed.items())
    if lacking := [model for model in models if model not in runs]:
        yield (
            f"settings.{name}.runs: {lacking[0]} has checkpoints and no final weights: name a run '{lacking[0]}' too, "
            "with those of its end."
        )
    for checkpoint in names(asked):
        if lacking := [model for model in models if f"{model}_{checkpoint}" not in runs]:
            yield (
                f"convergence.checkpoints.{name}: {', '.join(lacking[:3])} has no run '{lacking[0]}_{checkpoint}' "
                f"under settings.{name}.runs: bring its weights, or leave {checkpoint} out."
            )
