"""The recipes of every objective, checked before any work starts, and the parameters of the jobs of this room.

Only pydantic and the standard library are imported, so that reading a configuration stays cheap. Field descriptions are
the only documentation of the keys.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from whyalike.models.libraries.parameters import Look
from whyalike.parameters import JobParameters
from whyalike.section import Before, Count, Real, Section, Whole, real, whole

Step = whole(ge=0, le=10**9)


class KeptSteps(Section):
    """Steps at which weights are kept, by rule; they become numbers when a run's training begins."""

    log2: bool = Field(False, description="Steps 1, 2, 4, 8, ... below the last one.")
    epochs: tuple[Count, ...] = Field((), description="The ends of these epochs, for recipes that have `epochs`.")
    extra: tuple[Step, ...] = Field((), description="Further steps.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.log2 or self.epochs or self.extra):
            raise ValueError("it keeps no step: set log2, or name epochs or extra steps")
        return self


class Recipe(Section):
    """The hyperparameters of training; part of a run's identity, but for `keep_steps`."""

    lr: Real = Field(gt=0, le=1000, description="Learning rate; the highest where it changes.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast type of the forward pass; weights stay float32."
    )
    keep_steps: tuple[Step, ...] | KeptSteps = Field(
        (),
        description="Steps at which the weights are kept beside the final ones: a list, or a rule. A finished run that "
        "lacks one is trained again up to the last that it lacks.",
    )

    @model_validator(mode="after")
    def _epochs_are_there(self) -> Self:
        asked, last = self.keep_steps, getattr(self, "epochs", None)
        if not isinstance(asked, KeptSteps):
            return self
        if asked.epochs and last is None:
            raise ValueError("keep_steps.epochs: this objective counts steps, not epochs. Name steps under extra")
        if beyond := [epoch for epoch in asked.epochs if epoch > last]:
            raise ValueError(f"keep_steps.epochs: there is no epoch {beyond[0]}, the last is {last}")
        if beyond := [step for step in asked.extra if step > getattr(self, "steps", step)]:
            raise ValueError(f"keep_steps.extra: there is no step {beyond[0]}, the last is {self.steps}")
        return self


class Operation(Section):
    """How work is carried out; changes no number."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run; auto takes a GPU if there is one."
    )
    checkpoint_every: Count = Field(500, description="Steps between the checkpoints that a killed run resumes from.")
    heartbeat_seconds: Real = Field(10, ge=0.1, le=3600, description="How often a trainer shows that it lives.")
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

    seeds_per_score_job: Count | None = Field(
        None,
        description="Most seeds of a scoring job: a comparison with more is scored in parts, each a job. All seeds are "
        "one job if left out.",
    )

    def of_setting(self, key: str, setting: str) -> Any:
        """A value that is one for all settings, or given for some of them; None where nothing is given."""
        value = getattr(self, key)
        return value.get(setting) if isinstance(value, dict) else value


# a number for each channel of images from 0 to 255
Channels = Annotated[tuple[real(ge=-1000, le=1000), ...], Field(min_length=1, max_length=4)]
Decay = real(ge=0, lt=1)  # of a running mean


class Augmentation(Section):
    """Random changes of the training images, keyed by (seed, replica, step)."""

    flip: bool = Field(False, description="Mirror left-right with probability one half.")
    translate: Whole = Field(0, ge=0, le=4096, description="Shift by up to this many pixels in each direction.")
    cutout: Whole = Field(0, ge=0, le=4096, description="Side of one square set to the mean colour, pixels.")
    brightness: Real = Field(0, ge=0, lt=1, description="Relative range of the brightness jitter.")
    contrast: Real = Field(0, ge=0, lt=1, description="Relative range of the contrast jitter.")
    saturation: Real = Field(0, ge=0, lt=1, description="Relative range of the saturation jitter.")
    jitter_probability: Real = Field(0.3, ge=0, le=1, description="Probability of each of the three jitters.")


class ImageRecipe(Recipe):
    """What the recipes of images have in common."""

    epochs: Count = Field(description="Passes over the training images.")
    batch_size: Whole = Field(
        ge=2, le=10**7, description="Images a step; the last partial batch of an epoch is dropped."
    )
    weight_decay: Real = Field(0, ge=0, le=1000, description="L2 penalty on all weights.")


def check_channels(mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise a ValueError if these are no mean and standard deviation of channels from 0 to 255."""
    if len(mean) != len(std) or not all(std):
        raise ValueError(f"mean {mean} and std {std} need one non-zero number a channel each")
    if 0 < max(map(abs, mean)) <= 1 and max(map(abs, std)) <= 1:
        raise ValueError(
            f"mean {mean} and std {std} are those of images from 0 to 1, here they go from 0 to 255: multiply by 255"
        )


class ColourImages(Section):
    """How images in colour become a model's input."""

    channels_last: bool = Field(True, description="Memory layout of images and convolutions.")
    mean: Channels = Field(description="Mean of each channel, subtracted, 0 to 255.")
    std: Channels = Field(description="Standard deviation of each channel, divided by, 0 to 255.")

    @model_validator(mode="after")
    def _channels_agree(self) -> Self:
        check_channels(self.mean, self.std)
        return self


class ClassImages(ColourImages):
    """What cross entropy needs beside images, whatever the optimizer."""

    label_smoothing: Real = Field(0, ge=0, lt=1, description="Label smoothing of the cross entropy.")
    augmentation: Augmentation = Field(Augmentation(), description="Random changes of the images.")


class ClassifierRecipe(ClassImages, ImageRecipe):
    """Cross entropy with SGD; the learning rate changes step by step."""

    schedule: Annotated[Literal["triangle", "cosine"], Before("triangle")] = Field(
        "triangle", description="Of the learning rate. triangle: 0 -> `lr` -> 0; cosine: half a cosine from `lr` to 0."
    )
    peak_epoch: real(gt=0, le=10**6) | None = Field(
        None, description="Epoch at which the triangle peaks; a cosine has none."
    )
    momentum: Real = Field(0.9, ge=0, lt=1, description="Momentum of SGD.")

    @model_validator(mode="after")
    def _peak_inside(self) -> Self:
        if (self.peak_epoch is None) != (self.schedule == "cosine"):
            raise ValueError(
                "schedule triangle needs peak_epoch, the epoch at which the learning rate peaks"
                if self.peak_epoch is None
                else "schedule cosine has no peak_epoch: it begins at lr. Remove peak_epoch"
            )
        if self.peak_epoch is not None and self.peak_epoch >= self.epochs:
            raise ValueError(f"peak_epoch ({self.peak_epoch:g}) must lie before the last epoch ({self.epochs})")
        return self


class AdamWSteps(Section):
    """What AdamW, its warm-up and its cosine need, whatever is learned."""

    weight_decay: Real = Field(0.1, ge=0, le=1000, description="Decoupled decay of matrices; gains are not decayed.")
    betas: tuple[Decay, Decay] = Field((0.9, 0.95), description="Decay of AdamW's two running means.")
    clip: real(gt=0, le=10**9) | None = Field(1.0, description="Largest norm of the gradient; null does not clip.")
    warmup: Real = Field(0.1, ge=0, lt=1, description="Share of the steps over which the learning rate rises.")
    final_lr: Real = Field(0.1, ge=0, le=1, description="Learning rate after the last step, as a share of `lr`.")


class AdamWRecipe(AdamWSteps, ClassImages, ImageRecipe):
    """Cross entropy with AdamW; warm-up, then a cosine."""

    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="Decay of AdamW's two running means.")
    final_lr: Real = Field(0, ge=0, le=1, description="Learning rate after the last step, as a share of `lr`.")


class AdamRecipe(ClassImages, Recipe):
    """Cross entropy with Adam at a constant learning rate, for a number of steps."""

    steps: Count = Field(description="Steps; the images are shuffled anew in each epoch.")
    batch_size: Whole = Field(
        ge=2, le=10**7, description="Images a step; the last partial batch of an epoch is dropped."
    )
    weight_decay: Real = Field(0, ge=0, le=1000, description="L2 penalty on all weights.")


class AutoencoderRecipe(ImageRecipe):
    """The evidence lower bound with Adam at a constant learning rate, on grey images in 0 to 1."""


class LanguageRecipe(AdamWSteps, Recipe):
    """Next-token prediction with AdamW; warm-up, then a cosine; the weights with the best validation loss are kept."""

    steps: Count = Field(description="Optimizer steps, if training is not stopped earlier.")
    batch_size: Count = Field(description="Windows of text that go through the model at once.")
    accumulation: Count = Field(1, description="Batches whose gradients make one step.")
    evaluate_every: Count = Field(100, description="Steps between two measurements of the validation loss.")
    validation_windows: Count = Field(512, description="Windows of held-out text that measure it, drawn once.")
    patience: Count | None = Field(
        None, description="Stop when the validation loss has not fallen for so many steps; null never stops."
    )


class TrainedRun(JobParameters):
    """A run of a cell.

    Attributes
    ----------
    name : within the cell.
    replica : key of its random numbers, beside the seed.
    labelling : of its images.
    level : the condition that it is trained for; None where several share it.
    identity : in the run store.
    start : the replica whose initial weights it has, where that is not its own.
    """

    name: str
    replica: str
    labelling: str
    level: str | None
    identity: str
    start: str | None = None


class TaskParameters(JobParameters):
    """What a run's task reads of its cell.

    Attributes
    ----------
    seed : of the cell.
    size : side of the model's input, pixels; None for text.
    model : section of the configuration as JSON values.
    """

    seed: int
    size: int | None
    model: dict[str, Any]


class TrainingParameters(TaskParameters):
    """The training of a cell, or of a part of it.

    Attributes
    ----------
    setting, factor : the cell, with its seed.
    recipe : section of the configuration as JSON values.
    runs : what is trained.
    min_accuracy : labelling -> smallest accuracy on the own test data that will do.
    """

    setting: str
    factor: str
    recipe: dict[str, Any]
    runs: tuple[TrainedRun, ...]
    min_accuracy: dict[str, float]


class ImportParameters(JobParameters):
    """The import of the runs of a setting, of which the user has activations.

    Attributes
    ----------
    setting, factor, seed : the cell.
    labelling : of the setting.
    runs : in the order of their files.
    """

    setting: str
    factor: str
    seed: int
    labelling: str
    runs: tuple[TrainedRun, ...]


class CheckpointParameters(ImportParameters):
    """The import of runs of which the user has the weights.

    Attributes
    ----------
    model : section of the configuration as JSON values.
    classes : outputs of the models; None: as many as the labelling has.
    version : of the code that stores them.
    prefix : beginning of the names that are taken from a file, without it.
    """

    model: dict[str, Any]
    classes: int | None
    version: int
    prefix: str = ""


class ModelsOfCell(JobParameters):
    """What the configuration says of the models of a cell.

    Attributes
    ----------
    setting, factor, seed : the cell.
    kind : "trained", or the key of the setting that names files.
    dataset : of the setting; so are ``model`` (of a library the architecture), ``recipe``, ``library`` and ``tag``,
        None where it has none.
    model_family : of the model.
    starts : identity of a run that is trained here -> the replica whose initial weights it has.
    attributes : what the user says.
    """

    setting: str
    factor: str
    seed: int
    kind: str
    dataset: str
    model: str | None = None
    model_family: str | None = None
    library: str | None = None
    tag: str | None = None
    recipe: str | None = None
    starts: dict[str, str]
    attributes: dict[str, bool | int | float | str]


class ModelsParameters(JobParameters):
    """The table of models.

    Attributes
    ----------
    cells : whose models are listed.
    code : fingerprint of what carries the job out.
    """

    cells: tuple[ModelsOfCell, ...]
    code: str


class PretrainedParameters(ImportParameters):
    """The import of models of other libraries, whose weights stay where they are.

    Attributes
    ----------
    look : what is built, and the layers that are tried.
    sha256 : name of a run -> that of its weights.
    version : of the code that makes them.
    """

    look: Look
    sha256: dict[str, str]
    version: int


def import_parameters(text: str) -> ImportParameters:
    """Parameters of any import from their text; faults as of `JobParameters.from_text`."""
    kinds = {"model": CheckpointParameters, "look": PretrainedParameters}
    return next((kind for key, kind in kinds.items() if key in json.loads(text)), ImportParameters).from_text(text)
