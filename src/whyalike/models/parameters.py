"""The parameters of every model family, checked before any work starts.

Only pydantic and the standard library are imported, so that reading a configuration stays cheap. Field descriptions are
the only documentation of the keys. All parameters of a family are part of the identity of runs.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from whyalike.recipes import Section


class ResNetParameters(Section):
    """A residual network of basic blocks."""

    blocks: tuple[int, ...] = Field((2, 2, 2, 2), description="Residual blocks in each stage.")
    widths: tuple[int, ...] = Field((64, 128, 256, 512), description="Channels of each stage.")
    stem: Literal["3x3", "7x7"] = Field(
        "3x3", description="First convolution: 3x3, or the stock ImageNet stem (7x7, stride 2, max-pool)."
    )
    stem_stride: int = Field(1, ge=1, le=4, description="Stride of the 3x3 stem.")

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.blocks) != len(self.widths):
            raise ValueError(f"blocks {self.blocks} and widths {self.widths} need one number a stage each")
        return self


def _without_classes(arguments: dict[str, Any]) -> dict[str, Any]:
    if "classes" in arguments:
        raise ValueError("the factory gets 'classes' from each run's labels: remove it from the arguments")
    return arguments


class ImportParameters(Section):
    """An architecture of your own: a function that returns a module."""

    path: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="The factory as `package.module:function`, found from the working directory or installed.",
    )
    arguments: Annotated[dict[str, Any], AfterValidator(_without_classes)] = Field(
        {}, description="Keyword arguments of the factory beside `classes`."
    )
    version: int = Field(1, description="Raise it when the factory's code changes: its models are then trained anew.")
