"""The two protocols that a score can follow, and the parameters that a metric has under each.

``exact`` is the textbook quantity, one layer against the layer of the same name. ``as_published`` is what the reference
computes, quirks included: clamped and row-normalised features, its denominators, and the maximum over all pairs of
layers, "all layers flattened" being one more layer on each side, starting at 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whyalike.similarity.registry import METRICS

PUBLISHED_PREPROCESSING = "clamp95+l2"


@dataclass(frozen=True)
class Setting:
    """Everything that fixes a score besides the representations: the words of the score table and the parameters.

    ``parameters`` includes ``eps``, what is added to the denominator.
    """

    metric: str
    protocol: str
    preprocessing: str
    estimator: str
    parameters: Mapping[str, Any]

    @property
    def eps(self) -> float:
        """What is added to the denominator of the score."""
        return self.parameters["eps"]

    @property
    def layers_together(self) -> bool:
        """Whether all pairs of layers give one score (their maximum, at least 0)."""
        return self.protocol == "as_published"


def setting(metric: str, protocol: str, given: Mapping[str, Any]) -> Setting:
    """The setting of a metric under a protocol, the given parameters taking the place of the defaults.

    Raises
    ------
    KeyError : unknown metric.
    ValueError : unknown protocol or parameter, two exclusive parameters, or a value out of its range.
    """
    facts = METRICS[metric].facts
    if protocol not in ("exact", "as_published"):
        raise ValueError(f"score protocol must be 'exact' or 'as_published'; got {protocol!r}.")
    published = protocol == "as_published"
    defaults = dict((facts.published_parameters if published else None) or facts.parameters)
    known = {*facts.parameters, *facts.published_parameters, *facts.alternatives}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{metric} has no parameter '{name}'. Known: {', '.join(sorted(known)) or 'none'}.")
        clash = [other for other in facts.alternatives.get(name, ()) if other in given]
        if clash:
            raise ValueError(f"{metric} takes '{name}' or '{clash[0]}', not both. Give one of them.")
        _check_value(metric, name, value)
        for other in facts.alternatives.get(name, ()):
            defaults.pop(other, None)
        defaults[name] = value
    if published and "variance" in defaults:
        raise ValueError(f"{metric} as published has a fixed number of dims, no variance. Use protocol 'exact'.")
    return Setting(
        metric,
        protocol,
        PUBLISHED_PREPROCESSING if published else facts.preprocessing,
        facts.published_estimator if published else facts.estimator,
        {**defaults, "eps": facts.published_eps if published else 0.0},
    )


def _check_value(metric: str, name: str, value: Any) -> None:
    """One parameter in its range: counts are whole numbers, widths positive, a share of variance at most 1."""
    smallest = (
        2 if metric == "cknna" else 1
    )  # with one neighbour the masked HSIC_1 has no off-diagonal pairs to compare
    if name in ("k", "dims"):
        if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
            raise ValueError(f"{metric} needs a whole number {name} >= {smallest}; got {value!r}.")
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{metric} needs {name} > 0; got {value!r}.")
    elif name == "variance" and value > 1:
        raise ValueError(f"{metric} needs variance in (0, 1]; got {value!r}.")
