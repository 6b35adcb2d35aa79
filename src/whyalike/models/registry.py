"""The model families by name."""

from dataclasses import dataclass

from whyalike.registry import Entry, Registry


@dataclass(frozen=True)
class ModelFacts:
    """``source`` is where the architecture is described."""

    source: str


MODELS: Registry[ModelFacts] = Registry(
    "model family",
    {"resnet": Entry("whyalike.models.resnet:build", ModelFacts("He et al. 2015, basic blocks"))},
)
