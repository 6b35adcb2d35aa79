"""The parameters of the study's jobs; they import nothing of it."""

from typing import Any, Literal

from whyalike.parameters import JobParameters
from whyalike.studies.parameters import RuleParameters
from whyalike.training.parameters import TaskParameters, TrainedRun


class Group(JobParameters):
    """Models (f, g) that differ in their seeds.

    Attributes
    ----------
    group : its name.
    classes : number of labels, K.
    width : units of a hidden layer; of photographs those of g.
    dimensions : M, of f and of g.
    """

    group: str
    classes: int
    width: int
    dimensions: int


class Points(JobParameters):
    """Radial points: how many, and their key."""

    n: int
    seed: int


class RadialData(JobParameters):
    """Radial points to train and to test on."""

    source: Literal["radial"]
    train: Points
    test: Points


class DigitsData(JobParameters):
    """Handwritten digits: how many to train on, and the key of the split."""

    source: Literal["digits"]
    train: int
    seed: int


class PerceptronRecipe(JobParameters):
    """How f and g are trained, as `whyalike.studies.closeness.section.EmbeddingRecipe` has it."""

    lr: float
    batch_size: int
    steps: int
    layers: int


class PerceptronTraining(Group):
    """The training of a group of perceptrons.

    Attributes
    ----------
    inputs : width of x.
    seeds : how many.
    version : of the code that trains.
    """

    data: RadialData | DigitsData
    inputs: int
    seeds: int
    recipe: PerceptronRecipe
    version: int


class EmbedderRun(TrainedRun):
    """A run of a group of image embedders, whose runs differ in their seeds."""

    seed: int


class EmbedderTraining(Group):
    """The training of a group of image embedders.

    Attributes
    ----------
    size : side of the model's input, pixels.
    model, recipe : sections of the configuration as JSON values.
    """

    size: int
    model: dict[str, Any]
    recipe: dict[str, Any]
    runs: tuple[EmbedderRun, ...]

    def of_task(self, run: EmbedderRun) -> TaskParameters:
        """What a run's task reads."""
        return TaskParameters(seed=run.seed, size=self.size, model=self.model)


class PerceptronEmbedding(RuleParameters):
    """The representations of a group of perceptrons."""

    training: PerceptronTraining


class EmbedderEmbedding(RuleParameters):
    """The representations of a group of image embedders; of ``stimuli`` part, n and seed are read."""

    training: EmbedderTraining
    stimuli: dict[str, Any]


class GroupScores(Group, RuleParameters):
    """The scores of all pairs of a group.

    Attributes
    ----------
    study, stimuli : columns of the table.
    num_samples : tuples of llv_distance.
    metrics : of embeddings, scoring -> its parameters.
    """

    study: str
    stimuli: str
    num_samples: int
    metrics: dict[str, dict[str, Any]]


class CircleScores(RuleParameters):
    """The scores of constructed models, as `whyalike.studies.closeness.section.Circle` has them, and the study."""

    study: str
    radii: tuple[float, ...]
    per_class: int
    num_samples: int
    seed: int


class CopiesScores(RuleParameters):
    """The scores of noisy copies, as `whyalike.studies.closeness.section.Copies` has them, and the study."""

    study: str
    n: int
    labels: int
    levels: int
    num_samples: int
    seed: int


class TupleScores(RuleParameters):
    """The scores by numbers of tuples, as `whyalike.studies.closeness.section.Tuples` has them.

    Attributes
    ----------
    study, stimuli : columns of the table.
    """

    study: str
    stimuli: str
    counts: tuple[int, ...]
    keys: int
    pairs: int


class ClosenessStatistics(RuleParameters):
    """The statistics of a part of the study: ``draws`` permutations of the models."""

    draws: int
