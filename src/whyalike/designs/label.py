"""Label overlap: A and B learn other labels of the same images, as partitions of their attributes say. Pure.

The conditions are those of the overlap study (its Table 1): labels of one attribute each, of two, or all of them.
"""

from collections.abc import Sequence

from whyalike.designs.design import Asked, Axis, Design, PlannedRun, PublishedColumns, unknown

PARTITIONS = {
    "P1": ("shape", "digit"),
    "P2": ("shape_digit", "shape_color", "digit_color"),
    "P3": ("shape_digit_color",) * 2,
}
# condition -> partition, places of what A and B learn
CONDITIONS = {"1": ("P1", 0, 1), "2A": ("P2", 0, 1), "2B": ("P2", 0, 2), "2C": ("P2", 1, 2), "3": ("P3", 0, 1)}
OVERLAP = {"1": 0.0, "2A": 0.5, "2B": 0.5, "2C": 0.5, "3": 1.0}


def fault(conditions: Sequence[str]) -> str | None:
    """What is wrong with a study's conditions."""
    return unknown(conditions, tuple(CONDITIONS), "conditions of label overlap")


def overlaps(condition: str) -> tuple[None, float]:
    """The images are the same throughout."""
    return None, OVERLAP[condition]


def expand(_: Asked, condition: str) -> tuple[PlannedRun, PlannedRun]:
    """Two models of a partition."""
    partition, *places = CONDITIONS[condition]
    a, b = (_run(PARTITIONS[partition][place], place) for place in places)
    return a, b


def _run(labelling: str, place: int) -> PlannedRun:
    # the three two-attribute models get three replicas: no pair may share its initialisation
    return PlannedRun(f"{labelling}.{place}", str(place), labelling, {"part": "all"})


DESIGN = Design(
    words="label overlap",
    levels=f"the conditions {', '.join(CONDITIONS)}",
    fault=fault,
    overlaps=overlaps,
    expand=expand,
    split="whyalike.splits.of_designs:all_images",
    share_of_images=1.0,
    attributes=("shape", "digit", "color"),
    labellings=tuple(dict.fromkeys(name for names in PARTITIONS.values() for name in names)),
    other_labels=True,
    overlap="label_overlap",
    axis=Axis("level of label overlap", start=1.0, step=2.0),  # the published figure draws levels 1, 2, 3
    published=PublishedColumns(by_partition=True, own={"partition_metric": "in_distribution"}),
)
