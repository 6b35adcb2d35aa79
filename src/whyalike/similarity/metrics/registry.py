"""The tables of metrics: each name points at its forms (exact, as published) and carries the facts about it.

`METRICS` compare representations. `OTHER_METRICS` compare something else, distributions (f, g) or predictions: each
target is a function ``metric(a, b, **parameters)``, and a configuration's ``similarity.metrics`` takes none of them,
because activations alone do not hold what they compare.

Importing this module is cheap (no numpy): config validates metric names and parameters against it, statistics and
figures read the facts. Definitions and published faults: see the family modules the targets name. Metrics without a
published form are those that the reference of the protocol `as_published` lacks.
"""

import math
from typing import Any

from whyalike.registry import Entry, Registry
from whyalike.similarity.metrics.facts import MetricFacts

HUH = "Huh et al. 2024, The Platonic Representation Hypothesis"
KORNBLITH = "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited"
SONG = "Song et al. 2012, Feature Selection via Dependence Maximization, eq. 5"
NGUYEN = "Nguyen et al. 2021, Do Wide and Deep Networks Learn the Same Things?"
RAGHU = "Raghu et al. 2017, SVCCA"
HOTELLING = "Hotelling 1936, Relations between Two Sets of Variates"
MORCOS = "Morcos et al. 2018, Insights on Representational Similarity with CCA"
WILLIAMS = "Williams et al. 2021, Generalized Shape Metrics on Neural Representations"
HARVEY = (
    "Harvey et al. 2024, Duality of Bures and Shape Distances with Implications for Comparing Neural Representations"
)
BOIX_ADSERA = "Boix-Adsera et al. 2022, GULP: a prediction-based metric between representations"
SZEKELY = "Székely et al. 2007, Measuring and testing dependence by correlation of distances"
SZEKELY_RIZZO = "Székely and Rizzo 2013, The distance correlation t-test of independence in high dimension"
HAMILTON = "Hamilton et al. 2016, Cultural Shift or Linguistic Drift?"
KRIEGESKORTE = "Kriegeskorte et al. 2008, Representational Similarity Analysis"
YAMINS = "Yamins et al. 2014, Performance-optimized hierarchical models predict neural responses"
SCHOENEMANN = "Schönemann 1966, A generalized solution of the orthogonal Procrustes problem"
LI = "Li et al. 2016, Convergent Learning"
KHOSLA = "Khosla and Williams 2024, Soft Matching Distance"
NIELSEN = "Nielsen et al. 2025, When Does Closeness in Distribution Imply Representational Similarity?"
GEIRHOS = "Geirhos et al. 2020, Beyond Accuracy: Quantifying Trial-by-Trial Behaviour"

POOLED_PLAN = "The plan weighs correlations of single units. Use score 'mapped' or correlation 'per_unit'."
INNER_FOLDS = "Folds in turn choose the ridge of one that is held out. Use 3 folds or more."
FOLDS = ("folds", "seed")  # what tells how stimuli are split into folds
SAME_DISTRIBUTION = ("reparametrisation", "unembedding_shift")  # what leaves p(y|x) as it is
NEEDS = {
    "distributions": "pairs (f, g) of embeddings and unembeddings",
    "predictions": "predicted classes",
}


def _neighbour_facts(estimator: str, source: str, published: str | None = None, **others: Any) -> MetricFacts:
    facts = {"range": (0.0, 1.0), "self_value": 1.0, "smallest_n": 3, "family": "neighbours", **others}
    return MetricFacts(
        invariances=("orthogonal", "scale", "row_scale"),
        preprocessing="l2",  # with the raw inner product a few long rows become everyone's neighbours
        estimator=estimator,
        published_estimator=published or estimator,
        parameters={"k": 10},
        prepared_by=("k",),
        source=source,
        cost="n² d; n k²",
        **facts,
    )


def _spectral_facts(**facts: Any) -> MetricFacts:
    given = {"range": (0.0, 1.0), "self_value": 1.0, "parameters": {}, "smallest_n": 3, **facts}
    return MetricFacts(preprocessing="none", published_estimator=None, **given)


def _fitted_facts(parameters: dict[str, Any], **others: Any) -> MetricFacts:
    facts = {"prepared_by": FOLDS, **others}
    choices = {"correlation": ("per_unit", "pooled"), "comparison": ("pearson", "spearman")}
    return MetricFacts(
        range=(-1.0, 1.0),
        self_value=1.0,
        invariances=("scale", "translation"),
        preprocessing="none",
        estimator="cross_validated",
        published_estimator=None,
        parameters={**parameters, "folds": 5, "seed": 42, "correlation": "per_unit", "comparison": "pearson"},
        choices={**choices, **facts.pop("choices", {})},
        smallest_n=6,  # three held-out stimuli in each of two folds: the correlation of two is always 1 or -1
        chance="0, up to −1/n",
        **facts,
    )


def _other_facts(estimator: str, **others: Any) -> MetricFacts:
    """Facts with what these metrics share: nothing is preprocessed, and there is one protocol."""
    shared = {"arguments": "distributions", "smallest_n": 1, "source": NIELSEN, "parameters": {}}
    return MetricFacts(**{**shared, **others}, preprocessing="none", estimator=estimator, published_estimator=estimator)


def _distance(estimator: str, largest: float = float("inf"), **others: Any) -> MetricFacts:
    facts = {"invariances": SAME_DISTRIBUTION, **others}
    return _other_facts(estimator, kind="distance", range=(0.0, largest), self_value=0.0, **facts)


def _likeness(estimator: str, invariances: tuple[str, ...], smallest: float = 0.0, **others: Any) -> MetricFacts:
    return _other_facts(estimator, range=(smallest, 1.0), self_value=1.0, invariances=invariances, **others)


METRICS: Registry[MetricFacts] = Registry(
    "metric",
    {
        "cka": Entry(
            "whyalike.similarity.metrics.cka:LINEAR",
            MetricFacts(
                range=(0.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="hsic_biased",
                published_estimator="hsic_biased",
                parameters={},
                smallest_n=3,
                family="kernels",
                deconfoundable=True,
                source=KORNBLITH,
                published_eps=1e-6,
                linear_kernel=True,
                formula="tr(KHLH) / √(tr(KHKH) tr(LHLH)), K = XX′, L = YY′",
                chance="rises with p/n and q/n",
                cost="n d²; n d²",
                use="the common yardstick; compare values of equal n and width only, or take cka_unbiased",
            ),
        ),
        "cka_rbf": Entry(
            "whyalike.similarity.metrics.cka:RBF",
            MetricFacts(
                range=(0.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="hsic_biased",
                published_estimator="hsic_biased",
                parameters={"sigma_median": 1.0},  # a multiple of the median distance: free of the features' scale
                published_parameters={"sigma": 1.0},  # the reference's default
                alternatives={"sigma": ("sigma_median",), "sigma_median": ("sigma",)},
                smallest_n=3,
                family="rbf",
                prepared_by=("sigma", "sigma_median"),
                deconfoundable=True,
                source=KORNBLITH,
                published_eps=1e-6,
                formula="as cka with K = exp(−d² / (2σ²)), σ absolute or a multiple of the median distance",
                chance="rises as σ falls",
                cost="n² d; n²",
                use="similarity of neighbourhoods whose size σ sets; tends to cka as σ grows",
                note="`sigma_median` is a multiple of the median of distances over all pairs of stimuli. The "
                "code of Kornblith et al. takes that of all n² squared distances, the zeros of the diagonal among "
                "them: its σ is a little smaller. Other code takes that of squared distances that are not 0: its σ is "
                "larger where stimuli coincide.",
            ),
        ),
        "cka_rbf_unbiased": Entry(
            "whyalike.similarity.metrics.cka_rbf_unbiased:CKA_RBF_UNBIASED",
            MetricFacts(
                range=(-1.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="hsic_1",
                published_estimator="hsic_1",
                parameters={"sigma_median": 1.0, "rows": "raw"},
                published_parameters={"sigma": 1.0},  # the reference's default; its rows have length 1 already
                choices={"rows": ("raw", "l2")},
                alternatives={"sigma": ("sigma_median",), "sigma_median": ("sigma",)},
                smallest_n=4,
                family="rbf",
                prepared_by=("sigma", "sigma_median", "rows"),
                deconfoundable=True,
                source=f"{SONG}; {NGUYEN}",
                published_eps=1e-6,
                formula="as cka_rbf with the unbiased HSIC₁ of kernels without their diagonal",
                chance="0",
                cost="n² d; n²",
                use="as cka_rbf, where n or widths differ, n is small, or σ is: its chance level stays",
                note="With `sigma: 0.4, rows: l2`, an absolute σ on rows of length 1, it is the local CKA of Ciernik "
                "et al. 2024: how many stimuli such a kernel reaches depends on the cone in which the features lie. "
                "As published entries are clamped before rows are scaled, as the reference does with all metrics.",
            ),
        ),
        "cka_unbiased": Entry(
            "whyalike.similarity.metrics.cka:UNBIASED",
            MetricFacts(
                range=(-1.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="hsic_1",
                published_estimator="hsic_1",
                parameters={},
                smallest_n=4,
                family="kernels",
                deconfoundable=True,
                source=SONG,
                published_eps=1e-6,
                linear_kernel=True,
                formula="as cka with the unbiased HSIC₁ of kernels without their diagonal",
                chance="0",
                cost="n d²; n d²",
                use="the default where n or widths differ, or n is small",
            ),
        ),
        "mutual_knn": Entry(
            "whyalike.similarity.metrics.neighbours:MUTUAL",
            _neighbour_facts(
                "overlap",
                HUH,
                formula="mean over i of |N_X(i) ∩ N_Y(i)| / k, N the lists of the k nearest neighbours",
                chance="k/(n − 1)",
                use="local structure alone; insensitive to distant stimuli and to outliers",
                version=2,
                note="(X, X) gives 1 but for rows whose k nearest and more are one tie (rows of 0, classes that are "
                "points): these are drawn on each side. Undefined where every row ties with all others.",
            ),
        ),
        "cycle_knn": Entry(
            "whyalike.similarity.metrics.neighbours:CYCLE",
            _neighbour_facts(
                "return",
                HUH,
                self_value=None,
                symmetric=False,
                formula="share of stimuli i that lie in N_X(j) for some j in N_Y(i)",
                chance="about 1 − (1 − k/(n − 1))ᵏ",
                use="as published; saturates early as k grows",
                version=2,
                note="Rows whose k nearest and more are one tie (rows of 0, classes that are points) are drawn on each"
                " side. Undefined where every row ties with all others.",
            ),
        ),
        "lcs_knn": Entry(
            "whyalike.similarity.metrics.neighbours:LCS",
            _neighbour_facts(
                "lcs/k",
                HUH,
                "lcs/4",
                formula="mean length of the longest common subsequence of the two ordered lists, / k",
                chance="a little below k/(n − 1)",
                use="as mutual_knn, where the order of neighbours matters",
                version=2,
                note="(X, X) gives 1 but for rows whose k nearest and more are one tie (rows of 0, classes that are "
                "points): these are drawn on each side. Undefined where every row ties with all others.",
            ),
        ),
        "edit_distance_knn": Entry(
            "whyalike.similarity.metrics.neighbours:EDIT",
            _neighbour_facts(
                "1-levenshtein/k",
                HUH,
                "1-levenshtein/4k",
                formula="1 − mean Levenshtein(N_X(i), N_Y(i)) / k",
                chance="below k/(n − 1)",
                use="as lcs_knn; neighbours that moved by one place count less",
                version=2,
                note="(X, X) gives 1 but for rows whose k nearest and more are one tie (rows of 0, classes that are "
                "points): these are drawn on each side. Undefined where every row ties with all others.",
            ),
        ),
        "cknna": Entry(
            "whyalike.similarity.metrics.cknna:CKNNA",
            _neighbour_facts(
                "hsic_1",
                HUH,
                range=(float("-inf"), float("inf")),
                smallest_n=4,
                symmetric=False,
                published_eps=1e-6,
                formula="HSIC₁(mask∘K, mask∘L) / √(HSIC₁(K, K) HSIC₁(L, L)), mask = common nearest neighbours, each "
                "denominator with its own",
                chance="not 0 (.016 at n = 500, k = 10)",
                use="between mutual_knn and cka: weighs common neighbours by their similarity",
                version=2,
                note="(X, X) gives 1 but for rows whose k nearest and more are one tie (rows of 0, classes that are "
                "points): these are drawn on each side. Undefined where every row ties with all others.",
            ),
        ),
        "svcca": Entry(
            "whyalike.similarity.metrics.svcca:SVCCA",
            MetricFacts(
                range=(0.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="svd",
                published_estimator="randomised_svd_maximum",
                parameters={"dims": 10},
                alternatives={"dims": ("variance",), "variance": ("dims",)},
                smallest_n=3,
                family="svcca",
                prepared_by=("dims", "variance"),
                source=RAGHU,
                formula="mean singular value of U₁′U₂, U the leading `dims` left singular vectors (or those that hold "
                "`variance`)",
                chance="rises with dims/n",
                cost="n d²; n dims²",
                use="as cca where n does not exceed p + q by far: noise directions do not count",
                version=2,
                note="Units are not scaled: a unit of large variance leads. As published each is scaled to SD 1. "
                "Divide the features by their SD to have that here.",
            ),
        ),
        "cca": Entry(
            "whyalike.similarity.metrics.cca:CCA",
            _spectral_facts(
                invariances=("linear", "orthogonal", "scale", "translation"),
                estimator="canonical",
                family="canonical",
                source=HOTELLING,
                formula="mean of the canonical correlations: mean singular value of Qx′Qy, Q an orthonormal basis of "
                "the centred columns",
                chance="rises with max(p, q)/n (the mean of squares: max(p, q)/(n − 1)); 1 where p or q reaches n − 1",
                cost="n d²; n d²",
                use="do the two span the same linear information; only with n far above p + q",
                version=2,
                note="A copy of X that lost directions scores 1 with X: there are min(rank X, rank Y) correlations. "
                "Google's code prints as its mean a trimmed one, of the leading correlations that make up 98 % of"
                " the sum (`threshold`): larger than this mean.",
            ),
        ),
        "pwcca": Entry(
            "whyalike.similarity.metrics.cca:PWCCA",
            _spectral_facts(
                invariances=("scale", "translation"),
                symmetric=False,
                estimator="canonical_weighted",
                family="canonical",
                source=MORCOS,
                formula="canonical correlations weighted by Σⱼ |⟨hᵢ, xⱼ⟩|, hᵢ the canonical variates and xⱼ the "
                "units of X",
                chance="rises with max(p, q)/n, as cca",
                cost="n d²; n d²",
                use="as cca, counting the directions that X uses more",
                version=2,
                note="Undefined where rank X + rank Y exceeds n − 1 and neither reaches it: correlations of 1 are then"
                " forced, and the weights not unique. They are not unique either where correlations tie. The "
                "widely copied code of the authors (google/svcca) weighs by the side with fewer units, whichever "
                "is first, and adds the units' means back before it makes the variates orthogonal: its weights "
                "change when features are shifted.",
            ),
        ),
        "procrustes_distance": Entry(
            "whyalike.similarity.metrics.procrustes:PROCRUSTES_DISTANCE",
            _spectral_facts(
                kind="distance",
                range=(0.0, 2**0.5),
                self_value=0.0,
                invariances=("orthogonal", "scale", "translation"),
                estimator="nuclear_norm",
                parameters={"angular": False},
                choices={"angular": (False, True)},
                range_if=(("angular", True, (0.0, 3.141592653589793 / 2)),),
                family="procrustes_distance",
                source=WILLIAMS,
                formula="√(2 − 2‖X′Y‖∗) of centred X, Y with Frobenius norm 1; `angular`: arccos ‖X′Y‖∗, 0 to π/2",
                chance="below √2, and falls as p and q grow against n",
                cost="n d²; n d² + d³",
                use="a metric in the mathematical sense, for clustering or embedding models by their representations",
            ),
        ),
        "rsa": Entry(
            "whyalike.similarity.metrics.rsa:RSA",
            _spectral_facts(
                range=(-1.0, 1.0),
                invariances=("scale", "row_scale"),
                estimator="rdm_correlation",
                parameters={"rdm": "correlation", "comparison": "spearman"},
                choices={"rdm": ("correlation", "cosine", "euclidean"), "comparison": ("spearman", "pearson")},
                family="rsa",
                prepared_by=("rdm", "comparison"),
                deconfoundable=True,
                source=KRIEGESKORTE,
                formula="Spearman (or Pearson) correlation of the upper triangles of two dissimilarity matrices: 1 − "
                "Pearson between stimuli (or 1 − cosine, or Euclidean distance)",
                chance="0",
                cost="n² d; n²",
                use="comparison with studies of brains and behaviour; the order of dissimilarities alone",
            ),
        ),
        "normalised_bures": Entry(
            "whyalike.similarity.metrics.bures:NORMALISED_BURES",
            _spectral_facts(
                invariances=("orthogonal", "scale", "translation"),
                estimator="nuclear_norm",
                family="procrustes_distance",
                source=HARVEY,
                formula="‖X′Y‖∗ / (‖X‖ ‖Y‖) of centred X, Y; the cosine of the angular `procrustes_distance`",
                chance="rises with p/n and q/n",
                cost="n d²; n d² + d³",
                use="as procrustes_distance on a scale from 0 to 1; counts weak directions more than cka",
            ),
        ),
        "shape_correlation": Entry(
            "whyalike.similarity.metrics.shapes:SHAPE_CORRELATION",
            _spectral_facts(
                invariances=("orthogonal", "scale", "translation"),
                estimator="partially_whitened",
                parameters={"alpha": 0.5},
                family="spectra",
                source=WILLIAMS,
                formula="‖Z′W‖∗ of the partially whitened Z of X and W of Y: singular values αs + (1 − α), s with mean "
                "square 1, then Frobenius norm 1; α = 1: normalised_bures, α = 0: Σ canonical correlations / "
                "√(rank X · rank Y)",
                chance="rises with p/n and q/n, the faster the smaller α",
                cost="n d²; n d² + d³",
                use="how much do weak directions count: a curve over α from whitened directions to normalised_bures",
            ),
        ),
        "shape_distance": Entry(
            "whyalike.similarity.metrics.shapes:SHAPE_DISTANCE",
            _spectral_facts(
                kind="distance",
                range=(0.0, math.pi / 2),
                self_value=0.0,
                invariances=("orthogonal", "scale", "translation"),
                estimator="partially_whitened_angle",
                parameters={"alpha": 0.5},
                family="spectra",
                source=WILLIAMS,
                formula="arccos of shape_correlation",
                chance="below π/2, and falls as p and q grow against n",
                cost="n d²; n d² + d³",
                use="as shape_correlation, as a metric in the mathematical sense",
            ),
        ),
        "cca_rank_aware": Entry(
            "whyalike.similarity.metrics.rank_aware_cca:CCA_RANK_AWARE",
            _spectral_facts(
                invariances=("linear", "orthogonal", "scale", "translation"),
                estimator="canonical_larger_rank",
                family="canonical",
                source="after " + HOTELLING,
                formula="sum of the canonical correlations / max(rank X, rank Y)",
                chance="about min(p, q) / √(max(p, q) n) of few units",
                cost="n d²; n d²",
                use="as cca, where deleted directions shall count: a copy of r of p directions scores r/p, not 1",
            ),
        ),
        "gulp": Entry(
            "whyalike.similarity.metrics.gulp:GULP",
            _spectral_facts(
                kind="distance",
                range=(0.0, float("inf")),
                self_value=0.0,
                invariances=("orthogonal", "scale", "translation"),
                estimator="ridge_predictions",
                parameters={"ridge": 0.01},
                family="spectra",
                source=BOIX_ADSERA,
                formula="‖A − B‖ of the hat matrices A = X(X′X/n + λI)⁻¹X′/n of ridge regressions on centred X and Y "
                "whose rows have mean squared length 1; λ = `ridge`; at most √(rank X + rank Y)",
                chance="√(‖A‖² + ‖B‖² − 2 tr A tr B/(n − 1)): rises with p and q, then falls as they near n",
                cost="n d²; n d²",
                use="how differently ridge probes on the two predict, root mean square over targets; a large λ leaves "
                "the leading directions",
            ),
        ),
        "distance_correlation": Entry(
            "whyalike.similarity.metrics.distance_correlation:DISTANCE_CORRELATION",
            _spectral_facts(
                invariances=("orthogonal", "scale", "translation"),
                estimator="v_statistic",
                family="distances",
                source=SZEKELY,
                formula="√(⟨A, B⟩ / (‖A‖ ‖B‖)), A and B the doubly centred Euclidean distances between stimuli",
                chance="rises with p/n and q/n, as √cka",
                cost="n² d; n²",
                use="dependence of vectors, not a linear one alone; as n grows at fixed width, 0 for independent ones "
                "only; with many units mostly linear dependence shows",
            ),
        ),
        "distance_correlation_unbiased": Entry(
            "whyalike.similarity.metrics.distance_correlation:UNBIASED",
            _spectral_facts(
                range=(-1.0, 1.0),
                invariances=("orthogonal", "scale", "translation"),
                estimator="u_statistic",
                smallest_n=4,
                family="distances",
                deconfoundable=True,
                source=SZEKELY_RIZZO,
                formula="the bias-corrected square of distance_correlation: ⟨A, B⟩ / (‖A‖ ‖B‖) of distances centred "
                "without their diagonal",
                chance="0",
                cost="n² d; n²",
                use="as distance_correlation, where n or widths differ, or n is small",
            ),
        ),
        "second_order_cosine": Entry(
            "whyalike.similarity.metrics.second_order:SECOND_ORDER_COSINE",
            MetricFacts(
                range=(-1.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "row_scale"),
                preprocessing="l2",
                estimator="cosine",
                published_estimator=None,
                parameters={"k": 10},
                smallest_n=3,
                family="second_order_cosine",
                prepared_by=("k",),
                source=HAMILTON,
                formula="mean over i of the cosine of the vectors of cosines of i with N_X(i) ∪ N_Y(i), in X and in Y",
                chance="not 0: each list is alike in its own representation; near 1 where all cosines are alike",
                cost="n² d; n k d",
                use="as mutual_knn, with how near the neighbours are; compare with its null",
            ),
        ),
        "linear": Entry(
            "whyalike.similarity.metrics.alignment:LINEAR",
            _fitted_facts(
                {"ridge": 0.0},
                words={"ridge": ("inner",)},
                conflicts=((("ridge", "inner"), ("folds", 2), INNER_FOLDS),),
                family="regression",
                prepared_by=(*FOLDS, "ridge"),
                source=YAMINS,
                formula="held-out correlation of XW with Y, W least squares (`ridge`: penalty in units of X's mean "
                "variance; `inner`: that of 1e-4 to 10 with the least squared error on inner folds of the training "
                "stimuli), both directions averaged",
                cost="folds · d³ + n d²; 2 n d², a null draw folds · d³ more",
                use="can one predict the other at all; p² parameters fit much, so show it against n",
                version=2,
                note="Without a ridge the scales of units do not count; a ridge sees them.",
            ),
        ),
        "procrustes": Entry(
            "whyalike.similarity.metrics.alignment:PROCRUSTES",
            _fitted_facts(
                {},
                family="matching",
                source=SCHOENEMANN,
                formula="as linear with an orthogonal W (reflections allowed; the narrower side zero-padded)",
                cost="n d; 2 n d² + folds · d³",
                use="is one a rotation of the other, judged on stimuli that the rotation has not seen",
                note="(X, X) is below 1 where there are more units than training stimuli: the rotation is then known "
                "on their span alone.",
            ),
        ),
        "permutation": Entry(
            "whyalike.similarity.metrics.alignment:PERMUTATION",
            _fitted_facts(
                {},
                family="matching",
                source=LI,
                formula="mean held-out correlation of matched units, one to one by the largest sum of correlations; "
                "p = q",
                cost="n d; n d² + folds · d³",
                use="do single units correspond; a rotated copy scores low",
            ),
        ),
        "soft_matching": Entry(
            "whyalike.similarity.metrics.alignment:SOFT_MATCHING",
            _fitted_facts(
                {"score": "plan"},
                choices={"score": ("plan", "mapped")},
                conflicts=((("score", "plan"), ("correlation", "pooled"), POOLED_PLAN),),
                family="matching",
                source=KHOSLA,
                formula="Σ T∘corr on held-out stimuli, T the optimal transport of units (marginals 1/p, 1/q) at cost "
                "1 − corr; `mapped`: correlation of Y with X mapped by T",
                cost="n d; n d² + folds · d³ log d",
                use="as permutation, for any p and q; equal to it where p = q",
            ),
        ),
    },
)

OTHER_METRICS: Registry[MetricFacts] = Registry(
    "metric of distributions or predictions",
    {
        "kl_divergence": Entry(
            "whyalike.similarity.metrics.divergences:kl_divergence",
            _distance(
                "mean_over_inputs",
                symmetric=False,
                formula="mean over x of KL(p(·|x) ‖ p′(·|x)), nats",
                cost="n K M",
                use="how close the predictions are; small values do not bound how alike embeddings are",
            ),
        ),
        "logit_distance": Entry(
            "whyalike.similarity.metrics.divergences:logit_distance",
            _distance(
                "root_mean_square",
                formula="√ mean over x of |c(x) − c′(x)|², c the logits f(x)′g(y) centred over labels",
                cost="n K M",
                use="closeness of distributions that counts improbable labels as much as probable ones",
            ),
        ),
        "llv_distance": Entry(
            "whyalike.similarity.metrics.llv:llv_distance",
            _distance(
                "sampled_inputs",
                parameters={"num_samples": 200, "seed": 0, "weight": 1e-5},
                smallest_n=2,
                formula="max(t₁, t₂, λt₃, λt₄): roots of variances of differences of standardised log likelihoods over "
                "inputs (t₁) and labels (t₂), and differences of their SDs (t₃, t₄); λ = `weight`",
                cost="n K M + K² n + num_samples · K M",
                use="closeness of distributions that bounds how alike embeddings are: max d_SVD ≤ 2M d_LLV",
            ),
        ),
        "max_d_svd": Entry(
            "whyalike.similarity.metrics.m_svd:max_d_svd",
            _distance(
                "all_subsets",
                1.0,
                smallest_n=2,
                formula="largest 1 − m_SVD over all sets of M labels without the pivot and one left-out label",
                cost="(K − 2 choose M) · M³",
                use="the side of the bound by llv_distance that speaks of embeddings",
            ),
        ),
        "m_svd": Entry(
            "whyalike.similarity.metrics.m_svd:m_svd",
            _likeness(
                "cross_correlation",
                (*SAME_DISTRIBUTION, "embedding_shift", "embedding_scale"),
                parameters={"pivot": 0},
                smallest_n=2,
                formula="mean singular value of the cross-correlation of Z and Z′; Z = L′f(x), "
                "L = [g(yᵢ) − g(y₀)], i = 1..M",
                chance="above 0",
                cost="n M² + M³",
                use="are embeddings alike up to what the distribution leaves free",
            ),
        ),
        "m_svd_unembeddings": Entry(
            "whyalike.similarity.metrics.m_svd:m_svd_unembeddings",
            _likeness(
                "cross_correlation",
                (*SAME_DISTRIBUTION, "embedding_shift", "embedding_scale"),
                parameters={"pivot": 0},
                smallest_n=2,
                formula="mean singular value of the cross-correlation of Z and Z′; Z = L′g(y), "
                "L = [f(xᵢ) − f(x₀)], i = 1..M",
                chance="above 0",
                cost="n M² + M³",
                use="the same of unembeddings",
            ),
        ),
        "m_cca": Entry(
            "whyalike.similarity.metrics.m_svd:m_cca",
            _likeness(
                "mean_canonical_correlation",
                (*SAME_DISTRIBUTION, "embedding_shift", "embedding_scale", "embedding_map"),
                smallest_n=2,
                formula="mean canonical correlation of f and f′",
                chance="rises with M/n",
                cost="n M²",
                use="are embeddings linear maps of each other, whatever the unembeddings",
            ),
        ),
        "agreement": Entry(
            "whyalike.similarity.metrics.predictions:agreement",
            _likeness(
                "share",
                ("renamed_classes",),
                arguments="predictions",
                source=GEIRHOS,
                formula="share of stimuli that both models give the same class",
                chance="Σ over classes of the product of their shares; 1/C if balanced",
                cost="n",
                use="do two models decide alike; high for any two accurate models",
            ),
        ),
        "error_consistency": Entry(
            "whyalike.similarity.metrics.predictions:error_consistency",
            _likeness(
                "cohens_kappa",
                ("renamed_classes",),
                smallest=-1.0,
                arguments="predictions",
                source=GEIRHOS,
                formula="(c_obs − c_exp)/(1 − c_exp) of being right, c_exp = rs + (1 − r)(1 − s) from accuracies r, s",
                chance="0",
                cost="n",
                use="do two models err on the same stimuli, beyond what their accuracies give",
            ),
        ),
    },
)


def of_representations(name: str) -> str:
    """The name of a metric, unless it compares something else than representations.

    Raises
    ------
    ValueError : it does; the message says what it compares.
    """
    if name in OTHER_METRICS and name not in METRICS:
        needs = NEEDS[OTHER_METRICS[name].facts.arguments]
        raise ValueError(
            f"'{name}' compares {needs}, not representations: call {OTHER_METRICS[name].target} in Python. "
            f"Known here: {', '.join(METRICS)}."
        )
    return name
