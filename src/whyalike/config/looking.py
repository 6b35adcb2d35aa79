"""How a setting's models are looked at: which layers, how positions are pooled, whose statistics normalise.

No part of a run's identity: settings of one model, data set and recipe that differ in this alone share their runs.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from whyalike.data.parameters import Distinct
from whyalike.models.registry import MODELS
from whyalike.section import Before, Layer, Section, whole

LAYERS = (
    "Modules whose outputs are compared, by their paths in the model; or convolutions (outputs before BatchNorm, those "
    "of shortcuts left out) or blocks: all of the model, in order of execution. Outputs with positions, feature maps "
    "(b, c, h, w) and tokens (b, t, d), are pooled, to the mean over positions if not told otherwise; any other output "
    "is one vector a stimulus."
)
Layers = Annotated[tuple[Layer, ...], Field(min_length=1), Distinct]
RECALIBRATION_IMAGES = 512
LayersOrKind = Literal["convolutions", "blocks"] | Layers
Pooling = Annotated[Literal["mean", "center", "center4", "cls", "first", "last", "flat"], Before("mean")]
POOLING: Any = Field(
    "mean",
    description="How an output with positions becomes a vector. mean: their mean; center: of a map, the position "
    "(h // 2, w // 2); center4: the mean of the positions that touch the middle, 4 of a map of even sides; cls, first: "
    "of tokens, the first one; last: the last one; flat: all positions, one after another.",
)
BatchNorm = Annotated[Literal["running", "recalibrated"], Before("running")]
BATCH_NORM: Any = Field(
    "running",
    description="Whose mean and variance BatchNorm uses. running: those stored with the weights, 0 and 1 at the start; "
    "recalibrated: those of training images, for every model and step alike.",
)
Images = Annotated[whole(ge=2, le=10**6), Before(RECALIBRATION_IMAGES)]
IMAGES: Any = Field(
    RECALIBRATION_IMAGES,
    description="Training images of the data set that recalibrate, drawn once, the same for all models.",
)
LOOK_KEYS = ("layers", "pooling", "batch_norm", "recalibration_images")


class WaysToLook(Section):
    """What settings with models have in common: `LOOK_KEYS`."""

    @model_validator(mode="after")
    def _images_are_used(self) -> Self:
        if self.batch_norm == "running" and self.recalibration_images != RECALIBRATION_IMAGES:
            raise ValueError("recalibration_images is of batch_norm: recalibrated: remove it, or set that")
        return self

    @property
    def recalibration(self) -> int:
        """Images that recalibrate; 0 where none do."""
        return self.recalibration_images if self.batch_norm == "recalibrated" else 0

    def look(self) -> dict[str, Any]:
        """What those who run models must know: ``pooling`` and ``recalibration``, where they are not the defaults."""
        look = {"pooling": self.pooling, "recalibration": self.recalibration}
        return {name: value for name, value in look.items() if value not in ("mean", 0)}


def misfits(config: Any) -> Iterator[str]:
    """Kinds of layers that a model's family does not name; models whose names are nowhere are left to others."""
    for key, setting in config.settings.items():
        if (model := _model(config, setting)) is None:
            continue
        family = model.family
        if setting.layers not in (known := MODELS[family].facts.layers):
            offered = f" Known of it: {', '.join(known)}." if known else ""
            yield (
                f"settings.{key}.layers: models of the family {family} have no layers '{setting.layers}'.{offered} "
                "Name the modules."
            )


def expanded(config: Any) -> Any:
    """The configuration with the names of layers in place of their kind, where the model is known."""
    settings = {
        key: setting.model_copy(update={"layers": MODELS[model.family].facts.layers[setting.layers](model)})
        for key, setting in config.settings.items()
        if (model := _model(config, setting)) is not None
    }
    return config.model_copy(update={"settings": {**config.settings, **settings}}) if settings else config


def _model(config: Any, setting: Any) -> Any:
    """The model of a setting that names its layers by kind; None of other settings, and of names that are nowhere."""
    return config.models.get(getattr(setting, "model", None)) if isinstance(setting.layers, str) else None
