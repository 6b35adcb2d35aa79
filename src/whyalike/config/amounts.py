"""Amounts that cannot be: more stimuli than a data set holds, fewer training images than a batch, nothing to compare.

Only what is known without reading data is looked at: a source's own counts, or those that its parameters set.
"""

import math
from collections.abc import Iterator
from typing import Any

from whyalike.config.comparisons import AllPairs
from whyalike.config.config import Config
from whyalike.config.external import ExternalStudy
from whyalike.data.registry import SOURCES
from whyalike.designs.design import TOLERANCE
from whyalike.designs.registry import design
from whyalike.training.registry import OBJECTIVES

MOST = 2**63 - 1  # of whole numbers among a metric's parameters: tables keep 64 bits


def misfits(config: Config) -> Iterator[str]:
    """Faults of amounts; parts whose names are nowhere are left to others."""
    yield from _stimuli_misfits(config)
    yield from _batch_misfits(config)
    for key, study in config.studies.items():
        yield from _pair_misfits(key, study, config)
        yield from _share_misfits(key, study, config)
    yield from _neighbour_misfits(config)


def _counts(config: Config, dataset: str) -> dict[str, int]:
    """Part -> its number of images, or chunks and windows; empty where only files tell."""
    if dataset not in config.datasets:
        return {}
    parameters = config.datasets[dataset]
    counts = SOURCES[parameters.source].facts.counts(parameters)
    return dict(zip(("train", "test"), counts, strict=True)) if counts else {}


def _stimuli_misfits(config: Config) -> Iterator[str]:
    for key, stimuli in config.stimuli.items():
        read = getattr(config.datasets.get(stimuli.dataset), "parts", None)
        if read is not None and stimuli.part not in read:
            yield (
                f"stimuli.{key}.part: of '{stimuli.dataset}' the part {', '.join(read)} alone is read: take that, or "
                f"add '{stimuli.part}' to its `parts`."
            )
        held = _counts(config, stimuli.dataset).get(stimuli.part)
        if held is None:
            continue
        if not held:
            yield f"stimuli.{key}.part: the part '{stimuli.part}' of '{stimuli.dataset}' is empty: take the other one."
        elif stimuli.n is not None and stimuli.n > held:
            yield (
                f"stimuli.{key}.n: the part '{stimuli.part}' of '{stimuli.dataset}' holds {held}, got {stimuli.n}: "
                "lower n, or leave it out for all of them."
            )


def _batch_misfits(config: Config) -> Iterator[str]:
    """Each recipe once for each data set and design; text is drawn, however little there is."""
    found = {}
    for study in config.studies.values():
        for setting in (config.settings[name] for name in study.settings if name in config.settings):
            recipe = config.recipes.get(getattr(setting, "recipe", None))
            train = _counts(config, setting.dataset).get("train")
            if recipe is None or train is None or OBJECTIVES[recipe.objective].facts.inputs == "tokens":
                continue
            own = design(study.factor)
            images = int(train * own.share_of_images)
            if images < recipe.batch_size:
                found[setting.recipe, setting.dataset, own.words] = (
                    f"recipes.{setting.recipe}.batch_size: under {own.words} a model sees {images} training images of "
                    f"'{setting.dataset}', fewer than a batch of {recipe.batch_size}: lower it, or take more images."
                )
    yield from found.values()


def _pair_misfits(key: str, study: Any, config: Config) -> Iterator[str]:
    """Settings, and studies, of which no two models are compared."""
    if design(study.factor).gathers:
        yield from _gathered_misfits(key, study, config)
        return
    if not isinstance(study, ExternalStudy):
        if set(study.levels) <= set(design(study.factor).across) and len(study.seeds) < 2:
            yield (
                f"studies.{key}.seeds: {', '.join(study.levels)} compares the models of different seeds, and there is "
                "one seed: name another one."
            )
        return
    compared = [one.settings_of(study) for one in study.comparisons.values()]
    paired = {setting for settings in compared if len(settings) > 1 for setting in settings}
    for name in study.settings if study.pairs == "all" else ():
        if name not in paired and len(getattr(config.settings.get(name), "runs", "ab")) < 2:
            yield (
                f"studies.{key}.settings: '{name}' has one run, and nothing to compare it with: name another run, or "
                "compare it with another setting under `comparisons`."
            )


def _gathered_misfits(key: str, study: Any, config: Config) -> Iterator[str]:
    """Comparisons of a single model with itself; activations from files of no stimuli, of which nothing is known."""
    for name, one in study.comparisons.items():
        first, *others = one.settings_of(study)
        runs = getattr(config.settings.get(first), "runs", None)
        models = len(study.seeds) * len(study.levels) if runs is None else len(runs)
        if not others and models < 2 and not isinstance(one, AllPairs):
            yield (
                f"studies.{key}.comparisons.{name}: '{first}' has one model, and nothing to compare it with: name "
                "another seed, or another setting as b."
            )
    for name in study.settings:
        if hasattr(config.settings.get(name), "activations") and not study.stimuli_of(name):
            yield f"studies.{key}.stimuli: '{name}' has activations from files, which are of stimuli: name these."


def _share_misfits(key: str, study: Any, config: Config) -> Iterator[str]:
    """Levels that are no share of a model's classes: they would be rounded to that of another level."""
    of_study = design(study.factor)
    if of_study.shares != "classes":
        return
    for name in study.settings:
        if (classes := _classes(config, config.settings.get(name))) is None:
            continue
        half = classes // 2
        if not half:
            yield f"studies.{key}.settings: {of_study.words} needs 2 classes at least, '{name}' has {classes}."
            continue
        for level in study.levels:
            nearest = round(of_study.share(level) * half) / half
            if abs(nearest - of_study.share(level)) > TOLERANCE:
                yield (
                    f"studies.{key}.levels: a model of '{name}' has {half} classes, of which {level} is no whole "
                    f"number: take {nearest:.6g}, the nearest, or another multiple of 1/{half}."
                )


def _classes(config: Config, setting: Any) -> int | None:
    """How many classes a setting's labelling has, where its data set's parameters tell."""
    if setting is None or setting.dataset not in config.datasets:
        return None
    dataset = config.datasets[setting.dataset]
    if not set(joined := setting.labelling.split("_")) <= set(SOURCES[dataset.source].facts.attributes):
        return None
    counts = [dataset.values(attribute) for attribute in joined]
    return None if None in counts else math.prod(counts)


def _neighbour_misfits(config: Config) -> Iterator[str]:
    """More neighbours than there are other stimuli, and whole numbers that only a typo makes."""
    names = {name for study in config.studies.values() for name in study.all_stimuli()}
    shown = [stimuli for name, stimuli in config.stimuli.items() if name in names]
    held = [n for one in shown if (n := one.n or _counts(config, one.dataset).get(one.part))]
    for name, parameters in config.similarity.metrics.items():
        for key, value in parameters.items():
            if key == "k" and isinstance(value, int) and held and value >= min(held):
                yield (
                    f"similarity.metrics.{name}.k: {value} neighbours of one stimulus are asked for, and the smallest "
                    f"stimuli are {min(held)}: lower k."
                )
            elif isinstance(value, int) and value > MOST:
                yield f"similarity.metrics.{name}.{key}: this must be at most {MOST} (got {value})"
