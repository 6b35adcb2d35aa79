"""The parameters of the job that prepares a data set."""

from typing import Any

from whyalike.parameters import JobParameters


class PreparationParameters(JobParameters):
    """The preparation of a data set.

    Attributes
    ----------
    parameters : of the source as JSON values.
    version : of the code of the source.
    """

    source: str
    parameters: dict[str, Any]
    version: int
