"""The section of the configuration for published score tables that are drawn beside ours, and what of it cannot be."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from whyalike.data.parameters import Folder
from whyalike.section import Name, Section

if TYPE_CHECKING:
    pass


class PublishedScores(Section):
    """Published long-format score tables of one setting, see docs/published-scores.md."""

    files: Annotated[tuple[Folder, ...], Field(min_length=1)] = Field(description="CSV files, one behind the other.")
    study: Name = Field(description="The study beside which the scores stand.")
    setting: Name = Field(description="What the comparison is called, such as published_resnet18; no setting of ours.")
    own: Name | None = Field(None, description="Name of the setting's own stimuli; the setting's if left out.")
    stimuli: dict[
        str, tuple[Name, Literal["in_distribution", "out_of_distribution", "common", "ood_one", "ood_both"]]
    ] = Field({}, description="Score columns whose names do not say it: [name, kind] of their stimuli.")
    leave_out: tuple[str, ...] = Field((), description="Score columns that are not read.")
