"""Models of other libraries in the configuration: which one, whose weights, how its input is made, what is looked at.

A run's identity comes from library, name, tag and the weights themselves; where they lie, and how the model is looked
at, are no part of it. What only the files and the library know (hashes, layers, the library's own input rule) is found
when the configuration is read (`whyalike.config.pretrained_files`) and stands in a `ResolvedPretrained`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from whyalike.config.external import External, Layers
from whyalike.models.libraries.parameters import POOLED, Architecture, Facts, InputRule, Look
from whyalike.models.libraries.registry import LIBRARIES
from whyalike.section import FACTORY, Name, Values, Whole, known, path_of_user

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RUN = "{run}"
# by which libraries take weights themselves: what is untrained here would have them, or something would be downloaded
OF_WEIGHTS = re.compile(r"pretrained|weights|load_weights|checkpoint|cache_dir|trust_remote_code|local_files_only")
POOLINGS = ("mean", "center", "center4", "cls", "last", "first", "flat")
POOLED_MEANS = "; ".join(f"{name}: {entry.facts.pooled}" for name, entry in LIBRARIES.items())
TAGS = "; ".join(f"{name}: {entry.facts.tag}" for name, entry in LIBRARIES.items())
NAMES = "; ".join(f"{name}: {entry.facts.name}" for name, entry in LIBRARIES.items())


def _with_run_alone(text: str) -> str:
    places = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    if places - {"run"}:
        raise ValueError("it may hold {run} and no other places")
    return text


class Pretrained(External):
    """Models of one architecture of a library, whose weights lie in files. No job fetches anything."""

    library: Annotated[str, known(LIBRARIES)] = Field(description="timm, torchvision, transformers, open_clip, or "
                                                      "import for a function of yours.")  # fmt: skip
    name: str = Field(pattern=r"^[\w./:+-]+$", max_length=200, description=f"The architecture. {NAMES}.")
    tag: Annotated[str, AfterValidator(_with_run_alone)] = Field(
        pattern=r"^[\w./,+{}-]+$", max_length=200,
        description=f"Which weights; of weights of yours a word of your own. {TAGS}. It may hold {RUN}.",
    )  # fmt: skip
    weights: Annotated[str, AfterValidator(_with_run_alone), AfterValidator(lambda path: str(path_of_user(path)))] = (
        Field(description="Path of the weights: .safetensors, .pt, .pth or .bin of tensors alone, or a folder as "
                          f"`save_pretrained` writes it; with {RUN} where `runs` names several.")
    )  # fmt: skip
    runs: tuple[Name, ...] = Field((), description="Names of the models; the setting's own if left out.")
    version: Whole = Field(
        1,
        ge=0,
        le=10**9,
        description="Raise it when a function of yours (`import`) changes: its models are then others.",
    )
    sha256: Sha256 | dict[Name, Sha256] | None = Field(
        None, description="SHA-256 of the weights (of several runs one each, by name); other files are refused."
    )
    arguments: Values = Field(
        {}, description="Keyword arguments of the library's function that makes the model, such as num_classes."
    )
    drop: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (), description="Beginnings of the names that are left out of the file, such as `head.`. All others must fit."
    )
    layers: Literal["blocks", "convolutions"] | Layers = Field(
        (POOLED,),
        description="Modules by their paths, or all blocks, or all convolutions; and `pooled`, the model's own vector "
        f"({POOLED_MEANS}).",
    )
    pooling: Literal[POOLINGS] = Field(
        "mean", description="How an output with positions becomes one vector; of text over real tokens alone."
    )
    projection: Literal["before", "after"] | None = Field(
        None, description="Of image towers that end in a projection (CLIP): `pooled` before or after it."
    )
    input: Literal["native"] | InputRule = Field(
        "native", description="How images become input: native, the library's own way for this name and tag; or a rule."
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        facts = LIBRARIES[self.library].facts
        if len(self.runs) > 1 and RUN not in self.weights:
            raise ValueError(f"{len(self.runs)} runs need {RUN} in the path {self.weights}")
        if len(self.runs) > 1 and isinstance(self.sha256, str):
            raise ValueError("sha256 must be one for each of the runs, by name")
        if self.projection is not None and not facts.projects:
            raise ValueError(f"models of {self.library} have no projection: remove the key")
        if self.library == "import" and not re.match(FACTORY, self.name):
            raise ValueError(f"name must be a function of yours, package.module:function; got {self.name}")
        if self.library == "timm" and "." in self.name:
            name, _, tag = self.name.partition(".")
            raise ValueError(f"write the tag of its own: name: {name}, tag: {tag}")
        if self.library != "import" and (taken := [name for name in self.arguments if OF_WEIGHTS.match(name)]):
            raise ValueError(f"arguments may not hold {', '.join(taken)}: weights come from `weights` alone")
        if unknown := {*self.sha256} - {*self.runs} if isinstance(self.sha256, dict) else ():
            raise ValueError(f"sha256 names no run {', '.join(sorted(unknown))}. Runs: {', '.join(self.runs)}")
        return self

    def declared_sha256(self, run: str) -> str | None:
        """What the configuration says of a run's weights."""
        return self.sha256.get(run) if isinstance(self.sha256, Mapping) else self.sha256

    def weight_paths(self) -> dict[str, Path]:
        """Name of a run -> its file or folder, by name."""
        return {run: Path(self.weights.format(run=run)) for run in sorted(self.runs)}

    def architecture(self, run: str) -> Architecture:
        """What a library is asked for, with the tag of a run."""
        return Architecture(
            library=self.library, name=self.name, tag=self.tag.format(run=run), arguments=self.arguments
        )

    def look(self) -> dict[str, Any]:
        """How its models are looked at, where that is not the default: views of one run differ in it."""
        rule = {} if self.input == "native" else {"input": self.input.plain()}
        projection = {} if self.projection is None else {"projection": self.projection}
        return ({} if self.pooling == "mean" else {"pooling": self.pooling}) | projection | rule

    def files(self, stimuli: Sequence[str]) -> list[str]:
        """No file that Snakemake waits for: the parameters of jobs have their hashes."""
        return []


class ResolvedPretrained(Pretrained):
    """The same with what its files and its library say; `layers` are names. Nobody writes these keys."""

    hashes: dict[str, str | None] = Field(
        {}, description="Name of a run -> SHA-256 of its weights: found, else declared, else none."
    )
    config_sha256: str = Field("", description="Of the folder's config.json; empty of a file.")
    tokenizer_sha256: str = Field("", description="Of the folder's tokenizer; empty of images.")
    facts: Facts | None = Field(None, description="The architecture; none where a folder that says it is missing.")
    rule: InputRule | None = Field(None, description="How images become input; none of text.")

    def known_hashes(self) -> dict[str, str]:
        """The same; empty where the files are yet to be brought."""
        return {name: sha256 or "" for name, sha256 in self.hashes.items()}

    def declared(self, run: str) -> dict[str, Any]:
        """What the identity of a run comes from."""
        return {
            "pretrained": self.architecture(run).plain(),
            "sha256": self.hashes[run],
            **({"config": self.config_sha256} if self.config_sha256 else {}),
            **({"drop": list(self.drop)} if self.drop else {}),
            "version": self.version,
        }

    def start(self) -> dict[str, Any]:
        """What the initial weights of the architecture come from, beside their key."""
        asked = self.architecture(min(self.runs)).model_copy(update={"tag": ""})
        config = {"config": self.config_sha256} if self.config_sha256 else {}
        return {"pretrained": asked.plain(), **config, "version": self.version}

    def look(self) -> dict[str, Any]:
        """The same, with what a folder says of input beside the weights: folders of the same ones may differ in it."""
        of_folder = LIBRARIES[self.library].facts.folder
        rule = {"input": self.rule.plain()} if of_folder and self.rule is not None else {}
        return super().look() | rule | ({"tokenizer": self.tokenizer_sha256} if self.tokenizer_sha256 else {})

    def seen(self) -> Look:
        """What is built and how it is looked at, as jobs are told it."""
        return Look(
            architecture=self.architecture(min(self.runs)),
            drop=self.drop,
            layers=self.layers,
            pooling=self.pooling,
            projection=self.projection,
            inputs="rgb" if self.facts is None else self.facts.inputs,
            rule=None if self.rule is None else self.rule.plain(),
            tokenizer=self.tokenizer_sha256,
        )


def named(settings: Any) -> Any:
    """Settings as they are read, where those of libraries that name no runs have one of their own name."""
    if not isinstance(settings, Mapping):
        return settings
    return {
        key: {**one, "runs": [key]} if isinstance(one, Mapping) and "library" in one and not one.get("runs") else one
        for key, one in settings.items()
    }
