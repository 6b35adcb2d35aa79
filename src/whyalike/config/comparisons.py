"""The named comparisons of a study: pairs across settings, layers and steps of training, beside those of each setting.

What a comparison stands for (views, pairs of layers, pairs of steps) is in `whyalike.grid.views`.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from whyalike.section import Name, Section, whole
from whyalike.training.kept_steps import keeps, steps_known

FINAL = "final"
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Step = whole(ge=0, le=10**9) | Literal["final"]


def _pairs_of_steps(given: Any) -> Any:
    """A step alone stands for the pair of it with itself."""
    pairs = []
    for one in given if isinstance(given, list | tuple) else [given]:
        steps = tuple(one) if isinstance(one, list | tuple) else (one, one)
        fit = [step == FINAL or (isinstance(step, int) and not isinstance(step, bool) and step >= 0) for step in steps]
        if len(steps) != 2 or not all(fit):
            raise ValueError(f"a step is a whole number or {FINAL}, and a pair of steps is [step of A, step of B]")
        pairs.append(steps)
    if len(set(pairs)) < len(pairs) or not pairs:
        raise ValueError("name at least one step, and each step or pair of steps once")
    return tuple(pairs)


def _pairs_of_layers(given: Any) -> Any:
    if given in ("same", "all"):
        return given
    pairs = [tuple(one) if isinstance(one, list | tuple) else () for one in given] if isinstance(
        given, list | tuple) else []  # fmt: skip
    if not pairs or any(len(pair) != 2 or not all(isinstance(name, str) for name in pair) for pair in pairs):
        raise ValueError("layers are same, all, or a list of [layer of A, layer of B]")
    if len(set(pairs)) < len(pairs):
        raise ValueError("each pair of layers stands once")
    return tuple(pairs)


def _settings(given: Any) -> Any:
    if isinstance(given, list | tuple) and len(set(map(str, given))) < len(given):
        raise ValueError("each setting stands once")
    return given


def _steps(given: Any) -> Any:
    """Steps, each once; one alone need not be a list."""
    steps = tuple(given) if isinstance(given, list | tuple) else (given,)
    if len(set(map(str, steps))) < len(steps) or not steps:
        raise ValueError("name at least one step, and each step once")
    return steps


class NamedComparison(Section):
    """A named set of pairs of a study: model A of one setting, model B of the same or another one."""

    a: Name = Field(description="The setting of model A.")
    b: Name | None = Field(None, description="The setting of model B; that of A if left out.")
    layers: Annotated[
        Literal["same", "all"] | tuple[tuple[str, str], ...],
        BeforeValidator(_pairs_of_layers, json_schema_input_type=Literal["same", "all"] | tuple[tuple[str, str], ...]),
    ] = Field(
        "same",
        description="same: each layer with that of its name; all: each of A with each of B; or a list of "
        "[layer of A, layer of B].",
    )
    steps: Annotated[
        tuple[tuple[Step, Step], ...],
        BeforeValidator(_pairs_of_steps, json_schema_input_type=tuple[Step | tuple[Step, Step], ...]),
    ] = Field(
        ((FINAL, FINAL),),
        description="Steps of training at which both models are compared, or pairs [step of A, step of B]: 0 is the "
        "untrained start, others are of the recipe's `keep_steps`, final is the end.",
    )

    def settings_of(self, study: Any) -> tuple[str, ...]:
        """Its settings, each once."""
        return tuple(dict.fromkeys(self.sides))

    @property
    def sides(self) -> tuple[str, str]:
        """The settings of A and of B."""
        return self.a, self.a if self.b is None else self.b


class AllPairs(Section):
    """All pairs of all representations of some settings, a model seen at a layer and step each, scored in one job."""

    of: Annotated[Literal["all"] | Names, BeforeValidator(_settings)] = Field(
        description="The settings, or all of the study's. Each counts on the stimuli that the study has for it."
    )
    layers: Literal["all", "same"] = Field(
        "all",
        description="all: each layer with each, those of one model too; same: layers of one name alone.",
    )
    steps: Annotated[tuple[Step, ...], BeforeValidator(_steps)] = Field(
        (FINAL,),
        description="Steps of training, each model at those that it has: 0 is the untrained start, others are of the "
        "recipe's `keep_steps`, final is the end. A model at two steps is two representations.",
    )
    nulls: bool = Field(
        False,
        description="Give each score its permutation nulls too, pair by pair. What is asked of so many pairs has the "
        "model as its unit, and a null of stimuli says nothing about that.",
    )

    def settings_of(self, study: Any) -> tuple[str, ...]:
        """Its settings, of a study."""
        return study.settings if self.of == "all" else self.of


def _form(given: Any) -> str:
    return "all" if "of" in (given if isinstance(given, Mapping) else vars(given)) else "pairs"


Comparisons = dict[
    Name,
    Annotated[Annotated[NamedComparison, Tag("pairs")] | Annotated[AllPairs, Tag("all")], Discriminator(_form)],
]
COMPARISONS = (
    "Further sets of pairs, scored beside the comparison of each setting: across settings, layers or steps, or all "
    "pairs of all representations. A name is a part of paths and of the score table."
)


def has_step(config: Any, name: str, step: int | str) -> bool:
    """Whether the models of a setting are at a step, as far as it is known before they are trained.

    All are at the end, and all but those of which there are activations alone at the start.
    """
    setting = config.settings[name]
    if step in (FINAL, 0):
        return step == FINAL or not hasattr(setting, "activations")
    recipe = config.recipes.get(getattr(setting, "recipe", None))
    return recipe is not None and keeps(recipe, step)


def steps_in_words(config: Any, names: Iterable[str]) -> str:
    """The steps at which the models of some settings are."""
    recipes = [config.recipes.get(getattr(config.settings[name], "recipe", None)) for name in names]
    kept = [step for recipe in recipes if recipe is not None for step in steps_known(recipe)]
    start = ["0"] if any(has_step(config, name, 0) for name in names) else []
    return ", ".join(dict.fromkeys([*start, *kept, FINAL]))
