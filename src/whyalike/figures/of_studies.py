"""The figure kinds of the studies with rules of their own."""

from whyalike.figures.facts import FigureFacts
from whyalike.registry import Entry


def _closeness(target: str, inputs: tuple[str, ...], caption: str) -> Entry[FigureFacts]:
    facts = FigureFacts((), inputs, "Closeness in distribution", study="closeness", caption=caption)
    return Entry(f"whyalike.studies.closeness.figures.{target}", facts)


def _consistency(target: str, inputs: tuple[str, ...], caption: str) -> Entry[FigureFacts]:
    facts = FigureFacts((), inputs, "Consistency over stimulus sets", study="consistency", caption=caption)
    return Entry(f"whyalike.studies.consistency.figures.{target}", facts)


def _convergence(target: str, inputs: tuple[str, ...], caption: str) -> Entry[FigureFacts]:
    facts = FigureFacts((), inputs, "Convergence", study="convergence", caption=caption)
    return Entry(f"whyalike.studies.convergence.figures.{target}", facts)


OF_STUDIES: dict[str, Entry[FigureFacts]] = {
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
    "convergence_depth": _convergence(
        "depth:draw",
        ("depth",),
        "Alignment of independent models by layer and metric, untrained models beside them.",
    ),
    "convergence_spearman": _convergence("depth:draw_spearman", ("depth",), "The same with rank correlations."),
    "convergence_layermaps": _convergence(
        "layermaps:draw",
        ("layer_scores",),
        "Alignment of every two layers, within and between architectures, with the best match of each.",
    ),
    "convergence_stricter": _convergence("layermaps:draw_stricter", ("layer_scores",), "The same by stricter metrics."),
    "convergence_epochs": _convergence(
        "epochs:draw",
        ("time",),
        "Alignment by layer against accuracy, from untrained models to the ends of epochs.",
    ),
    "convergence_early": _convergence(
        "epochs:draw_early", ("time",), "Alignment within the first epoch, by layer and update."
    ),
    "convergence_shifted": _convergence(
        "shifted:draw", ("shifts",), "Alignment on undistorted and on shifted images, by layer."
    ),
    "convergence_scatter": _convergence(
        "tracking:draw_scatter",
        ("shifts", "shift_scores", "shift_accuracies"),
        "Alignment against accuracy, a point a shifted set, of the first and the last layer.",
    ),
    "convergence_tracking": _convergence(
        "tracking:draw", ("shifts",), "Correlation over shifted sets of alignment with accuracy, by layer."
    ),
    "convergence_table": _convergence(
        "bases:draw_table",
        ("bases",),
        "Permutation scores of native and rotated units: smallest and largest over layers.",
    ),
    "convergence_selfsupervised": _convergence(
        "panels:draw_self_supervised",
        ("depth", "time", "bases"),
        "Self-supervised models: metrics by layer, training, rotated bases; shifts: see the figure of shifts.",
    ),
    "convergence_transformer": _convergence(
        "panels:draw_transformer",
        ("depth", "layer_scores", "time", "bases"),
        "Vision transformers: metrics by block, all blocks, training, rotated bases.",
    ),
    "convergence_language": _convergence(
        "panels:draw_language",
        ("depth", "layer_scores", "time"),
        "Language models: metrics by block, all blocks, training.",
    ),
    "convergence_updates": _convergence(
        "updates:draw",
        ("time",),
        "Alignment, accuracy and loss over updates, and when half and nine tenths of the gain are reached.",
    ),
    "convergence_grid": _convergence(
        "grid:draw",
        ("grid",),
        "Models that share initial weights, or the order of their images, become alike from both sides.",
    ),
    "convergence_baselines": _convergence(
        "baselines:draw",
        ("depth", "baselines"),
        "What of the alignment is there without training, in the input, and beyond the input.",
    ),
    "convergence_rotations": _convergence(
        "bases:draw", ("bases",), "Permutation scores of native units against those of rotated ones, by layer."
    ),
    "convergence_transformations": _convergence(
        "transformations:draw", ("baselines",), "How far a linear map is ahead of a rotation, by stimuli a unit."
    ),
    "convergence_gaps": _convergence(
        "gaps:draw", ("shifts",), "Loss of alignment under each shift by level, at equal numbers of stimuli."
    ),
    "convergence_correlations": _convergence(
        "tracking:draw_intervals",
        ("shifts",),
        "Correlation of alignment with accuracy under shift by layer, with intervals over models and over sets.",
    ),
    "convergence_objectives": _convergence(
        "objectives:draw", ("time",), "Labels, shuffled labels and no labels at equal summed learning rate."
    ),
}
