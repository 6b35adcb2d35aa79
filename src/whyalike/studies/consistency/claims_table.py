"""What the study of consistency says, as claims that numbers can decide: data alone, read by `claims`.

Source: Ciernik et al. 2025, Objective drives the consistency of representational similarity across datasets; the
sentences are our words. Figures are the study's kinds, in brackets those of the paper.
"""

from whyalike.studies.claims import Claim

CONTRAST = "permuted labels of models, Holm over the panels; the same sign by a measure free of range"
MINOR = (
    "equivalence: the 95 % interval within ±0.05 (two one-sided tests at 2.5 %); fails, too, where its share of the "
    "variance of R, or of pair × set, is above that of the first factor"
)

CLAIMS = (
    Claim(
        "ordering-transfers",
        "pairs of models that are alike on one set mostly are so on another",
        "mean R of all pairs over sets of different sources; R with the means of pairs of groups taken off",
        "crossed interval of R above 0.5, and of R within groups above 0; fails where one lies below 0.5, and within "
        "groups holds 0, too",
        "scatters (5), sets (7), ceilings",
    ),
    Claim(
        "objective-first",
        "the training objective matters most for consistency",
        "share of the variance of R, and of pair × set, of the first factor less that of each other one",
        "its interval above that of every other factor, p of permuted levels (Holm)",
        "groups (6), factorial",
    ),
    Claim(
        "ssl-most",
        "the likeness of self-supervised models carries over to other sets best",
        "R within self_supervised less R within supervised, and within image_text",
        CONTRAST,
        "groups (6), rangefree",
    ),
    Claim(
        "ssl-with-others",
        "self-supervised models are consistent with models of other objectives, too",
        "R of self_supervised × another objective less R within that objective",
        f"{CONTRAST}, and without each family",
        "groups (6), anchors (14), families",
    ),
    Claim(
        "it-sup-weak",
        "image-text against supervised models is the least consistent pair of groups",
        "R of image_text × supervised less the mean R of the other pairs of groups, below 0",
        CONTRAST,
        "groups (6), sets (7)",
    ),
    Claim(
        "it-alike",
        "image-text models are alike whatever their data and architecture",
        "mean similarity within image_text less that within every other objective",
        "permuted labels of models, Holm over the panels",
        "matrices (2), scatters (5)",
    ),
    Claim(
        "architecture-minor",
        "architecture hardly matters for consistency",
        "difference of R within two architectures",
        MINOR,
        "groups (6), factorial",
    ),
    Claim(
        "data-minor",
        "training data hardly matter for consistency",
        "difference of R within two kinds of training data",
        MINOR,
        "groups (6), factorial",
    ),
    Claim(
        "size-secondary",
        "models of one size are more consistent, by less than models of one objective",
        "R of pairs of equal size less that of unequal size, and the same of the first category",
        f"{CONTRAST}; smaller than that of the first category",
        "groups (6)",
    ),
    Claim(
        "metric-free",
        "the findings hold for local and for global measures of similarity",
        "correlation of R between metrics over groups and pairs of sets; signs of the contrasts of R within groups",
        "the three metrics agree in the sign of every contrast, and one or more can be told from 0",
        "spread (3), metrics (12), rsa (13), reach",
    ),
    Claim(
        "inverse-u",
        "pairs of middling similarity vary most over sets",
        "coefficient of the squared mean in the SD over sets, of similarities on the logit scale",
        "interval over models below 0; the plain scale has the shape whatever varies, and decides nothing",
        "spread (3), transforms (11), logit",
    ),
    Claim(
        "sets-by-domain",
        "consistency is higher between sets of one category",
        "R of its ceiling, pairs of sets of one category less those of two",
        "permuted categories of sources",
        "sets (7)",
    ),
    Claim(
        "gap-by-domain",
        "likeness predicts the gap of accuracies on single-domain sets, and not on multi-domain ones",
        "correlation of similarity with the gap, mean over single_domain less that over multi_domain, below 0",
        "permuted categories of sources",
        "gap (8), gapsets (15)",
    ),
    Claim(
        "10-a-class",
        "ten stimuli of each class suffice for all metrics but the most local one",
        "largest change of a similarity, and change of R with other sets, from 10 to 20 stimuli a class",
        "below 0.01, of all scorings but one local kernel at most",
        "sizes (9), convergence (10)",
    ),
)
