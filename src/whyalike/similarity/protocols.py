"""Scorings: a metric under one of two protocols, with all of its parameters and perhaps a name of its own.

``exact`` is the textbook quantity, one layer against the layer of the same name. ``as_published`` is what the reference
computes, quirks included: clamped and row-normalised features, its denominators, and the maximum over all pairs of
layers, "all layers flattened" being one more layer on each side, starting at 0. A metric that the reference lacks has
no form as published: asked for by name that is an error, and of several protocols it takes those that it has.

A scoring is given as a name and parameters. The name is that of the metric, unless the key `metric` stands among the
parameters: then it is the user's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Number
from typing import Any

from whyalike.files import canonical_json
from whyalike.similarity.metrics.registry import METRICS

METRIC = "metric"  # among the parameters: of which metric a scoring is, where its name does not say it
PUBLISHED_PREPROCESSING = "clamp95+l2"
LEAST = {"dims": 1, "folds": 2, "seed": 0}  # whole numbers, and the smallest of each
LEAST_K = {"cknna": 2}  # with one neighbour the masked HSIC_1 has no off-diagonal pairs to compare; others take 1
ROUNDING = 1e-6  # how far beyond its range rounding may take a score: float32 products are right to that
WIDTHS = (1e-60, 1e60)  # as of entries: squares of their ratios are within float64


@dataclass(frozen=True)
class Scoring:
    """Everything that fixes a score besides the representations: the words of the score table and the parameters.

    ``name`` is the user's, or the metric's; ``parameters`` are those in force, defaults and ``eps`` included, which is
    added to the denominator.
    """

    name: str
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
    def parameters_text(self) -> str:
        """The parameters without eps as canonical JSON: one text for equal parameters."""
        return canonical_json({name: value for name, value in self.parameters.items() if name != "eps"})

    @property
    def layers_together(self) -> bool:
        """Whether all pairs of layers give one score (their maximum, at least 0)."""
        return self.protocol == "as_published"

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest possible value; as published nothing is promised."""
        facts = METRICS[self.metric].facts
        return facts.range_with(self.parameters) if self.protocol == "exact" else (-inf, inf)

    def in_range(self, value: float) -> float:
        """A score without what rounding took beyond the range; one that lies further out stays as it is."""
        low, high = self.range
        return min(max(value, low), high) if low - ROUNDING <= value <= high + ROUNDING else value


def scoring(name: str, protocol: str, given: Mapping[str, Any]) -> Scoring:
    """The scoring of a name under a protocol, the given parameters taking the place of the defaults.

    Raises
    ------
    KeyError : unknown metric.
    ValueError : unknown protocol or parameter, a protocol that the metric lacks, parameters that do not go together, or
        a value out of its range.
    """
    metric, given = metric_of(name, given), parameters_of(given)
    facts = METRICS[metric].facts
    if protocol not in ("exact", "as_published"):
        raise ValueError(f"score protocol must be 'exact' or 'as_published'; got {protocol!r}.")
    if protocol not in facts.protocols:
        having = ", ".join(name for name, entry in METRICS.items() if protocol in entry.facts.protocols)
        raise ValueError(
            f"{metric} has no form {protocol}: the reference lacks it. Use protocol 'exact', or one of: {having}."
        )
    published = protocol == "as_published"
    defaults = dict((facts.published_parameters if published else None) or facts.parameters)
    known = {*facts.parameters, *facts.published_parameters, *facts.alternatives}
    for key, value in given.items():
        if key not in known:
            raise ValueError(f"{metric} has no parameter '{key}'. Known: {', '.join(sorted(known)) or 'none'}.")
        clash = [other for other in facts.alternatives.get(key, ()) if other in given]
        if clash:
            raise ValueError(f"{metric} takes '{key}' or '{clash[0]}', not both. Give one of them.")
        value = _checked(metric, key, value)
        for other in facts.alternatives.get(key, ()):
            defaults.pop(other, None)
        defaults[key] = value
    if published and "variance" in defaults:
        raise ValueError(f"{metric} as published has a fixed number of dims, no variance. Use protocol 'exact'.")
    for (one, value), (other, wrong), remedy in facts.conflicts:
        if defaults[one] == value and defaults[other] == wrong:
            raise ValueError(f"{metric} cannot have {one} {value!r} and {other} {wrong!r}. {remedy}")
    return Scoring(
        name,
        metric,
        protocol,
        PUBLISHED_PREPROCESSING if published else facts.preprocessing,
        facts.published_estimator if published else facts.estimator,
        {**defaults, "eps": facts.published_eps if published else 0.0},
    )


def metric_of(name: str, given: Mapping[str, Any]) -> str:
    """The metric of a scoring."""
    return given.get(METRIC, name)


def parameters_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a scoring, without the name of its metric."""
    return {key: value for key, value in given.items() if key != METRIC}


def scorings(name: str, protocols: Sequence[str], given: Mapping[str, Any]) -> list[Scoring]:
    """The scorings of a name under those of several protocols that its metric has.

    Raises
    ------
    As `scoring`; also where the metric has none of the protocols.
    """
    of_metric = METRICS[metric_of(name, given)].facts.protocols
    having = [protocol for protocol in protocols if protocol in of_metric or protocol not in ("exact", "as_published")]
    return [scoring(name, protocol, given) for protocol in having or protocols]


def _checked(metric: str, name: str, value: Any) -> Any:
    """One parameter in its range, numpy's numbers made Python's: one of its choices, a whole number, or a number."""
    if isinstance(value, Number) and hasattr(value, "item"):
        value = value.item()
    choices = METRICS[metric].facts.choices.get(name)
    if choices is not None:
        if not any(value is one or (isinstance(value, str) and value == one) for one in choices):
            raise ValueError(f"{metric} needs {name} to be one of {', '.join(map(repr, choices))}; got {value!r}.")
        return value
    words = METRICS[metric].facts.words.get(name, ())
    if isinstance(value, str) and value in words:
        return value
    smallest = LEAST_K.get(metric, 1) if name == "k" else LEAST.get(name)
    if smallest is not None:
        if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
            raise ValueError(f"{metric} needs a whole number {name} >= {smallest}; got {value!r}.")
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "variance":
        if not (number and 0 < value <= 1):
            raise ValueError(f"{metric} needs variance in (0, 1]; got {value!r}.")
    elif name == "alpha":
        if not (number and 0 <= value <= 1):
            raise ValueError(f"{metric} needs alpha from 0 to 1; got {value!r}.")
    elif name == "ridge":
        if not (number and 0 <= value <= WIDTHS[1]):
            others = "".join(f", or {word!r}" for word in words)
            raise ValueError(f"{metric} needs ridge from 0 to {WIDTHS[1]:g}{others}; got {value!r}.")
    elif not (number and WIDTHS[0] <= value <= WIDTHS[1]):
        raise ValueError(f"{metric} needs {name} from {WIDTHS[0]:g} to {WIDTHS[1]:g}; got {value!r}.")
    return value
