"""The section `convergence` of a configuration: convergence over layers, training and distribution shifts.

Source: Kapoor, Srivastava and Khosla 2025. Models are those of the configuration's zoos, stimuli are its own. Read each
time the Snakefile is parsed: no heavy imports.
"""

from typing import Annotated, Any

from pydantic import Field

from whyalike.config.scorings import Scorings
from whyalike.data.parameters import Distinct
from whyalike.data.shifts.registry import SHIFTS
from whyalike.section import Count, Name, Section, Seed, StimuliName, known, real, whole
from whyalike.training.parameters import Step

CORRECTED, PUBLISHED = "corrected", "as_published"
ANALYSES = (CORRECTED, PUBLISHED)
START, FINAL = "start", "final"  # checkpoints beside step{n} and epoch{n}
SHUFFLED = "_shuffled"  # behind a setting's name: the group of its models of shuffled labels
METRICS: dict[str, dict[str, Any]] = {
    "linear": {"ridge": "inner"},
    "procrustes": {},
    "permutation": {},
    "soft_matching": {},
}
PUBLISHED_METRICS: dict[str, dict[str, Any]] = {name: {} for name in METRICS}
Names = Annotated[tuple[Name, ...], Distinct]
Levels = Annotated[tuple[real(ge=0, le=1000), ...], Field(min_length=1), Distinct]


class Checkpoints(Section):
    """At which steps models are compared, beside their untrained starts and their final weights."""

    steps: Annotated[tuple[Step, ...], Distinct] = Field(
        (),
        description="Steps that the recipe's `keep_steps` keeps (of models from files: those that their names end in).",
    )
    epochs: Annotated[tuple[Count, ...], Distinct] = Field((), description="Epochs whose ends `keep_steps` keeps.")


class Convergence(Section):
    """Convergence over layers, training and shifts: target convergence, of a configuration that has zoos."""

    name: Name = Field("convergence", description="Results are written to {results}/{name}/.")
    zoos: Names = Field((), description="Studies of factor zoo whose models are compared.")
    stimuli: dict[Name, StimuliName] = Field(
        {}, description="Setting -> the stimuli on which its models are compared; other settings are left out."
    )
    checkpoints: dict[Name, Checkpoints] = Field({}, description="Setting -> further steps at which it is looked at.")
    metrics: Scorings = Field(METRICS, min_length=1, description="Metrics that fit a map: the corrected analysis.")
    as_published: Scorings = Field(
        PUBLISHED_METRICS, description="The same as published: BatchNorm as trained, raw responses; {} leaves it out."
    )
    over_time: Names = Field(
        ("procrustes",), min_length=1, description="Of both, those that are followed through training and shifts."
    )
    spearman: bool = Field(True, description="Give final and untrained models rank correlations too.")
    folds: whole(ge=2, le=100) = Field(5, description="Folds of the stimuli: a map is fitted on all but one.")
    folds_seed: Seed = Field(42, description="Key of the folds.")
    rotations: whole(ge=2, le=1000) = Field(20, description="Random rotations of each layer: the null of its basis.")
    components: Count = Field(50, description="Principal components of the input that are partialled out.")
    counts: Annotated[tuple[Count, ...], Distinct] = Field(
        (), description="Smaller numbers of stimuli at which maps are compared too, beside all that a setting has."
    )
    layer_pairs: Count = Field(3, description="Pairs of models, of each two groups whose layers are all compared.")
    shifts: dict[Annotated[str, known(SHIFTS)], Levels] = Field(
        {}, description="Shift -> levels, of the stimuli of every setting that sees images."
    )
    shifted_stimuli: Annotated[tuple[StimuliName, ...], Distinct] = Field(
        (), description="Stimuli from files that count as shifted: stylized images, sketches and the like."
    )
    matched: Count | None = Field(
        None,
        description="Stimuli that every level of every shift is scored on in the corrected analysis. Left out: as many "
        "as the smaller of the undistorted and the shifted set has, of each shift. Set it where shifted sets differ in "
        "size: sets of another size than most are no part of correlations with accuracy.",
    )
    shift_settings: Names = Field((), description="Settings that are looked at under shifts; none: all of images.")
    self_supervised: Names = Field((), description="Settings of the self-supervised figure.")
    transformers: Names = Field((), description="Settings of the vision transformers' figure.")
    language: Names = Field((), description="Settings of the language models' figure.")
    draws: whole(ge=19, le=10**6) = Field(999, description="Permutations and sign flips of each test.")
    seed: Seed = Field(0, description="Key of rotations, draws of stimuli and permutations.")
