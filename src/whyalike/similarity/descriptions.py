"""What is known of the metrics, for a reader: their names, and a description of each. Nothing heavy is imported."""

from whyalike.similarity.metrics.facts import Description
from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS


def metrics(protocol: str = "exact") -> list[str]:
    """The names of the metrics that compare two representations.

    Parameters
    ----------
    protocol : of those that have a form under it: "exact" (all of them) or "as_published".

    Example
    -------
    >>> metrics()[:3]
    ['cka', 'cka_rbf', 'cka_rbf_unbiased']
    """
    return [name for name, metric in METRICS.items() if protocol in metric.facts.protocols]


def describe(metric: str) -> Description:
    """What is known of a metric: definition, range, invariances, chance level, parameters, cost, use, source.

    Parameters
    ----------
    metric : a name of `metrics`, or of those that compare distributions or predictions
        (`whyalike.similarity.metrics.registry.OTHER_METRICS`).

    Raises
    ------
    KeyError : unknown metric.

    Example
    -------
    >>> describe("mutual_knn").chance
    'k/(n − 1)'
    """
    return Description.of(metric, (OTHER_METRICS if metric in OTHER_METRICS else METRICS)[metric].facts)
