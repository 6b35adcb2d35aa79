"""What every section of the configuration is, and how its keys may grow without renaming what is stored.

A run's identity and a job's parameters are hashes and texts of sections. A key that comes later declares with `Before`
what it was before it existed: with that value it is left out of both, so that runs keep their names. It is not the
default that is left out: where a key's default is another value than before, the default shows.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import core_schema

from whyalike.registry import Registry

# expanded by a shell; control characters are lines to some readers of paths
_EXPANDED = re.compile(r"[$`\x00-\x1f\x7f]")
# Snakemake quotes paths in commands by Python's rules: a shell takes such a path for several words, and runs them
_UNQUOTED = re.compile(r"""^['"]|'.*"|".*'""")
NAME_BYTES = 255  # of a file's name, on every usual file system
# of names, of layers, of words that SLURM knows, of functions of the user's
NAME, LAYER, WORD = r"^[A-Za-z][A-Za-z0-9_]*$", r"^\w[\w.-]*$", r"^[\w.,+-]+$"
SHOWN = r"^[A-Za-z][A-Za-z0-9_]*(@\w+)?$"  # of stimuli, or of a level of their shift
FACTORY = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
_PLAIN = object()  # the context in which a section is made of `Section.plain`


@dataclass(frozen=True)
class Before:
    """What a key was before it existed: ``block: Annotated[str, Before("basic")] = Field("basic", ...)``."""

    value: Any


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # JSON has neither

    def plain(self, exclude: Collection[str] = ()) -> dict[str, Any]:
        """The keys as JSON values, without those that are what they were before they existed.

        Examples
        --------
        >>> from typing import Annotated
        >>> class Net(Section):
        ...     width: int
        ...     block: Annotated[str, Before("basic")] = "bottleneck"
        >>> Net(width=8).plain(), Net(width=8, block="basic").plain()
        ({'width': 8, 'block': 'bottleneck'}, {'width': 8})
        >>> Net.from_plain({"width": 8}).block
        'basic'
        """
        return _grown(self, self.model_dump(mode="json", exclude=set(exclude)))

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """The section that `plain` gave: a key that is left out is what it was before it existed."""
        return cls.model_validate(dict(values), context=_PLAIN)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any, about: ValidationInfo) -> Any:
        return {**_before(cls), **values} if about.context is _PLAIN and isinstance(values, Mapping) else values


def path_of_user(path: str | Path) -> Path:
    """A path as users write it, ``~`` for the home folder.

    Raises
    ------
    ValueError : it is empty, names what no file system takes, or has characters of which a shell would make something
        else.

    Examples
    --------
    >>> path_of_user("data//cifar10/")
    PosixPath('data/cifar10')
    >>> path_of_user("$SCRATCH/data")
    Traceback (most recent call last):
    ValueError: the path '$SCRATCH/data' has '$', of which a shell may make something else: write it out or rename it
    """
    if not str(path).strip():
        raise ValueError("the path is empty: name a file or folder")
    if fault := path_fault(path):
        raise ValueError(f"{fault}: write it out or rename it")
    if long := [part for part in Path(path).parts if len(os.fsencode(part)) > NAME_BYTES]:
        raise ValueError(f"the path has a part of more than {NAME_BYTES} bytes, '{long[0][:40]}...': shorten it")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~somebody
        raise ValueError(f"the path '{path}' names a home folder that is not known: write it out") from None


def path_fault(path: str | Path) -> str | None:
    """What no path may hold, as words; None if it holds nothing of the kind."""
    if found := _EXPANDED.search(str(path)):
        return f"the path {str(path)!r} has {found[0]!r}, of which a shell may make something else"
    return f"the path {path} begins with a quote, or has both kinds" if _UNQUOTED.search(str(path)) else None


def _before(section: type[Section]) -> dict[str, Any]:
    """Key -> its value before it existed, of the keys that came later."""
    fields = section.model_fields.items()
    return {name: one.value for name, field in fields for one in field.metadata if isinstance(one, Before)}


def _grown(value: Any, dumped: Any) -> Any:
    """What `plain` gives of a value, which pydantic dumped so."""
    if isinstance(value, Section):
        before = _before(type(value))
        kept = (name for name in dumped if name not in before or getattr(value, name) != before[name])
        return {name: _grown(getattr(value, name), dumped[name]) for name in kept}
    if isinstance(value, Mapping):
        return {name: _grown(one, own) for one, (name, own) in zip(value.values(), dumped.items(), strict=True)}
    if isinstance(value, tuple | list):
        return [_grown(one, own) for one, own in zip(value, dumped, strict=True)]
    return dumped


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):  # for Python, and so for pydantic, true is the number 1
        raise ValueError("this must be a number")
    return value


def whole(**bounds: float) -> Any:
    """The type of whole numbers within bounds, which are `ge`, `gt`, `le`, `lt`."""
    return Annotated[int, Field(**bounds), BeforeValidator(_no_truth_value)]


def real(**bounds: float) -> Any:
    """The type of numbers within bounds."""
    return Annotated[float, Field(**bounds), BeforeValidator(_no_truth_value)]


def _kept_by_json(values: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(values, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("values are text, finite numbers, true, false, null, lists and sections") from None
    return values


# where nothing else bounds a number of the configuration, these do: beyond lies only a typo
Whole, Real = whole(), real()
Count = whole(ge=1, le=10**9)
Side = whole(ge=4, le=4096)  # of images, pixels
Seed = whole(ge=0, le=2**63 - 1)  # tables keep 64 bits
Values = Annotated[dict[str, Any], AfterValidator(_kept_by_json)]  # keys that other code knows
PathText = Annotated[str, AfterValidator(lambda path: str(path_of_user(path)))]
# names are parts of file names, four in one at most
Name = Annotated[str, Field(pattern=NAME, max_length=60)]
StimuliName = Annotated[str, Field(pattern=SHOWN, max_length=100)]
Layer = Annotated[str, Field(pattern=LAYER, max_length=80)]


@dataclass(frozen=True, eq=False)  # a table cannot be hashed
class known:  # reads as a word in an annotation: Annotated[str, known(MODELS)]
    """A validator for names that must be in ``registry``; the message names the nearest known one.

    The JSON schema lists the names, so that an editor can offer them.
    """

    registry: Registry

    def check(self, name: str) -> str:
        """The name itself.

        Raises
        ------
        ValueError : it is not in the table.
        """
        if name not in self.registry:
            raise ValueError(self.registry.unknown(name))
        return name

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.registry)}
