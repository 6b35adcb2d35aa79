"""Amounts that cannot be: more stimuli than a data set holds, fewer training images than a batch, nothing to compare.

Only what is known without reading data is looked at: a source's own counts, or those that its parameters set.
"""

from collections.abc import Iterator
from typing import Any

from whyalike.config.config import Config
from whyalike.config.external import ExternalStudy
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import design
from whyalike.training.registry import OBJECTIVES


def misfits(config: Config) -> Iterator[str]:
    """Faults of amounts; parts whose names are nowhere are left to others."""
    yield from _stimuli_misfits(config)
    yield from _batch_misfits(config)
    for key, study in config.studies.items():
        yield from _pair_misfits(key, study, config)


def _counts(config: Config, dataset: str) -> dict[str, int]:
    """Part -> its number of images, or chunks and windows; empty where only files tell."""
    if dataset not in config.datasets:
        return {}
    parameters = config.datasets[dataset]
    counts = SOURCES[parameters.source].facts.counts(parameters)
    return dict(zip(("train", "test"), counts, strict=True)) if counts else {}


def _stimuli_misfits(config: Config) -> Iterator[str]:
    for key, stimuli in config.stimuli.items():
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
    if not isinstance(study, ExternalStudy):
        if set(study.levels) <= set(design(study.factor).across) and len(study.seeds) < 2:
            yield (
                f"studies.{key}.seeds: {', '.join(study.levels)} compares the models of different seeds, and there is "
                "one seed: name another one."
            )
        return
    paired = {side for one in study.comparisons.values() if len(set(one.sides)) > 1 for side in one.sides}
    for name in study.settings if study.pairs == "all" else ():
        if name not in paired and len(getattr(config.settings.get(name), "runs", "ab")) < 2:
            yield (
                f"studies.{key}.settings: '{name}' has one run, and nothing to compare it with: name another run, or "
                "compare it with another setting under `comparisons`."
            )
