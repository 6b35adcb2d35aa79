"""Entries of the metrics by a map that is fitted on some stimuli and scored on others.

No published form: the reference of the protocol `as_published` has none of them.
"""

from typing import Any

from whyalike.registry import Entry
from whyalike.similarity.facts import MetricFacts

YAMINS = "Yamins et al. 2014, Performance-optimized hierarchical models predict neural responses"
SCHOENEMANN = "Schönemann 1966, A generalized solution of the orthogonal Procrustes problem"
LI = "Li et al. 2016, Convergent Learning"
KHOSLA = "Khosla and Williams 2024, Soft Matching Distance"

POOLED_PLAN = "The plan weighs correlations of single units. Use score 'mapped' or correlation 'per_unit'."


def _facts(parameters: dict[str, Any], **facts: Any) -> MetricFacts:
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


ALIGNMENT: dict[str, Entry[MetricFacts]] = {
    "linear": Entry(
        "whyalike.similarity.alignment:LINEAR",
        _facts(
            {"ridge": 0.0},
            source=YAMINS,
            formula="held-out correlation of XW with Y, W least squares (`ridge`: penalty in units of X's mean "
            "variance), both directions averaged",
            cost="folds · d³ + n d²; 2 n d², a null draw folds · d³ more",
            use="can one predict the other at all; p² parameters fit much, so show it against n",
        ),
    ),
    "procrustes": Entry(
        "whyalike.similarity.alignment:PROCRUSTES",
        _facts(
            {},
            source=SCHOENEMANN,
            formula="as linear with an orthogonal W (reflections allowed; the narrower side zero-padded)",
            cost="n d; 2 n d² + folds · d³",
            use="is one a rotation of the other, judged on stimuli that the rotation has not seen",
        ),
    ),
    "permutation": Entry(
        "whyalike.similarity.alignment:PERMUTATION",
        _facts(
            {},
            source=LI,
            formula="mean held-out correlation of matched units, one to one by the largest sum of correlations; p = q",
            cost="n d; n d² + folds · d³",
            use="do single units correspond; a rotated copy scores low",
        ),
    ),
    "soft_matching": Entry(
        "whyalike.similarity.alignment:SOFT_MATCHING",
        _facts(
            {"score": "plan"},
            choices={"score": ("plan", "mapped")},
            conflicts=((("score", "plan"), ("correlation", "pooled"), POOLED_PLAN),),
            source=KHOSLA,
            formula="Σ T∘corr on held-out stimuli, T the optimal transport of units (marginals 1/p, 1/q) at cost "
            "1 − corr; `mapped`: correlation of Y with X mapped by T",
            cost="n d; n d² + folds · d³ log d",
            use="as permutation, for any p and q; equal to it where p = q",
        ),
    ),
}
