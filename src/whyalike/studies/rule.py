"""A rule of a study: workflow/rules/studies.smk makes it of what stands here, workflow/scripts/study_job.py does it."""

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Paths = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Rule:
    """What Snakemake is told of a rule. Paths are below the study's folder, with wildcards in braces, by name.

    Attributes
    ----------
    name : as Snakemake knows it.
    about : what a job does, for the person who watches.
    work : wildcards -> the parameters, canonical JSON.
    target : "package.module:function" that does a job. It takes by name what it needs of `work`, `operation`,
        `threads`, `store`, `study`, the wildcards, each input and output (paths; of a `dataset`, its folder), and
        `inputs`, all of them.
    inputs : paths, or wildcards -> whole paths by name.
    outputs : paths; `svg` is a figure of the report.
    wildcards : the pattern of each one's values.
    params : parameters beside the work.
    category : where the report has its figure.
    threads, mem_mb, on_gpu, group, is_local : what a job takes, and where it runs.
    """

    name: str
    about: str
    work: Callable[[Any], str]
    target: str
    inputs: Paths | Callable[[Any], Paths] = field(default_factory=dict)
    outputs: Paths = field(default_factory=dict)
    wildcards: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    threads: int = 1
    mem_mb: int = 2000
    on_gpu: bool = False
    group: str | None = None
    is_local: bool = False

    @property
    def place(self) -> str:
        """Where its log and its benchmark lie below the folders of those, without suffix."""
        values = ".".join(f"{{{name}}}" for name in self.wildcards)
        return f"{self.name}/{values}" if values else self.name

    def carry_out(self, **offered: Any) -> None:
        """Do a job with what the target needs of ``offered``."""
        module, _, name = self.target.partition(":")
        function = getattr(importlib.import_module(module), name)
        function(**{name: offered[name] for name in inspect.signature(function).parameters})


def paths(files: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Snakemake's named inputs or outputs as paths: one, or a list of them."""
    return {name: Path(of) if isinstance(of, str) else [Path(one) for one in of] for name, of in files}


def below(folder: str, named: Paths, wildcards: Mapping[str, str] | None = None) -> dict[str, str | list[str]]:
    """Paths below a folder, with their wildcards or, if given, the values of those."""

    def whole(path: str) -> str:
        return f"{folder}/{path if wildcards is None else path.format(**wildcards)}"

    return {name: whole(of) if isinstance(of, str) else [whole(path) for path in of] for name, of in named.items()}
