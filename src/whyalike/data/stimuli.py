"""Which images a stimulus set holds: all of one part of a data set, or a keyed draw from it, class-balanced or not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from whyalike.data.class_balance import balanced_draw
from whyalike.data.prepared import Prepared, open_prepared
from whyalike.data.shifts.stimuli import shown
from whyalike.randomness import keyed

TRIED = 16  # images of a set that are shifted before training, to see that they can be


def stimulus_rows(data: Prepared, stimuli: Mapping[str, Any]) -> np.ndarray:
    """Row indices (= stimulus ids) of a stimulus set, ascending, int64 (n,).

    Parameters
    ----------
    data : the prepared data set.
    stimuli : part, n (None for all) and seed; `balanced` in place of n, where the draw is class-balanced over the
        labelling that joins all attributes.

    Raises
    ------
    ValueError : more images asked for than the part holds.
    """
    rows = data.rows(stimuli["part"])
    n = stimuli["n"]
    if (balanced := stimuli.get("balanced")) is not None:
        codes, names = data.labelling("_".join(data.attributes), rows)
        return rows[balanced_draw(np.array(names)[codes], balanced, stimuli["seed"], data.title, stimuli["part"])]
    if n is None:
        return rows
    if n > len(rows):
        raise ValueError(f"stimuli ask for n = {n} images, the part '{stimuli['part']}' holds {len(rows)}: lower n")
    return np.sort(keyed(stimuli["seed"], "stimuli").choice(rows, n, replace=False))


def try_stimuli(stimuli: Mapping[str, tuple[Path, Mapping[str, Any]]]) -> None:
    """Draw stimulus sets whose data are prepared: what cannot be drawn or shifted is found before models are trained.

    Parameters
    ----------
    stimuli : name -> folder of the data set, and what `stimulus_rows` takes.

    Raises
    ------
    ValueError : more images asked for than a part holds, a data set that is damaged, or a shift that its images do not
        bear.
    """
    for name, (folder, asked) in stimuli.items():
        try:
            data = open_prepared(folder)
            shown(data, stimulus_rows(data, asked)[:TRIED], asked)
        except FileNotFoundError:  # it is prepared meanwhile
            continue
        except ValueError as error:
            error.add_note(f"These are stimuli.{name} of the configuration.")
            raise
