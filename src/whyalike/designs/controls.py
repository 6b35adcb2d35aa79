"""The control ladder: pairs of models of one setting each of which differs in something else. Pure.

Every rung is a model beside A of dataset overlap; it says which initial weights it starts from and which order and
augmentation it sees (replica "0" is A's), and what it learns. `same_data` and `disjoint_data` are the models B of
dataset overlap 1 and 0 themselves. The lowest rung, the untrained pair, needs no training. `across_seeds` compares the
models A of all seeds with each other: random halves of the data, which share about half of their images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whyalike.designs.design import SHUFFLED_LABELS, Asked, Design, PlannedRun, unknown

ACROSS_SEEDS = "across_seeds"


@dataclass(frozen=True)
class Rung:
    """One model beside A.

    Attributes
    ----------
    start : replica whose initial weights it has.
    replica : replica whose order and augmentation it has.
    split : what tells its data from others, as a run's identity holds it.
    data_overlap : share of A's images that it sees.
    label_overlap : 0 where its labels say nothing of the images.
    """

    start: str
    replica: str
    split: Mapping[str, Any]
    data_overlap: float
    label_overlap: float = 1.0


_A = {"part": "A"}
RUNGS: Mapping[str, Rung] = {
    "same_run": Rung("0", "0", {**_A, "again": 1}, 1.0),  # trained a second time: what the machine alone changes
    "other_order": Rung("0", "1", _A, 1.0),
    "other_start": Rung("1", "0", _A, 1.0),
    "same_data": Rung("1", "1", {"part": "B", "overlap": "1"}, 1.0),
    "disjoint_data": Rung("1", "1", {"part": "B", "overlap": "0"}, 0.0),
    SHUFFLED_LABELS: Rung("1", "1", {**_A, "labels": "shuffled"}, 1.0, 0.0),
}
CONDITIONS = (*RUNGS, ACROSS_SEEDS)
EVERYTHING_ELSE = "same_data"  # the top of the scale: same data and labels, another initialisation and order


def fault(conditions: Sequence[str]) -> str | None:
    """What is wrong with a study's conditions."""
    return unknown(conditions, CONDITIONS, "rungs of the controls")


def study_fault(study: Any) -> str | None:
    """What is wrong with a study."""
    if study.min_accuracy:
        return "min_accuracy cannot be asked of controls: a model of shuffled labels has none. Remove it"
    return None


def overlaps(condition: str) -> tuple[float | None, float]:
    """Data and label overlap; what two seeds share of the data is measured where these are."""
    if condition == ACROSS_SEEDS:
        return None, 1.0
    return RUNGS[condition].data_overlap, RUNGS[condition].label_overlap


def expand(asked: Asked, condition: str) -> tuple[PlannedRun, PlannedRun]:
    """A and the run of a rung; across seeds it is A once more, beside which the other seeds' A stand."""
    run_a = PlannedRun("A", "0", asked.labelling, _A)
    if condition == ACROSS_SEEDS:
        return run_a, run_a
    rung = RUNGS[condition]
    start = rung.start if rung.start != rung.replica else None
    return run_a, PlannedRun(condition, rung.replica, asked.labelling, rung.split, condition, start)


DESIGN = Design(
    words="the controls",
    levels=f"the rungs {', '.join(CONDITIONS)}",
    fault=fault,
    study_fault=study_fault,
    overlaps=overlaps,
    expand=expand,
    across=(ACROSS_SEEDS,),
    split="whyalike.splits.of_designs:controls",
    images_of="dataset",  # whose runs they share
    statistics="whyalike.statistics.controls:control_rows",
    findings="whyalike.statistics.control_findings:control_findings",
    figures=("controls",),
)
