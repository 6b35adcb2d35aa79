"""The sections of the configuration that a training job itself reads: what every recipe has, how work is carried out.

They stand apart from `whyalike.config` so that training does not depend on the tables of metrics and figures. The
recipes of the single objectives are in `whyalike.training.parameters`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt

from whyalike.section import Section


class Recipe(Section):
    """The hyperparameters of training; part of a run's identity, but for `keep_steps`."""

    lr: float = Field(gt=0, description="Learning rate; the highest where it changes.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast type of the forward pass; weights stay float32."
    )
    keep_steps: tuple[NonNegativeInt, ...] = Field(
        (), description="Steps at which the weights are kept beside the final ones."
    )


Count = Annotated[int, Field(ge=1)]


class Operation(Section):
    """How work is carried out; changes no number."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run; auto takes a GPU if there is one."
    )
    checkpoint_every: int = Field(
        500, ge=1, description="Steps between the checkpoints that a killed run resumes from."
    )
    heartbeat_seconds: float = Field(10, gt=0, description="How often a trainer shows that it lives.")
    loader: Literal["resident", "ffcv"] = Field(
        "resident",
        description="Who reads images in training. resident: they lie on the GPU, or on the CPU in the mapped file; "
        "ffcv: FFCV (an extra, see envs/README.md) reads them ahead from a file of its own. Both give the same models.",
    )
    runs_per_job: Count | dict[str, Count] | None = Field(
        None,
        description="Most runs of a training job: a cell (setting, factor, seed) with more is trained in parts, each a "
        "job. A number, or one for each setting that is to be split; all runs of a cell are one job if left out.",
    )

    runs_at_once: Count | dict[str, Count] = Field(
        1,
        description="Runs that a training job trains at the same time, each in a process of its own with one CPU "
        "thread; their weights are the same. A number, or one for each setting that is meant (1 for the others). For "
        "models that leave most of a GPU idle.",
    )

    def of_setting(self, key: str, setting: str) -> Any:
        """A value that is one for all settings, or given for some of them; None where nothing is given."""
        value = getattr(self, key)
        return value.get(setting) if isinstance(value, dict) else value
