"""The figure kinds by name: where their code is, what they read, and where the report shows them."""

from dataclasses import dataclass

from whyalike.designs.registry import DESIGNS, design, with_one_overlap
from whyalike.registry import Entry, Registry


@dataclass(frozen=True)
class FigureFacts:
    """What is known of a figure kind.

    Attributes
    ----------
    needs : keys that the figure's entry in the config must have: "study", "dataset".
    inputs : what is read, each a list of paths: "scores", "statistics", "manifests" (Parquet tables, concatenated),
        "all_statistics" (of every study), "tables" (one CSV file), "data" (the folder of a prepared data set, or its
        files); of one comparison, stimuli and layer, that the options name, "panel_scores", "representations" and
        "labels". In the order of the arguments of ``draw``.
    category : heading in the report.
    options : keys that the entry's `options` may have: the keyword arguments of ``draw``.
    """

    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    category: str
    options: tuple[str, ...] = ()


FIGURES: Registry[FigureFacts] = Registry(
    "figure kind",
    {
        "overlap": Entry(
            "whyalike.figures.overlap:draw",
            FigureFacts(
                ("study",),
                ("scores", "statistics"),
                "Similarity against overlap",
                ("metric", "score_protocol", "study", "comparison", "title"),
            ),
        ),
        "metrics_grid": Entry(
            "whyalike.figures.metrics_grid:draw",
            FigureFacts(("study",), ("scores", "statistics"), "All metrics", ("score_protocol", "study", "comparison")),
        ),
        "factorial": Entry(
            "whyalike.figures.factorial:draw",
            FigureFacts(
                ("study",),
                ("scores", "statistics"),
                "Data or labels",
                ("metric", "score_protocol", "stimuli_kind", "comparison"),
            ),
        ),
        "controls": Entry(
            "whyalike.figures.controls:draw",
            FigureFacts(
                ("study",),
                ("scores", "statistics"),
                "Controls",
                ("metric", "score_protocol", "stimuli_kind", "comparison"),
            ),
        ),
        "mutual_information": Entry(
            "whyalike.figures.mutual_information:draw", FigureFacts((), ("tables",), "Mutual information")
        ),
        "accuracy": Entry("whyalike.figures.accuracy:draw", FigureFacts((), ("manifests",), "Models")),
        "contact_sheet": Entry(
            "whyalike.figures.contact_sheet:draw", FigureFacts(("dataset",), ("data",), "Data", ("seed", "title"))
        ),
        "corrections": Entry(
            "whyalike.figures.corrections:draw",
            FigureFacts((), ("all_statistics",), "What the corrections change", ("metric",)),
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
                ),
            ),
        ),
    },
)


def shows(kind: str) -> tuple[str, ...]:
    """The designs of the studies that a kind can show: those that it is made for, else all that vary one overlap."""
    return tuple(name for name in DESIGNS if kind in design(name).figures) or with_one_overlap()
