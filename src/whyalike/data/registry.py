"""The data sources by name: where their code is and what is known of them without running it."""

from dataclasses import dataclass

from whyalike.data.parameters import (
    ColorShapeDigitParameters,
    DigitsParameters,
    Parameters,
    PhotographsParameters,
)
from whyalike.registry import Entry, Registry


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a source.

    Attributes
    ----------
    parameters : the model that checks the source's parameters.
    attributes : label columns; a labelling joins some of them with "_".
    size : edge of an image in pixels; None where the parameter `size` sets it.
    channels : 1 (grey) or 3 (RGB).
    """

    parameters: type[Parameters]
    attributes: tuple[str, ...]
    size: int | None
    channels: int


SOURCES: Registry[SourceFacts] = Registry(
    "data source",
    {
        "colorshapedigit": Entry(
            "whyalike.data.colorshapedigit:prepare",
            SourceFacts(ColorShapeDigitParameters, ("shape", "digit", "color"), size=None, channels=3),
        ),
        "digits": Entry("whyalike.data.digits:prepare", SourceFacts(DigitsParameters, ("digit",), size=8, channels=1)),
        "photographs": Entry(
            "whyalike.data.photographs:prepare",
            SourceFacts(PhotographsParameters, ("photograph",), size=None, channels=3),
        ),
    },
)
