"""The section of the configuration that asks for sample text, and what of it cannot be."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from whyalike.designs.registry import design
from whyalike.messages import near
from whyalike.models.registry import MODELS
from whyalike.section import Section
from whyalike.sections.names import Name

if TYPE_CHECKING:
    from whyalike.config import Config


class SampleText(Section):
    """What the language models of a study say after a prompt; a target of its own name."""

    study: Name = Field(description="The study whose models speak, all levels of it.")
    prompt: str = Field("Do you not hear", min_length=1, description="What they go on with; the paper's if left out.")
    tokens: int = Field(100, ge=1, description="Tokens that each model adds.")
    temperature: float = Field(0.8, gt=0, description="Divides the logits: below 1, likely tokens become likelier.")
    top_k: int = Field(200, ge=1, description="Only so many of the likeliest tokens are drawn from.")
    seed: int = Field(0, description="Key of the draws, which are the same for every model.")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (), description="Seeds of the study whose models speak; its first one if left out."
    )


def misfits(config: "Config") -> Iterator[str]:
    """Sample text of studies that are nowhere, have other seeds or no language models, or of a taken name."""
    for key, sample in config.sample_texts.items():
        path = f"sample_texts.{key}"
        if key in config.figures:
            yield f"{path}: a figure has this name, and each is a target of its own name. Rename one."
        if sample.study not in config.studies:
            hint, known = near(sample.study, config.studies), ", ".join(config.studies)
            yield f"{path}.study: '{sample.study}' is not under studies.{hint} Known: {known}."
            continue
        study = config.studies[sample.study]
        for name in study.settings:
            model = config.models.get(getattr(config.settings.get(name), "model", None))
            speaks = model is None or MODELS[model.family].facts.inputs == "tokens"
            if not (speaks and design(study.factor).is_trained):
                yield f"{path}.study: the models of '{name}' are no language models trained here."
        if unknown := [seed for seed in sample.seeds if seed not in getattr(study, "seeds", sample.seeds)]:
            seeds = ", ".join(map(str, study.seeds))
            yield f"{path}.seeds: {unknown[0]} is not under studies.{sample.study}.seeds: {seeds}."
