"""Runs that are not trained here: the sections of the configuration about checkpoints and activations from files.

Such runs are named in a setting; the pairs to compare, and what overlaps between them, are named in a study of factor
`external`. A run's identity comes from its declared name, never from where its files lie or what they hold; the hashes
of the files stand in the manifest.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from whyalike.config.attributes import ATTRIBUTES, Attributes
from whyalike.config.comparisons import COMPARISONS, Comparisons
from whyalike.config.looking import (
    BATCH_NORM,
    IMAGES,
    LAYERS,
    LOOK_KEYS,
    POOLING,
    BatchNorm,
    Images,
    Layers,
    LayersOrKind,
    Pooling,
    WaysToLook,
)
from whyalike.config.questions import STIMULI, Question, StimuliNames
from whyalike.designs.registry import design, designs, gathering
from whyalike.section import Before, Count, Name, Section, Seed, Side, Whole, path_of_user, real
from whyalike.training.parameters import Channels, check_channels


class Pattern:
    """A validator for a path with places in braces: all of ``needed`` must stand in it, and only ``allowed`` may."""

    def __init__(self, needed: tuple[str, ...], allowed: tuple[str, ...]):
        self.needed, self.allowed = needed, allowed

    def __call__(self, text: str) -> str:
        """The pattern itself."""
        names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        missing, unknown = [name for name in self.needed if name not in names], names - set(self.allowed)
        if missing or unknown:
            places = ", ".join(f"{{{name}}}" for name in self.allowed)
            raise ValueError(f"the path must hold {{{'}, {'.join(self.needed)}}} and no other places than {places}")
        return str(path_of_user(text))


class External(Section):
    """What settings with runs from files have in common."""

    dataset: Name = Field(description="The data set whose stimuli count as in distribution.")
    labelling: Name = Field(description="Labels of that data set: they group the stimuli.")
    runs: tuple[Name, ...] = Field(min_length=1, description="Names of the runs.")
    version: Whole = Field(1, ge=0, le=10**9, description="Raise it when the files change: the runs are then others.")
    attributes: Attributes = Field({}, description=ATTRIBUTES)

    @model_validator(mode="after")
    def _names_stand_once(self) -> Self:
        if len(set(self.runs)) < len(self.runs):
            raise ValueError(f"runs names a run twice: {list(self.runs)}")
        return self

    def identifying(self) -> dict[str, Any]:
        """What tells one run from another of the same name: no place of files, no list of the others."""
        return self.plain(exclude=["runs", "checkpoints", "activations", "attributes", *LOOK_KEYS])


class OwnCheckpoints(WaysToLook, External):
    """Models of one architecture whose weights come from files."""

    checkpoints: Annotated[str, AfterValidator(Pattern(("run",), ("run",)))] = Field(
        description="Path of the state dict of {run}: .safetensors, .pt or .pth as `torch.save` writes it, or a folder "
        "as `save_pretrained` of Hugging Face writes it."
    )
    prefix: Annotated[str, Before("")] = Field(
        "",
        description="Take only the names of a state dict that begin so, such as `vit.`, without this beginning. A "
        "beginning that all names have (`module.`) goes by itself.",
    )
    model: Name = Field(description="Name of a model under `models`.")
    size: Side = Field(description="Side of the model's input, pixels; other images are resized to it.")
    mean: Channels = Field(description="Mean of each channel in training, subtracted, 0 to 255.")
    std: Channels = Field(description="Standard deviation of each channel in training, divided by, 0 to 255.")
    classes: Count | None = Field(None, description="Outputs of the models; as many as the labelling has if left out.")
    layers: LayersOrKind = Field(("avgpool",), description=LAYERS)
    pooling: Pooling = POOLING
    batch_norm: BatchNorm = BATCH_NORM
    recalibration_images: Images = IMAGES

    @model_validator(mode="after")
    def _channels_agree(self) -> Self:
        check_channels(self.mean, self.std)
        return self

    def files(self, stimuli: Sequence[str]) -> list[str]:
        """The files of all runs, in the order of their names, whatever the stimuli."""
        return [self.checkpoints.format(run=run) for run in sorted(self.runs)]


class OwnActivations(External):
    """Activations from files, of models that the workflow never sees."""

    activations: Annotated[str, AfterValidator(Pattern(("run", "stimuli"), ("run", "stimuli", "layer")))] = Field(
        description="Path of n x d numbers of {run} on {stimuli} (and of {layer}): .npy, .npz or .parquet."
    )
    layers: Layers = Field(("features",), description="Names of the layers, whose numbers are compared as they are.")

    @model_validator(mode="after")
    def _layers_have_files(self) -> Self:
        if len(self.layers) > 1 and "{layer}" not in self.activations:
            raise ValueError(f"{len(self.layers)} layers need {{layer}} in the path {self.activations}")
        return self

    def files(self, stimuli: Sequence[str], layers: Sequence[str] | None = None) -> list[str]:
        """The files of all runs, in the order of their names; of all layers if left out."""
        places = itertools.product(sorted(self.runs), stimuli, layers or self.layers)
        return [self.activations.format(run=run, stimuli=name, layer=layer) for run, name, layer in places]


class ExternalPair(Section):
    """Two runs of each setting of the study, and what you say overlaps between them."""

    a: Name = Field(description="A run.")
    b: Name = Field(description="Another run.")
    seed: Seed = Field(0, description="Pairs that belong together, as replicates do: the unit of the statistics.")
    overlap: real(ge=0, le=1) | None = Field(None, description="Given for all pairs or for none: x of the statistics.")


class ExternalStudy(Question):
    """A question to runs from files."""

    levels: ClassVar[tuple[str, ...]] = ()  # an external study has one cell a setting, of this seed
    seeds: ClassVar[tuple[int, ...]] = (0,)
    fixed_classes: ClassVar[tuple[int, ...]] = ()
    min_accuracy: ClassVar[float] = 0.0

    factor: Literal[designs(trained=False)] = Field(description="The models come from files.")
    settings: tuple[Name, ...] = Field(min_length=1, description="Names of settings that name runs from files.")
    stimuli: StimuliNames = Field(description=STIMULI)
    pairs: Literal["all"] | tuple[ExternalPair, ...] = Field(
        "all",
        description="`all`: every two runs of a setting (each of one with each of another, across settings), without "
        "overlaps; or a list of pairs.",
    )
    comparisons: Comparisons = Field({}, description=COMPARISONS)
    intervals: bool = Field(
        True, description="Give each score its 95 % interval over stimuli: up to 100 further scores a pair and metric."
    )

    @model_validator(mode="after")
    def _pairs_differ(self) -> Self:
        if self.pairs == "all":
            return self
        if not self.pairs:
            raise ValueError("pairs is empty: name pairs, or write all")
        names = [frozenset((pair.a, pair.b)) for pair in self.pairs]
        if repeated := [f"{pair.a}-{pair.b}" for pair, own in zip(self.pairs, names, strict=True)
                        if len(own) == 1 or names.count(own) > 1]:  # fmt: skip
            raise ValueError(f"every pair names two runs, and stands once: {', '.join(repeated)}")
        if len({pair.overlap is None for pair in self.pairs}) > 1:
            raise ValueError("give an overlap for every pair or for none")
        return self

    def pairs_of(self, runs: tuple[str, ...], runs_b: tuple[str, ...] | None = None) -> list[ExternalPair]:
        """The pairs within a setting with these runs, or of them with those of another setting."""
        if self.pairs == "all":
            both = itertools.combinations(runs, 2) if runs_b is None else itertools.product(runs, runs_b)
            return [ExternalPair(a=a, b=b) for a, b in both]
        return list(self.pairs)


def misfits(studies: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """Studies whose settings are not of their kind, and pairs of runs that a setting does not name."""
    for key, study in studies.items():
        external = isinstance(study, ExternalStudy)
        for name, setting in ((name, settings[name]) for name in study.settings if name in settings):
            if isinstance(setting, External) != external and not design(study.factor).gathers:
                here = "names runs from files" if isinstance(setting, External) else "is trained here"
                both = " or ".join(f"factor {name}" for name in gathering())
                yield (
                    f"studies.{key}.settings: '{name}' {here}, which does not fit the factor {study.factor}. A study "
                    f"of {both} takes both kinds."
                )
            elif external and (
                unknown := {x for p in study.pairs_of(setting.runs) for x in (p.a, p.b)} - {*setting.runs}
            ):
                yield (
                    f"studies.{key}.pairs: setting '{name}' has no run {', '.join(sorted(unknown))}. "
                    f"Runs: {', '.join(setting.runs)}."
                )
