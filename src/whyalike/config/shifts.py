"""Stimuli with a shift: one stimulus set a level, so that no score mixes levels.

What a configuration asks for is checked as it stands; everything behind the check sees the sets of single levels.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from whyalike.config.config import Config, Stimuli
from whyalike.config.faults import near
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import SHIFTS, level_name

SIGN = "@"  # between the name of the stimuli and the level; no name of the user's has it


def set_names(stimuli: Mapping[str, Stimuli], names: Iterable[str]) -> tuple[str, ...]:
    """The sets that names of stimuli stand for: each itself, or one a level of its shift; of an unknown name itself."""
    return tuple(name for one in names for name in (_sets(one, stimuli[one]) if one in stimuli else (one,)))


def _sets(name: str, stimuli: Stimuli) -> dict[str, Stimuli]:
    if stimuli.shift is None:
        return {name: stimuli}
    return {
        f"{name}{SIGN}{level_name(level)}": stimuli.model_copy(update={"levels": (level,)}) for level in stimuli.levels
    }


def expanded(config: Config) -> Config:
    """The configuration with a stimulus set a level in place of stimuli with a shift, in studies too."""
    if all(one.shift is None for one in config.stimuli.values()):
        return config
    sets = {name: one for key, stimuli in config.stimuli.items() for name, one in _sets(key, stimuli).items()}
    studies = {}
    for key, study in config.studies.items():
        if isinstance(study.stimuli, Mapping):
            asked = {setting: set_names(config.stimuli, names) for setting, names in study.stimuli.items()}
        else:
            asked = set_names(config.stimuli, study.stimuli)
        studies[key] = study.model_copy(update={"stimuli": asked})
    return config.model_copy(update={"stimuli": sets, "studies": studies})


def misfits(config: Config) -> Iterator[str]:
    """Shifts of stimuli, and of figures, that cannot be made."""
    yield from _stimulus_misfits(config)
    for key, figure in config.figures.items():
        if figure.kind == "shift_gallery" and "shifts" in figure.options:
            yield from _gallery_misfits(config, f"figures.{key}.options.shifts", figure)


def _gallery_misfits(config: Config, path: str, figure: Any) -> Iterator[str]:
    """Shifts of a gallery that are no list, none, unknown, named twice, or of colours that its images lack."""
    given = figure.options["shifts"]
    if not isinstance(given, (list, tuple)) or not given:
        yield f"{path}: it must be a list of at least one shift, got {given!r}. Name some, or remove the key for all."
        return
    for name in dict.fromkeys(map(str, given)):
        if name not in SHIFTS:
            yield f"{path}: '{name}' is no shift.{near(name, SHIFTS)} Known: {', '.join(SHIFTS)}."
        elif given.count(name) > 1:
            yield f"{path}: '{name}' is named {given.count(name)} times. Name each shift once."
        else:
            yield from _colourless(config, path, name, figure.dataset)


def _stimulus_misfits(config: Config) -> Iterator[str]:
    """Shifts of data that they cannot change; data sets whose names are nowhere are left to others."""
    for key, stimuli in config.stimuli.items():
        if stimuli.shift is None or stimuli.dataset not in config.datasets:
            continue
        facts = SOURCES[config.datasets[stimuli.dataset].source].facts
        if facts.modality == "text":
            yield f"stimuli.{key}.shift: {stimuli.shift} is for images, and '{stimuli.dataset}' holds text: remove it."
        else:
            yield from _colourless(config, f"stimuli.{key}.shift", stimuli.shift, stimuli.dataset)


def _colourless(config: Config, path: str, shift: str, dataset: str | None) -> Iterator[str]:
    """A shift of colours for grey images; a data set whose name is nowhere is left to others."""
    if dataset not in config.datasets or SHIFTS[shift].facts.grey:
        return
    if SOURCES[config.datasets[dataset].source].facts.channels == 1:
        usable = ", ".join(name for name, entry in SHIFTS.items() if entry.facts.grey)
        yield f"{path}: {shift} needs images in colour, and those of '{dataset}' are grey. Take one of {usable}."
