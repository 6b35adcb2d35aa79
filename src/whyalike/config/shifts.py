"""Stimuli with a shift: one stimulus set a level, so that no score mixes levels.

What a configuration asks for is checked as it stands; everything behind the check sees the sets of single levels.
"""

from collections.abc import Iterable, Iterator, Mapping

from whyalike.config.config import Config, Stimuli
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
    """Shifts of data that they cannot change; data sets whose names are nowhere are left to others."""
    for key, stimuli in config.stimuli.items():
        if stimuli.shift is None or stimuli.dataset not in config.datasets:
            continue
        facts = SOURCES[config.datasets[stimuli.dataset].source].facts
        if facts.modality == "text":
            yield f"stimuli.{key}.shift: {stimuli.shift} is for images, and '{stimuli.dataset}' holds text: remove it."
        elif facts.channels == 1 and not SHIFTS[stimuli.shift].facts.grey:
            usable = ", ".join(name for name, entry in SHIFTS.items() if entry.facts.grey)
            yield (
                f"stimuli.{key}.shift: {stimuli.shift} needs images in colour, and those of '{stimuli.dataset}' are "
                f"grey. Take one of {usable}."
            )
