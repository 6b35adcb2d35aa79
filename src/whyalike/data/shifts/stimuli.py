"""The images of a stimulus set, shifted where it has a shift."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from whyalike.data.prepared import Prepared
from whyalike.data.shifts.application import shifted
from whyalike.data.shifts.registry import CONTROL, SHIFTS, Level


def shown(data: Prepared, rows: np.ndarray, stimuli: Mapping[str, Any]) -> tuple[Prepared, np.ndarray]:
    """What models see of some rows of a data set: these themselves, or a data set of them alone, shifted.

    Parameters
    ----------
    data : the prepared data set.
    rows : row indices (n,), ascending; they key what a shift draws.
    stimuli : with a shift its name, its one level and the seed.

    Returns
    -------
    The data set, and the rows in it.

    Raises
    ------
    DamagedData : the stored images are not what was written.
    ValueError : images that the shift cannot take, of which it leaves nothing (all become the same), or of which it
        changes nothing (all are those of the control).
    """
    if "shift" not in stimuli:
        return data, rows
    data.check(rows)
    (shift, [level]), given = (stimuli["shift"], stimuli["levels"]), data.images[rows]
    images = shifted(given, shift, level, rows, stimuli["seed"])
    if (images == images[:1]).all() and (given != given[:1]).any():
        raise ValueError(
            f"{shift} at level {level} leaves nothing of images of {given.shape[1]} x {given.shape[2]}: all "
            f"{len(rows)} become the same. Name other levels ({SHIFTS[shift].facts.unit})."
        )
    if level != CONTROL and _is_control(given, images, shift, rows):
        raise ValueError(_unchanged(given, shift, level, rows, stimuli["seed"]))
    return replace(data, array=images, labels=data.labels.iloc[rows], folder=None), np.arange(len(rows))


def _is_control(given: np.ndarray, images: np.ndarray, shift: str, rows: np.ndarray) -> bool:
    """Whether all shifted images are those of the control; it ends at the first that is not."""
    return all(
        np.array_equal(image, shifted(one[None], shift, CONTROL, [row])[0])
        for one, image, row in zip(given, images, rows, strict=True)
    )


def _unchanged(given: np.ndarray, shift: str, level: Level, rows: np.ndarray, seed: int) -> str:
    """What is wrong with a level that changes nothing, and which of the published set change something."""
    h, w = given.shape[1:3]
    others = [
        f"{one:g}"
        for one in SHIFTS[shift].facts.levels
        if not _is_control(given, shifted(given, shift, one, rows, seed), shift, rows)
    ]
    keep = f"name others, of the published set {', '.join(others)}" if others else "take another shift"
    return (
        f"{shift} at level {level:g} changes nothing of images of {h} x {w}: all {len(rows)} are those of the "
        f"control, and would count as shifted. Leave the level out ({keep}), or take larger images."
    )
