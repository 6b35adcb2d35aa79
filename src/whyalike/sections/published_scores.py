"""The section of the configuration for published score tables that are drawn beside ours, and what of it cannot be."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from whyalike.data.parameters import Folder
from whyalike.designs.registry import DESIGNS, design
from whyalike.messages import near
from whyalike.section import Section
from whyalike.sections.names import Name

if TYPE_CHECKING:
    from whyalike.config import Config


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


def misfits(config: "Config") -> Iterator[str]:
    """Published scores beside no study of ours, with a name of ours; figures that cannot show them."""
    for key, published in config.published.items():
        path, study = f"published.{key}", config.studies.get(published.study)
        if study is None:
            hint, known = near(published.study, config.studies), ", ".join(config.studies)
            yield f"{path}.study: '{published.study}' is not under studies.{hint} Known: {known}."
        elif design(study.factor).published is None:
            *first, last = (design(name).words.removesuffix(" overlap") for name in DESIGNS if design(name).published)
            known = f"{', '.join(first)} or {last} overlap"
            yield f"{path}.study: published scores are of {known}, {published.study} of none."
        if published.setting in config.settings:
            yield f"{path}.setting: '{published.setting}' is a setting of ours. Give the published one another name."
    for key, figure in config.figures.items():
        path = f"figures.{key}.published"
        for name in figure.published:
            if name not in config.published:
                known = ", ".join(config.published) or "none"
                yield f"{path}: '{name}' is not under published.{near(name, config.published)} Known: {known}."
            elif config.published[name].study != figure.study:
                yield f"{path}: '{name}' stands beside {config.published[name].study}, the figure shows {figure.study}."
        if figure.published and figure.options.get("score_protocol") != "as_published":
            yield f"{path}: published scores have one protocol: set options.score_protocol to as_published."
