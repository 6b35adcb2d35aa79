"""The table of metrics that compare something else than representations: distributions (f, g), predictions.

Each target is a function ``metric(a, b, **parameters)``. A configuration's ``similarity.metrics`` takes none of them:
activations alone do not hold what they compare. Importing this module is cheap (no numpy).
"""

from typing import Any

from whyalike.registry import Entry, Registry
from whyalike.similarity.registry import METRICS, MetricFacts

NIELSEN = "Nielsen et al. 2025, When Does Closeness in Distribution Imply Representational Similarity?"
GEIRHOS = "Geirhos et al. 2020, Beyond Accuracy: Quantifying Trial-by-Trial Behaviour"
SAME_DISTRIBUTION = ("reparametrisation", "unembedding_shift")  # what leaves p(y|x) as it is
NEEDS = {
    "distributions": "pairs (f, g) of embeddings and unembeddings",
    "predictions": "predicted classes",
}


def _facts(estimator: str, **others: Any) -> MetricFacts:
    """Facts with what these metrics share: nothing is preprocessed, and there is one protocol."""
    shared = {"arguments": "distributions", "smallest_n": 1, "source": NIELSEN, "parameters": {}}
    return MetricFacts(**{**shared, **others}, preprocessing="none", estimator=estimator, published_estimator=estimator)


def _distance(estimator: str, largest: float = float("inf"), **others: Any) -> MetricFacts:
    facts = {"invariances": SAME_DISTRIBUTION, **others}
    return _facts(estimator, kind="distance", range=(0.0, largest), self_value=0.0, **facts)


def _likeness(estimator: str, invariances: tuple[str, ...], smallest: float = 0.0, **others: Any) -> MetricFacts:
    return _facts(estimator, range=(smallest, 1.0), self_value=1.0, invariances=invariances, **others)


OTHER_METRICS: Registry[MetricFacts] = Registry(
    "metric of distributions or predictions",
    {
        "kl_divergence": Entry(
            "whyalike.similarity.closeness:kl_divergence",
            _distance(
                "mean_over_inputs",
                symmetric=False,
                formula="mean over x of KL(p(·|x) ‖ p′(·|x)), nats",
                cost="n K M",
                use="how close the predictions are; small values do not bound how alike embeddings are",
            ),
        ),
        "logit_distance": Entry(
            "whyalike.similarity.closeness:logit_distance",
            _distance(
                "root_mean_square",
                formula="√ mean over x of |c(x) − c′(x)|², c the logits f(x)′g(y) centred over labels",
                cost="n K M",
                use="closeness of distributions that counts improbable labels as much as probable ones",
            ),
        ),
        "llv_distance": Entry(
            "whyalike.similarity.llv:llv_distance",
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
            "whyalike.similarity.m_svd:max_d_svd",
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
            "whyalike.similarity.m_svd:m_svd",
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
            "whyalike.similarity.m_svd:m_svd_unembeddings",
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
            "whyalike.similarity.m_svd:m_cca",
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
            "whyalike.similarity.functional:agreement",
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
            "whyalike.similarity.functional:error_consistency",
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
