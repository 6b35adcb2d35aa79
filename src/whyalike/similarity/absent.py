"""Representations of which no score is made, because they do not vary over the stimuli: the score tables name them.

The class token of a vision transformer before its first block is one: it is the same vector for every image. No metric
has a value for it, so it has no rows; the metadata of the score table says why, and so does the table of views.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from whyalike.job import note
from whyalike.similarity.checks import is_constant
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.parameters import ScoreParameters

ABSENT = "absent"  # in the metadata of a score table, beside `work`
REASON = "does not vary over the stimuli"


def made_by_scoring(
    parameters: ScoreParameters, representations: Mapping[str, Mapping[str, np.ndarray]], pairs: Sequence[PairOnStimuli]
) -> dict[str, Any]:
    """The metadata of a score table: its parameters, and the layers of its pairs that are one vector for all stimuli.

    Each of these is told in the job's log too.
    """
    runs = dict.fromkeys(run for pair in pairs for run in (pair.run_a, pair.run_b))
    held = ((run, layer, x) for run in runs for layer, x in representations[run].items())
    absent = constant(held, parameters.stimuli)
    for one in absent:
        note(f"no scores of layer {one['layer']} of {one['run']}: it {REASON} {parameters.stimuli}")
    return {"work": parameters.plain(), **metadata(absent)}


def constant(representations: Iterable[tuple[str, str, np.ndarray]], stimuli: str) -> list[dict[str, str]]:
    """Those of (view, layer, n x d) that are one vector for all stimuli, as the metadata of a score table have them."""
    return [
        {"run": view, "layer": layer, "stimuli": stimuli, "reason": REASON}
        for view, layer, x in representations
        if is_constant(x)
    ]


def metadata(absent: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """What the metadata of a score table say of absent representations, each once: nothing where there are none."""
    distinct = [dict(one) for one in dict.fromkeys(tuple(one.items()) for one in absent)]
    return {ABSENT: distinct} if distinct else {}
