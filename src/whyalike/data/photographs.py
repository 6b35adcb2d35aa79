"""Tiles of the two photographs that scikit-learn ships: natural images as stimuli, without a download.

Each photograph (427 x 640) is cut into tiles that do not overlap; a keyed choice of them is reduced by area to the size
of a stimulus. All are test images; column `tile` says where each lies in its photograph.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_sample_images

from whyalike.data.parameters import PHOTOGRAPH_SHAPE, PHOTOGRAPHS, PhotographsParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `PhotographsParameters`.
    folder : the prepared data set.
    threads : unused, the work takes a moment.
    report : gets one line when the data set is written.
    """
    chosen = PhotographsParameters.model_validate(parameters)
    source = load_sample_images()
    photographs = {Path(name).stem: image for name, image in zip(source.filenames, source.images, strict=True)}
    names = sorted(photographs)
    grid = (PHOTOGRAPHS, *(edge // chosen.tile for edge in PHOTOGRAPH_SHAPE))
    tiles = keyed(chosen.seed, "photographs", "tiles").choice(np.prod(grid), size=chosen.n, replace=False)
    places = np.stack(np.unravel_index(np.sort(tiles), grid), axis=1)  # (n, 3): photograph, row, column
    images = np.stack([_tile(photographs[names[k]], row, column, chosen) for k, row, column in places])
    labels = pd.DataFrame(
        {
            "part": "test",
            "photograph": [names[k] for k, _, _ in places],
            "tile": [f"{names[k]}/{row:03d}/{column:03d}" for k, row, column in places],
        }
    )
    made_by = {"source": "photographs", "version": VERSION, "parameters": chosen.plain()}
    write_prepared(folder, images, labels, ["photograph"], made_by)
    report(f"photographs: {len(images)} tiles of {chosen.size} px")


def _tile(photograph: np.ndarray, row: int, column: int, chosen: PhotographsParameters) -> np.ndarray:
    """One tile (size, size, 3); the box filter is the mean over the area that a pixel covers."""
    edge = chosen.tile
    pixels = photograph[row * edge : (row + 1) * edge, column * edge : (column + 1) * edge]
    return np.asarray(Image.fromarray(pixels).resize((chosen.size, chosen.size), Image.Resampling.BOX))
