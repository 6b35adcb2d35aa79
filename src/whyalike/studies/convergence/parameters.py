"""The parameters of the jobs of the study of convergence, a class for each kind."""

from typing import Any

from pydantic import Field

from whyalike.parameters import JobParameters
from whyalike.studies.parameters import RuleParameters


class Member(JobParameters):
    """A model of a group.

    Attributes
    ----------
    model : its name in the group, such as seed0 or seed0.start1.order2.
    seed, start, order : keys of its training; replicas of its seed.
    run : identity in the run store, or view of another library's model.
    name : of the run in its cell.
    untrained : identity of its initial weights; None where they are not known.
    checkpoint : of a run from files the checkpoint that it is; "" of one that is trained here, which has several.
    """

    model: str
    seed: int
    start: str = "0"
    order: str = "0"
    run: str
    name: str
    untrained: str | None = None
    checkpoint: str = ""


class Scored(JobParameters):
    """A scoring of an analysis: its name there, its metric, and the metric's parameters."""

    scoring: str
    metric: str
    parameters: dict[str, Any] = Field({})


class Analysis(JobParameters):
    """One way to look and score: "corrected" or "as_published".

    Attributes
    ----------
    recalibration : training images that BatchNorm's statistics are made of; 0: running statistics.
    scored : what is scored at the end and at the start. over_time : names of those that are followed.
    """

    analysis: str
    recalibration: int = 0
    scored: tuple[Scored, ...]
    over_time: tuple[str, ...]


class Group(JobParameters):
    """The models of a setting that are compared with one another; those of shuffled labels are a group of their own.

    Attributes
    ----------
    group : its name: that of the setting, or {setting}_shuffled.
    cells : parameters of the extraction of each cell, as the main line's, of no stimuli; their runs are the members'.
    members : the models, by seed, then start, then order.
    stimuli : section of the stimuli as JSON values, with `shift_version` where it has a shift.
    stimuli_name : of the configuration. labelling : what the models learn.
    layers : in order of execution. fields : receptive field of a layer, pixels, where it is known.
    size : side of the input, pixels; None of text.
    recipe : as JSON values, with its objective; {} of models from files.
    """

    group: str
    setting: str
    cells: tuple[dict[str, Any], ...]
    members: tuple[Member, ...]
    stimuli: dict[str, Any]
    stimuli_name: str
    labelling: str
    layers: tuple[str, ...]
    fields: dict[str, float] = Field({})
    size: int | None = None
    recipe: dict[str, Any] = Field({})


class Scoring(RuleParameters):
    """What the jobs that score have in common. ``seed`` : key of what is drawn; ``folds_seed`` : of the folds."""

    analyses: tuple[Analysis, ...]
    folds: int
    folds_seed: int
    seed: int


class CheckpointScores(Scoring):
    """Same-layer scores of the pairs of a group at one checkpoint, and how good its models are there."""

    group: Group
    checkpoint: str
    spearman: bool


class BasisScores(Scoring):
    """Permutation scores of native and of rotated units, untrained and final."""

    group: Group
    rotations: int


class BaselineScores(Scoring):
    """What of the alignment the input explains, and how it depends on the number of stimuli."""

    group: Group
    components: int
    counts: tuple[int, ...]


class LayerScores(Scoring):
    """Every layer of a group's models against every layer of another's, or of its own.

    ``analyses`` are a's; ``recalibration_b`` : analysis -> training images that recalibrate b's models.
    """

    a: Group
    b: Group
    pairs: int
    recalibration_b: dict[str, int] = Field({})


class ShiftScores(Scoring):
    """Same-layer scores under one shift. ``levels`` : name of a level -> section of its stimuli as JSON values.

    Of stimuli from files there is one level, "file". ``matched`` : stimuli that every level is scored on; None: as many
    as the smallest set has.
    """

    group: Group
    shift: str
    levels: dict[str, dict[str, Any]]
    matched: int | None = None


class ConvergenceStatistics(RuleParameters):
    """The statistics of the whole study; each job reads what it needs of them.

    Attributes
    ----------
    groups : group -> its setting. kinds : group -> "cnn", "self_supervised", "transformer" or "language".
    stimuli : group -> the name of the stimuli that it is compared on.
    """

    groups: dict[str, str]
    kinds: dict[str, str]
    scored: tuple[Scored, ...]
    over_time: tuple[str, ...]
    stimuli: dict[str, str] = Field({})
    draws: int
    seed: int
