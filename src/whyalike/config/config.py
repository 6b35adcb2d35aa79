"""The configuration: one YAML file, checked whole before any job, with messages that a person can act on.

Every field's description is the only text about it: config/README.md is made from these models. Unknown keys are
errors. This module is read each time the Snakefile is parsed, so neither torch nor pandas is imported here; the names
of metrics, models, data sources and figures come from the rooms' registries, which import nothing heavy either.
"""

from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from whyalike.config.attributes import ATTRIBUTES, Attributes
from whyalike.config.comparisons import COMPARISONS, Comparisons
from whyalike.config.external import ExternalStudy, OwnActivations, OwnCheckpoints
from whyalike.config.looking import (
    BATCH_NORM,
    IMAGES,
    LAYERS,
    POOLING,
    BatchNorm,
    Images,
    LayersOrKind,
    Pooling,
    WaysToLook,
)
from whyalike.config.pretrained import Pretrained, named
from whyalike.config.published import PublishedScores
from whyalike.config.questions import (
    MIN_ACCURACY,
    STIMULI,
    ClassCounts,
    MinAccuracy,
    Question,
    StimuliNames,
    stand_once,
)
from whyalike.config.sample_texts import SampleText
from whyalike.config.scorings import SCORINGS, Scorings
from whyalike.config.zoo import ZooStudy
from whyalike.data.parameters import Distinct
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import SHIFTS, Level, checked_levels
from whyalike.designs.registry import DESIGNS, design, with_conditions
from whyalike.figures.registry import CONFIG_FIGURES
from whyalike.models.registry import MODELS
from whyalike.registry import Registry
from whyalike.section import Before, Count, Name, PathText, Section, Seed, Side, Values, Whole, known, real
from whyalike.studies.registry import STUDIES
from whyalike.training.parameters import Operation
from whyalike.training.registry import OBJECTIVES

ShiftLevel = real() | Literal["control"]
PROTOCOLS = ("exact", "as_published")


def kinds(registry: Registry, key: str, words: str) -> Any:
    """The type of sections whose ``key`` names an entry of ``registry`` and whose other keys are its parameters."""
    sections = [
        create_model(
            f"{name}_{key}", __base__=entry.facts.parameters, **{key: (Literal[name], Field(description=words))}
        )
        for name, entry in registry.items()
    ]
    return Annotated[reduce(or_, sections), Field(discriminator=key)]


Dataset = kinds(SOURCES, "source", "Name of the data source.")
Model = kinds(MODELS, "family", "Name of the model family.")
Recipe = kinds(OBJECTIVES, "objective", "Name of the objective.")


class Stimuli(Section):
    """An evaluation set: images of one part of a data set, adapted to each model's input.

    With a shift it stands for a set a level (`whyalike.config.shifts`).
    """

    dataset: Name = Field(description="The data set that the images come from.")
    part: Literal["train", "test"] = Field("test", description="Which part of it.")
    n: Count | None = Field(None, description="Draw this many images (keyed by `seed`); all of them if left out.")
    balanced: Annotated[Count | None, Before(None)] = Field(
        None,
        description="In place of `n`, a class-balanced draw: of a part with more images than this, ceil(balanced / "
        "classes) of each class, or all of a smaller one. Keyed by `seed`, the data set and the class, so that another "
        "set or class changes none; a larger draw holds a smaller one. Classes join all attributes.",
    )
    seed: Seed = Field(0, description="Key of the draw, and of what a shift draws.")
    shift: Annotated[Annotated[str, known(SHIFTS)] | None, Before(None)] = Field(
        None, description="A distribution shift: the set becomes one a level, named `{name}@{level}`."
    )
    levels: Annotated[Literal["published", "all"] | tuple[ShiftLevel, ...] | None, Before(None)] = Field(
        None,
        validate_default=True,
        description="Levels of the shift, in its own unit; `control` is that at which nothing is done but the "
        "preparation. published: those that count as out of distribution in the published comparison, and what is "
        "taken if left out; all: the control and all of the published set.",
    )

    @field_validator("balanced")
    @classmethod
    def _is_the_one_draw(cls, balanced: int | None, about: ValidationInfo) -> int | None:
        if balanced is not None and about.data.get("n") is not None:
            raise ValueError("n and balanced are two ways to draw: leave one out.")
        return balanced

    @field_validator("levels")
    @classmethod
    def _are_of_the_shift(cls, levels: Any, about: ValidationInfo) -> tuple[Level, ...] | None:
        if "shift" not in about.data:  # it is unknown, which is said
            return None
        if (shift := about.data["shift"]) is None:
            if levels is not None:
                raise ValueError(f"levels are of a shift: name one under `shift`. Known: {', '.join(SHIFTS)}.")
            return None
        return checked_levels(shift, "published" if levels is None else levels)

    def is_of(self, dataset: str) -> bool:
        """Whether its images are those of a data set as they are."""
        return self.dataset == dataset and self.shift is None


class Setting(WaysToLook):
    """Architecture + training data + recipe."""

    dataset: Name = Field(description="Name of a data set under `datasets`.")
    model: Name = Field(description="Name of a model under `models`.")
    recipe: Name = Field(description="Name of a recipe under `recipes`.")
    labelling: Name = Field(description="The labels: attributes joined by `_`, such as digit or shape_digit_color.")
    size: Side | None = Field(
        None, description="Side of the model's input, pixels; other images are resized to it. Not for text."
    )
    layers: LayersOrKind = Field(("avgpool",), description=LAYERS)
    pooling: Pooling = POOLING
    batch_norm: BatchNorm = BATCH_NORM
    recalibration_images: Images = IMAGES
    attributes: Attributes = Field({}, description=ATTRIBUTES)


def kind_of(setting: Any) -> str:
    """Whether a setting is trained here, or its runs come from files."""
    keys = setting if isinstance(setting, dict) else vars(setting)
    return next((key for key in ("checkpoints", "activations", "library") if key in keys), "trained")


AnySetting = Annotated[
    Annotated[Setting, Tag("trained")]
    | Annotated[OwnCheckpoints, Tag("checkpoints")]
    | Annotated[OwnActivations, Tag("activations")]
    | Annotated[Pretrained, Tag("library")],
    Discriminator(kind_of),
]


class Study(Question):
    """A question with a figure: the conditions of one design, in one or more settings."""

    factor: Literal[with_conditions()] = Field(
        description="The design: what the models of a pair share, or what differs. "
        + "; ".join(f"{name}: {DESIGNS[name].facts}" for name in with_conditions())
        + "."
    )
    settings: tuple[Name, ...] = Field(min_length=1, description="Names of settings.")
    levels: tuple[str, ...] = Field(
        min_length=1,
        description="The conditions." + "".join(f" Of {name}: {design(name).levels}." for name in with_conditions()),
    )
    seeds: tuple[Seed, ...] = Field(min_length=1, description="One pair a level for each seed.")
    stimuli: StimuliNames = Field(description=STIMULI)
    fixed_classes: ClassCounts = Field(
        (),
        description="Task overlap: also score one shared class at a time (true or [1]), two at a time ([2]), or both "
        "([1, 2]), so that their number is the same at all p.",
    )
    min_accuracy: MinAccuracy = Field(0.0, description=MIN_ACCURACY)
    comparisons: Comparisons = Field({}, description=COMPARISONS)

    _stand_once = field_validator("levels", "seeds", "settings", "fixed_classes")(stand_once)

    @field_validator("levels")
    @classmethod
    def _fit_factor(cls, levels: tuple[str, ...], about: ValidationInfo) -> tuple[str, ...]:
        if (name := about.data.get("factor")) and (fault := design(name).fault(levels)):
            raise ValueError(fault)
        return levels

    @model_validator(mode="after")
    def _fits_design(self) -> "Study":
        if self.fixed_classes and design(self.factor).shares != "classes":
            asked = " or ".join(one.words for one in map(design, DESIGNS) if one.shares == "classes")
            raise ValueError(f"fixed_classes is about {asked}; the factor is {self.factor}: remove it")
        if fault := design(self.factor).study_fault(self):
            raise ValueError(fault)
        return self


class Similarity(Section):
    """Which scores, and their baselines."""

    metrics: Scorings = Field(min_length=1, description=SCORINGS)
    protocols: Annotated[tuple[Literal["exact", "as_published"], ...], Distinct] = Field(
        PROTOCOLS,
        min_length=1,
        description="exact: the textbook quantity; as_published: what the reference computes, for the metrics it has.",
    )
    permutations: Whole = Field(
        99,
        ge=0,
        le=10**6,
        description="Draws of each permutation null that has no closed form (that of CKA has one); 0: none.",
    )
    seed: Seed = Field(0, description="Key of the permutations.")


class Statistics(Section):
    """The inference."""

    permutations: Count = Field(2000, description="Permutations of the levels within each seed.")
    information_permutations: Count = Field(50, description="Draws of the null of the mutual information.")
    seed: Seed = Field(0, description="Key of the permutations.")


class Figure(Section):
    """A figure: a target of its own name."""

    kind: Annotated[str, known(CONFIG_FIGURES)] = Field(description="Name of a figure family.")
    study: Name | None = Field(None, description="The study it shows, for kinds that show one.")
    dataset: Name | None = Field(None, description="The data set it shows, for contact sheets.")
    options: Values = Field(
        {},
        description="Options of the family, such as metric, score_protocol, or width: page, or column (one of two).",
    )
    published: tuple[Name, ...] = Field((), description="Published score tables drawn beside the study's scores.")
    caption: str = Field(description="One sentence for the report.")


def _folder(path: str) -> str:
    if found := set(path) & set("{}:"):
        raise ValueError(
            f"the path '{path}' has {' and '.join(sorted(found))}: braces are wildcards for Snakemake, what stands "
            "before a colon is a protocol for readers of Parquet. Choose another folder"
        )
    return path


class _Shared(Section):
    """The configuration without the sections of studies with rules of their own."""

    name: Name = Field(description="Results are written to {results}/{name}/.")
    results: Annotated[PathText, AfterValidator(_folder)] = Field(
        "results", description="Folder of all results; {results}/runs/ is the run store."
    )
    share_a: bool = Field(
        True,
        description="Model A of a seed is one run for all levels (its data do not depend on them); "
        "false trains one a level.",
    )
    partial: bool = Field(
        False,
        description="Make everything from the seeds whose models are finished, and say how many of how many; trains "
        "nothing.",
    )
    datasets: dict[Name, Dataset] = Field(description="Data sets.")
    stimuli: dict[Name, Stimuli] = Field(description="Evaluation sets.")
    models: dict[Name, Model] = Field({}, description="Architectures.")
    recipes: dict[Name, Recipe] = Field({}, description="Training recipes.")
    settings: dict[Name, AnySetting] = Field(description="Architecture + training data + recipe, or runs from files.")
    studies: dict[Name, Annotated[Study | ZooStudy | ExternalStudy, Field(discriminator="factor")]] = Field(
        description="The questions."
    )
    activations: Literal["keep", "float16", "recompute"] = Field(
        "keep",
        description="keep: representations stay, in float32; float16: they stay in half the space, rounded to 11 bits; "
        "recompute: they go once they are scored, and another metric extracts them again.",
    )
    similarity: Similarity = Field(description="Scores.")
    statistics: Statistics = Field(Statistics(), description="Inference.")
    figures: dict[Name, Figure] = Field(
        {},
        description="The figures; each is a target. A study of runs from files, or of a zoo with comparisons, has a "
        "heatmap, `{study}_heatmap`, unless one is named.",
    )
    published: dict[Name, PublishedScores] = Field({}, description="Published score tables, drawn beside ours.")
    sample_texts: dict[Name, SampleText] = Field({}, description="What language models say; each is a target.")
    operation: Operation = Field(Operation(), description="How work is carried out.")

    @field_validator("settings", mode="before")
    @classmethod
    def _runs_are_named(cls, settings: Any) -> Any:
        return named(settings)

    def weight_paths(self, setting: str) -> dict[str, Path]:
        """Name of a run -> its weights, of a setting whose models are of another library; else empty."""
        one = self.settings[setting]
        return one.weight_paths() if isinstance(one, Pretrained) else {}

    def stored(self) -> dict[str, str]:
        """The type of stored representations, as a job's parameter where it is not float32."""
        return {"stored": "float16"} if self.activations == "float16" else {}


Config = create_model(
    "Config",
    __base__=_Shared,
    __doc__="The whole configuration.",
    **{
        name: (
            entry.facts.section | None,
            Field(
                None,
                description=f"{entry.facts.about}; "
                + (f"config/{name}.yaml if left out." if entry.facts.stands_alone else "none if left out."),
            ),
        )
        for name, entry in STUDIES.items()
    },
)
