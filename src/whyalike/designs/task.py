"""Task overlap: A and B learn half of the classes each, a share of them common, and with these their images. Pure."""

from whyalike.designs.design import Axis, Design, PublishedColumns, halves, overlap_fault


def overlaps(level: str) -> tuple[float, float]:
    """The level is the share of classes, and classes bring their images along."""
    return float(level), float(level)


DESIGN = Design(
    words="task overlap",
    levels='overlaps in quotes ("0", "0.25")',
    fault=overlap_fault,
    overlaps=overlaps,
    expand=halves,
    split="whyalike.splits.of_designs:some_classes",
    shares="classes",
    overlap="label_overlap",
    axis=Axis("share of classes in common"),
    published=PublishedColumns(
        by_partition=False,
        own={
            **{"overlap": "common", "ood_one": "ood_one"},
            **{"common": "common", "OOD_for_one": "ood_one", "OOD_for_all": "ood_both"},
        },
        no_such_set={"common": 0.0, "ood_one": 1.0, "ood_both": 0.0},
        left_out={"metric_overlap": 0.0, "metric_ood_one": 1.0},
    ),
)
