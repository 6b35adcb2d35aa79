"""Which photograph is it? Tiles of photographs and textures that scikit-image and scikit-learn ship: no download.

Each photograph is cut into blocks of 2 x 2 tiles with a margin between them. A keyed choice of blocks is for test
images, the others are for training: no pixel is in two images, and the parts are apart in place. Tiles are reduced by
area to the size of an image; grey photographs have three equal channels. Column `tile` holds the photograph, row and
column of the upper left pixel in its file. What is drawn of a photograph does not depend on which others there are.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from whyalike.data.packaged_parameters import BLOCK, PHOTOGRAPHS, WhichPhotographParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `WhichPhotographParameters`.
    folder : the prepared data set.
    threads : unused, the work takes a moment.
    report : gets one line when the data set is written.

    Raises
    ------
    ValueError : a package is not installed, or ships another photograph than expected.
    """
    chosen = WhichPhotographParameters.model_validate(parameters)
    if fault := chosen.missing():
        raise ValueError(fault)
    names = sorted(chosen.photographs)
    pixels = {name: _read(name) for name in names}
    places = [(part, name, *corner) for part in ("train", "test") for name in names
              for corner in _corners(name, chosen)[part]]  # fmt: skip
    images = np.stack([_tile(pixels[name], row, column, chosen) for _, name, row, column in places])
    labels = pd.DataFrame(
        {
            "part": [part for part, *_ in places],
            "photograph": [name for _, name, *_ in places],
            "tile": [f"{name}/{row:04d}/{column:04d}" for _, name, row, column in places],
        }
    )
    made_by = {"source": "which_photograph", "version": VERSION, "parameters": chosen.plain()}
    write_prepared(folder, images, labels, ["photograph"], made_by)
    report(f"which_photograph: {len(images)} tiles of {chosen.size} px from {len(names)} photographs")


def _read(name: str) -> np.ndarray:
    """The pixels of a photograph's file (h, w, 3)."""
    photograph = PHOTOGRAPHS[name]
    with Image.open(photograph.path) as image:
        pixels = np.asarray(image.convert("RGB"))
    needed = tuple(first + side for first, side in zip(photograph.corner, photograph.shape, strict=True))
    if pixels.shape[0] < needed[0] or pixels.shape[1] < needed[1]:
        raise ValueError(
            f"{photograph.path} must have {needed[0]} x {needed[1]} px at least, it has {pixels.shape[0]} x "
            f"{pixels.shape[1]}: the package ships another image. Install the versions of envs/requirements.txt."
        )
    return pixels


def _corners(name: str, chosen: WhichPhotographParameters) -> dict[str, np.ndarray]:
    """Part -> upper left pixels (n, 2) of a photograph's tiles, ordered by place."""
    rows, columns = chosen.blocks(name)
    key = (chosen.seed, "which_photograph", name)
    blocks = keyed(*key, "blocks").permutation(rows * columns)
    parts = {"test": blocks[: chosen.test_blocks], "train": blocks[chosen.test_blocks :]}
    n = {"test": chosen.test_per_class, "train": chosen.train_per_class}
    found = {}
    for part, own in parts.items():
        tiles = keyed(*key, part).choice(len(own) * BLOCK**2, size=n[part], replace=False)
        block, within = own[tiles // BLOCK**2], tiles % BLOCK**2
        first = np.stack(np.divmod(block, columns), axis=1) * (BLOCK * chosen.tile + chosen.margin)
        corners = PHOTOGRAPHS[name].corner + first + np.stack(np.divmod(within, BLOCK), axis=1) * chosen.tile
        found[part] = corners[np.lexsort(corners.T[::-1])]
    return found


def _tile(photograph: np.ndarray, row: int, column: int, chosen: WhichPhotographParameters) -> np.ndarray:
    """One tile (size, size, 3); the box filter is the mean over the area that a pixel covers."""
    pixels = photograph[row : row + chosen.tile, column : column + chosen.tile]
    return np.asarray(Image.fromarray(pixels).resize((chosen.size, chosen.size), Image.Resampling.BOX))
