"""The figures of studies with rules of their own, drawn by those rules from those studies' tables: a line a figure.

They read what their rules give, not what a configuration's ``figures`` name; importing this module is cheap.
"""

from whyalike.figures.registry import FigureFacts
from whyalike.registry import Entry, Registry

CLOSENESS = "Closeness in distribution"


def _closeness(target: str, inputs: tuple[str, ...]) -> Entry[FigureFacts]:
    return Entry(f"whyalike.studies.closeness.figures.{target}", FigureFacts((), inputs, CLOSENESS))


STUDY_FIGURES: Registry[FigureFacts] = Registry(
    "figure of a study",
    {
        "closeness_circle": _closeness("constructed:draw_circle", ("scores",)),
        "closeness_copies": _closeness("constructed:draw_copies", ("scores",)),
        "closeness_width": _closeness("width:draw", ("statistics",)),
        "closeness_metrics": _closeness("metrics:draw", ("statistics",)),
        "closeness_digits": _closeness("digits:draw", ("embeddings", "manifests", "scores")),
        "closeness_cifar10": _closeness("digits:draw", ("embeddings", "manifests", "scores")),
        "closeness_tuples": _closeness("tuples:draw", ("scores",)),
    },
)
