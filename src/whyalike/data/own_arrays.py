"""The user's own arrays as a prepared data set: attribute `class`, the label of an image as text.

One .npz holds the arrays images, labels and (optional) part, or each is a .npy file of its own. Without parts a keyed
share of each class is test. Rows keep their order within a part; column `row` says where each stood.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.array_file import new_images
from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.own_images import split
from whyalike.data.parameters import ArraysParameters
from whyalike.data.prepared import write_prepared

VERSION = 1  # raised when pixels or labels change


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `ArraysParameters`.
    folder : the prepared data set.
    threads : unused, the work takes a moment.
    report : gets one line when the data set is written.

    Raises
    ------
    ValueError : a file or array is missing, of another shape or type, or has another length than the images.
    """
    chosen = ArraysParameters.model_validate(parameters)
    images, labels, part = _read(chosen)
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(
            f"{chosen.images}: images must be uint8 n x h x w (x 1 or 3), got {images.dtype} {images.shape}. "
            "Scale them to 0 to 255 and convert them."
        )
    for what, values in {"labels": labels, "part": part}.items():
        if values is not None and values.shape != images.shape[:1]:
            raise ValueError(f"{what} must be one value an image, {len(images)} of them; got an array {values.shape}")
    classes = labels.astype(str)
    parts = _drawn_parts(classes, chosen) if part is None else part.astype(str)
    order = np.lexsort((parts == "test",))  # training first; stable, so that rows keep their order
    with new_images(folder, images.shape) as target:
        for place, row in enumerate(order):
            target[place] = images[row]
    table = pd.DataFrame({"part": parts[order], "class": classes[order], "row": order.astype(str)})
    content = chosen.plain(exclude=["images", "labels", "part"])
    made_by = {"source": "arrays", "version": VERSION, "parameters": content}
    write_prepared(folder, None, table, ["class"], made_by)
    report(f"arrays: {chosen.title}, {len(set(classes))} classes, "
           f"{(parts == 'train').sum()} training and {(parts == 'test').sum()} test images")  # fmt: skip


def _read(chosen: ArraysParameters) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Images (mapped from a .npy file), labels, and parts if there are any."""
    if chosen.images.suffix == ".npy":
        part = _load(chosen.part) if chosen.part else None
        return _load(chosen.images), _load(chosen.labels), part
    arrays = _load(chosen.images)
    if missing := [name for name in ("images", "labels") if name not in arrays]:
        raise ValueError(f"{chosen.images} must hold arrays images and labels; {missing} missing of {list(arrays)}")
    return arrays["images"], arrays["labels"], arrays.get("part")


def _load(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise ValueError(f"arrays: there is no file {path}. Paths start at the working directory.") from None
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"arrays: {path} is not what numpy.save or numpy.savez writes ({error})") from error


def _drawn_parts(classes: np.ndarray, chosen: ArraysParameters) -> np.ndarray:
    parts = np.full(len(classes), IMAGE_PARTS[0], dtype=object)
    for name in sorted(set(classes)):
        parts[split(np.flatnonzero(classes == name), chosen.test_fraction, chosen.seed, name)[1]] = IMAGE_PARTS[1]
    return parts
