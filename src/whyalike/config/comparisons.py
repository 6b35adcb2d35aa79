"""The named comparisons of a study: pairs across settings, layers and steps of training, beside those of each setting.

What a comparison stands for (views, pairs of layers, pairs of steps) is in `whyalike.grid.views`.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from whyalike.section import Name, Section, whole

FINAL = "final"
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

    @property
    def sides(self) -> tuple[str, str]:
        """The settings of A and of B."""
        return self.a, self.a if self.b is None else self.b


Comparisons = dict[Name, NamedComparison]
COMPARISONS = (
    "Further sets of pairs, scored beside the comparison of each setting: across settings, layers or steps. "
    "A name is a part of paths and of the score table."
)
