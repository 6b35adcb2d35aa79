"""The figure kinds by name: where their code is, what they read, and where the report shows them."""

from whyalike.designs.registry import DESIGNS, design, of_pairs, with_one_overlap
from whyalike.figures.facts import FigureFacts
from whyalike.figures.of_studies import OF_STUDIES
from whyalike.registry import Entry, Registry

FIGURE_WIDTHS = ("page", "column")  # what the option `width` may be: of a page, or of one of its two columns


FIGURES: Registry[FigureFacts] = Registry(
    "figure kind",
    {
        "overlap": Entry(
            "whyalike.figures.overlap:draw",
            FigureFacts(
                ("study",),
                ("scores", "statistics"),
                "Similarity against overlap",
                ("metric", "score_protocol", "study", "comparison", "title", "width"),
            ),
        ),
        "metrics_grid": Entry(
            "whyalike.figures.metrics_grid:draw",
            FigureFacts(
                ("study",), ("scores", "statistics"), "All metrics", ("score_protocol", "study", "comparison", "width")
            ),
        ),
        "factorial": Entry(
            "whyalike.figures.factorial:draw",
            FigureFacts(
                ("study",),
                ("scores", "statistics"),
                "Data or labels",
                ("metric", "score_protocol", "stimuli_kind", "comparison", "width"),
            ),
        ),
        "controls": Entry(
            "whyalike.figures.controls:draw",
            FigureFacts(
                ("study",),
                ("scores", "statistics"),
                "Controls",
                ("metric", "score_protocol", "stimuli_kind", "comparison", "width"),
            ),
        ),
        "heatmap": Entry(
            "whyalike.figures.heatmap:draw",
            FigureFacts(
                ("study",),
                ("pairs",),
                "Pairs of models",
                ("metric", "score_protocol", "comparison", "stimuli", "width"),
                of_pairs=True,
            ),
        ),
        "mutual_information": Entry(
            "whyalike.figures.mutual_information:draw",
            FigureFacts((), ("tables",), "Mutual information", ("width",)),
        ),
        "accuracy": Entry("whyalike.figures.accuracy:draw", FigureFacts((), ("manifests",), "Models", ("width",))),
        "contact_sheet": Entry(
            "whyalike.figures.contact_sheet:draw", FigureFacts(("dataset",), ("data",), "Data", ("seed", "title"))
        ),
        "shift_gallery": Entry(
            "whyalike.figures.shift_gallery:draw",
            FigureFacts(("dataset",), ("data",), "Data", ("shifts", "seed", "title")),
        ),
        "corrections": Entry(
            "whyalike.figures.corrections:draw",
            FigureFacts((), ("all_statistics",), "What the corrections change", ("metric", "width")),
        ),
        "tsne": Entry(
            "whyalike.figures.tsne:draw",
            FigureFacts(
                ("study",),
                ("panel_scores", "representations", "labels"),
                "Representations",
                (
                    "metric",
                    "score_protocol",
                    "comparison",
                    "stimuli",
                    "layer",
                    "stimuli_kind",
                    "seed",
                    "points",
                    "color_by",
                    "width",
                ),
            ),
        ),
        **OF_STUDIES,
    },
)

#: Those that a configuration's `figures` may name.
CONFIG_FIGURES: Registry[FigureFacts] = Registry(
    FIGURES.kind, {kind: entry for kind, entry in FIGURES.items() if not entry.facts.study}
)


def shows(kind: str) -> tuple[str, ...]:
    """The designs of the studies that a kind can show: those that it is made for, else all that vary one overlap."""
    if FIGURES[kind].facts.of_pairs:
        return of_pairs()
    return tuple(name for name in DESIGNS if kind in design(name).figures) or with_one_overlap()
