"""The sections of the configuration that a training job itself reads: the recipe, and how work is carried out.

They stand apart from `whyalike.config` so that training does not depend on the tables of metrics and figures.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # JSON has neither


class Augmentation(Section):
    """Random changes of the training images, keyed by (seed, replica, step)."""

    flip: bool = Field(False, description="Mirror left-right with probability one half.")
    translate: int = Field(0, ge=0, description="Shift by up to this many pixels in each direction.")
    cutout: int = Field(0, ge=0, description="Side of one square set to the mean colour, pixels.")
    brightness: float = Field(0, ge=0, lt=1, description="Relative range of the brightness jitter.")
    contrast: float = Field(0, ge=0, lt=1, description="Relative range of the contrast jitter.")
    saturation: float = Field(0, ge=0, lt=1, description="Relative range of the saturation jitter.")
    jitter_probability: float = Field(0.3, ge=0, le=1, description="Probability of each of the three jitters.")


class Recipe(Section):
    """The hyperparameters of training; part of a run's identity, but for `keep_steps`."""

    objective: Literal["cross_entropy"] = Field("cross_entropy", description="The loss.")
    optimizer: Literal["sgd"] = Field("sgd", description="The optimizer.")
    lr: float = Field(gt=0, description="Peak learning rate of the one-triangle schedule 0 -> peak -> 0.")
    epochs: int = Field(ge=1, description="Passes over the training images.")
    peak_epoch: float = Field(gt=0, description="Epoch at which the learning rate peaks.")
    batch_size: int = Field(ge=2, description="Images a step; the last partial batch of an epoch is dropped.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of SGD.")
    weight_decay: float = Field(0, ge=0, description="L2 penalty on all weights.")
    label_smoothing: float = Field(0, ge=0, lt=1, description="Label smoothing of the cross entropy.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast type of the forward pass; weights stay float32."
    )
    channels_last: bool = Field(True, description="Memory layout of images and convolutions.")
    mean: tuple[float, ...] = Field(description="Mean of each channel, subtracted, 0 to 255.")
    std: tuple[float, ...] = Field(description="Standard deviation of each channel, divided by, 0 to 255.")
    augmentation: Augmentation = Field(Augmentation(), description="Random changes of the images.")
    keep_steps: tuple[NonNegativeInt, ...] = Field(
        (), description="Steps at which the weights are kept beside the final ones."
    )

    @model_validator(mode="after")
    def _peak_inside(self) -> "Recipe":
        if self.peak_epoch >= self.epochs:
            raise ValueError(f"peak_epoch ({self.peak_epoch:g}) must lie before the last epoch ({self.epochs})")
        if len(self.mean) != len(self.std) or not all(self.std):
            raise ValueError(f"mean {self.mean} and std {self.std} need one non-zero number a channel each")
        return self


class Operation(Section):
    """How work is carried out; changes no number."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run; auto takes a GPU if there is one."
    )
    checkpoint_every: int = Field(
        500, ge=1, description="Steps between the checkpoints that a killed run resumes from."
    )
    heartbeat_seconds: float = Field(10, gt=0, description="How often a trainer shows that it lives.")
