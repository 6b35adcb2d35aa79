"""The section of the configuration that asks for sample text, and what of it cannot be."""

from typing import TYPE_CHECKING

from pydantic import Field

from whyalike.section import Count, Name, Real, Section, Seed

if TYPE_CHECKING:
    pass


class SampleText(Section):
    """What the language models of a study say after a prompt; a target of its own name."""

    study: Name = Field(description="The study whose models speak, all levels of it.")
    prompt: str = Field("Do you not hear", min_length=1, description="What they go on with; the paper's if left out.")
    tokens: Count = Field(100, description="Tokens that each model adds.")
    temperature: Real = Field(
        0.8, ge=0.001, le=1000, description="Divides the logits: below 1, likely tokens become likelier."
    )
    top_k: Count = Field(200, description="Only so many of the likeliest tokens are drawn from.")
    seed: Seed = Field(0, description="Key of the draws, which are the same for every model.")
    seeds: tuple[Seed, ...] = Field((), description="Seeds of the study whose models speak; its first one if left out.")
