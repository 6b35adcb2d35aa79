"""The parameters of the jobs of this room; they import nothing of it."""

from typing import Any

from whyalike.parameters import JobParameters


class _Parameters(JobParameters):
    """What all of them have.

    Attributes
    ----------
    code : fingerprint of what carries the job out.
    partial : what a partial result lacks, in words; empty for a whole one.
    """

    code: str
    partial: tuple[str, ...] = ()


class StatisticsParameters(_Parameters):
    """The statistics of one study.

    Attributes
    ----------
    study : its name.
    permutations : of the levels within each seed.
    information_permutations : draws of the null of the mutual information.
    seed : key of both.
    """

    study: str
    permutations: int
    information_permutations: int
    seed: int


class TableParameters(_Parameters):
    """The tables over all studies.

    Attributes
    ----------
    architectures : setting -> architecture; its settings count once together.
    information_permutations, seed : as of `StatisticsParameters`.
    """

    architectures: dict[str, str]
    information_permutations: int
    seed: int


class FindingParameters(_Parameters):
    """The findings in words.

    Attributes
    ----------
    kinds : scoring -> "similarity" or "distance".
    scorings : scoring -> its metric, as "metric", and all parameters of that.
    """

    kinds: dict[str, str]
    scorings: dict[str, dict[str, Any]]


class ClaimParameters(_Parameters):
    """The paper's claims, which are part of the code."""


class PublishedParameters(JobParameters):
    """Published scores and their statistics: what the tables do not say, and the inference.

    Attributes
    ----------
    files : "given" for each table.
    study : the study beside which they stand; ``factor`` is its design.
    setting : what the comparison is called.
    own : name of the setting's own stimuli; None: the setting's.
    stimuli : score column -> name and kind of its stimuli.
    leave_out : score columns that are not read.
    permutations, information_permutations, seed : as of `StatisticsParameters`.
    code : fingerprint of what carries the job out.
    """

    files: tuple[str, ...]
    study: str
    factor: str
    setting: str
    own: str | None
    stimuli: dict[str, tuple[str, str]]
    leave_out: tuple[str, ...]
    permutations: int
    information_permutations: int
    seed: int
    code: str
