"""The parameters of the stimuli that show one part of a ColorShapeDigit image: a shape alone, or a digit alone."""

from typing import Annotated, get_args

from pydantic import Field

from whyalike.data.parameters import Color, Digit, Distinct, Parameters, Seed, Shape


class SingleParameters(Parameters):
    """What both have in common. All images are test images."""

    colors: Annotated[list[Color], Distinct] = Field(list(get_args(Color)), min_length=1, description="Colours.")
    per_class: int = Field(100, ge=1, description="Images of each shape, or digit, in each colour.")
    size: int = Field(28, ge=16, le=128, description="Edge of an image in pixels.")
    seed: Seed = 1  # another one than the default of ColorShapeDigit: other drawings than any model saw

    def _count(self, parts: int) -> tuple[int, int]:
        return 0, parts * len(self.colors) * self.per_class


class ShapesParameters(SingleParameters):
    """Shapes without a digit, coloured as in ColorShapeDigit."""

    shapes: Annotated[list[Shape], Distinct] = Field(list(get_args(Shape)), min_length=1, description="Shapes.")
    drawings_per_shape: int = Field(80, ge=1, description="Drawings of each shape.")

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return self._count(len(self.shapes))


class NumeralsParameters(SingleParameters):
    """Digits without a shape, coloured as in ColorShapeDigit, in the fonts that matplotlib ships."""

    digits: Annotated[list[Digit], Distinct] = Field(list(range(10)), min_length=1, description="Digits.")

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return self._count(len(self.digits))
