"""The table of metrics: each name points at its forms (exact, as published) and carries the facts about it.

Importing this module is cheap (no numpy): config validates metric names and parameters against it, statistics and
figures read the facts. Definitions and published faults: see the family modules the targets name.
"""

from typing import Any

from whyalike.registry import Entry, Registry
from whyalike.similarity.facts import MetricFacts
from whyalike.similarity.facts_alignment import ALIGNMENT
from whyalike.similarity.facts_correlation import CORRELATION

HUH = "Huh et al. 2024, The Platonic Representation Hypothesis"
KORNBLITH = "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited"
SONG = "Song et al. 2012, Feature Selection via Dependence Maximization, eq. 5"
RAGHU = "Raghu et al. 2017, SVCCA"


def _neighbour_facts(estimator: str, source: str, published: str | None = None, **others: Any) -> MetricFacts:
    facts = {"range": (0.0, 1.0), "self_value": 1.0, "smallest_n": 3, **others}
    return MetricFacts(
        invariances=("orthogonal", "scale", "row_scale"),
        preprocessing="l2",  # with the raw inner product a few long rows become everyone's neighbours
        estimator=estimator,
        published_estimator=published or estimator,
        parameters={"k": 10},
        source=source,
        cost="n² d; n k²",
        **facts,
    )


METRICS: Registry[MetricFacts] = Registry(
    "metric",
    {
        "cka": Entry(
            "whyalike.similarity.cka:LINEAR",
            MetricFacts(
                range=(0.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="hsic_biased",
                published_estimator="hsic_biased",
                parameters={},
                smallest_n=3,
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
            "whyalike.similarity.cka:RBF",
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
                source=KORNBLITH,
                published_eps=1e-6,
                formula="as cka with K = exp(−d² / (2σ²)), σ absolute or a multiple of the median distance",
                chance="rises as σ falls",
                cost="n² d; n²",
                use="similarity of neighbourhoods whose size σ sets; tends to cka as σ grows",
            ),
        ),
        "cka_unbiased": Entry(
            "whyalike.similarity.cka:UNBIASED",
            MetricFacts(
                range=(-1.0, 1.0),
                self_value=1.0,
                invariances=("orthogonal", "scale", "translation"),
                preprocessing="none",
                estimator="hsic_1",
                published_estimator="hsic_1",
                parameters={},
                smallest_n=4,
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
            "whyalike.similarity.neighbours:MUTUAL",
            _neighbour_facts(
                "overlap",
                HUH,
                formula="mean over i of |N_X(i) ∩ N_Y(i)| / k, N the lists of the k nearest neighbours",
                chance="k/(n − 1)",
                use="local structure alone; insensitive to distant stimuli and to outliers",
            ),
        ),
        "cycle_knn": Entry(
            "whyalike.similarity.neighbours:CYCLE",
            _neighbour_facts(
                "return",
                HUH,
                self_value=None,
                symmetric=False,
                formula="share of stimuli i that lie in N_X(j) for some j in N_Y(i)",
                chance="about 1 − (1 − k/(n − 1))ᵏ",
                use="as published; saturates early as k grows",
            ),
        ),
        "lcs_knn": Entry(
            "whyalike.similarity.neighbours:LCS",
            _neighbour_facts(
                "lcs/k",
                HUH,
                "lcs/4",
                formula="mean length of the longest common subsequence of the two ordered lists, / k",
                chance="a little below k/(n − 1)",
                use="as mutual_knn, where the order of neighbours matters",
            ),
        ),
        "edit_distance_knn": Entry(
            "whyalike.similarity.neighbours:EDIT",
            _neighbour_facts(
                "1-levenshtein/k",
                HUH,
                "1-levenshtein/4k",
                formula="1 − mean Levenshtein(N_X(i), N_Y(i)) / k",
                chance="below k/(n − 1)",
                use="as lcs_knn; neighbours that moved by one place count less",
            ),
        ),
        "cknna": Entry(
            "whyalike.similarity.cknna:CKNNA",
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
            ),
        ),
        "svcca": Entry(
            "whyalike.similarity.svcca:SVCCA",
            MetricFacts(
                range=(0.0, 1.0),
                self_value=1.0,
                invariances=("scale", "translation"),  # unit scaling ties the `dims` variant to the axes
                preprocessing="none",
                estimator="svd",
                published_estimator="randomised_svd_maximum",
                parameters={"dims": 10},
                alternatives={"dims": ("variance",), "variance": ("dims",)},
                smallest_n=3,
                source=RAGHU,
                formula="mean singular value of U₁′U₂, U the leading `dims` left singular vectors (or those that hold "
                "`variance`)",
                chance="rises with dims/n",
                cost="n d²; n dims²",
                use="as cca where n does not exceed p + q by far: noise directions do not count",
            ),
        ),
        **CORRELATION,
        **ALIGNMENT,
    },
)
