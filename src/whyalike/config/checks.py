"""Faults of a configuration that no single key shows: names that are nowhere, and parts that do not fit each other.

Each is one line: key path, what came, what must hold. They are found before any job, not after hours of training.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from whyalike.config import amounts, attributes, comparison_checks, external, names, objectives, questions, shifts, zoo
from whyalike.config.config import Config
from whyalike.config.faults import near
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import DESIGNS, design
from whyalike.figures.registry import FIGURE_WIDTHS, FIGURES, shows
from whyalike.models.registry import MODELS
from whyalike.similarity import protocols
from whyalike.training.registry import OBJECTIVES


def unknown_names(config: Config) -> list[str]:
    """References to names that do not exist."""
    found = []

    def need(path: str, name: str, table: Mapping[str, Any], where: str) -> None:
        if name not in table:
            found.append(f"{path}: '{name}' is not under {where}.{near(name, table)} Known: {', '.join(table)}.")

    for key, stimuli in config.stimuli.items():
        need(f"stimuli.{key}.dataset", stimuli.dataset, config.datasets, "datasets")
    for key, setting in config.settings.items():
        for field in ("dataset", "model", "recipe"):  # runs from files need not have all of them
            if hasattr(setting, field):
                need(f"settings.{key}.{field}", getattr(setting, field), getattr(config, f"{field}s"), f"{field}s")
    for key, study in config.studies.items():
        for name in study.settings:
            need(f"studies.{key}.settings", name, config.settings, "settings")
        for name in study.all_stimuli():
            need(f"studies.{key}.stimuli", name, config.stimuli, "stimuli")
    for field in ("runs_per_job", "runs_at_once"):
        for name in given if isinstance(given := getattr(config.operation, field), dict) else ():
            need(f"operation.{field}", name, config.settings, "settings")
    for key, figure in config.figures.items():
        if key in config.studies and figure.study in config.studies.keys() - {key}:
            found.append(f"figures.{key}: a figure with the name of a study must show that study, not {figure.study}.")
        for field, table in (("study", config.studies), ("dataset", config.datasets)):
            if (name := getattr(figure, field)) is not None:
                need(f"figures.{key}.{field}", name, table, "studies" if field == "study" else "datasets")
            elif field in FIGURES[figure.kind].facts.needs:
                found.append(f"figures.{key}: a figure of kind {figure.kind} needs the key '{field}'.")
    return found


def misfits(config: Config) -> Iterator[str]:
    """Parts that do not fit each other; parts whose names are nowhere are left to `unknown_names`."""
    for key, setting in config.settings.items():
        if setting.dataset in config.datasets:
            yield from _labelling_misfits(config, key, setting)
        if hasattr(setting, "model"):
            yield from _model_misfits(config, key, setting)
    for key, study in config.studies.items():
        yield from _study_misfits(config, key, study)
    yield from questions.misfits(config.studies)
    yield from external.misfits(config.studies, config.settings)
    yield from zoo.misfits(config)
    yield from attributes.misfits(config.settings)
    yield from comparison_checks.misfits(config)
    yield from objectives.misfits(config)
    yield from amounts.misfits(config)
    yield from shifts.misfits(config)
    yield from names.misfits(config)
    yield from sample_misfits(config)
    yield from figure_misfits(config)
    yield from published_misfits(config)
    for name, parameters in config.similarity.metrics.items():
        try:
            protocols.scorings(name, config.similarity.protocols, parameters)
        except ValueError as error:
            yield f"similarity.metrics.{name}: {error}"
    for key, figure in config.figures.items():
        known = FIGURES[figure.kind].facts.options
        for name in figure.options.keys() - set(known):
            yield (
                f"figures.{key}.options: a figure of kind {figure.kind} has no option '{name}'.{near(name, known)} "
                f"Known: {', '.join(known) or 'none'}."
            )
        yield from _option_misfits(config, f"figures.{key}.options", figure.options)
        study, factors = config.studies.get(figure.study or ""), shows(figure.kind)
        if study is not None and study.factor not in factors:
            yield (
                f"figures.{key}.study: a figure of kind {figure.kind} shows a study of factor {', '.join(factors)}, "
                f"'{figure.study}' has {study.factor}."
            )


def _option_misfits(config: Config, path: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Options that name what is not scored, or no width."""
    if (width := options.get("width", "page")) not in FIGURE_WIDTHS:
        yield f"{path}.width: '{width}' is no width. Known: {', '.join(FIGURE_WIDTHS)}."
    for option, known in (("metric", config.similarity.metrics), ("score_protocol", config.similarity.protocols)):
        if (name := options.get(option)) is not None and name not in known:
            where = "similarity." + ("metrics" if option == "metric" else "protocols")
            yield f"{path}.{option}: '{name}' is not under {where}.{near(str(name), known)} Known: {', '.join(known)}."


def _labelling_misfits(config: Config, key: str, setting: Any) -> Iterator[str]:
    """Labels that the data lack."""
    known, joined = _attributes(config, setting), setting.labelling.split("_")
    if not set(joined) <= set(known) or len(set(joined)) < len(joined):
        yield (
            f"settings.{key}.labelling: '{setting.labelling}' must join distinct attributes with '_'. "
            f"Attributes: {', '.join(known)}."
        )


def _model_misfits(config: Config, key: str, setting: Any) -> Iterator[str]:
    """Data, a model and a recipe (which models from files have none of) of which one cannot work on the other."""
    dataset, model = config.datasets.get(setting.dataset), config.models.get(setting.model)
    if dataset is None or model is None:
        return
    recipe, takes = config.recipes.get(getattr(setting, "recipe", None)), MODELS[model.family].facts.inputs
    if recipe is not None and takes != (learns := OBJECTIVES[recipe.objective].facts.inputs):
        yield (
            f"settings.{key}.recipe: the objective {recipe.objective} is for models of {learns} input, the family "
            f"{model.family} takes {takes}."
        )
    modality = SOURCES[dataset.source].facts.modality
    if (modality == "text") != (takes == "tokens"):
        yield f"settings.{key}.dataset: '{setting.dataset}' holds {modality}, the family {model.family} takes {takes}."
    elif needs_windows(config, key, setting.dataset):
        yield (
            f"settings.{key}.dataset: '{setting.dataset}' holds sentences of unequal length and none to train on, the "
            f"family {model.family} needs windows of one length: take data of source text or bundled_text. Sentences "
            "are for models of other libraries."
        )
    if takes == "tokens" and isinstance(setting, external.OwnCheckpoints):
        yield f"settings.{key}.model: checkpoints are of models of images, the family {model.family} takes {takes}."
    elif (setting.size is None) != (takes == "tokens"):
        needed = "has no size: remove the key" if setting.size is not None else "needs the key 'size'"
        yield f"settings.{key}.size: a model of {takes} input {needed}."
    own = getattr(model, "size", None)
    if own not in (None, setting.size):
        yield f"settings.{key}.size: {setting.size} must be the size of the model '{setting.model}', {own}."


def _study_misfits(config: Config, key: str, study: Any) -> Iterator[str]:
    """Bounds, labels and stimuli that the study's settings do not have."""
    settings = {name: config.settings[name] for name in study.settings if name in config.settings}
    datasets = {name: setting for name, setting in settings.items() if setting.dataset in config.datasets}
    of_study = design(study.factor)
    for name, setting in datasets.items():
        if not set(of_study.attributes) <= set(_attributes(config, setting)):
            *first, last = of_study.attributes
            yield (
                f"studies.{key}.settings: {of_study.words} needs data with {', '.join(first)} and {last}, not '{name}'."
            )
        if of_study.needs_groups and not SOURCES[config.datasets[setting.dataset].source].facts.grouped:
            known = ", ".join(source for source, entry in SOURCES.items() if entry.facts.grouped)
            yield f"studies.{key}.settings: {of_study.words} needs data from {known}, which those of '{name}' are not."
    labellings = of_study.labellings or {setting.labelling for setting in settings.values()}
    for name in study.min_accuracy if isinstance(study.min_accuracy, dict) else ():
        if name not in labellings:
            known = ", ".join(sorted(labellings))
            yield f"studies.{key}.min_accuracy: no run has the labels '{name}'. Labels: {known}."
    for name, setting in settings.items():
        recipe = config.recipes.get(getattr(setting, "recipe", None))
        if study.min_accuracy and recipe is not None and not OBJECTIVES[recipe.objective].facts.accuracy:
            yield (
                f"studies.{key}.min_accuracy: runs of '{name}' have no accuracy (objective {recipe.objective}): give "
                "them a study of their own without it."
            )
    for name, setting in datasets.items():
        for stimuli in study.stimuli_of(name):
            other = config.stimuli[stimuli].dataset if stimuli in config.stimuli else setting.dataset
            if other in config.datasets and (came := _modality(config, other)) != _modality(config, setting.dataset):
                yield f"studies.{key}.stimuli: '{stimuli}' holds {came}, which the models of '{name}' cannot read."
            elif other in config.datasets and other != setting.dataset and needs_windows(config, name, other):
                yield (
                    f"studies.{key}.stimuli: '{stimuli}' holds sentences of unequal length, the models of '{name}' "
                    "need windows of one length: take stimuli of other data."
                )


def needs_windows(config: Config, setting: str, dataset: str) -> bool:
    """Whether a setting's models are built here, which take windows of one length, and the data set has none."""
    return hasattr(config.settings[setting], "model") and not SOURCES[config.datasets[dataset].source].facts.trainable


def _attributes(config: Config, setting: Any) -> tuple[str, ...]:
    return SOURCES[config.datasets[setting.dataset].source].facts.attributes


def _modality(config: Config, dataset: str) -> str:
    return SOURCES[config.datasets[dataset].source].facts.modality


def figure_misfits(config: Config) -> Iterator[str]:
    """Options that name a comparison, stimuli or a layer that the figure's study does not have."""
    for key, figure in config.figures.items():
        study = config.studies.get(figure.study)
        if study is None or not set(study.settings) <= config.settings.keys() or study.factor not in shows(figure.kind):
            continue
        own = () if design(study.factor).gathers else study.settings
        # representations are shown of one setting, scores of any pairs
        of_one = "representations" in FIGURES[figure.kind].facts.inputs
        known = own if of_one else (*own, *study.comparisons)
        if not known:
            yield f"figures.{key}.study: '{figure.study}' compares nothing: name comparisons, or remove the figure."
            continue
        comparison = figure.options.get("comparison", known[0])
        yield from _unknown(f"figures.{key}.options.comparison", comparison, known)
        if comparison in study.settings:
            stimuli = shifts.set_names(config.stimuli, study.stimuli_of(comparison))
            known = {"stimuli": stimuli, "layer": config.settings[comparison].layers}
            for option, names in known.items():
                if option in figure.options:
                    yield from _unknown(f"figures.{key}.options.{option}", figure.options[option], names)


def _unknown(path: str, name: Any, known: tuple[str, ...]) -> Iterator[str]:
    if name not in known:
        yield f"{path}: '{name}' is not of the figure's study.{near(str(name), known)} Known: {', '.join(known)}."


def published_misfits(config: Config) -> Iterator[str]:
    """Published scores beside no study of ours, with a name of ours; figures that cannot show them."""
    for key, published in config.published.items():
        path, study = f"published.{key}", config.studies.get(published.study)
        if study is None:
            hint, known = near(published.study, config.studies), ", ".join(config.studies)
            yield f"{path}.study: '{published.study}' is not under studies.{hint} Known: {known}."
        elif design(study.factor).published is None:
            *first, last = (design(name).words.removesuffix(" overlap") for name in DESIGNS if design(name).published)
            known = f"{', '.join(first)} or {last} overlap"
            yield f"{path}.study: published scores are of {known}, {published.study} of none."
        if published.setting in config.settings:
            yield f"{path}.setting: '{published.setting}' is a setting of ours. Give the published one another name."
    for key, figure in config.figures.items():
        path = f"figures.{key}.published"
        for name in figure.published:
            if name not in config.published:
                known = ", ".join(config.published) or "none"
                yield f"{path}: '{name}' is not under published.{near(name, config.published)} Known: {known}."
            elif config.published[name].study != figure.study:
                yield f"{path}: '{name}' stands beside {config.published[name].study}, the figure shows {figure.study}."
        if figure.published and figure.options.get("score_protocol") != "as_published":
            yield f"{path}: published scores have one protocol: set options.score_protocol to as_published."


def sample_misfits(config: Config) -> Iterator[str]:
    """Sample text of studies that are nowhere, have other seeds or no language models, or of a taken name."""
    for key, sample in config.sample_texts.items():
        path = f"sample_texts.{key}"
        if key in config.figures:
            yield f"{path}: a figure has this name, and each is a target of its own name. Rename one."
        if sample.study not in config.studies:
            hint, known = near(sample.study, config.studies), ", ".join(config.studies)
            yield f"{path}.study: '{sample.study}' is not under studies.{hint} Known: {known}."
            continue
        study = config.studies[sample.study]
        for name in study.settings:
            model = config.models.get(getattr(config.settings.get(name), "model", None))
            speaks = model is None or MODELS[model.family].facts.inputs == "tokens"
            here = design(study.factor).is_trained and not isinstance(config.settings.get(name), external.External)
            if not (speaks and here):
                yield f"{path}.study: the models of '{name}' are no language models trained here."
        if unknown := [seed for seed in sample.seeds if seed not in getattr(study, "seeds", sample.seeds)]:
            seeds = ", ".join(map(str, study.seeds))
            yield f"{path}.seeds: {unknown[0]} is not under studies.{sample.study}.seeds: {seeds}."
