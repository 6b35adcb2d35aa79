"""The parameters of a figure's job."""

from typing import Any

from whyalike.parameters import JobParameters


class FigureParameters(JobParameters):
    """One figure.

    Attributes
    ----------
    kind : name in `whyalike.figures.registry.FIGURES`.
    options : keyword arguments of the kind's ``draw``.
    inputs : what its files hold, as the kind's facts name it.
    partial : what a partial result lacks, in words; empty for a whole one.
    code : fingerprint of what draws it.
    """

    kind: str
    options: dict[str, Any]
    inputs: tuple[str, ...]
    partial: tuple[str, ...] = ()
    code: str
