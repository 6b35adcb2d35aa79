"""The factorial design, data overlap x label overlap: its conditions, and what each model learns. Pure.

Every model tells 8 classes apart: three binary facts (`whyalike.data.binary_facts`), one of each attribute. A learns
bit 0 of each; B replaces 3, 2, 1 or 0 of them by bit 1 of the same attribute, which makes the label overlap 0, 1/3,
2/3, 1 and leaves the number of classes, the entropy of the labels and the attributes that they need as they are. Which
attribute is replaced first rotates with the seed. A condition is named "data:label", such as "0.5:2/3".

Beside them, as a bridge to the published study, two models may learn its one-attribute labels, with as many classes as
an attribute has values (8 of the full data set): "0.5:shape/digit" is A on shapes, B on digits, label overlap 0;
"0.5:shape/shape" is overlap 1. The images are those of the same data overlap, and so are the random numbers.
"""

from collections.abc import Collection, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from whyalike.designs.design import Asked, Design, PlannedRun, unknown
from whyalike.provenance import version

ATTRIBUTES = ("shape", "digit", "color")
DATA_OVERLAPS = ("0", "0.5", "1")
REPLACED = {"0": 3, "1/3": 2, "2/3": 1, "1": 0}  # label overlap -> how many of A's facts B replaces
CONDITIONS = tuple(":".join(both) for both in product(DATA_OVERLAPS, REPLACED))
PAPER_LABELS = ("shape", "digit")  # the overlap study's labels of one attribute (its Table 1, P1)
BRIDGE = tuple(f"{data}:{a}/{b}" for data, a, b in product(DATA_OVERLAPS, PAPER_LABELS, PAPER_LABELS))


def data_overlap(condition: str) -> str:
    """The first half of a condition's name: "0.5" of "0.5:2/3"."""
    return condition.split(":")[0]


def overlaps(condition: str) -> tuple[float, float]:
    """Data and label overlap of a condition, each in [0, 1]."""
    data, label = condition.split(":")
    if condition in BRIDGE:
        a, b = paper_labels(condition)
        return float(data), float(a == b)
    return float(data), float(Fraction(label))


def paper_labels(condition: str) -> tuple[str, str]:
    """What A and B learn under a condition of the bridge: ("shape", "digit") of "0.5:shape/digit"."""
    a, b = condition.split(":")[1].split("/")
    return a, b


def labelling(seed: int, condition: str | None = None) -> str:
    """The facts that A learns, or B under a condition: "shape.3.0_digit.3.1_color.3.0"."""
    replaced = 0 if condition is None else REPLACED[condition.split(":")[1]]
    new = {ATTRIBUTES[(seed + i) % len(ATTRIBUTES)] for i in range(replaced)}
    return "_".join(f"{attribute}.{seed}.{int(attribute in new)}" for attribute in ATTRIBUTES)


def fact_labels(seed: int, condition: str) -> tuple[str, str]:
    """The facts that A and B learn under a condition of the factorial itself."""
    return labelling(seed), labelling(seed, condition)


def fault(conditions: Sequence[str]) -> str | None:
    """What is wrong with a study's conditions."""
    if words := unknown(conditions, (*CONDITIONS, *BRIDGE), "conditions of the factorial"):
        return words
    if not is_crossed(conditions):
        return f"the factorial crosses two or more of each overlap, all with all; got {list(conditions)}"
    if not bridge_fits(conditions):
        return (
            "the paper's labels need pairs of equal and of other labels, the same ones at each of their data overlaps, "
            f"which the study must have; got {[condition for condition in conditions if condition in BRIDGE]}"
        )
    return None


def is_crossed(conditions: Collection[str]) -> bool:
    """Whether two or more data overlaps stand with two or more label overlaps, all with all; the bridge apart."""
    data, label, whole = _crossing([condition for condition in conditions if condition not in BRIDGE])
    return len(data) > 1 and len(label) > 1 and whole


def bridge_fits(conditions: Collection[str]) -> bool:
    """Whether a study has no bridge, or one with both overlaps of labels, alike at data overlaps that the study has."""
    data, _, whole = _crossing(own := [condition for condition in conditions if condition in BRIDGE])
    asked = {data_overlap(condition) for condition in conditions if condition not in BRIDGE}
    return not own or (whole and data <= asked and {overlaps(condition)[1] for condition in own} == {0, 1})


def _crossing(conditions: Collection[str]) -> tuple[set[str], set[str], bool]:
    """The first and the second halves of names, and whether each stands with each."""
    data, label = ({condition.split(":")[i] for condition in conditions} for i in (0, 1))
    return data, label, len(set(conditions)) == len(data) * len(label)


def study_fault(study: Any) -> str | None:
    """What is wrong with a study: there is no name of a labelling that its accuracies could be asked by."""
    if isinstance(study.min_accuracy, float):
        return None
    return "min_accuracy of a factorial is one number: each of its models learns labels of its own"


def expand(asked: Asked, condition: str) -> tuple[PlannedRun, PlannedRun]:
    """One A, one replica for every B, whatever `share_a` says: the conditions of a seed share their random numbers."""
    bridge, data = condition in BRIDGE, data_overlap(condition)
    a, b = paper_labels(condition) if bridge else fact_labels(asked.seed, condition)
    name_a, own = (f"A/{a}", f"{data}:{b}") if bridge else ("A", condition)  # of the bridge, each run is in two pairs
    facts = {} if bridge else {"facts": version("whyalike.data.binary_facts")}
    run_b = PlannedRun(f"B@{own}", "1", b, {"part": "B", "overlap": data, **facts}, own)
    return PlannedRun(name_a, "0", a, {"part": "A", **facts}), run_b


def share(level: str) -> float:
    """The share of images in common, by the level of a run B, be it of facts or of the bridge."""
    return float(data_overlap(level))


def name_of_a(labels: str) -> str:
    """Facts have a dot in their names; other labels are the paper's, each with a run A of its own."""
    return "A" if "." in labels else f"A:{labels}"


DESIGN = Design(
    words="the factorial",
    levels='data overlap 0, 0.5, 1 and label overlap 0, 1/3, 2/3, 1 as "0.5:2/3", all of them with all, and beside '
    'them the labels of the paper as "0.5:shape/digit" (shape or digit of A, of B)',
    fault=fault,
    study_fault=study_fault,
    overlaps=overlaps,
    expand=expand,
    split="whyalike.splits.of_designs:crossed",
    shares="images",
    share=share,
    measured_as="dataset",  # noise has no groups to cross
    needs_groups=True,
    other_labels=True,
    statistics="whyalike.statistics.factorial:factorial_rows",
    findings="whyalike.statistics.factorial_findings:factorial_findings",
    figures=("factorial",),
    name_of_a=name_of_a,
)
