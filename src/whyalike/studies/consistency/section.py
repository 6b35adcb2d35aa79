"""The section `consistency` of a configuration: consistency of similarity over stimulus sets.

Source: Ciernik et al. 2025. Models are those of the configuration's zoos, stimuli are its own. Read each time the
Snakefile is parsed: no heavy imports.
"""

from typing import Annotated, Any

from pydantic import Field, field_validator

from whyalike.config.scorings import Scorings
from whyalike.data.parameters import Distinct
from whyalike.section import Count, Name, Section, Seed, StimuliName, real, whole

Names = Annotated[tuple[Name, ...], Distinct]
CORRECTED, PUBLISHED = "corrected", "as_published"
RAW, UNIT = "raw", "l2"  # rows of representations: as they are, of length 1
METRICS: dict[str, dict[str, Any]] = {"cka_unbiased": {}, "cka_rbf_unbiased": {"sigma_median": 0.4}, "rsa": {}}
PUBLISHED_METRICS: dict[str, dict[str, Any]] = {"cka_unbiased": {}, "cka_rbf_unbiased": {"sigma": 0.4}, "rsa": {}}
GROWING: dict[str, dict[str, Any]] = {
    **{f"cka_rbf_{tenths}": {"metric": "cka_rbf_unbiased", "sigma": tenths / 10} for tenths in (2, 4, 6, 8)},
    "cka_unbiased": {},
}
PER_CLASS = (1, 5, 10, 20, 30, 40)


class StimulusSet(Section):
    """A stimulus set on which all models are compared."""

    source: Name = Field(description="The pool that its images are from: pairs of sets of one pool count apart.")
    category: Name = Field("other", description="Category of the set, such as multi_domain.")
    labelling: Name | None = Field(
        None, description="Labels of the linear probe and of the halves of the stimuli; all attributes if left out."
    )
    train: StimuliName | None = Field(None, description="Stimuli on which the linear probe learns; none without.")
    test: StimuliName | None = Field(None, description="Stimuli on which the linear probe is tested.")


class Sizes(Section):
    """How similarity depends on the number of stimuli a class: nested draws of one stimulus set."""

    stimuli: StimuliName = Field(description="The stimuli that are drawn from.")
    per_class: Annotated[tuple[Count, ...], Distinct] = Field(
        PER_CLASS, min_length=2, description="Stimuli of each class, ascending."
    )
    metrics: Scorings = Field(GROWING, min_length=1, description="Metrics, of rows of length 1, as published.")
    seed: Seed = Field(0, description="Key of the draws.")

    @field_validator("per_class")
    @classmethod
    def _ascend(cls, given: tuple[int, ...]) -> tuple[int, ...]:
        if list(given) != sorted(given):
            raise ValueError(f"the numbers must ascend, as {sorted(given)} do")
        return given


class Probe(Section):
    """The linear probe of each model on each stimulus set: AdamW, cosine schedule, on features of length 1."""

    rates: Annotated[tuple[real(gt=0, le=100), ...], Distinct] = Field(
        (0.1, 0.01), min_length=1, description="Learning rates that are searched."
    )
    decays: whole(ge=1, le=64) = Field(
        1, description="Weight decays that are searched, of 64 from 1e-6 to 1e1: 1, or up to 64 as published."
    )
    seeds: whole(ge=1, le=100) = Field(1, description="Probes of each model and set; accuracy is their mean.")
    epochs: Count = Field(20, description="Passes through the training features.")
    batch_size: Count = Field(1024, description="Features a step.")


class Consistency(Section):
    """Consistency of similarity over stimulus sets: target consistency, of a configuration that has zoos."""

    name: Name = Field("consistency", description="Results are written to {results}/{name}/.")
    zoos: Names = Field((), description="Studies of factor zoo: every two of their models are compared.")
    stimuli: dict[StimuliName, StimulusSet] = Field({}, description="Stimuli of the configuration on which they are.")
    metrics: Scorings = Field(METRICS, min_length=1, description="Metrics of raw rows: the corrected analysis.")
    as_published: Scorings = Field(
        PUBLISHED_METRICS, description="Metrics of rows of length 1: the analysis as published; {} leaves it out."
    )
    categories: Names = Field(
        ("objective", "architecture", "data", "size"),
        min_length=1,
        description="Attributes of settings that group the models; the first one is that of figures and contrasts.",
    )
    families: Name = Field("family", description="Attribute: models of one family are left out together.")
    strata: Names = Field((), description="Attributes within whose values the groups of models are permuted.")
    factorial: Names = Field(
        ("objective", "data", "architecture"),
        description="Attributes whose shares of variance are told, over the trained models that cross them fully.",
    )
    anchors: Names = Field((), description="Settings whose first model is an anchor; none leaves the figure out.")
    sizes: Sizes | None = Field(None, description="Dependence on the number of stimuli; null leaves it out.")
    probe: Probe | None = Field(Probe(), description="Linear probes; null leaves them out.")
    draws: whole(ge=19, le=10**6) = Field(999, description="Permutations of each test.")
    seed: Seed = Field(0, description="Key of halves, permutations and probes.")
