"""What every study asks: stimuli, the same for all of its settings or other ones for each.

The study's own sections are in `whyalike.config.config` (trained here) and `whyalike.config.external` (runs from
files).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from whyalike.config.faults import FOR_ALL, FOR_EACH, near
from whyalike.designs.registry import design
from whyalike.section import Before, Name, Section, real

Names = Annotated[tuple[Name, ...], Field(min_length=1)]
StimuliNames = Annotated[
    Annotated[Names, Tag(FOR_ALL)] | Annotated[dict[Name, Names], Field(min_length=1), Tag(FOR_EACH)],
    Discriminator(lambda value: FOR_EACH if isinstance(value, Mapping) else FOR_ALL),
]
_Counts = tuple[Literal[1, 2], ...]
ClassCounts = Annotated[
    _Counts,
    BeforeValidator(
        lambda given: (1,) * given if isinstance(given, bool) else given, json_schema_input_type=bool | _Counts
    ),
]
Share = real(ge=0, le=1)
MinAccuracy = Share | dict[str, Share]
MIN_ACCURACY = "Smallest own-test accuracy of a run; a number, or one for each labelling. Below it the job fails."
STIMULI = "Names of stimuli: a list for all settings, or for each setting a list of its own."


def stand_once(values: tuple, about: ValidationInfo) -> tuple:
    """The values of a field, each of which stands once.

    Raises
    ------
    ValueError : one stands twice.
    """
    if len(set(values)) < len(values):
        raise ValueError(f"{about.field_name} names a value twice: {list(values)}")
    return values


class Question(Section):
    """A study: its settings, and the stimuli on which their models are compared."""

    keep: Annotated[Literal["activations", "scores"], Before("activations")] = Field(
        "activations",
        description="scores: representations of settings that only such studies read are extracted, scored and "
        "removed, as under `activations: recompute`.",
    )

    @model_validator(mode="after")
    def _stimuli_stand_once(self) -> "Question":
        for names in self.stimuli.values() if isinstance(self.stimuli, dict) else [self.stimuli]:
            if len(set(names)) < len(names):
                raise ValueError(f"stimuli names a value twice: {list(names)}")
        return self

    def stimuli_of(self, setting: str) -> tuple[str, ...]:
        """Names of the stimuli of one setting; none if the study has none for it."""
        return self.stimuli.get(setting, ()) if isinstance(self.stimuli, dict) else self.stimuli

    def all_stimuli(self) -> list[str]:
        """Names of the stimuli of any setting, each once."""
        return list(dict.fromkeys(name for setting in self.settings for name in self.stimuli_of(setting)))


def misfits(studies: Mapping[str, Any]) -> Iterator[str]:
    """Stimuli for settings that a study does not have, and settings without any."""
    for key, study in studies.items():
        given = study.stimuli if isinstance(study.stimuli, dict) else dict.fromkeys(study.settings)
        for name in given.keys() - set(study.settings):
            known = ", ".join(study.settings)
            yield (
                f"studies.{key}.stimuli: '{name}' is not under studies.{key}.settings.{near(name, study.settings)} "
                f"Known: {known}."
            )
        asked = {side for one in study.comparisons.values() for side in one.settings_of(study)}
        needed = [name for name in study.settings if name in asked or not design(study.factor).gathers]
        for name in needed:
            if name not in given:
                yield f"studies.{key}.stimuli: the setting '{name}' has no stimuli: give it a list."
