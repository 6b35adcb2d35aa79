"""The parameters of a job that scores all pairs of many representations; they import nothing of this room."""

from collections.abc import Iterable
from typing import Any

from whyalike.parameters import JobParameters

ALL = "all"  # in the score table's column ``condition``
MEMORY = 4 << 30  # bytes that such a job may hold beside the representations
# bytes, times n^2: what families that compare all pairs of stimuli take of one or two representations at a time
SQUARES = {"rsa": 23, "distances": 60}


class Representation(JobParameters):
    """A model at a step and layer.

    Attributes
    ----------
    view : key in activation files. run : identity, and ``name`` its name within its cell.
    step : of training; None for the final weights.
    """

    view: str
    run: str
    name: str
    setting: str
    seed: int
    layer: str
    step: int | None = None


class AllPairsParameters(JobParameters):
    """The scores of all pairs of representations on one stimulus set, by the metrics of one job.

    Attributes
    ----------
    study, comparison, stimuli, factor : what is scored.
    representations : what is compared, each with each.
    same_layers : whether only those of layers of one name are.
    labelling : labels that group the stimuli. in_distribution : whether these are of the training data of all.
    permutations : draws of each null; None: no nulls. seed : their key, and that of random metrics.
    metrics : scoring -> its parameters.
    facts : metric -> the facts that its scores depend on.
    code : fingerprint of what carries the job out.
    """

    study: str
    comparison: str
    stimuli: str
    factor: str
    representations: tuple[Representation, ...]
    same_layers: bool = False
    labelling: str
    in_distribution: bool
    permutations: int | None = None
    seed: int
    metrics: dict[str, dict[str, Any]]
    facts: dict[str, dict[str, Any]]
    code: str

    @property
    def title(self) -> str:
        """What is scored, in a line of a log."""
        return f"similarity {self.study} · {self.comparison} · {self.stimuli}"


def memory_of(families: Iterable[str | None], n: int) -> int:
    """Bytes that a job of some families holds beside the representations, of n stimuli."""
    return max([MEMORY, *(SQUARES.get(family, 0) * n * n for family in families)])
