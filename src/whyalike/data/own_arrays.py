"""The user's own arrays as a prepared data set: attribute `class`, the label of an image as text.

One .npz holds the arrays images, labels and (optional) part, or each is a .npy file of its own. Without parts a keyed
share of each class is test. Rows keep their order within a part; column `row` says where each stood.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.array_file import new_images
from whyalike.data.class_names import check_present, check_spellings, report_lone
from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.numpy_files import read_npy, read_npz
from whyalike.data.own_images import split
from whyalike.data.parameters import ArraysParameters
from whyalike.data.prepared import write_prepared
from whyalike.data.user_files import shown
from whyalike.file_faults import readable

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
    images, labels, part = _read(chosen, report)
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(
            f"{chosen.images}: images must be uint8 n x h x w (x 1 or 3), got {images.dtype} {images.shape}. "
            "Scale them to 0 to 255 and convert them."
        )
    classes = _texts(labels, "labels", chosen.labels or chosen.images, len(images))
    check_spellings(set(classes), f"arrays: {chosen.labels or chosen.images}")
    parts = _parts(part, classes, chosen)
    order = np.lexsort((parts == "test",))  # training first; stable, so that rows keep their order
    with new_images(folder, images.shape) as target:
        for place, row in enumerate(order):
            target[place] = images[row]
    table = pd.DataFrame({"part": parts[order], "class": classes[order], "row": order.astype(str)})
    content = chosen.plain(exclude=["images", "labels", "part"])
    made_by = {"source": "arrays", "version": VERSION, "parameters": content}
    write_prepared(folder, None, table, ["class"], made_by)
    report_lone({name: set(classes[parts == name]) for name in IMAGE_PARTS if name in parts}, "arrays", report)
    report(f"arrays: {chosen.title}, {len(set(classes))} classes, "
           f"{(parts == 'train').sum()} training and {(parts == 'test').sum()} test images")  # fmt: skip


def _read(chosen: ArraysParameters, report: Callable[[str], None]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Images (mapped from a .npy file), labels, and parts if there are any; says which arrays are not read."""
    if chosen.images.suffix == ".npy":
        part = _load(chosen.part) if chosen.part else None
        return _load(chosen.images), _load(chosen.labels), part
    with _numpy_file(chosen.images):
        arrays, others = read_npz(chosen.images, ("images", "labels"), ("part",))
    if others:
        report(f"arrays: {chosen.images} holds arrays that are not read: {shown(others)}; parts are called part")
    return arrays["images"], arrays["labels"], arrays.get("part")


def _load(path: Path) -> np.ndarray:
    with _numpy_file(path):
        return read_npy(path, mapped=True)


def _numpy_file(path: Path) -> AbstractContextManager[None]:
    if not path.exists():
        raise ValueError(f"arrays: there is no file {path}. Paths start at the working directory.")
    what = (
        "a .npy of one array" if path.suffix == ".npy" else "a .npz with arrays images, labels and, if you like, part"
    )
    return readable(path, what, "Save it again; objects as text: labels.astype(str).")


def _texts(values: np.ndarray, what: str, path: Path, n: int) -> np.ndarray:
    """One value an image as text (n,)."""
    if values.shape != (n,):
        raise ValueError(f"{path}: {what} must be one value an image, {n} of them; got an array {values.shape}")
    with readable(path, f"a file whose {what} are text or numbers", "Save them as text."):
        texts = values.astype(str)
    check_present(texts, f"{path}: {what}")
    return texts


def _parts(part: np.ndarray | None, classes: np.ndarray, chosen: ArraysParameters) -> np.ndarray:
    """The part of each image (n,), as given or drawn."""
    if part is None:
        return _drawn_parts(classes, chosen)
    path = chosen.part or chosen.images
    parts = _texts(part, "part", path, len(classes))
    if unknown := sorted(set(parts.tolist()) - set(IMAGE_PARTS)):
        raise ValueError(f"{path}: part must be one of {', '.join(IMAGE_PARTS)}, got {unknown}. Rename them.")
    return parts


def _drawn_parts(classes: np.ndarray, chosen: ArraysParameters) -> np.ndarray:
    parts = np.full(len(classes), IMAGE_PARTS[0], dtype=object)
    for name in sorted(set(classes)):
        parts[split(np.flatnonzero(classes == name), chosen.test_fraction, chosen.seed, name)[1]] = IMAGE_PARTS[1]
    return parts
