"""How much work a configuration asks for, before any data exist: images, steps, parameters, units.

What the configuration and the registries do not say is in the cost table (`whyalike.planning.costs`); what neither says
is its `other`, and counts as a guess.
"""

from typing import Any

from whyalike.config.config import Config
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import design
from whyalike.planning import architectures
from whyalike.planning.costs import Costs, Parts
from whyalike.training.registry import OBJECTIVES

BYTES_OF_TOKEN = 2  # uint16
MOST = 10**9  # images of a part


class Workload:
    """Amounts for one configuration; ``known`` is False where an amount is a guess."""

    def __init__(self, config: Config, costs: Costs):
        self.config, self.costs = config, costs

    def images(self, name: str) -> tuple[Parts, bool]:
        """Images of a data set's parts, known."""
        dataset, listed = self.config.datasets[name], self.costs.images
        if counts := SOURCES[dataset.source].facts.counts(dataset):
            return Parts(train=counts[0], test=counts[1]), True
        parts = listed.get(name, listed["other"])
        if (read := getattr(dataset, "parts", None)) is not None and name not in listed:
            most = getattr(dataset, "balanced", None) or MOST
            parts = Parts(**{part: min(n, most) if part in read else 0 for part, n in parts})
        return parts, name in listed

    def bytes_of_images(self, name: str) -> float:
        """Size of a prepared data set: a byte a pixel and channel, two a token; 0 where only files tell."""
        dataset = self.config.datasets[name]
        facts = SOURCES[dataset.source].facts
        if facts.modality == "text":
            return BYTES_OF_TOKEN * self.tokens(name)
        side = facts.size or getattr(dataset, "size", 0)
        parts, _ = self.images(name)
        return (parts.train + parts.test) * side**2 * (facts.channels or 0)

    def tokens(self, name: str) -> int:
        """Most tokens of a data set of text; 0 where nothing bounds them, and for images."""
        dataset = self.config.datasets[name]
        return (dataset.tokens() or 0) if SOURCES[dataset.source].facts.modality == "text" else 0

    def stimuli(self, name: str) -> tuple[int, bool]:
        """Number of stimuli of a set, known."""
        section = self.config.stimuli[name]
        if section.n is not None:
            return section.n, True
        parts, known = self.images(section.dataset)
        n, balanced = getattr(parts, getattr(section, "part", "test")), getattr(section, "balanced", None)
        if balanced is None:
            return n, known
        return (min(n, balanced) if known else balanced), False  # small classes give fewer, rounding up gives more

    def batch(self, setting: str) -> int:
        """Samples of a training step."""
        recipe = self.config.recipes[self.config.settings[setting].recipe]
        return recipe.batch_size * getattr(recipe, "accumulation", 1)

    def passed(self, setting: str) -> float:
        """Samples that go through a setting's model and back in a step: of some objectives more than its batch."""
        recipe = self.config.recipes[self.config.settings[setting].recipe]
        return self.batch(setting) * OBJECTIVES[recipe.objective].facts.passes

    def steps(self, setting: str, factor: str) -> tuple[int, int, bool]:
        """Steps of a run's training, samples a step, known. Of most designs a run has half the images."""
        section = self.config.settings[setting]
        recipe, batch = self.config.recipes[section.recipe], self.batch(setting)
        if (steps := getattr(recipe, "steps", None)) is not None:
            return steps, batch, True
        parts, known = self.images(section.dataset)
        images = int(parts.train * design(factor).share_of_images)
        return recipe.epochs * max(1, images // batch), batch, known

    def model(self, setting: str) -> tuple[float, float]:
        """Parameters of a setting's model, and how often one sample uses each."""
        section = self.config.settings[setting]
        if isinstance(section, ResolvedPretrained):
            return architectures.of_library(section, self.costs.parameters["other"])
        return self.of_model(self.config.models[section.model], getattr(section, "size", None) or 0, section.model)

    def of_model(self, model: Any, side: int, name: str = "") -> tuple[float, float]:
        """The same of a model's section, for images of so many pixels a side; ``name`` is its own under `models`."""
        if (counted := architectures.amounts(model, side)) is not None:
            return counted
        listed = self.costs.parameters
        return listed.get(name, listed.get(model.family, listed["other"])), architectures.uses(side)

    def units(self, setting: str) -> int:
        """Units of all compared layers of a setting together."""
        return sum(self.widths(setting))

    def widths(self, setting: str) -> list[int]:
        """Units of each compared layer of a setting."""
        section = self.config.settings[setting]
        model, listed = self.config.models.get(getattr(section, "model", None)), self.costs.units
        if hasattr(model, "vocabulary"):
            return [model.width] * len(section.layers)
        known = architectures.widths(model)
        return [known.get(layer, listed.get(layer, listed["other"])) for layer in section.layers]

    def features(self, setting: str) -> dict[str, Any]:
        """What a rate of the cost table may ask for."""
        section = self.config.settings[setting]
        if isinstance(section, ResolvedPretrained):
            size = section.rule.sides[0] if section.rule else None
            return {"setting": setting, "library": section.library, "model": section.name, "size": size}
        recipe = self.config.recipes.get(getattr(section, "recipe", ""))  # checkpoints from files have none
        return {
            **self.config.models[section.model].model_dump(mode="json"),
            "setting": setting,
            "model": section.model,
            "size": getattr(section, "size", None),
            **{key: getattr(recipe, key, None) for key in ("objective", "precision", "batch_size", "accumulation")},
        }
