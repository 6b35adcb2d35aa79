"""The figures of studies with rules of their own, drawn by those rules from those studies' tables: a line a figure.

They read what their rules give, not what a configuration's ``figures`` name; importing this module is cheap.
"""

from whyalike.figures.registry import FigureFacts
from whyalike.registry import Entry, Registry

CLOSENESS = "Closeness in distribution"


def _closeness(target: str, inputs: tuple[str, ...]) -> Entry[FigureFacts]:
    return Entry(f"whyalike.figures.{target}", FigureFacts((), inputs, CLOSENESS))


STUDY_FIGURES: Registry[FigureFacts] = Registry(
    "figure of a study",
    {
        "closeness_circle": _closeness("closeness_constructed:draw_circle", ("scores",)),
        "closeness_copies": _closeness("closeness_constructed:draw_copies", ("scores",)),
        "closeness_width": _closeness("closeness_width:draw", ("statistics",)),
        "closeness_metrics": _closeness("closeness_metrics:draw", ("statistics",)),
        "closeness_digits": _closeness("closeness_digits:draw", ("embeddings", "manifests", "scores")),
        "closeness_cifar10": _closeness("closeness_digits:draw", ("embeddings", "manifests", "scores")),
        "closeness_tuples": _closeness("closeness_tuples:draw", ("scores",)),
    },
)
