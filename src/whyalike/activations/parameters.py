"""The parameters of the jobs of this room; they import nothing of it.

``model`` and ``stimuli`` are sections of the configuration as JSON values.
"""

import json
from typing import Any, Literal

from pydantic import Field

from whyalike.models.libraries.parameters import Look
from whyalike.parameters import JobParameters

Stored = Literal["float32", "float16"]


class ExtractionParameters(JobParameters):
    """The representations of a cell on one stimulus set.

    Attributes
    ----------
    seed : of the cell; initial weights are keyed by it.
    model : of its setting.
    size : side of the model's input, pixels; None for text.
    mean, std : of each channel, 0 to 255; None where the inputs are not normalised.
    layers : modules whose outputs are kept.
    stimuli : part, n (None: all) and seed are read; of a shift its name and its one level.
    runs : identities of the trained runs.
    untrained : identity of an untrained model -> its replica.
    steps : identity of a view -> run and kept step.
    stored : type of the stored numbers.
    pooling : of outputs with positions.
    views : identity of a trained run -> that of its view, where it is looked at in another way than by default.
    recalibration : training images that BatchNorm's statistics are made of; 0: the running ones count.
    copied : of families that change outputs in place: they are copied before that, which they once were not.
    shift_version : of the code of the stimuli's shift; 0 where there is none.
    version : of the code that extracts.
    """

    seed: int
    model: dict[str, Any]
    size: int | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    layers: tuple[str, ...]
    stimuli: dict[str, Any]
    runs: tuple[str, ...]
    untrained: dict[str, str]
    steps: dict[str, tuple[str, int]] = Field({})
    stored: Stored = "float32"
    pooling: str = "mean"
    views: dict[str, str] = Field({})
    recalibration: int = 0
    copied: bool = False
    shift_version: int = 0
    version: int


class PretrainedExtractionParameters(JobParameters):
    """The representations of models of other libraries on one stimulus set.

    Attributes
    ----------
    seed : of the cell; initial weights are keyed by it.
    look : what is built, and what is looked at.
    runs : name of a run -> its identity.
    sha256 : name of a run -> that of its weights.
    untrained : identity of an untrained model -> its replica.
    stimuli, stored, shift_version : as of `ExtractionParameters`.
    version : of the code that extracts.
    """

    seed: int
    look: Look
    runs: dict[str, str]
    sha256: dict[str, str]
    untrained: dict[str, str]
    stimuli: dict[str, Any]
    stored: Stored = "float32"
    shift_version: int = 0
    version: int


def extraction_parameters(text: str) -> ExtractionParameters | PretrainedExtractionParameters:
    """Parameters of either extraction from their text; faults as of `JobParameters.from_text`."""
    kind = PretrainedExtractionParameters if "look" in json.loads(text) else ExtractionParameters
    return kind.from_text(text)


class ImportedActivationsParameters(JobParameters):
    """Activations from the user's files: the runs of a setting on one stimulus set.

    Attributes
    ----------
    runs : name -> identity, in the order of the files.
    stimuli, stored : as of `ExtractionParameters`.
    code : fingerprint of what reads the files.
    """

    runs: dict[str, str]
    stimuli: dict[str, Any]
    stored: Stored = "float32"
    code: str


class Speaker(JobParameters):
    """A model that speaks: a run (its identity) of a seed, with its name and level in the cell."""

    seed: int
    name: str
    level: str | None
    run: str


class SpeakingCell(JobParameters):
    """The models of a cell that speak, with its setting, data set and model."""

    setting: str
    dataset: str
    model: dict[str, Any]
    runs: tuple[Speaker, ...]


class SampleTextParameters(JobParameters):
    """What the language models of a study say after a prompt.

    Attributes
    ----------
    study : their study.
    prompt : what they go on with.
    tokens : how many are added.
    temperature : divides the logits.
    top_k : only so many of the likeliest tokens are drawn from.
    seed : key of the draws, the same for every model.
    cells : the models.
    code : fingerprint of what lets them speak.
    """

    study: str
    prompt: str
    tokens: int
    temperature: float
    top_k: int
    seed: int
    cells: tuple[SpeakingCell, ...]
    code: str
