"""The recipes of objectives that train what a head reads; those of the others are in `whyalike.training.parameters`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from whyalike.section import Count, Real, Section, Side, Whole, real, whole
from whyalike.training.parameters import Augmentation, ColourImages, ImageRecipe

WORDS = ("color", "shape", "digit")  # attributes that captions can say, in their order
COLDEST = 0.01  # a temperature of captions is not lower
Width = whole(ge=1, le=10**5)
Temperature = real(gt=0, le=100)


def _ascending(both: tuple[float, float]) -> tuple[float, float]:
    if both[0] > both[1]:
        raise ValueError(f"the smallest stands first, got {both[0]:g} and {both[1]:g}")
    return both


Sigmas = Annotated[tuple[real(gt=0, le=1000), real(gt=0, le=1000)], AfterValidator(_ascending)]


class Views(Section):
    """Random changes that make a view of an image, keyed by (seed, replica, step, view), in this order."""

    crop: Real = Field(0.2, gt=0, le=1, description="Smallest share of the image that a crop has; 1 crops nothing.")
    flip: bool = Field(False, description="Mirror left-right with probability one half.")
    brightness: Real = Field(0.4, ge=0, lt=1, description="Relative range of the brightness jitter.")
    contrast: Real = Field(0.4, ge=0, lt=1, description="Relative range of the contrast jitter.")
    saturation: Real = Field(0.4, ge=0, lt=1, description="Relative range of the saturation jitter.")
    hue: Real = Field(0.1, ge=0, le=0.5, description="Range of the turn of the hue; 0.5 is half of the circle.")
    jitter_probability: Real = Field(0.8, ge=0, le=1, description="Probability of the jitter, of all four together.")
    grey: Real = Field(0.2, ge=0, le=1, description="Probability that an image becomes grey.")
    blur: Real = Field(0, ge=0, le=1, description="Probability of a Gaussian blur; 0 is usual for small images.")
    blur_sigma: Sigmas = Field((0.1, 2.0), description="Smallest and largest standard deviation of the blur, pixels.")


class EncoderRecipe(ColourImages, ImageRecipe):
    """What objectives have in common that train what a model's head reads; the learning rate is a cosine to 0."""

    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="What makes the steps.")
    momentum: Real = Field(0.9, ge=0, lt=1, description="Momentum of sgd; adamw has decays of .9 and .999.")
    weight_decay: Real = Field(
        0, ge=0, le=1000, description="L2 penalty on all weights; of adamw the decoupled decay of matrices."
    )
    warmup: Real = Field(0, ge=0, lt=1, description="Share of the steps over which the learning rate rises.")


class ViewsRecipe(EncoderRecipe):
    """What SimCLR and MoCo have in common."""

    views: Views = Field(Views(), description="How the two views of an image are made.")
    dimensions: Width = Field(128, description="Outputs of the projection, in which views are compared.")
    hidden: whole(ge=0, le=10**5) = Field(
        128, description="Hidden units of the projection; 0: one linear layer, as in the first MoCo."
    )
    probe_images: Count = Field(
        5000, description="Most training images of the linear probe, which is the accuracy; drawn once."
    )


class SimclrRecipe(ViewsRecipe):
    """SimCLR: two views of an image against all other views of the batch."""

    temperature: Temperature = Field(0.5, description="What similarities are divided by.")


class MocoRecipe(ViewsRecipe):
    """MoCo: a view against one of the same image, which a slowly moving encoder sees, and a queue of other images."""

    temperature: Temperature = Field(0.2, description="What similarities are divided by: 0.07 in the first MoCo.")
    queue: Whole = Field(4096, ge=2, le=10**7, description="Keys in the queue; at least `batch_size`.")
    key_momentum: Real = Field(0.999, ge=0, lt=1, description="Share of itself that the key encoder keeps each step.")

    @model_validator(mode="after")
    def _a_batch_fits(self) -> Self:
        if self.queue < self.batch_size:
            raise ValueError(f"queue ({self.queue}) must hold a batch ({self.batch_size}): raise queue")
        return self


class CaptionsRecipe(EncoderRecipe):
    """Images against captions that say their labels in words."""

    optimizer: Literal["sgd", "adamw"] = Field("adamw", description="What makes the steps.")
    augmentation: Augmentation = Field(Augmentation(), description="Random changes of the images.")
    dimensions: Width = Field(64, description="Of the space in which images and captions are compared.")
    text_width: Width = Field(64, description="Units of a word, and hidden units of the captions' perceptron.")
    temperature: real(ge=COLDEST, le=100) = Field(0.07, description="What similarities are divided by, at first.")
    learn_temperature: bool = Field(True, description="Whether it is learned, down to 0.01.")


class ReconstructionRecipe(EncoderRecipe):
    """An autoencoder: the image is made again of what the model's head reads."""

    optimizer: Literal["sgd", "adamw"] = Field("adamw", description="What makes the steps.")
    hidden: Width = Field(256, description="Hidden units of the decoder, which is dropped at the end.")
    side: Side | None = Field(
        None, description="Edge of the image that is made, pixels, averaged of the input; the input's if left out."
    )
    probe_images: Count = Field(
        5000, description="Most training images of the linear probe, which is the accuracy; drawn once."
    )
