"""What a study with rules of its own offers: to its rules, to the plan, and to those who watch it and keep house.

It runs beside any configuration: with the section that the configuration has of it, or else with that of its own file.
Its results lie in {results}/{its section's name}/; models that are worth it are runs of the common store.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from whyalike.config import Config, ConfigError
from whyalike.data.parameters import Parameters
from whyalike.messages import faults_in_words, listed
from whyalike.planning.estimates import Estimate, Wildcards
from whyalike.planning.plan import Plan
from whyalike.studies.registry import STUDIES
from whyalike.yaml_file import keys_of


@dataclass(frozen=True)
class OwnJob:
    """One job of such a study: its stage, its rule, its wildcards, and its files, the first of which is its target."""

    stage: str
    rule: str
    wildcards: Mapping[str, str]
    files: tuple[str, ...]


class OwnStudy(ABC):
    """A study for one configuration.

    Parameters
    ----------
    config : the configuration in use.
    default : the file with the study's section, which holds where the configuration has none. If that is missing too,
        the defaults of the section's keys.

    Attributes
    ----------
    asked : whether the configuration itself has the section.
    section : the section that holds.
    root : folder of the results.
    fixed_rules : the rules whose jobs cost what the cost table says of them, which finished jobs can teach.
    datasets : data sets that its rule prepare_{study} prepares, by source, which is the wildcard `dataset`.

    Raises
    ------
    ConfigError : the file is faulty, or the results would mix with the configuration's own.
    """

    name: ClassVar[str]
    fixed_rules: ClassVar[frozenset[str]]
    datasets: Mapping[str, Parameters]

    def __init__(self, config: Config, default: str | Path):
        own = getattr(config, self.name)
        self.config, self.asked = config, own is not None
        self.section = own or _read(self.name, Path(default))
        if self.section.name == config.name:
            raise ConfigError(f"{self.name}.name: '{config.name}' is the name of the configuration: choose another.")
        self.root = f"{config.results}/{self.section.name}"
        self.store = f"{config.results}/runs"
        self.datasets = {}

    @abstractmethod
    def own_figures(self) -> list[str]:
        """What `all` makes of the study: nothing unless it is asked for."""

    @abstractmethod
    def jobs(self, whole: bool = True) -> list[OwnJob]:
        """Every job of the whole study, or of what `all` makes of one that is asked for; in the order of the stages."""

    @abstractmethod
    def work(self, job: OwnJob) -> str:
        """The parameters of a job as its rule has them: canonical JSON, which its Parquet tables and PNGs keep."""

    def runs(self) -> dict[str, str]:
        """Identity of every run of the common store that the study needs -> the group that it belongs to."""
        return {}

    def estimates(self, plan: Plan) -> dict[str, Callable[[Wildcards], Estimate]]:
        """What a job costs, by rule; rules that are left out cost what the cost table says."""
        return {}


def own_studies(config: Config, folder: str | Path = "config") -> dict[str, OwnStudy]:
    """Every study with rules of its own, for a configuration.

    Parameters
    ----------
    config : the configuration.
    folder : where the files {study}.yaml lie.
    """
    return {name: entry.load()(config, Path(folder, f"{name}.yaml")) for name, entry in STUDIES.items()}


def _read(name: str, path: Path) -> Any:
    """The section of a file that holds nothing else; without the file, that of the keys' defaults."""
    section = STUDIES[name].facts.section
    if not path.is_file():
        return section()
    values = keys_of(path, f"the {name}.yaml of the repository")
    if values.keys() != {name}:
        raise ConfigError(f"{path} must hold the key {name} and no other, got {', '.join(values) or 'none'}")
    try:
        return section.model_validate(values[name])
    except ValidationError as error:
        faults = [{**fault, "loc": (name, *fault["loc"])} for fault in error.errors()]
        raise ConfigError(listed(str(path), faults_in_words(faults, Config))) from None
