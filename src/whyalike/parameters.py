"""The parameters of a job as a class of its kind, in the room that carries it out, and their one canonical text."""

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from whyalike.files import canonical_json


class JobParameters(BaseModel):
    """All that a job's result depends on beside its input files, or a part of that: a run, a pair.

    The text that Snakemake compares is of these values; those that are their defaults are left out of it, so that a
    field with a default changes no text until it is used. A section of the configuration stands in it as
    `whyalike.section.Section.plain` gives it.

    Examples
    --------
    >>> class Sums(JobParameters):
    ...     values: tuple[float, ...]
    ...     partial: str = ""
    >>> Sums(values=[1, 2.5]).text()
    '{"values":[1.0,2.5]}'
    >>> Sums.from_text('{"values":[1.0,2.5]}').values
    (1.0, 2.5)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # JSON has neither

    def plain(self) -> dict[str, Any]:
        """The values as JSON values, without those that are their defaults."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def text(self) -> str:
        """The one text of these parameters."""
        return canonical_json(self.plain())

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """The parameters that `plain` gave.

        Raises
        ------
        ValueError : keys that are unknown or missing, or values of another type.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in error.errors())
            raise ValueError(f"these are not the parameters of a job ({cls.__name__}): {faults}.") from None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The parameters of which `text` is; faults as of `from_plain`."""
        return cls.from_plain(json.loads(text))
