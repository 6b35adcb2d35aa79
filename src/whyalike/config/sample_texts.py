"""The section of the configuration that asks for sample text, and what of it cannot be."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from whyalike.section import Name, Section

if TYPE_CHECKING:
    pass


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
