"""The factorial design, data overlap x label overlap: its conditions, and what each model learns. Pure.

Every model tells 8 classes apart: three binary facts (`whyalike.data.facts`), one of each attribute. A learns bit 0 of
each; B replaces 3, 2, 1 or 0 of them by bit 1 of the same attribute, which makes the label overlap 0, 1/3, 2/3, 1 and
leaves the number of classes, the entropy of the labels and the attributes that they need as they are. Which attribute
is replaced first rotates with the seed. A condition is named "data:label", such as "0.5:2/3".
"""

from fractions import Fraction
from itertools import product

ATTRIBUTES = ("shape", "digit", "color")
DATA_OVERLAPS = ("0", "0.5", "1")
REPLACED = {"0": 3, "1/3": 2, "2/3": 1, "1": 0}  # label overlap -> how many of A's facts B replaces
CONDITIONS = tuple(":".join(both) for both in product(DATA_OVERLAPS, REPLACED))


def data_overlap(condition: str) -> str:
    """The first half of a condition's name: "0.5" of "0.5:2/3"."""
    return condition.split(":")[0]


def overlaps(condition: str) -> tuple[float, float]:
    """Data and label overlap of a condition, each in [0, 1]."""
    data, label = condition.split(":")
    return float(data), float(Fraction(label))


def labelling(seed: int, condition: str | None = None) -> str:
    """The facts that A learns, or B under a condition: "shape.3.0_digit.3.1_color.3.0"."""
    replaced = 0 if condition is None else REPLACED[condition.split(":")[1]]
    new = {ATTRIBUTES[(seed + i) % len(ATTRIBUTES)] for i in range(replaced)}
    return "_".join(f"{attribute}.{seed}.{int(attribute in new)}" for attribute in ATTRIBUTES)


def is_crossed(conditions: tuple[str, ...]) -> bool:
    """Whether each of two or more data overlaps stands with each of two or more label overlaps."""
    data, label = ({condition.split(":")[i] for condition in conditions} for i in (0, 1))
    return len(data) > 1 and len(label) > 1 and len(set(conditions)) == len(data) * len(label)
