"""A rule of a study: workflow/rules/studies.smk makes it of what stands here, workflow/scripts/study_job.py does it."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from whyalike.grid.runs import Cell
from whyalike.parameters import JobParameters
from whyalike.planning.estimates import Estimate, Wildcards
from whyalike.provenance import fingerprint
from whyalike.studies.parameters import RuleParameters

Paths = Mapping[str, str | Sequence[str]]


def each(**values: Iterable[str]) -> tuple[dict[str, str], ...]:
    """The wildcards of a job for each combination of values, by name; without any there is one job."""
    return tuple(dict(zip(values, one, strict=True)) for one in product(*values.values()))


def _nothing(**_: str) -> tuple[str, ...]:
    """Of any wildcards, nothing."""
    return ()


def _no_files(**_: str) -> Paths:
    """Of any wildcards, no files."""
    return {}


@dataclass(frozen=True)
class Rule:
    """A rule, and its jobs. What depends on a job is a function that takes the job's wildcards by name.

    Attributes
    ----------
    name : as Snakemake knows it.
    stage : as status tells of the jobs; those of a rule without one are in no list.
    jobs : the wildcards of every job, see `each`.
    about : what a job does, for the person who watches.
    work : wildcards -> the parameters: `RuleParameters`, or others where a VERSION stands for the code.
    target : "package.module:function" that does a job. It takes by name what it needs of `parameters`, `operation`,
        `threads`, `store`, `study`, `stage` (data on this node's own disk), the wildcards, each input and output
        (paths; of a `dataset`, its folder), `inputs` and `outputs`, all of them, and what `given` says. What has a
        default may be missing.
    inputs : paths below the study's folder by name, with wildcards in braces; or wildcards -> such paths.
    main_line : wildcards -> further inputs by name, which the main line makes: paths as they are.
    cells : wildcards -> cells of the main line whose runs a job needs.
    given : wildcards -> what a job takes by name on which its result does not depend, such as places of files.
    outputs : the same; `svg` is a figure of the report.
    code : wildcards -> definitions beside the target on which the result depends.
    cost : the plan, wildcards -> what a job costs, but for whom; without it what the cost table says of the rule.
    models : wildcards -> the names of models that a job trains and keeps outside the run store: they share its cost.
    params : parameters beside the work.
    category : where the report has its figure.
    threads, mem_mb, on_gpu, group, is_local : what a job takes, and where it runs.
    is_temporary : whether the outputs go once all that is made of them is there.
    """

    name: str
    stage: str
    jobs: Sequence[Wildcards]
    about: str
    work: Callable[..., JobParameters]
    target: str
    inputs: Paths | Callable[..., Paths] = field(default_factory=dict)
    outputs: Paths = field(default_factory=dict)
    code: Callable[..., Iterable[str]] = _nothing
    cost: Callable[..., Estimate] | None = None
    models: Callable[..., Iterable[str]] = _nothing
    main_line: Callable[..., Paths] = _no_files
    cells: Callable[..., Iterable[Cell]] = _nothing
    given: Callable[..., Mapping[str, Any]] = _no_files
    params: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    threads: int = 1
    mem_mb: int = 2000
    on_gpu: bool = False
    group: str | None = None
    is_local: bool = False
    is_temporary: bool = False

    @property
    def wildcards(self) -> dict[str, str]:
        """The pattern of each wildcard: one of the values that jobs have."""
        values: dict[str, dict[str, None]] = {}
        for job in self.jobs:
            for name, value in job.items():
                values.setdefault(name, {})[re.escape(value)] = None
        return {name: "|".join(of_name) for name, of_name in values.items()}

    @property
    def place(self) -> str:
        """Where its log and its benchmark lie below the folders of those, without suffix."""
        values = ".".join(f"{{{name}}}" for name in self.wildcards)
        return f"{self.name}/{values}" if values else self.name

    def parameters(self, wildcards: Any) -> str:
        """The parameters of a job with the state of its code, as canonical JSON. Wildcards: Snakemake's, or a dict."""
        named = dict(wildcards.items())
        found = self.work(**named)
        if isinstance(found, RuleParameters):
            found = found.model_copy(update={"code": fingerprint(self.target, *sorted(self.code(**named)))})
        return found.text()

    def needs(self, folder: str, wildcards: Any) -> dict[str, str | list[str]]:
        """The inputs of a job, by name, of a study in ``folder``. Wildcards as for `parameters`."""
        named = dict(wildcards.items())
        own = self.inputs(**named) if callable(self.inputs) else self.inputs
        return {**below(folder, own, named), **self.main_line(**named)}

    def carry_out(self, wildcards: Any, text: str, **offered: Any) -> None:
        """Do a job of which ``text`` are the parameters, with what its target needs of them and of what is offered."""
        named = dict(wildcards.items())
        given, kind = self.given(**named), type(self.work(**named))
        offered = {**named, **given, "parameters": kind.from_text(text), **offered}
        module, _, name = self.target.partition(":")
        function = getattr(importlib.import_module(module), name)
        wanted = inspect.signature(function).parameters
        function(**{name: offered[name] for name, one in wanted.items() if name in offered or one.default is one.empty})


def paths(files: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Snakemake's named inputs or outputs as paths: one, or a list of them."""
    return {name: Path(of) if isinstance(of, str) else [Path(one) for one in of] for name, of in files}


def below(folder: str, named: Paths, wildcards: Wildcards | None = None) -> dict[str, str | list[str]]:
    """Paths below a folder, with their wildcards or, if given, the values of those."""

    def whole(path: str) -> str:
        return f"{folder}/{path if wildcards is None else path.format(**wildcards)}"

    return {name: whole(of) if isinstance(of, str) else [whole(path) for path in of] for name, of in named.items()}
