"""The parameters of a job that makes splits."""

from whyalike.parameters import JobParameters


class SplitRun(JobParameters):
    """A run, as far as its images and labels go.

    Attributes
    ----------
    name : within its cell.
    labelling : of its images.
    level : the condition that it is trained for; None where several share it.
    """

    name: str
    labelling: str
    level: str | None


class SplitParameters(JobParameters):
    """The splits of one cell.

    Attributes
    ----------
    factor : its design.
    seed : of the cell, key of what is dealt out.
    runs : those of the cell.
    version : of the code that the design's splits depend on.
    """

    factor: str
    seed: int
    runs: tuple[SplitRun, ...]
    version: int
