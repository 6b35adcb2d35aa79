"""What a job and a run of it cost: seconds, bytes, how that is known, and which studies need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Wildcards = Mapping[str, str]


@dataclass(frozen=True)
class RunCost:
    """What training one run costs; ``until``: the step to which a finished run is trained again, 0 of others."""

    seconds: float
    bytes: float
    until: int = 0


@dataclass(frozen=True)
class Estimate:
    """What one job costs: on its own, and for each run that it trains (identity -> cost).

    ``own_bytes`` are those that stay, ``vector_bytes`` those of representations in float32, whether they stay or not.
    ``together`` such jobs are one on a cluster (a group), which has one limit of time.
    ``studies`` holds every study that needs the job, with those of its runs that the study needs.
    """

    own_seconds: float = 0.0
    own_bytes: float = 0.0
    runs: Mapping[str, RunCost] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    factor: str | None = None
    studies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    vector_bytes: float = 0.0
    together: int = 1

    @property
    def seconds(self) -> float:
        """The whole job."""
        return self.own_seconds + sum(run.seconds for run in self.runs.values())
