"""Faults of objectives: a model that they cannot train, labels that they cannot read."""

from collections.abc import Iterator
from typing import Any

from whyalike.config.config import Config
from whyalike.designs.design import Asked
from whyalike.designs.registry import design
from whyalike.models.registry import MODELS
from whyalike.training.registry import OBJECTIVES, ObjectiveFacts


def misfits(config: Config) -> Iterator[str]:
    """Faults of settings that are trained; parts whose names are nowhere are left to others."""
    for key, setting in config.settings.items():
        if (recipe := config.recipes.get(getattr(setting, "recipe", None))) is None:
            continue
        facts = OBJECTIVES[recipe.objective].facts
        if facts.head and setting.model in config.models:
            yield from _head_misfits(config, f"settings.{key}", setting, recipe.objective)
        if facts.words:
            yield from _label_misfits(config, key, setting, recipe.objective, facts)


def _head_misfits(config: Config, path: str, setting: Any, objective: str) -> Iterator[str]:
    family = config.models[setting.model].family
    own = MODELS[family].facts
    if own.head is False and own.inputs == OBJECTIVES[objective].facts.inputs:  # else another fault is told
        known = ", ".join(name for name, entry in MODELS.items() if entry.facts.head is not False)
        yield (
            f"{path}.model: the objective {objective} trains what the linear head of a model reads, the family "
            f"{family} has none. Families that have: {known}."
        )


def _label_misfits(config: Config, key: str, setting: Any, objective: str, facts: ObjectiveFacts) -> Iterator[str]:
    """Labels of the setting, or of a design that gives its own, that are not in the objective's words."""
    words = f"the objective {objective} needs labels that it has words for, {', '.join(facts.words)} joined by '_'"
    if not _said(setting.labelling, facts):
        yield f"settings.{key}.labelling: {words}; got '{setting.labelling}'."
        return
    for name, study in config.studies.items():
        if key not in study.settings or not design(study.factor).is_trained:
            continue
        asked = Asked(0, setting.labelling, config.share_a)
        levels = getattr(study, "levels", ())  # a study without them has the setting's labels
        learned = {run.labelling for level in levels for run in design(study.factor).expand(asked, level)}
        if other := sorted(one for one in learned if not _said(one, facts)):
            yield f"studies.{name}.settings: {words}; under {design(study.factor).words} '{key}' learns '{other[0]}'."


def _said(labelling: str, facts: ObjectiveFacts) -> bool:
    return set(labelling.split("_")) <= set(facts.words)
