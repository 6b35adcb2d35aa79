"""The figures of the study of closeness in distribution, drawn by rules of their own from that study's tables.

They read what their rules give, not what a configuration's ``figures`` name; importing this module is cheap.
"""

from whyalike.figures.registry import FigureFacts
from whyalike.registry import Entry, Registry

CATEGORY = "Closeness in distribution"


def _entry(target: str, inputs: tuple[str, ...]) -> Entry[FigureFacts]:
    return Entry(f"whyalike.figures.{target}", FigureFacts((), inputs, CATEGORY))


CLOSENESS_FIGURES: Registry[FigureFacts] = Registry(
    "figure of closeness",
    {
        "closeness_circle": _entry("closeness_constructed:draw_circle", ("scores",)),
        "closeness_copies": _entry("closeness_constructed:draw_copies", ("scores",)),
        "closeness_width": _entry("closeness_width:draw", ("statistics",)),
        "closeness_metrics": _entry("closeness_metrics:draw", ("statistics",)),
        "closeness_digits": _entry("closeness_digits:draw", ("embeddings", "manifests", "scores")),
        "closeness_tuples": _entry("closeness_tuples:draw", ("scores",)),
    },
)
