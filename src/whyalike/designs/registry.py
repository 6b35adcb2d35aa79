"""The designs by name, as studies name them under `factor`: where each is, and what it varies, in a phrase."""

from whyalike.designs.design import Design
from whyalike.registry import Entry, Registry

DESIGNS: Registry[str] = Registry(
    "design",
    {
        "dataset": Entry("whyalike.designs.dataset:DESIGN", "the share of training images in common"),
        "task": Entry("whyalike.designs.task:DESIGN", "the share of classes in common, and of their images"),
        "label": Entry("whyalike.designs.label:DESIGN", "the labels of the same images"),
        "factorial": Entry("whyalike.designs.factorial:DESIGN", "data and labels, crossed"),
        "controls": Entry(
            "whyalike.designs.controls:DESIGN",
            "rungs, on which nothing, the order, the initial weights, both, also the images, or also the labels differ",
        ),
        "zoo": Entry(
            "whyalike.designs.zoo:DESIGN", "nothing by design: models on all images, and those from files beside them"
        ),
        "external": Entry("whyalike.designs.external:DESIGN", "what you say of models from files"),
    },
)

FROM_FILES = "external"  # the design of the rules that register runs from files: they have no wildcard for it


def design(name: str) -> Design:
    """A design of the table, by its name."""
    return DESIGNS[name].load()


def designs(*, trained: bool) -> tuple[str, ...]:
    """Names of the designs whose runs are trained here, or of those whose runs come from files."""
    return tuple(name for name in DESIGNS if design(name).is_trained == trained)


def with_conditions() -> tuple[str, ...]:
    """Names of the designs whose studies name conditions."""
    return tuple(name for name in designs(trained=True) if not design(name).gathers)


def gathering() -> tuple[str, ...]:
    """Names of the designs whose studies gather models of any settings."""
    return tuple(name for name in DESIGNS if design(name).gathers)


def of_pairs() -> tuple[str, ...]:
    """Names of the designs of which each pair is a result of its own."""
    return tuple(name for name in DESIGNS if design(name).is_of_pairs)


def with_one_overlap() -> tuple[str, ...]:
    """Names of the designs that vary one overlap."""
    return tuple(name for name in DESIGNS if design(name).overlap)
