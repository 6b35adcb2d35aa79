"""What is asked of a library: an architecture, and how its input is made; they import nothing of it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from whyalike.parameters import JobParameters
from whyalike.section import Real, Section, Side, Values

POOLED = "pooled"  # a layer that no module has: what the model itself gives as one vector a stimulus

Three = Annotated[tuple[Real, Real, Real], Field()]


class InputRule(Section):
    """How images become a model's input: resized, cropped in the middle, normalised."""

    resize: Side | tuple[Side, Side] = Field(
        description="Pixels: of the shorter side, which keeps the image's form, or [height, width]."
    )
    crop: Side | tuple[Side, Side] | None = Field(
        None, description="Pixels of the middle that is kept: of a square's side, or [height, width]; all if left out."
    )
    interpolation: Literal["bilinear", "bicubic", "nearest"] = Field(
        "bilinear", description="How resizing is done; the first two with antialiasing."
    )
    mean: Three | None = Field(
        None, description="Mean of each channel, subtracted, 0 to 255; that of the library if left out."
    )
    std: Three | None = Field(
        None, description="Standard deviation of each channel, divided by, 0 to 255; that of the library if left out."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.std is not None and min(self.std) <= 0:
            raise ValueError(f"std must be above 0, got {self.std}")
        if any(kept > there for kept, there in zip(self.sides, _pair(self.resize), strict=True)):
            raise ValueError(f"crop {self.crop} is larger than resize {self.resize}: it is cut from what is there")
        return self

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the input of a square image."""
        return _pair(self.resize if self.crop is None else self.crop)


def _pair(side: int | tuple[int, int]) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else side


class Architecture(JobParameters):
    """An architecture of a library, whatever its weights.

    Attributes
    ----------
    library : its name in `whyalike.models.libraries.registry`.
    name : of the architecture there.
    tag : of the weights; some libraries have sizes and input rules by it.
    arguments : keyword arguments of the library's function.
    """

    library: str
    name: str
    tag: str
    arguments: Values = Field({})


class Look(JobParameters):
    """How a model is looked at: all that its representations depend on beside weights and stimuli.

    Attributes
    ----------
    architecture : what is built.
    drop : beginnings of the names in files that are left out.
    layers : modules, and `pooled`.
    pooling : how an output with positions becomes a vector, see `whyalike.models.pooling`.
    projection : of an image tower, `before` or `after`; None: as the model gives it.
    inputs : what the model takes.
    rule : how images become input; None of text.
    tokenizer : SHA-256 of the folder's files of a tokenizer; empty of images.
    """

    architecture: Architecture
    drop: tuple[str, ...] = ()
    layers: tuple[str, ...]
    pooling: str = "mean"
    projection: Literal["before", "after"] | None = None
    inputs: Literal["rgb", "tokens"] = "rgb"
    rule: dict[str, Any] | None = None
    tokenizer: str = ""


class Facts(JobParameters):
    """What an architecture is, found by building it without weights.

    Attributes
    ----------
    modules : paths of all modules of the part that sees the stimuli.
    blocks, convolutions : those that `layers: blocks` and `layers: convolutions` mean, in order; of convolutions those
        of shortcuts are left out.
    parameters : numbers of parameters: of all, and of the part that sees the stimuli.
    inputs : images, or tokens of the model's own tokenizer.
    rule : how the library makes input of images, in its own way; None where it has none.
    rule_fault : why there is none.
    """

    modules: tuple[str, ...]
    blocks: tuple[str, ...]
    convolutions: tuple[str, ...]
    parameters: tuple[int, int]
    inputs: Literal["rgb", "tokens"] = "rgb"
    rule: dict[str, Any] | None = None
    rule_fault: str = ""
