"""What is known of a design: how it makes the two models of a pair differ, and what the rooms read of it.

A design is data and small pure functions. Code that needs arrays or tables is named as "package.module:function" and
imported by the room that runs it, with `load`.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SHUFFLED_LABELS = "shuffled_labels"  # level of a run whose labels say nothing of its images
TOLERANCE = 0.02  # how far rounding to whole images or classes may take the share from its level


def load(target: str) -> Callable[..., Any]:
    """Import what "package.module:function" names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Asked:
    """The cell that a condition is expanded in: its seed, the labels of its setting, whether conditions share run A."""

    seed: int
    labelling: str
    share_a: bool = True


@dataclass(frozen=True)
class PlannedRun:
    """A run as a design asks for it; data, model and recipe are those of the setting.

    Attributes
    ----------
    name : unique within the cell.
    replica : key of its initial weights, order and augmentation, beside the seed.
    labelling : what it learns.
    split : what tells its images from those of other runs; it becomes part of the run's identity.
    level : the condition that it is trained for; None where several share it.
    start : replica whose initial weights it has, where that is not its own.
    """

    name: str
    replica: str
    labelling: str
    split: Mapping[str, Any]
    level: str | None = None
    start: str | None = None


@dataclass(frozen=True)
class Axis:
    """How an overlap in [0, 1] is drawn, and the x of the line as published: at ``start + step * overlap``."""

    label: str
    start: float = 0.0
    step: float = 1.0

    def position(self, overlap: Any) -> Any:
        """Where an overlap (a number, or many) lies."""
        return self.start + self.step * overlap


@dataclass(frozen=True)
class PublishedColumns:
    """The score columns of the overlap study's published tables of a design.

    Attributes
    ----------
    by_partition : whether a line names a partition and two models; else it names a share in common.
    own : column without `metric_` -> kind of those of the setting's own stimuli.
    no_such_set : kind -> the overlap at which no class (or corpus) is of that kind.
    left_out : column -> the overlap that the published analysis leaves out, whatever stands there.
    """

    by_partition: bool
    own: Mapping[str, str]
    no_such_set: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, float] = field(default_factory=dict)


def _no_fault(_: Any) -> str | None:
    return None


def _one_a(_: str) -> str:
    return "A"


def _itself(name: str) -> str:
    return name


@dataclass(frozen=True)
class Design:
    """One way in which the two models of a pair differ.

    Attributes
    ----------
    words : its name in a message, such as "label overlap".
    levels : what its conditions are, as the reference of the configuration says it.
    fault : what is wrong with a study's conditions, None where nothing is.
    study_fault : the same of a whole study, whose conditions are right.
    overlaps : data and label overlap of a condition, in [0, 1]; None for one that is not varied.
    expand : runs A and B of a condition within a cell; None where runs come from files, and are never trained.
    declare : what a run from files is known by, of its setting and its name; None where runs are trained.
    gathers : whether its studies gather models of any settings, trained here or from files: they name no conditions,
        and all of their comparisons, whose settings may differ in data and labels.
    across : conditions that compare the runs B of all seeds with each other, in place of A and B of each.
    split : target of ``(data, train, seed, runs) -> {name: (rows, label codes, class names)}``, see
        `whyalike.splits.of_designs`. Empty without `expand`.
    version_of : module whose VERSION marks the state of that code.
    images_of : the design whose images its runs see, so that the two share runs; None for its own.
    shares : what A and B have in common; the split must come near to that share.
    share : how much of it, in [0, 1], by the level of run B.
    share_of_images : how much of the training images a run sees; the plan counts steps by it.
    measured_as : the design that stands for it where a cost is measured on noise; None for itself.
    attributes : that the labels of the data must have.
    labellings : what its runs learn, where that is not the setting's labelling.
    needs_groups : whether the data must come in groups of sources.
    other_labels : whether A and B learn other labels of the same images.
    overlap : column of the score table that holds the one overlap that is varied; None where there is not just one.
    overlap_is_given : whether the user says what overlaps, or nobody does.
    axis : how that overlap is drawn.
    statistics : target of ``(scores, **options) -> rows of the statistics table``, see `whyalike.statistics.study`.
    findings : target of ``(statistics table) -> lines of Markdown``.
    figures : kinds of figure that are made for it alone; without any, it is shown by those that draw one overlap.
    name_of_a : what a run without a condition stands over in the figure of accuracies, by its labelling.
    published : how published score tables hold it; None where they do not.
    unit : name of a run -> that of the independent unit which it is part of.
    """

    words: str
    levels: str
    overlaps: Callable[[str], tuple[float | None, float | None]]
    fault: Callable[[Sequence[str]], str | None] = _no_fault
    study_fault: Callable[[Any], str | None] = _no_fault
    expand: Callable[[Asked, str], tuple[PlannedRun, PlannedRun]] | None = None
    declare: Callable[[str, str], dict[str, str]] | None = None
    gathers: bool = False
    across: tuple[str, ...] = ()
    split: str = ""
    version_of: str = "whyalike.splits.overlap"
    images_of: str | None = None
    shares: Literal["images", "classes"] | None = None
    share: Callable[[str], float] = float
    share_of_images: float = 0.5
    measured_as: str | None = None
    attributes: tuple[str, ...] = ()
    labellings: tuple[str, ...] = ()
    needs_groups: bool = False
    other_labels: bool = False
    overlap: str | None = None
    overlap_is_given: bool = False
    axis: Axis = Axis("overlap")
    statistics: str = "whyalike.statistics.study:overlap_rows"
    findings: str = "whyalike.statistics.findings:overlap_findings"
    figures: tuple[str, ...] = ()
    name_of_a: Callable[[str], str] = _one_a
    published: PublishedColumns | None = None
    unit: Callable[[str], str] = _itself

    @property
    def is_trained(self) -> bool:
        """Whether its runs are trained here."""
        return self.expand is not None

    @property
    def is_of_pairs(self) -> bool:
        """Whether each pair is a result of its own, in place of a change over conditions."""
        return self.gathers or not self.is_trained

    def scored(self) -> dict[str, Any]:
        """What scores depend on, as a job's parameters."""
        return {"shares": self.shares, "other_labels": self.other_labels}


def halves(asked: Asked, condition: str) -> tuple[PlannedRun, PlannedRun]:
    """A, which every condition shares unless `share_a` is off, and B of the condition, on their parts of the images."""
    alone = "" if asked.share_a else f"@{condition}"
    return (
        PlannedRun(f"A{alone}", f"0{alone}", asked.labelling, {"part": "A"}),
        PlannedRun(f"B@{condition}", f"1{alone}", asked.labelling, {"part": "B", "overlap": condition}, condition),
    )


def unknown(conditions: Sequence[str], known: Sequence[str], words: str) -> str | None:
    """The fault of conditions that a design does not have; ``words`` is what they are not."""
    if wrong := [condition for condition in conditions if condition not in known]:
        return f"levels {wrong} are not {words}: {', '.join(known)}"
    return None


def overlap_fault(levels: Sequence[str]) -> str | None:
    """The fault of levels that are no numbers in [0, 1], or not in the one spelling that names files."""
    for text in levels:
        try:
            value = float(text)
        except ValueError:
            return f"a level is a number between 0 and 1 in quotes, got '{text}'"
        if not 0 <= value <= 1:
            return f"a level lies between 0 and 1, got {text}"
        if f"{abs(value):g}" != text:  # "-0" is a number too
            return f"write the level '{text}' as '{abs(value):g}': levels name files, so each has one spelling"
    return None
