"""What several analyses ask of one representation, so that what they have in common is scored once."""

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyalike.files import canonical_json
from whyalike.studies.convergence.parameters import Analysis, Group

#: a metric with parameters, by a name of its own -> where its score stands: (analysis, scoring)
Wanted = dict[str, list[tuple[str, str]]]
#: as the engine takes them: (name, metric, parameters)
Asked = list[tuple[str, str, Mapping[str, Any]]]
NONE, POOLED = "none", "pooled"  # levels beside those of a shift: undistorted stimuli, each at one of the levels


def asked_of(
    analyses: Iterable[Analysis], metrics: Sequence[str] = (), over_time: bool = False
) -> tuple[Asked, Wanted]:
    """The scorings of some analyses, those with the same metric and parameters once.

    Parameters
    ----------
    metrics : those that count; all if left out.
    over_time : only what is followed through training and shifts.

    Example
    -------
    >>> one = {"recalibration": 0, "over_time": [], "scored": [{"scoring": "p", "metric": "procrustes"}]}
    >>> asked, wanted = asked_of([Analysis(analysis="u", **one), Analysis(analysis="v", **one)])
    >>> len(asked), list(wanted.values())
    (1, [[('u', 'p'), ('v', 'p')]])
    """
    asked, wanted = {}, {}
    for analysis in analyses:
        for one in analysis.scored:
            if (metrics and one.metric not in metrics) or (over_time and one.scoring not in analysis.over_time):
                continue
            name = canonical_json([one.metric, one.parameters])
            asked[name] = (name, one.metric, one.parameters)
            wanted.setdefault(name, []).append((analysis.analysis, one.scoring))
    return list(asked.values()), wanted


def folder_of(group: Group, data: Sequence[Path], stimuli: Mapping[str, Any] | None = None) -> Path:
    """The folder of the prepared data set that stimuli (the group's own if left out) are from.

    Parameters
    ----------
    data : files of prepared data sets; a folder has the name of its data set.
    """
    name = (group.stimuli if stimuli is None else stimuli)["dataset"]
    return {path.parent.name: path.parent for path in data}[name]


def place_of(layers: Sequence[str], index: int) -> dict[str, Any]:
    """A layer and where it stands: depth runs from 0 to 1.

    Example
    -------
    >>> place_of(("conv1", "conv2", "conv3"), 1)
    {'layer': 'conv2', 'index': 1, 'depth': 0.5}
    """
    return {"layer": layers[index], "index": index, "depth": index / max(1, len(layers) - 1)}


def part_of(group: Group, models: Container[str]) -> Group:
    """A group of some of its models alone, by their names."""
    return group.model_copy(update={"members": tuple(one for one in group.members if one.model in models)})
