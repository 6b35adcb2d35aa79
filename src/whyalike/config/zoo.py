"""The section of a study that gathers models: trained ones, on all images of their settings, and ones from files."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from whyalike.config.comparisons import Comparisons
from whyalike.config.questions import MIN_ACCURACY, STIMULI, MinAccuracy, Question, StimuliNames, stand_once
from whyalike.designs.registry import gathering
from whyalike.designs.zoo import LARGEST_GRID, conditions
from whyalike.section import Name, Seed, whole


class ZooStudy(Question):
    """A zoo of models, and the comparisons that are asked of it."""

    fixed_classes: ClassVar[tuple[int, ...]] = ()

    factor: Literal[gathering()] = Field(description="Models on all images, and models from files.")
    settings: tuple[Name, ...] = Field(
        min_length=1, description="Names of settings: trained here, or with runs from files."
    )
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="Seeds of the settings that are trained here.")
    grid: whole(ge=1, le=LARGEST_GRID) = Field(
        1,
        description="K: for each seed K x K models, of K initial weights, each with K orders of the images. 1: one.",
    )
    stimuli: StimuliNames = Field((), description=f"{STIMULI} A zoo without comparisons needs none.")
    min_accuracy: MinAccuracy = Field(0.0, description=MIN_ACCURACY)
    comparisons: Comparisons = Field(
        {},
        description="What is compared: every two models of a setting, or (a, b) each of one setting with each of "
        "another, whose data and labels may be others. Without any, the models are made and told of, and that is all.",
    )
    intervals: bool = Field(
        True, description="Give each score its 95 % interval over stimuli: up to 100 further scores a pair and metric."
    )

    _stand_once = field_validator("settings", "seeds")(stand_once)

    @property
    def levels(self) -> tuple[str, ...]:
        """The models of a seed."""
        return conditions(self.grid)
