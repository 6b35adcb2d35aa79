"""What the section `convergence` names and the configuration lacks, or has in a form that this study cannot take."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from whyalike.config.checks import needs_windows
from whyalike.config.config import Config, Stimuli
from whyalike.config.external import OwnActivations
from whyalike.config.faults import near
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import CONTROL, SHIFTS, checked_levels
from whyalike.designs.registry import design, gathering
from whyalike.provenance import version
from whyalike.similarity.protocols import metric_of, scoring
from whyalike.studies.convergence.checkpoint_checks import of_checkpoints
from whyalike.studies.convergence.pairs import main_pairs
from whyalike.studies.convergence.parameters import Group, Member
from whyalike.studies.convergence.section import METRICS, SHUFFLED, Convergence

FITTED = ", ".join(METRICS)
OF_SECTION = {"folds": "folds", "seed": "folds_seed", "comparison": "spearman"}  # parameters of metrics that it sets
HELD_OUT = 3  # stimuli in a fold, as whyalike.similarity.checks has it: a test compares them


def faults(config: Config, section: Convergence) -> Iterator[str]:
    """All faults, a line each: key path, what came, what must hold."""
    zoos = [zoo for zoo in section.zoos if zoo in config.studies and design(config.studies[zoo].factor).gathers]
    settings = list(dict.fromkeys(name for zoo in zoos for name in config.studies[zoo].settings))
    yield from _zoos(config, section)
    yield from _metrics(section)
    if not section.stimuli:
        yield "convergence.stimuli: name the settings whose models are compared, each with its stimuli."
    if not settings:
        return
    yield from _unknown("convergence.stimuli", section.stimuli, settings, "a setting of the zoos")
    chosen = [name for name in section.stimuli if name in settings]
    for name in chosen:
        yield from _setting(config, section, name)
    for key in ("self_supervised", "transformers", "language", "shift_settings"):
        yield from _unknown(f"convergence.{key}", getattr(section, key), chosen, "a setting under convergence.stimuli")
    yield from _kinds(config, section)
    yield from _counts(config, section)
    yield from of_checkpoints(config, section, chosen)
    yield from _shifts(config, section, chosen)


def of_groups(groups: Mapping[str, Group]) -> Iterator[str]:
    """Groups without two models that differ in initial weights and in order."""
    for name, group in groups.items():
        if not main_pairs(group.members):
            models = ", ".join(dict.fromkeys(one.model for one in group.members))
            yield (
                f"convergence.zoos: the group '{name}' has no two models that differ in their initial weights and in "
                f"the order of their images, only {models}: give its zoo another seed, or leave the setting out."
            )


def has_grid(members: Sequence[Member]) -> bool:
    """Whether some models have initial weights in common, and some the order of their images."""
    starts, orders = ({(one.seed, key(one)) for one in members} for key in (lambda m: m.start, lambda m: m.order))
    return max(len(starts), len(orders)) < len(members)


def shift_version(stimuli: Stimuli) -> int:
    """The version of the code that shifts a stimulus set; 0 of one that is as it is."""
    return 0 if stimuli.shift is None else version(SHIFTS[stimuli.shift].module)


def modality(config: Config, dataset: str) -> str:
    """What a data set holds: images or text."""
    return SOURCES[config.datasets[dataset].source].facts.modality


def _zoos(config: Config, section: Convergence) -> Iterator[str]:
    known = [name for name, study in config.studies.items() if design(study.factor).gathers]
    factor = " or ".join(gathering())
    if not section.zoos:
        yield f"convergence.zoos: name studies of factor {factor}. Known: {', '.join(known) or 'none'}."
    for name in section.zoos:
        if name in config.studies and name not in known:
            yield (
                f"convergence.zoos: '{name}' has factor {config.studies[name].factor}, and models come from studies of "
                f"factor {factor}. Known: {', '.join(known) or 'none'}."
            )
        else:
            yield from _unknown("convergence.zoos", [name], known, "a study of the configuration")


def _setting(config: Config, section: Convergence, name: str) -> Iterator[str]:
    """What a setting, or its stimuli, cannot be."""
    setting, stimuli, path = config.settings[name], section.stimuli[name], f"convergence.stimuli.{name}"
    if name.endswith(SHUFFLED):
        yield f"settings.{name}: names that end in {SHUFFLED} are those of models of shuffled labels: choose another."
    if isinstance(setting, OwnActivations):
        yield f"{path}: of '{name}' there are activations alone, and the study looks at models: leave it out."
        return
    if setting.layers is not None and len(setting.layers) < 1:
        yield f"settings.{name}.layers: none is named, and alignment is of layers: name one at least."
    yield from _unknown(path, [stimuli], config.stimuli, "under stimuli")
    if stimuli not in config.stimuli:
        return
    own = config.stimuli[stimuli]
    shown, seen = modality(config, own.dataset), modality(config, setting.dataset)
    if shown != seen:
        yield f"{path}: '{stimuli}' holds {shown}, and the models of '{name}' take {seen}: name other stimuli."
    elif needs_windows(config, name, own.dataset):
        yield (
            f"{path}: '{stimuli}' holds sentences of unequal length, and the models of '{name}' take windows of one "
            "length: name other stimuli."
        )
    if own.shift is not None:
        yield f"{path}: '{stimuli}' is shifted; name undistorted stimuli here, and shifts under convergence.shifts."
    yield from _numbers(config, section, path, stimuli)


def _numbers(config: Config, section: Convergence, path: str, stimuli: str) -> Iterator[str]:
    """Fewer stimuli than folds need, or than are asked for; only what is known without reading data."""
    n, least = count(config, stimuli), HELD_OUT * section.folds
    if n is not None and n < least:
        yield f"{path}: {section.folds} folds need {least} stimuli, and '{stimuli}' has {n}: take more, or fewer folds."
    if section.matched is not None and n is not None and section.matched > n:
        yield f"convergence.matched: {section.matched} are more than the {n} stimuli of '{stimuli}': lower it."


def _counts(config: Config, section: Convergence) -> Iterator[str]:
    """Numbers of stimuli that folds cannot be made of, or that no set has; smaller sets leave larger numbers out."""
    sizes = [count(config, one) for one in section.stimuli.values() if one in config.stimuli]
    least, most = HELD_OUT * section.folds, None if None in sizes else max(sizes, default=None)
    if section.matched is not None and section.matched < least:
        yield f"convergence.matched: {section.matched} are fewer than {section.folds} folds need, {least}: raise it."
    for one in section.counts:
        if one < least:
            yield f"convergence.counts: {one} stimuli are fewer than {section.folds} folds need, {least}: raise it."
        elif most is not None and one > most:
            yield f"convergence.counts: {one} are more than any setting's stimuli, {most} at most: lower it."


def count(config: Config, stimuli: str) -> int | None:
    """The stimuli of a set; None where only files tell."""
    section = config.stimuli[stimuli]
    if section.n is not None or getattr(section, "balanced", None) is not None:
        return section.n
    dataset = config.datasets[section.dataset]
    counts = SOURCES[dataset.source].facts.counts(dataset)
    return dict(zip(("train", "test"), counts, strict=True))[section.part] if counts else None


def _metrics(section: Convergence) -> Iterator[str]:
    """Metrics that fit no map, parameters that they do not take, and what is followed without being scored."""
    for key, scorings in (("metrics", section.metrics), ("as_published", section.as_published)):
        for name, given in scorings.items():
            path, metric = f"convergence.{key}.{name}", metric_of(name, given)
            if metric not in METRICS:
                yield f"{path}: '{metric}' fits no map of one representation to the other: take one of {FITTED}."
                continue
            for parameter in OF_SECTION.keys() & given.keys():
                yield f"{path}.{parameter}: it is one for all metrics: set convergence.{OF_SECTION[parameter]}."
            try:
                scoring(name, "exact", given)
            except ValueError as error:
                yield f"{path}: {error}"
    yield from _unknown("convergence.over_time", section.over_time, section.metrics, "under convergence.metrics")


def _kinds(config: Config, section: Convergence) -> Iterator[str]:
    """Settings of two figures, and language models that see images."""
    kinds = ("self_supervised", "transformers", "language")
    for name in section.stimuli:
        if len(own := [key for key in kinds if name in getattr(section, key)]) > 1:
            yield f"convergence.{own[1]}: '{name}' is under {own[0]} too: a setting has one figure of its own."
    for name in section.language:
        if name in config.settings and modality(config, config.settings[name].dataset) != "text":
            yield f"convergence.language: the models of '{name}' see images, no text: leave it out."


def _shifts(config: Config, section: Convergence, chosen: Sequence[str]) -> Iterator[str]:
    """Levels that a shift does not have, and images, or text, that it cannot change."""
    for shift, levels in section.shifts.items():
        try:
            if CONTROL in checked_levels(shift, levels):
                yield f"convergence.shifts.{shift}: the control is scored anyway: name other levels alone."
        except ValueError as error:
            yield f"convergence.shifts.{shift}: {error}"
    texts = [name for name in chosen if modality(config, config.settings[name].dataset) == "text"]
    for name in (name for name in section.shift_settings if name in texts):
        yield f"convergence.shift_settings: the models of '{name}' see text, and shifts are of images: leave it out."
    shifted = [name for name in section.shift_settings or chosen if name in chosen and name not in texts]
    if (section.shifts or section.shifted_stimuli) and not shifted:
        yield "convergence.shifts: shifts are of images, and no setting sees any: remove them."
    datasets = dict.fromkeys(
        config.stimuli[section.stimuli[name]].dataset for name in shifted if section.stimuli[name] in config.stimuli
    )
    for shift in (shift for shift in section.shifts if not SHIFTS[shift].facts.grey):
        for dataset in (one for one in datasets if SOURCES[config.datasets[one].source].facts.channels == 1):
            yield f"convergence.shifts.{shift}: it needs images in colour, and those of '{dataset}' are grey."
    yield from _shifted_stimuli(config, section)


def _shifted_stimuli(config: Config, section: Convergence) -> Iterator[str]:
    yield from _unknown("convergence.shifted_stimuli", section.shifted_stimuli, config.stimuli, "under stimuli")
    for name in (name for name in section.shifted_stimuli if name in config.stimuli):
        path, own = f"convergence.shifted_stimuli: '{name}'", config.stimuli[name]
        n = count(config, name)
        if section.matched is not None and n is not None and section.matched > n:
            yield f"convergence.matched: {section.matched} are more than the {n} stimuli of '{name}': lower it."
        if name in SHIFTS:
            yield f"{path} has the name of a shift: give the stimuli another one."
        elif own.shift is not None:
            yield f"{path} has a shift of the configuration: name that under convergence.shifts."
        elif modality(config, own.dataset) == "text":
            yield f"{path} holds text, and shifts are of images: leave it out."
        elif name in section.stimuli.values():
            yield f"{path} is what models are compared on undistorted: leave it out."


def _unknown(path: str, names: Iterable[str], known: Iterable[str], where: str) -> Iterator[str]:
    known = list(known)
    for name in names:
        if name not in known:
            yield f"{path}: '{name}' is not {where}.{near(name, known)} Known: {', '.join(known) or 'none'}."
