"""What the section `consistency` names and the configuration lacks, or has in a form that this study cannot take."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from whyalike.config.checks import needs_windows
from whyalike.config.config import Config
from whyalike.config.faults import near
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import design, gathering
from whyalike.grid.runs import Grid
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of, scoring
from whyalike.studies.consistency.parameters import Model
from whyalike.studies.consistency.section import Consistency

COLUMNS = {"view", "trained"}  # of the table of models; the configuration itself refuses its others
# all models, anchors, and groups together, as the tables of statistics name them
CATEGORIES, GROUPS = ("all", "anchor"), ("all", "others", "same", "different")
FEWEST_MODELS, FEWEST_SETS = 3, 2  # of fewer there is no correlation over pairs of models, or of sets


def misfits(config: Config, section: Consistency) -> Iterator[str]:
    """All faults, a line each: key path, what came, what must hold."""
    zoos = [zoo for zoo in section.zoos if zoo in config.studies and design(config.studies[zoo].factor).gathers]
    settings = list(dict.fromkeys(name for zoo in zoos for name in config.studies[zoo].settings))
    yield from _zoos(config, section)
    yield from _stimuli(config, section)
    for name in settings:
        yield from _setting(config, section, name)
    if settings:
        yield from _attributes(config, section, settings)
        yield from _words(config, section, settings)
        yield from _unknown("consistency.anchors", section.anchors, settings, "a setting of the zoos")
    yield from _metrics(section)
    if zoos == list(section.zoos) and settings and (models := _count(config, zoos)) < FEWEST_MODELS:
        yield f"consistency.zoos: they have {models} models, and consistency is over pairs of at least {FEWEST_MODELS}."


def _count(config: Config, zoos: Iterable[str]) -> int:
    grid = Grid(config)
    return len({(run.setting, run.identity) for zoo in zoos for setting in config.studies[zoo].settings
                for run in grid.models(zoo, setting)})  # fmt: skip


def _zoos(config: Config, section: Consistency) -> Iterator[str]:
    known = [name for name, study in config.studies.items() if design(study.factor).gathers]
    factor = " or ".join(gathering())
    if not section.zoos:
        yield f"consistency.zoos: name studies of factor {factor}. Known: {', '.join(known) or 'none'}."
    for name in section.zoos:
        if name in config.studies and name not in known:
            yield (
                f"consistency.zoos: '{name}' has factor {config.studies[name].factor}, and models come from studies of "
                f"factor {factor}. Known: {', '.join(known) or 'none'}."
            )
        else:
            yield from _unknown("consistency.zoos", [name], known, "a study of the configuration")


def _stimuli(config: Config, section: Consistency) -> Iterator[str]:
    if len(section.stimuli) < FEWEST_SETS:
        yield f"consistency.stimuli: {len(section.stimuli)} named, and consistency is between at least {FEWEST_SETS}."
    for name, one in section.stimuli.items():
        path = f"consistency.stimuli.{name}"
        yield from _unknown(path, [name], config.stimuli, "under stimuli")
        for key in ("train", "test"):
            if (given := getattr(one, key)) is not None:
                yield from _unknown(f"{path}.{key}", [given], config.stimuli, "under stimuli")
        if (one.train is None) != (one.test is None):
            yield f"{path}: a linear probe needs train and test: give the other one too, or remove both."
        elif {one.train, one.test} <= {*config.stimuli}:
            yield from _probe(config, path, one.train, one.test)
        for of in dict.fromkeys((name, one.train, one.test)):
            if of in config.stimuli and one.labelling is not None:
                yield from _labels(config, f"{path}.labelling", one.labelling, of)
    if section.sizes is not None:
        yield from _unknown("consistency.sizes.stimuli", [section.sizes.stimuli], config.stimuli, "under stimuli")
        yield from _sizes(config, section)


def _probe(config: Config, path: str, train: str, test: str) -> Iterator[str]:
    """A probe that would be tested on what it learns: stimuli of one part of a data set have images in common."""
    pools = [(one.dataset, getattr(one, "part", "test")) for one in (config.stimuli[train], config.stimuli[test])]
    if pools[0] == pools[1]:
        dataset, part = pools[0]
        yield (
            f"{path}: train ({train}) and test ({test}) are both of the part {part} of '{dataset}', and a probe must "
            "be tested on other images than it learns: name stimuli of another part as one of them."
        )


def _sizes(config: Config, section: Consistency) -> Iterator[str]:
    """More stimuli of a class than there are at all."""
    largest, drawn = max(section.sizes.per_class), config.stimuli.get(section.sizes.stimuli)
    n = None if drawn is None else drawn.n or getattr(drawn, "balanced", None)
    if n is not None and largest > n:
        yield (
            f"consistency.sizes.per_class: {largest} of each class are more than the {n} stimuli of "
            f"'{section.sizes.stimuli}': name a larger set, or fewer."
        )


def _labels(config: Config, path: str, labelling: str, stimuli: str) -> Iterator[str]:
    dataset = config.stimuli[stimuli].dataset
    known, joined = SOURCES[config.datasets[dataset].source].facts.attributes, labelling.split("_")
    if not set(joined) <= set(known) or len(set(joined)) < len(joined):
        yield (
            f"{path}: '{labelling}' must join distinct attributes of '{dataset}' with '_'. Attributes: "
            f"{', '.join(known)}."
        )


def _setting(config: Config, section: Consistency, name: str) -> Iterator[str]:
    """What models of a setting cannot be seen by, or on."""
    setting = config.settings[name]
    if len(setting.layers) > 1:
        yield (
            f"settings.{name}.layers: {len(setting.layers)} layers, and in the study of consistency a model is seen at "
            "one layer: give the setting one (another setting of the same model can have the others: they share runs)."
        )
    came = _modality(config, setting.dataset)
    for stimuli in _all_stimuli(section):
        if stimuli not in config.stimuli:
            continue
        if (shown := _modality(config, config.stimuli[stimuli].dataset)) != came:
            yield f"consistency.stimuli: '{stimuli}' holds {shown}, which the models of '{name}' cannot read."
        elif needs_windows(config, name, config.stimuli[stimuli].dataset):
            yield (
                f"consistency.stimuli: '{stimuli}' holds sentences of unequal length, the models of '{name}' need "
                "windows of one length."
            )


def _all_stimuli(section: Consistency) -> list[str]:
    probed = [one for own in section.stimuli.values() for one in (own.train, own.test) if one is not None]
    return list(dict.fromkeys([*section.stimuli, *probed, *([section.sizes.stimuli] if section.sizes else [])]))


def _modality(config: Config, dataset: str) -> str:
    return SOURCES[config.datasets[dataset].source].facts.modality


def _attributes(config: Config, section: Consistency, settings: list[str]) -> Iterator[str]:
    """Attributes that some setting of the zoos lacks; of the factorial design some that is trained here."""
    trained = [name for name in settings if hasattr(config.settings[name], "recipe")]
    asked = {
        "categories": (section.categories, settings),
        "families": ((section.families,), settings),
        "strata": (section.strata, settings),
        "factorial": (section.factorial, trained),
    }
    for key, (names, of) in asked.items():
        known = list(dict.fromkeys(one for setting in of for one in config.settings[setting].attributes))
        for name in names:
            lacking = [setting for setting in of if name not in config.settings[setting].attributes]
            if lacking and name not in known:
                told = ", ".join(known) or "none"
                yield f"consistency.{key}: no setting has the attribute '{name}'.{near(name, known)} Known: {told}."
            elif lacking:
                more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
                yield (
                    f"consistency.{key}: the attribute '{name}' is missing in {', '.join(lacking[:3])}{more}: give it "
                    "to every setting of the zoos, or leave it out here."
                )


def _words(config: Config, section: Consistency, settings: list[str]) -> Iterator[str]:
    """Words of the study's tables as names of attributes and groups."""
    for setting in settings:
        for name in COLUMNS & config.settings[setting].attributes.keys():
            yield f"settings.{setting}.attributes.{name}: the table of models has this column: give it another name."
    for name in section.categories:
        if name in CATEGORIES:
            yield f"consistency.categories: '{name}' is a word of the tables: give the attribute another name."
        for setting in settings:
            if (value := config.settings[setting].attributes.get(name)) in GROUPS:
                yield f"settings.{setting}.attributes.{name}: '{value}' is a word of the tables: take another one."


def twins(models: Sequence[Model]) -> Iterator[str]:
    """Models that are one and the same, seen in the same way."""
    views: dict[str, str] = {}
    for one in models:
        if (other := views.setdefault(one.view, one.name)) != one.name:
            yield (
                f"consistency.zoos: {other} and {one.name} are one model with the same weights, seen in the same way: "
                "their similarity would be 1 whatever the stimuli. Leave one of them out."
            )


def _metrics(section: Consistency) -> Iterator[str]:
    """Parameters that a metric does not take, and metrics that are no similarities."""
    asked: dict[str, Mapping[str, Any]] = {"metrics": section.metrics, "as_published": section.as_published}
    asked |= {"sizes.metrics": section.sizes.metrics} if section.sizes else {}
    for key, scorings in asked.items():
        for name, given in scorings.items():
            path, facts = f"consistency.{key}.{name}", METRICS[metric_of(name, given)].facts
            try:
                scoring(name, "exact", given)
            except ValueError as error:
                yield f"{path}: {error}"
            if facts.kind != "similarity":
                yield f"{path}: the metric is a {facts.kind}, and this study takes similarities: take another one."


def _unknown(path: str, names: Iterable[str], known: Iterable[str], where: str) -> Iterator[str]:
    known = list(known)
    for name in names:
        if name not in known:
            yield f"{path}: '{name}' is not {where}.{near(name, known)} Known: {', '.join(known) or 'none'}."
