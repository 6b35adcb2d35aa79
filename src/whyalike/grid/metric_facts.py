"""Which facts of a metric scores depend on, as a job's parameters have them."""

from typing import Any

from whyalike.similarity.metrics.facts import MetricFacts

# of a metric: no score is made with them
DESCRIPTIVE_FACTS = (
    "arguments",
    "family",
    "prepared_by",
    "invariances",
    "deconfoundable",
    "self_value",
    "source",
    "formula",
    "chance",
    "cost",
    "use",
    "note",
)


def counting(facts: MetricFacts) -> dict[str, Any]:
    """What scores depend on of the facts of a metric."""
    return {name: value for name, value in vars(facts).items() if name not in DESCRIPTIVE_FACTS}
