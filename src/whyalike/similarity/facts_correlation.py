"""Entries of the metrics by canonical correlation, Procrustes distance and dissimilarity matrices, without a map.

No published form: the reference of the protocol `as_published` has none of them.
"""

from typing import Any

from whyalike.registry import Entry
from whyalike.similarity.facts import MetricFacts

HOTELLING = "Hotelling 1936, Relations between Two Sets of Variates"
MORCOS = "Morcos et al. 2018, Insights on Representational Similarity with CCA"
WILLIAMS = "Williams et al. 2021, Generalized Shape Metrics on Neural Representations"
KRIEGESKORTE = "Kriegeskorte et al. 2008, Representational Similarity Analysis"


def _facts(**facts: Any) -> MetricFacts:
    given = {"range": (0.0, 1.0), "self_value": 1.0, "parameters": {}, "smallest_n": 3, **facts}
    return MetricFacts(preprocessing="none", published_estimator=None, **given)


CORRELATION: dict[str, Entry[MetricFacts]] = {
    "cca": Entry(
        "whyalike.similarity.cca:CCA",
        _facts(
            invariances=("linear", "orthogonal", "scale", "translation"),
            estimator="canonical",
            source=HOTELLING,
            formula="mean of the canonical correlations: mean singular value of Qx′Qy, Q an orthonormal basis of the "
            "centred columns",
            chance="rises with (p + q)/n; 1 where p or q reaches n − 1",
            cost="n d²; n d²",
            use="do the two span the same linear information; only with n far above p + q",
        ),
    ),
    "pwcca": Entry(
        "whyalike.similarity.cca:PWCCA",
        _facts(
            invariances=("scale", "translation"),
            symmetric=False,
            estimator="canonical_weighted",
            source=MORCOS,
            formula="canonical correlations weighted by Σⱼ |⟨hᵢ, xⱼ⟩|, hᵢ the canonical variates and xⱼ the units of X",
            chance="rises with (p + q)/n, as cca",
            cost="n d²; n d²",
            use="as cca, counting the directions that X uses more",
        ),
    ),
    "procrustes_distance": Entry(
        "whyalike.similarity.procrustes:PROCRUSTES_DISTANCE",
        _facts(
            kind="distance",
            range=(0.0, 2**0.5),
            self_value=0.0,
            invariances=("orthogonal", "scale", "translation"),
            estimator="nuclear_norm",
            parameters={"angular": False},
            choices={"angular": (False, True)},
            source=WILLIAMS,
            formula="√(2 − 2‖X′Y‖∗) of centred X, Y with Frobenius norm 1; `angular`: arccos ‖X′Y‖∗, 0 to π/2",
            chance="below √2, and falls as p and q grow against n",
            cost="n d²; n d² + d³",
            use="a metric in the mathematical sense, for clustering or embedding models by their representations",
        ),
    ),
    "rsa": Entry(
        "whyalike.similarity.rsa:RSA",
        _facts(
            range=(-1.0, 1.0),
            invariances=("scale", "row_scale"),
            estimator="rdm_correlation",
            parameters={"rdm": "correlation", "comparison": "spearman"},
            choices={"rdm": ("correlation", "cosine", "euclidean"), "comparison": ("spearman", "pearson")},
            source=KRIEGESKORTE,
            formula="Spearman (or Pearson) correlation of the upper triangles of two dissimilarity matrices: 1 − "
            "Pearson between stimuli (or 1 − cosine, or Euclidean distance)",
            chance="0",
            cost="n² d; n²",
            use="comparison with studies of brains and behaviour; the order of dissimilarities alone",
        ),
    ),
}
