"""The images of a stimulus set, shifted where it has a shift."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from whyalike.data.prepared import Prepared
from whyalike.data.shifts.application import shifted
from whyalike.data.shifts.registry import SHIFTS


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
    ValueError : images that the shift cannot take, or of which it leaves nothing: all become the same.
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
    return replace(data, array=images, labels=data.labels.iloc[rows], folder=None), np.arange(len(rows))
