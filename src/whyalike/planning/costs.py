"""The cost table: what a job, a training image, an extraction and a score cost, on which device, and how that is known.

config/costs.yaml holds what is published, derived or guessed; config/costs.local.yaml, if the working directory has
one, what was measured on one's own machines (`whyalike calibrate`, `whyalike costs update`), and it goes over the
other. A rate is looked up by what it is for (a setting, a model, any value of the model); where none fits, the cost is
guessed from the number of parameters:

    seconds a step = step_seconds + batch * 6 * parameters * uses / operations_per_second

with 2 operations a parameter and use forward, 4 backward. This module is read each time the Snakefile is parsed.
"""

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from whyalike.config.faults import faults_in_words, listed
from whyalike.config.yaml_file import ConfigError, keys_of
from whyalike.section import Section

Source = Literal["measured", "given", "guessed"]
KNOWN_HOW: tuple[Source, ...] = ("measured", "given", "guessed")  # from the best known to the least
OURS = Path(__file__).parents[3] / "config" / "costs.yaml"
LOCAL = "config/costs.local.yaml"  # from the working directory
FORWARD, TRAINING = 2, 6  # operations of a parameter and use: a multiplication and an addition; backward costs two more
Positive = Annotated[float, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]


class Device(Section):
    """What is assumed of a device where nothing better is known of the work."""

    startup_seconds: float = Field(ge=0, description="Imports, device set-up, compilation and data of a job.")
    training_operations: Positive = Field(description="Floating-point operations a second that training reaches.")
    extraction_operations: Positive = Field(description="The same for a forward pass in float32.")
    step_seconds: float = Field(0, ge=0, description="What a training step costs beside its operations.")
    gain_at_once: float = Field(
        1, ge=1, description="A GPU: how many times as fast several runs at once end as one after another, at most."
    )
    source: Source = Field("guessed", description="How the start-up is known; operations are always guesses.")

    def guessed_step(self, parameters: float, uses: float, batch: float) -> float:
        """Seconds of a training step of a model of which no rate is known."""
        return self.step_seconds + TRAINING * parameters * uses * batch / self.training_operations

    def guessed_sample(self, parameters: float, uses: float) -> float:
        """Seconds of one sample that goes through a model of which no rate is known."""
        return FORWARD * parameters * uses / self.extraction_operations


class Rate(Section):
    """How fast one device does one kind of work for one architecture."""

    match: dict[str, Any] = Field(
        min_length=1,
        description="What it is for: setting, model (names), size, objective, precision, batch_size, accumulation, and "
        "any value of the model, as in the configuration. All must agree; of several rates that do, a setting's goes "
        "first, then the one with most keys.",
    )
    device: str = Field(description="A name under `devices`.")
    work: Literal["training", "extraction"] = Field("training", description="What is done.")
    samples_per_second: Positive | None = Field(
        None, description="Images (text: windows) that go through the model and, in training, back a second; or:"
    )
    step_seconds: Positive | None = Field(None, description="Seconds of one training step.")
    startup_seconds: float | None = Field(None, ge=0, description="Start of such a job; without it the device's.")
    run_seconds: float = Field(
        0, ge=0, description="Training: of each run beside its steps, as its test and its files."
    )
    memory_mb: Positive | None = Field(None, description="Most memory that the process had; the plan does not use it.")
    gpu_memory_mb: Positive | None = Field(None, description="The same on the GPU.")
    source: Source = Field(description="measured, given (published or derived), or guessed.")
    hardware: str | None = Field(None, description="GPU or CPU that was measured.")
    date: datetime.date | None = Field(None, description="When.")

    @model_validator(mode="after")
    def _one_figure(self) -> "Rate":
        if (self.samples_per_second is None) == (self.step_seconds is None):
            raise ValueError("a rate needs one of samples_per_second and step_seconds")
        if self.work == "extraction" and self.step_seconds is not None:
            raise ValueError("step_seconds is of training; give samples_per_second for extraction")
        return self


class Stage(Section):
    """What a job of a stage without a GPU costs."""

    seconds: float = Field(ge=0, description="Of each job.")
    seconds_of: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {},
        description="In their place, of the jobs whose name has this word between underscores: width16 of k4_width16.",
    )
    seconds_per_image: float = Field(0, ge=0, description="Data: of each image (text: window).")
    seconds_per_token: float = Field(0, ge=0, description="Data: of each token of text, where their number is bounded.")
    megabytes: float = Field(0, ge=0, description="Of the files of each job, where they are not computed.")
    source: Source = Field("guessed", description="How it is known.")

    def word(self, names: Iterable[str]) -> str | None:
        """The word under ``seconds_of`` that one of a job's names has; None if none has one."""
        words = {word for name in names for word in name.split("_")}
        return next((word for word in self.seconds_of if word in words), None)

    def seconds_named(self, names: Iterable[str]) -> float:
        """Seconds of a job with these names."""
        return self.seconds if (word := self.word(names)) is None else self.seconds_of[word]


class FamilyCost(Section):
    """What a family of metrics costs on n stimuli and layers of d units, in seconds of one protocol with 19 draws."""

    draws: bool = Field(True, description="Whether the cost of a pair grows with the draws of its nulls.")
    row_squared: Amount = Field(0, description="A model, by n².")
    row_squared_unit: Amount = Field(0, description="A model, by n² d: products of rows.")
    row_unit_squared: Amount = Field(0, description="A model, by n d²: products of units.")
    pair_row: Amount = Field(0, description="A scoring of a pair, by n.")
    pair_row_squared: Amount = Field(0, description="A scoring of a pair, by n².")
    pair_row_unit_squared: Amount = Field(0, description="A scoring of a pair, by n d².")
    pair_unit_cubed: Amount = Field(0, description="A scoring of a pair, by the cube of d, or of n where that is less.")

    def of_model(self, n: int, d: float) -> float:
        """Seconds of a model's layer."""
        return n**2 * (self.row_squared + self.row_squared_unit * d) + n * d**2 * self.row_unit_squared

    def of_pair(self, n: int, d: float) -> float:
        """Seconds of a scoring of two layers."""
        rows = n * (self.pair_row + self.pair_row_squared * n + self.pair_row_unit_squared * d**2)
        return rows + self.pair_unit_cubed * min(n, d) ** 3


class Scoring(Section):
    """What a scoring job costs: its start, and ``work`` times what its family costs for each model and pair."""

    seconds: float = Field(ge=0, description="Of each job.")
    work: Positive = Field(1, description="Times the families' figures; learnt from finished jobs.")
    families: dict[str, FamilyCost] = Field(description="By family of metrics; `other`.")
    megabytes: float = Field(0, ge=0, description="Of the score table.")
    source: Source = Field("guessed", description="How it is known.")


class Reserve(Section):
    """How much longer a job may take than expected: minutes = margin + expected * factor, times the attempt."""

    margin_minutes: int = Field(ge=1, description="For every job: queues end jobs by the minute, machines differ.")
    measured: float = Field(ge=1, description="Factor where the cost was measured.")
    given: float = Field(ge=1, description="Factor where it was published or derived.")
    guessed: float = Field(ge=1, description="Factor where it is a guess.")

    def minutes(self, seconds: float, sources: Iterable[Source]) -> float:
        """Minutes to reserve for the first attempt of what should take ``seconds``; the least known source counts."""
        worst = max(sources, key=KNOWN_HOW.index, default="measured")
        return self.margin_minutes + getattr(self, worst) * seconds / 60


class Parts(Section):
    """Size of a data set."""

    train: int = Field(ge=0, description="Training images (text: windows).")
    test: int = Field(ge=0, description="Test images.")


class Costs(Section):
    """The whole table."""

    device: str = Field(description="The device that plans are made for; a name under `devices`.")
    devices: dict[str, Device] = Field(min_length=1, description="Devices; `cpu` is used where the operation says cpu.")
    rates: tuple[Rate, ...] = Field((), description="What is known of single architectures.")
    stages: dict[str, Stage] = Field(description="Jobs without a GPU, by rule; `other`.")
    scoring: Scoring = Field(description="Scores.")
    reserve: Reserve = Field(description="From expected to reserved time.")
    parameters: dict[str, Positive] = Field(
        description="Parameters of models that cannot be counted from the configuration, by model or family; `other`."
    )
    units: dict[str, int] = Field(description="Units of a compared layer, by layer; `other`.")
    images: dict[str, Parts] = Field(description="Sizes of data sets that only their files tell, by name; `other`.")

    def faults(self) -> list[str]:
        """Names that do not agree, a line each."""
        devices = {"device": self.device, **{f"rates.{i}.device": rate.device for i, rate in enumerate(self.rates)}}
        known = ", ".join(self.devices)
        found = [f"{key}: '{name}' is not under devices. Known: {known}." for key, name in devices.items()
                 if name not in self.devices]  # fmt: skip
        if "cpu" not in self.devices:
            found.append(f"devices: 'cpu' is missing, for configurations whose operation says cpu. Known: {known}.")
        tables = {key: getattr(self, key) for key in ("stages", "parameters", "units", "images")}
        tables["scoring.families"] = self.scoring.families
        found += [f"{key}: the key 'other' is missing, for what is not listed." for key in tables
                  if "other" not in tables[key]]  # fmt: skip
        return found

    def rate(self, features: Mapping[str, Any], device: str, work: str) -> Rate | None:
        """The rate that says most about ``features``, or None: a setting's first, then most keys, then best known."""
        fitting = [
            rate
            for rate in self.rates
            if (rate.device, rate.work) == (device, work)
            and all(key in features and features[key] == value for key, value in rate.match.items())
        ]
        return max(
            fitting, key=lambda r: ("setting" in r.match, len(r.match), -KNOWN_HOW.index(r.source)), default=None
        )


def read(path: str | Path, local: str | Path = LOCAL) -> Costs:
    """Read and check a cost table, with one's own table, if there is one, over it.

    Parameters
    ----------
    path : the table.
    local : one's own: its keys go over those of ``path``, its rates before them.

    Raises
    ------
    ConfigError : every fault at once, each with file, key path, the value that came and what must hold.
    """
    values, local = _values(Path(path)), Path(local)
    costs = _check(values, Path(path))
    return _check(_over(values, _values(local)), local) if local.is_file() else costs


def _values(path: Path) -> dict[str, Any]:
    try:
        return keys_of(path, "config/costs.yaml")
    except FileNotFoundError:
        raise ConfigError(
            f"no cost table {path}: the plan needs it; take that of the repository, by --costs {OURS}"
        ) from None


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``base``, key by key; lists are joined, one's own first."""
    merged = dict(base)
    for key, value in own.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _over(old, value)
        else:
            merged[key] = [*value, *old] if isinstance(old, list) and isinstance(value, list) else value
    return merged


def _check(values: Mapping[str, Any], path: Path) -> Costs:
    try:
        costs = Costs.model_validate(values)
    except ValidationError as error:
        raise ConfigError(listed(str(path), faults_in_words(error.errors(), Costs, values))) from None
    if faults := costs.faults():
        raise ConfigError(listed(str(path), faults))
    return costs
