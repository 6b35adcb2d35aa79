"""Pandas frames as representations: their rows are matched by index, or refused. Pandas is not imported."""

from collections.abc import Mapping
from typing import Any


def matched(representations: Mapping[str, Any], metric: str | None = None) -> dict[str, Any]:
    """The representations, the rows of pandas frames in the order of the first frame's index; others as they are.

    Parameters
    ----------
    metric : named in messages.

    Raises
    ------
    ValueError : two frames whose indices hold different labels, or one of them twice and in another order.
    """
    frames = {name: x for name, x in representations.items() if hasattr(x, "iloc") and hasattr(x, "index")}
    if len(frames) < 2:
        return dict(representations)
    (first, reference), *others = frames.items()
    found = dict(representations)
    for name, frame in others:
        if frame.index.equals(reference.index):
            continue
        _check_same_labels(first, reference.index, name, frame.index, f"{metric}: " if metric else "")
        found[name] = frame.loc[reference.index]
    return found


def _check_same_labels(first: str, a: Any, second: str, b: Any, asked: str) -> None:
    common = len(a.intersection(b))
    if not (a.is_unique and b.is_unique):
        fault = "labels of an index stand twice, so that rows cannot be matched"
    elif common == len(a) == len(b):
        return
    else:
        fault = f"{common} labels are in both and {len(a) + len(b) - 2 * common} in one alone"
    raise ValueError(
        f"{asked}{first} and {second} need the same index, one label a stimulus; {fault}. Select the common "
        "stimuli, or give arrays (.to_numpy()) whose rows correspond."
    )
