"""The table of metrics: each name points at its two forms (exact, as published) and carries the facts about it.

Importing this module is cheap (no numpy): config validates metric names and parameters against it, statistics and
figures read the facts. Definitions and published faults: see the family modules the targets name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whyalike.registry import Entry, Registry

HUH = "Huh et al. 2024, The Platonic Representation Hypothesis"
KORNBLITH = "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited"
SONG = "Song et al. 2012, Feature Selection via Dependence Maximization, eq. 5"
RAGHU = "Raghu et al. 2017, SVCCA"


@dataclass(frozen=True)
class MetricFacts:
    """What is known of a metric without importing it. Range, self value and invariances are those of ``exact``.

    Parameters
    ----------
    kind : "similarity" or "distance".
    range : smallest and largest possible value.
    self_value : the value on (X, X); None where it depends on X.
    invariances : of "orthogonal", "scale", "translation" (of the features as given) and "row_scale".
    symmetric : whether (X, Y) and (Y, X) give the same value.
    preprocessing : key of `whyalike.similarity.preprocessing.EXACT` that the exact protocol uses.
    estimator, published_estimator : the word in the score table's ``estimator`` column under each protocol.
    parameters : defaults of the exact protocol; ``published_parameters`` those that differ as published.
    alternatives : for each parameter, those of which it takes the place when it is given.
    smallest_n : fewest rows for which the metric is defined.
    source : where the definition comes from.
    published_eps : what the reference adds to the denominator.
    linear_kernel : compares linear kernels, so that the score of one-hot labels is a baseline in the same units.
    arguments : what two things are compared: "representations", "distributions" (pairs of embeddings and unembeddings)
        or "predictions". Metrics of the latter two stand in `whyalike.similarity.registry_closeness`.
    """

    range: tuple[float, float]
    self_value: float | None
    invariances: tuple[str, ...]
    preprocessing: str
    estimator: str
    published_estimator: str
    parameters: Mapping[str, Any]
    smallest_n: int
    source: str
    published_eps: float = 0.0
    published_parameters: Mapping[str, Any] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    symmetric: bool = True
    linear_kernel: bool = False
    kind: str = "similarity"
    arguments: str = "representations"


def _neighbour_facts(estimator: str, source: str, published: str | None = None, **others: Any) -> MetricFacts:
    facts = {"range": (0.0, 1.0), "self_value": 1.0, "smallest_n": 3, **others}
    return MetricFacts(
        invariances=("orthogonal", "scale", "row_scale"),
        preprocessing="l2",  # with the raw inner product a few long rows become everyone's neighbours
        estimator=estimator,
        published_estimator=published or estimator,
        parameters={"k": 10},
        source=source,
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
            ),
        ),
        "mutual_knn": Entry("whyalike.similarity.neighbours:MUTUAL", _neighbour_facts("overlap", HUH)),
        "cycle_knn": Entry(
            "whyalike.similarity.neighbours:CYCLE", _neighbour_facts("return", HUH, self_value=None, symmetric=False)
        ),
        "lcs_knn": Entry("whyalike.similarity.neighbours:LCS", _neighbour_facts("lcs/k", HUH, "lcs/4")),
        "edit_distance_knn": Entry(
            "whyalike.similarity.neighbours:EDIT", _neighbour_facts("1-levenshtein/k", HUH, "1-levenshtein/4k")
        ),
        "cknna": Entry(
            "whyalike.similarity.cknna:CKNNA",
            _neighbour_facts(
                "hsic_1", HUH, range=(float("-inf"), float("inf")), smallest_n=4, symmetric=False, published_eps=1e-6
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
            ),
        ),
    },
)
