"""The parameters of the jobs of the study of consistency, a class for each kind."""

from typing import Any

from pydantic import Field

from whyalike.activations.parameters import ExtractionParameters, PretrainedExtractionParameters, Stored
from whyalike.parameters import JobParameters
from whyalike.studies.parameters import RuleParameters


class Model(JobParameters):
    """A model of a zoo.

    Attributes
    ----------
    name : unique in the study: {setting}, or {setting}.{name of the run} where a setting has several.
    setting : of the configuration.
    view : key in activation files. seed : of its training.
    trained : whether it was trained here.
    attributes : of its setting; none in jobs that do not read them.
    """

    name: str
    setting: str
    view: str
    seed: int
    trained: bool
    attributes: dict[str, bool | int | float | str] = Field({})


class StimuliSet(JobParameters):
    """A stimulus set: its pool of images, its category, and the labelling of its stimuli (None: all attributes)."""

    source: str
    category: str
    labelling: str | None = None


class ModelListing(RuleParameters):
    """The table of the models."""

    models: tuple[Model, ...]


class GivenActivations(JobParameters):
    """Representations from the user's files: name of a run -> its view. ``stored`` : as of the main line's."""

    views: dict[str, str]
    stored: Stored = "float32"


class SettingExtraction(JobParameters):
    """The representations of a setting's models on all stimuli.

    Attributes
    ----------
    cells : parameters of the extraction of each cell, as the main line's, of no stimuli and without untrained models;
        or those of `GivenActivations`.
    stimuli : name -> section of the stimuli as JSON values, with `shift_version` where a shift has one.
    version : of the code of this study's extraction; that of the main line's stands in the cells.
    """

    setting: str
    cells: tuple[dict[str, Any], ...]
    stimuli: dict[str, dict[str, Any]]
    version: int

    def typed(self) -> list[ExtractionParameters | PretrainedExtractionParameters | GivenActivations]:
        """The cells as what they are."""
        kinds = {"model": ExtractionParameters, "look": PretrainedExtractionParameters}
        return [
            next((kind for key, kind in kinds.items() if key in cell), GivenActivations).from_plain(cell)
            for cell in self.cells
        ]


class Scored(JobParameters):
    """A scoring of an analysis: its name there, whether rows get length 1, and the metric's parameters."""

    analysis: str
    scoring: str
    rows: str
    parameters: dict[str, Any]


class MatrixParameters(RuleParameters):
    """Similarities of every two models on one stimulus set, by one metric.

    Attributes
    ----------
    metric : all `scored` are of it. stimuli : the set's name.
    seed : key of the halves.
    """

    stimuli: str
    of: StimuliSet
    metric: str
    scored: tuple[Scored, ...]
    models: tuple[Model, ...]
    seed: int


class SizesParameters(RuleParameters):
    """Similarities on nested draws of one stimulus set, by one scoring. ``per_class`` : stimuli of each class."""

    stimuli: str
    labelling: str | None = None
    per_class: tuple[int, ...]
    scored: Scored
    models: tuple[Model, ...]
    seed: int


class ProbeSet(JobParameters):
    """Stimuli of a probe, and the labelling that it learns (None: all attributes)."""

    train: str
    test: str
    labelling: str | None = None


class ProbeParameters(RuleParameters):
    """The linear probes of a setting's models.

    Attributes
    ----------
    sets : stimulus set -> what the probe is trained and tested on.
    datasets : stimuli -> data set, by the name of its folder.
    rates, decays, seeds, epochs, batch_size : as of the section.
    """

    setting: str
    models: tuple[Model, ...]
    sets: dict[str, ProbeSet]
    datasets: dict[str, str]
    rates: tuple[float, ...]
    decays: int
    seeds: int
    epochs: int
    batch_size: int
    seed: int


class ConsistencyStatistics(RuleParameters):
    """The statistics of the whole study; each job reads what it needs of them."""

    models: tuple[Model, ...]
    sets: dict[str, StimuliSet]
    categories: tuple[str, ...]
    families: str
    strata: tuple[str, ...]
    factorial: tuple[str, ...]
    anchors: tuple[str, ...]
    draws: int
    seed: int
