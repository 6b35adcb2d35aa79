"""What is known of a metric without importing it: the facts that stand beside its name in the registry.

Importing this module is cheap (no numpy). Tests derive the properties that they check from the facts, other rooms read
them, and docs/metrics.md is made from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

INVARIANCES = ("linear", "orthogonal", "scale", "translation", "row_scale")


@dataclass(frozen=True)
class MetricFacts:
    """What is known of a metric without importing it. Range, self value and invariances are those of ``exact``.

    Parameters
    ----------
    kind : "similarity" or "distance": whether large or small values mean alike.
    range : smallest and largest possible value; what rounding takes beyond it is cut off.
    range_if : where a parameter has a value of its own, another range: (parameter, value, range).
    version : of the values of ``exact``: raised when they change for equal input.
    self_value : the value on (X, X); None where it depends on X.
    invariances : of "linear" (invertible maps), "orthogonal", "scale", "translation" (of the features as given) and
        "row_scale"; what changes X alone and leaves the value as it is.
    symmetric : whether (X, Y) and (Y, X) give the same value.
    preprocessing : key of `whyalike.similarity.preprocessing.EXACT` that the exact protocol uses.
    estimator, published_estimator : the word in the score table's ``estimator`` column under each protocol; None where
        the reference has no such metric: then there is no protocol "as_published".
    parameters : defaults of the exact protocol; ``published_parameters`` those that differ as published.
    alternatives : for each parameter, those of which it takes the place when it is given.
    choices : parameter -> the values that it can have; numbers are checked by `whyalike.similarity.protocols`.
    words : parameter that is a number -> words that may stand in a number's place.
    conflicts : two settings that do not go together, each (parameter, value), and what to do instead.
    smallest_n : fewest rows for which the metric is defined.
    source : where the definition comes from.
    published_eps : what the reference adds to the denominator.
    family : metrics of one family are scored by one job; those that share a ``prepare`` are of one. Left out: it is one
        of its own.
    prepared_by : the parameters that the family's ``prepare`` reads.
    linear_kernel : compares linear kernels, so that the score of one-hot labels is a baseline in the same units.
    deconfoundable : the score is the cosine of two matrices over stimuli, each of one representation, so that a third
        can be regressed out of both (`whyalike.similarity.deconfounding`).
    arguments : what two things are compared: "representations", "distributions" (pairs of embeddings and unembeddings)
        or "predictions". Metrics of the latter two stand in `registry.OTHER_METRICS`.
    formula, chance, cost, use : one phrase each for the reader: definition, value of unrelated representations, work
        for n stimuli and d units (a model, then a pair), and when to take it.
    note : what else a reader must know: where values mislead, and how other code of this name differs. Sentences.
    """

    range: tuple[float, float]
    self_value: float | None
    invariances: tuple[str, ...]
    preprocessing: str
    estimator: str
    published_estimator: str | None
    parameters: Mapping[str, Any]
    smallest_n: int
    source: str
    published_eps: float = 0.0
    published_parameters: Mapping[str, Any] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conflicts: tuple[tuple[tuple[str, Any], tuple[str, Any], str], ...] = ()
    family: str = ""
    prepared_by: tuple[str, ...] = ()
    symmetric: bool = True
    linear_kernel: bool = False
    deconfoundable: bool = False
    kind: str = "similarity"
    arguments: str = "representations"
    range_if: tuple[tuple[str, Any, tuple[float, float]], ...] = ()
    version: int = 1
    formula: str = ""
    chance: str = ""
    cost: str = ""
    use: str = ""
    note: str = ""

    @property
    def protocols(self) -> tuple[str, ...]:
        """The score protocols that the metric has."""
        return ("exact",) if self.published_estimator is None else ("exact", "as_published")

    def range_with(self, parameters: Mapping[str, Any]) -> tuple[float, float]:
        """The range under some parameters."""
        return next((own for name, value, own in self.range_if if parameters.get(name) == value), self.range)


def sign_of_likeness(kind: str) -> int:
    """1 if more alike is more, of a similarity; -1 of a distance."""
    return -1 if kind == "distance" else 1


@dataclass(frozen=True, repr=False)
class Description:
    """What is known of a metric, for a reader; ``repr`` is one line a fact."""

    name: str
    formula: str
    kind: str
    range: tuple[float, float]
    self_value: float | None
    symmetric: bool
    invariances: tuple[str, ...]
    chance: str
    protocols: tuple[str, ...]
    parameters: Mapping[str, Any]
    choices: Mapping[str, tuple[Any, ...]]
    preprocessing: str
    estimator: str
    smallest_n: int
    cost: str
    use: str
    note: str
    source: str
    version: int

    @classmethod
    def of(cls, name: str, facts: MetricFacts) -> "Description":
        """The description of the metric of this name."""
        return cls(name=name, **{one.name: getattr(facts, one.name) for one in fields(cls) if one.name != "name"})

    def __repr__(self) -> str:
        said = [one.name for one in fields(self) if one.name != "note" or self.note]
        return "\n".join(f"{name:<13} {_words(getattr(self, name))}" for name in said)


def _words(value: Any) -> str:
    """A fact as text."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_words(one)}" for name, one in value.items()) or "none"
    if isinstance(value, tuple):
        return " to ".join(f"{one:g}" for one in value) if _is_range(value) else ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "depends on X" if value is None else f"{value:g}" if isinstance(value, float) else str(value) or "not said"


def _is_range(value: tuple) -> bool:
    return len(value) == 2 and all(type(one) is float for one in value)
