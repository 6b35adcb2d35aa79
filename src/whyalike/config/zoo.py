"""The section of a study that gathers models: trained ones, on all images of their settings, and ones from files."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from whyalike.config.comparisons import Comparisons
from whyalike.config.questions import MIN_ACCURACY, STIMULI, MinAccuracy, Question, StimuliNames, stand_once
from whyalike.designs.registry import gathering
from whyalike.designs.zoo import GIVEN, LARGEST_GRID, SHUFFLED, conditions
from whyalike.section import Before, Name, Seed, whole
from whyalike.training.registry import OBJECTIVES


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
    labels: Annotated[Literal[GIVEN, SHUFFLED], Before(GIVEN)] = Field(
        GIVEN,
        description="shuffled: the labels of all training images in one other order, the same for every seed, so "
        "that models learn one task of which the images say nothing. Their names end in `.shuffled`; accuracy is of "
        "the given labels of the test images, about chance.",
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

    @model_validator(mode="after")
    def _shuffled_labels_have_no_bound(self) -> "ZooStudy":
        if self.labels == SHUFFLED and self.min_accuracy:
            raise ValueError(
                "min_accuracy cannot be asked of shuffled labels, of which test images say nothing: remove it"
            )
        return self

    @property
    def levels(self) -> tuple[str, ...]:
        """The models of a seed."""
        return conditions(self.grid, self.labels)


def misfits(config: Any) -> Iterator[str]:
    """Settings in zoos of shuffled labels whose models come from files, or learn no labels."""
    for key, study in config.studies.items():
        shuffled = getattr(study, "labels", GIVEN) == SHUFFLED
        for name in (name for name in study.settings if shuffled and name in config.settings):
            if not hasattr(config.settings[name], "recipe"):
                why = "come from files"
            elif (recipe := config.recipes.get(config.settings[name].recipe)) is None:
                continue  # told where names are looked up
            elif not OBJECTIVES[recipe.objective].facts.labelled:
                why = f"learn no labels (objective {recipe.objective})"
            else:
                continue
            yield f"studies.{key}.labels: the models of '{name}' {why}. Name '{name}' in a zoo of given labels."
