"""The figure kinds by name: where their code is, what they read, and where the report shows them."""

from dataclasses import dataclass

from whyalike.designs.registry import DESIGNS, design, of_pairs, with_one_overlap
from whyalike.registry import Entry, Registry


@dataclass(frozen=True)
class FigureFacts:
    """What is known of a figure kind.

    Attributes
    ----------
    needs : keys that the figure's entry in the config must have: "study", "dataset".
    inputs : what is read, each a list of paths: "scores", "statistics", "manifests" (Parquet tables, concatenated),
        "all_statistics" (of every study), "pairs" (pair tables of the study), "tables" (one CSV file), "data" (the
        folder of a prepared data set, or its files); of one comparison, stimuli and layer, that the options name,
        "panel_scores", "representations" and "labels". In the order of the arguments of ``draw``.
        A figure of a study with rules of its own reads Parquet tables by whatever name the study has for them.
    category : heading in the report.
    options : keys that the entry's `options` may have: the keyword arguments of ``draw``.
    of_pairs : whether it shows studies of which each pair is a result, and no others.
    study : the study whose rules draw it, and no configuration's `figures`.
    caption : of such a figure, one sentence for the report.
    """

    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    category: str
    options: tuple[str, ...] = ()
    of_pairs: bool = False
    study: str = ""
    caption: str = ""


FIGURE_WIDTHS = ("page", "column")  # what the option `width` may be: of a page, or of one of its two columns


def _closeness(target: str, inputs: tuple[str, ...], caption: str) -> Entry[FigureFacts]:
    facts = FigureFacts((), inputs, "Closeness in distribution", study="closeness", caption=caption)
    return Entry(f"whyalike.studies.closeness.figures.{target}", facts)


def _consistency(target: str, inputs: tuple[str, ...], caption: str) -> Entry[FigureFacts]:
    facts = FigureFacts((), inputs, "Consistency over stimulus sets", study="consistency", caption=caption)
    return Entry(f"whyalike.studies.consistency.figures.{target}", facts)


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
        "closeness_circle": _closeness(
            "constructed:draw_circle",
            ("scores",),
            "Two models agree ever more surely (KL divergence), and stay as unlike as they were.",
        ),
        "closeness_copies": _closeness(
            "constructed:draw_copies",
            ("scores",),
            "Noisy copies of a model: unlikeness of representations lies below the bound by d_LLV.",
        ),
        "closeness_width": _closeness(
            "width:draw",
            ("statistics",),
            "Do wider networks learn closer distributions and more similar representations? All pairs of seeds.",
        ),
        "closeness_metrics": _closeness(
            "metrics:draw",
            ("statistics",),
            "Which metrics rank pairs of models as their closeness in distribution does.",
        ),
        "closeness_digits": _closeness(
            "digits:draw",
            ("embeddings", "manifests", "scores"),
            "Embeddings of handwritten digits by two models, and how loss and similarity go together.",
        ),
        "closeness_cifar10": _closeness(
            "digits:draw",
            ("embeddings", "manifests", "scores"),
            "Embeddings of photographs by two models, and how loss and similarity go together.",
        ),
        "closeness_tuples": _closeness(
            "tuples:draw", ("scores",), "How far d_LLV depends on the number of random tuples of inputs."
        ),
        "consistency_matrices": _consistency(
            "matrices:draw",
            ("similarity", "models", "consistency"),
            "Similarity of every two models on single stimulus sets, its mean and standard deviation over all sets.",
        ),
        "consistency_spread": _consistency(
            "spread:draw",
            ("spread",),
            "Mean and standard deviation of similarity over stimulus sets, and means of two metrics.",
        ),
        "consistency_tsne": _consistency(
            "tsne:draw",
            ("similarity", "models", "consistency"),
            "Models in the plane by their similarities (t-SNE), coloured by what is known of them.",
        ),
        "consistency_scatters": _consistency(
            "scatters:draw",
            ("similarity", "models", "consistency"),
            "Similarity of pairs of models on two stimulus sets, of all pairs and of those within a group.",
        ),
        "consistency_groups": _consistency(
            "groups:draw",
            ("consistency",),
            "Consistency over pairs of stimulus sets by groups of models.",
        ),
        "consistency_sets": _consistency(
            "sets:draw",
            ("consistency", "similarity"),
            "Consistency of every two stimulus sets, by their category, of all models and of groups.",
        ),
        "consistency_gap": _consistency(
            "gap:draw",
            (
                "similarity",
                "probes",
                "gap",
            ),
            "Similarity of two models against the gap of their accuracies, by category of stimulus sets.",
        ),
        "consistency_sizes": _consistency(
            "sizes:draw_matrices",
            ("size_scores", "models", "consistency"),
            "Similarity matrices by the number of stimuli of each class, from local to global metrics.",
        ),
        "consistency_convergence": _consistency(
            "sizes:draw_changes",
            ("size_scores", "sizes"),
            "How much similarity and consistency still change with more stimuli of each class.",
        ),
        "consistency_transforms": _consistency(
            "spread:draw_transforms",
            ("spread",),
            "Mean and standard deviation of similarity after arccos and tan.",
        ),
        "consistency_metrics": _consistency(
            "metrics:draw",
            ("consistency",),
            "Consistency by one metric against that by another.",
        ),
        "consistency_rsa": _consistency(
            "groups:draw_rsa",
            ("consistency",),
            "Consistency over pairs of stimulus sets by groups of models, by RSA.",
        ),
        "consistency_anchors": _consistency(
            "anchors:draw",
            ("consistency",),
            "Consistency of the similarities to one model, by groups of models.",
        ),
        "consistency_gapsets": _consistency(
            "gap:draw_sets",
            ("gap",),
            "Correlation of similarity with the gap of accuracies, by stimulus set.",
        ),
        "consistency_ceilings": _consistency(
            "ceilings:draw",
            ("groups",),
            "Consistency with intervals over models and sources, and its ceiling by halves of the stimuli.",
        ),
        "consistency_rangefree": _consistency(
            "rangefree:draw",
            ("groups",),
            "Consistency by measures that do not depend on the range of similarities, and at a common spread.",
        ),
        "consistency_factorial": _consistency(
            "factorial:draw",
            ("shares",),
            "Shares of variance of similarity and of consistency by the factors that trained models cross.",
        ),
        "consistency_null": _consistency(
            "null:draw",
            ("groups",),
            "Contrasts of groups of models against permuted labels, and how often a test over pairs of sets errs.",
        ),
        "consistency_reach": _consistency(
            "reach:draw",
            (
                "similarity",
                "models",
                "consistency",
            ),
            "How many stimuli the RBF kernel of each model reaches.",
        ),
        "consistency_families": _consistency(
            "families:draw",
            ("groups",),
            "Consistency of groups of models without one family each.",
        ),
        "consistency_logit": _consistency(
            "spread:draw_logit",
            ("spread",),
            "Mean and standard deviation of similarity on the logit scale.",
        ),
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
