"""What the study of convergence says, as claims that numbers can decide: data alone, read by `claims`.

Source: Kapoor, Srivastava and Khosla 2025, Bridging Critical Gaps in Convergent Learning; the sentences are our words.
Figures are the study's kinds, in brackets those of the paper.
"""

from whyalike.studies.claims import Claim

NEARLY = 0.05  # a difference of correlations that is called none
FORGOTTEN = 0.02  # a difference that a start or an order has left behind
MOST = 0.5  # a share above it is most

CLAIMS = (
    Claim(
        "falls-with-depth",
        "alignment is strongest in early layers and falls with depth, by every metric",
        "slope of alignment on depth (Theil and Sen), of each pair of models",
        "interval below 0 of every group and metric, and none above 0 over the layers of one width",
        "depth (1)",
    ),
    Claim(
        "rotations-suffice",
        "rotations align representations nearly as well as linear maps",
        "linear, ridge by inner folds, less Procrustes, mean over layers",
        f"interval below {NEARLY}, at all stimuli and, where n is enough to tell, in the limit of many",
        "depth (1), transformations",
    ),
    Claim(
        "privileged-basis",
        "single units match beyond chance: a random rotation lowers permutation scores in every layer",
        "permutation score less its mean over random rotations of units of one spread",
        "p of every layer at most .05 after Holm over the layers, of every group of convolutional models",
        "rotations, table (Table 1)",
    ),
    Claim(
        "no-basis-in-transformers",
        "vision transformers have no privileged axes: native and rotated scores are the same",
        "the same of transformers",
        f"equivalence: the interval of every block within ±{NEARLY}",
        "transformer (7)",
    ),
    Claim(
        "training-raises",
        "training raises alignment, more in deep layers than in early ones",
        "alignment of trained less untrained pairs: mean over layers of depth below and above .5, slope on depth",
        "intervals above 0, with BatchNorm recalibrated and (where models have it) as trained",
        "depth (1), baselines",
    ),
    Claim(
        "first-epoch",
        "nearly all alignment is there after the first epoch",
        "share of the final gain that is reached at the end of epoch 1, of the mean over layers",
        f"interval above {MOST}; fails below",
        "epochs (3), early (A7), updates",
    ),
    Claim(
        "alignment-first",
        "alignment is there well before accuracy",
        "updates until nine tenths of the gain of accuracy less those until nine tenths of that of alignment, of the "
        "mean over layers",
        "interval above 0",
        "updates",
    ),
    Claim(
        "input-driven",
        "input statistics and architecture make models alike, not the task",
        "alignment without the input's components over alignment, a ratio of correlations and no share of variance; "
        "alignment of models of shuffled labels less that of given ones",
        f"intervals: ratio below {MOST} (a convention), difference above -{NEARLY}; fails where one is below that",
        "baselines, objectives",
    ),
    Claim(
        "shift-parts-deep-layers",
        "under distribution shift deep layers diverge, early ones do not",
        "slope on depth of alignment on shifted less on undistorted stimuli, at equal n, mean over shifts",
        "intervals over models and over sets below 0",
        "shifted (4), gaps",
    ),
    Claim(
        "accuracy-follows",
        "under shift alignment goes with accuracy, more so in deep layers",
        "correlation over shifted sets of alignment with accuracy in the last layer, plain and given distance, "
        "dimension and untrained alignment; its slope on depth",
        "intervals over models and over sets above 0",
        "scatter, tracking (5), correlations",
    ),
    Claim(
        "depth-matches",
        "layers are most alike at like depth, across architectures and metrics, too",
        "mean distance in depth of the best match, less that of permuted layers",
        "p of permuted layers at most .05 for every two groups and metric; all must, so p is not adjusted",
        "layermaps (2), stricter (A3)",
    ),
    Claim(
        "start-forgotten",
        "initial weights are forgotten: in the end it is no matter what two models share",
        "alignment of models with one start and other orders less that with one order and other starts, at the end",
        f"equivalence: the interval of the mean over layers within ±{FORGOTTEN}",
        "grid",
    ),
    Claim(
        "language-peaks-early",
        "language models are most alike early in training, and less so at its end",
        "alignment of pairs at the checkpoint at which pairs of other models are most alike, less that at the end",
        "interval above 0; fails where the others always choose the end",
        "language (8)",
    ),
)
