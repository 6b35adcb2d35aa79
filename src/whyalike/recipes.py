"""The sections of the configuration that a training job itself reads: what every recipe has, how work is carried out.

They stand apart from `whyalike.config` so that training does not depend on the tables of metrics and figures. The
recipes of the single objectives are in `whyalike.training.parameters`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # JSON has neither


class Recipe(Section):
    """The hyperparameters of training; part of a run's identity, but for `keep_steps`."""

    lr: float = Field(gt=0, description="Learning rate; the highest where it changes.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast type of the forward pass; weights stay float32."
    )
    keep_steps: tuple[NonNegativeInt, ...] = Field(
        (), description="Steps at which the weights are kept beside the final ones."
    )


class Operation(Section):
    """How work is carried out; changes no number."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run; auto takes a GPU if there is one."
    )
    checkpoint_every: int = Field(
        500, ge=1, description="Steps between the checkpoints that a killed run resumes from."
    )
    heartbeat_seconds: float = Field(10, gt=0, description="How often a trainer shows that it lives.")
