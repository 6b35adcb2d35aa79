"""Dataset overlap: A and B learn the same classes from images of which a share is common. Pure."""

from whyalike.designs.design import Axis, Design, PublishedColumns, halves, overlap_fault


def overlaps(level: str) -> tuple[float, None]:
    """The level is the share of images."""
    return float(level), None


DESIGN = Design(
    words="dataset overlap",
    levels='overlaps in quotes ("0", "0.25")',
    fault=overlap_fault,
    overlaps=overlaps,
    expand=halves,
    split="whyalike.splits.of_designs:some_images",
    shares="images",
    overlap="data_overlap",
    axis=Axis("share of training data in common"),
    published=PublishedColumns(by_partition=False, own={"overlap": "in_distribution"}),
)
