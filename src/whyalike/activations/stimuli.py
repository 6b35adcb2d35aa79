"""Which images a stimulus set holds: all of one part of a data set, or a keyed draw from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whyalike.data.prepared import Prepared
from whyalike.randomness import keyed


def stimulus_rows(data: Prepared, stimuli: Mapping[str, Any]) -> np.ndarray:
    """Row indices (= stimulus ids) of a stimulus set, ascending, int64 (n,).

    Parameters
    ----------
    data : the prepared data set.
    stimuli : part, n (None for all) and seed.

    Raises
    ------
    ValueError : more images asked for than the part holds.
    """
    rows = data.rows(stimuli["part"])
    n = stimuli["n"]
    if n is None:
        return rows
    if n > len(rows):
        raise ValueError(f"stimuli ask for n = {n} images, the part '{stimuli['part']}' holds {len(rows)}: lower n")
    return np.sort(keyed(stimuli["seed"], "stimuli").choice(rows, n, replace=False))
