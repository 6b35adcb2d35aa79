"""What a study offers to those who plan, watch, export and keep house: its jobs, what each is made from, its runs.

The main line (`whyalike.studies.main_line`) is one, and so is each study with rules of its own, which runs beside any
configuration: with the section that the configuration has of it, or else with that of its own file. The results of a
study lie in {results}/{its name there}/; models that are worth it are runs of the common store.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from whyalike.config.config import Config
from whyalike.config.faults import faults_in_words, listed
from whyalike.config.names import taken
from whyalike.config.yaml_file import ConfigError, keys_of
from whyalike.data.parameters import Parameters
from whyalike.grid.runs import Cell
from whyalike.planning.estimates import Wildcards
from whyalike.studies.common_rules import preparation
from whyalike.studies.registry import STUDIES
from whyalike.studies.rule import Paths, Rule, below

MODELS, IMPORTS = "models", "imports"  # the stages that train, and that register runs from files
ON_DEVICE = (MODELS, "activations")  # stages of which hours are told


@dataclass(frozen=True)
class Job:
    """One job of a study.

    Attributes
    ----------
    stage, rule, wildcards : as status tells of it, and as Snakemake knows it.
    files : what it makes; the first is its target.
    archive : those that an export takes.
    cells : cells of the main line whose runs it needs.
    instead : files in whose presence its own need not be there: all that is made of them.
    is_traced : whether its files keep what they were made from.
    """

    stage: str
    rule: str
    wildcards: Mapping[str, str]
    files: tuple[str, ...]
    archive: tuple[str, ...] = ()
    cells: frozenset[Cell] = frozenset()
    instead: tuple[str, ...] = ()
    is_traced: bool = True

    def made(self, runs: Mapping[Cell, bool]) -> bool:
        """Whether all files are there, and all runs: files of models that are to be trained again are made again."""
        present = [all(Path(file).is_file() for file in files) for files in (self.files, self.instead) if files]
        return all(runs[cell] for cell in self.cells) and any(present)

    @property
    def benchmark(self) -> str:
        """Path of its benchmark below the study's folder of those."""
        words = [f"seed{value}" if name == "seed" else value
                 for name, value in self.wildcards.items() if name != "part" or len(self.wildcards) == 1]  # fmt: skip
        part = self.wildcards.get("part", "") if len(self.wildcards) > 1 else ""
        return f"{self.rule}/{'.'.join(words)}{part}.tsv" if words else f"{self.rule}.tsv"


class Study(ABC):
    """A study for one configuration.

    Attributes
    ----------
    name : by which status and plan know it; that of the main line is empty.
    asked : whether the configuration asks for it.
    root, store : folders of the results and of the common runs.
    datasets : data sets that it prepares in its folder, by name.
    stages : those that status tells of, in order.
    """

    name: ClassVar[str]
    stages: ClassVar[tuple[str, ...]] = (MODELS, "activations", "similarity", "statistics", "figures")
    asked: bool
    root: str
    store: str
    datasets: Mapping[str, Parameters]

    @abstractmethod
    def jobs(self, whole: bool = True) -> list[Job]:
        """Every job of the whole study, or of what `all` makes of one that is asked for; in the order of the stages."""

    @abstractmethod
    def work(self, job: Job) -> str:
        """The parameters of a job as its rule has them: canonical JSON, which its Parquet tables and PNGs keep."""

    def runs(self) -> dict[str, str]:
        """Identity of every run of the common store that the study needs -> the group or setting that it belongs to."""
        return {}

    def results(self) -> list[str]:
        """What `all` asks for: the files of every job that has something for an export, so that one is made again.

        Data, splits, representations and what tables are put together of stand behind them: they are made if needed.
        """
        return [file for job in self.jobs(whole=False) if job.archive and job.stage != "data" for file in job.files]

    def watched(self) -> list[Job]:
        """The jobs that status tells of: those that `all` makes, and all of them once anything of the rest is there."""
        part, whole = self.jobs(whole=False), self.jobs()
        asked = {job.files for job in part}
        rest = (job for job in whole if job.files not in asked)
        return whole if any(all(Path(file).is_file() for file in job.files) for job in rest) else part


class RuleStudy(Study):
    """A study with rules of its own.

    Parameters
    ----------
    config : the configuration in use.
    default : the file with the study's section, which holds where the configuration has none. If that is missing too,
        the defaults of the section's keys.

    Attributes
    ----------
    section : the section that holds.
    datasets : those that its rule prepare_{study} prepares, by source, which is the wildcard `dataset`.
    rules : its rules that have a job, by name, in the order of the stages.

    Raises
    ------
    ConfigError : the file is faulty, or the results would mix with the configuration's own.
    """

    def __init__(self, config: Config, default: str | Path):
        own = getattr(config, self.name)
        self.config, self.asked = config, own is not None
        self.section = own or (
            _read(self.name, Path(default)) if self.stands_alone else STUDIES[self.name].facts.section()
        )
        if self.section.name == config.name:
            raise ConfigError(f"{self.name}.name: '{config.name}' is the name of the configuration: choose another.")
        self.root = f"{config.results}/{self.section.name}"
        self.store = f"{config.results}/runs"
        self.datasets = {}

    @abstractmethod
    def own_rules(self) -> list[Rule]:
        """The table of its rules, in the order of the stages, without that of its data sets."""

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """As the class says."""
        return {rule.name: rule for rule in [preparation(self.name, self.datasets), *self.own_rules()] if rule.jobs}

    @property
    def stands_alone(self) -> bool:
        """As the table of studies says."""
        return STUDIES[self.name].facts.stands_alone

    @property
    def missing(self) -> str:
        """What the configuration lacks for the study's targets, a line; nothing where they can be made."""
        if self.rules or self.stands_alone:
            return ""
        where = f"take config/{self.name}.yaml as the configuration, or its section into yours"
        return f"{self.name}: the configuration has no section `{self.name}`: {where}."

    def targets(self) -> dict[str, list[str]]:
        """What can be asked for by a name: the files of each. The first is the `part`; by default it is everything."""
        return {self.name: [job.files[0] for job in self.jobs()]}

    def part(self) -> list[str]:
        """What `all` makes of a study that is asked for, with all before it: the files of the first target."""
        return next(iter(self.targets().values()))

    def inputs(self, rule: Rule) -> Callable[[Any], Paths]:
        """What a rule's jobs need: wildcards -> paths by name."""
        return partial(rule.needs, self.root)

    def outputs(self, rule: Rule) -> Paths:
        """What a rule makes: paths by name, with wildcards in braces."""
        return below(self.root, rule.outputs)

    def jobs(self, whole: bool = True) -> list[Job]:
        """The jobs of all rules that have a stage, or those that the part needs."""
        return self._jobs if whole else self._needed(self.part())

    @cached_property
    def _jobs(self) -> list[Job]:
        jobs = [self._job(rule, wildcards) for rule in self.rules.values() if rule.stage for wildcards in rule.jobs]
        made_of: dict[str, dict[str, None]] = {}
        cells: dict[str, frozenset[Cell]] = {}  # file -> those whose runs it is made of: rules stand in order
        found = []
        for job in jobs:
            needed = list(self._inputs(job))
            job = replace(job, cells=job.cells.union(*(cells.get(file, ()) for file in needed)))
            cells |= dict.fromkeys(job.files, job.cells)
            for file in needed:
                made_of.setdefault(file, {}).update(dict.fromkeys(job.files))
            found.append(job)
        return [replace(job, instead=_after(job, made_of)) if job.stage == "activations" else job for job in found]

    def _job(self, rule: Rule, wildcards: Wildcards) -> Job:
        """A job makes the rule's files, of which an export leaves out representations and weights."""
        files = tuple(below(self.root, rule.outputs, wildcards).values())
        archive = tuple(file for file in files if not file.endswith(".safetensors"))
        cells = frozenset(rule.cells(**wildcards))
        return Job(rule.stage, rule.name, wildcards, files, () if rule.stage == "activations" else archive, cells)

    def _inputs(self, job: Job) -> Iterator[str]:
        for of in self.rules[job.rule].needs(self.root, job.wildcards).values():
            yield from [of] if isinstance(of, str) else of

    def _needed(self, files: list[str]) -> list[Job]:
        """The jobs that make some files, and those that make what these need."""
        makers = {file: job for job in self._jobs for file in job.files}
        wanted, needed = list(files), set()
        while wanted:
            job = makers.get(wanted.pop())
            if job and job.files not in needed:
                needed.add(job.files)
                wanted += self._inputs(job)
        return [job for job in self._jobs if job.files in needed]

    def work(self, job: Job) -> str:
        """As the rule has them."""
        return self.rules[job.rule].parameters(job.wildcards)


def _after(job: Job, made_of: Mapping[str, Mapping[str, None]]) -> tuple[str, ...]:
    """The files that are made of a job's."""
    return tuple(dict.fromkeys(file for own in job.files for file in made_of.get(own, ())))


def rule_studies(config: Config, folder: str | Path = "config") -> dict[str, RuleStudy]:
    """Every study with rules of its own, for a configuration.

    Parameters
    ----------
    config : the configuration.
    folder : where the files {study}.yaml lie.
    """
    return {name: entry.load()(config, Path(folder, f"{name}.yaml")) for name, entry in STUDIES.items()}


def check_names(config: Config, studies: Iterable[RuleStudy]) -> None:
    """Raise a ConfigError if a figure or sample text has the name of a rule or target, or two studies share one."""
    studies = list(studies)
    faults = [fault for study in studies for fault in taken(config, {*study.rules, *study.targets()})]
    for one, other in combinations((study for study in studies if study.rules), 2):
        if one.root == other.root:
            faults.append(f"{other.name}.name: '{other.section.name}' is that of {one.name} too: choose another.")
    if faults:
        raise ConfigError(listed("configuration", faults))


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
        raise ConfigError(listed(str(path), faults_in_words(faults, Config, values))) from None
