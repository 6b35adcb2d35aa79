"""The prepared data set: one folder that every later stage reads.

``images.npy`` holds all images of all parts (uint8, n x h x w x c), ``labels.parquet`` one row an image (id, part, the
attributes, then ids of what the image was made from) and ``checksums.json`` the hashes of both, written last: a folder
without it is unfinished. Images are stored once; a labelling is a view of the labels.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.files import atomic, canonical_json, write_table, write_text

IMAGES, LABELS, CHECKSUMS = "images.npy", "labels.parquet", "checksums.json"
PARTS = ("train", "test")


@dataclass(frozen=True)
class Prepared:
    """A prepared data set, opened for reading.

    Attributes
    ----------
    images : uint8 (n, h, w, c), mapped from the file and read-only.
    labels : one row an image: id, part, attributes (categorical), ids of sources (categorical).
    attributes : names of the label columns that labellings may join.
    content_sha256 : hash of images and labels together.
    """

    images: np.ndarray
    labels: pd.DataFrame
    attributes: tuple[str, ...]
    content_sha256: str

    def rows(self, part: str) -> np.ndarray:
        """Row indices of one part ("train" or "test"), int64 (m,), ascending; empty if the data set has no such part.

        Raises
        ------
        ValueError : another name.
        """
        if part not in PARTS:
            raise ValueError(f"a part is one of {', '.join(PARTS)}, got '{part}'.")
        return np.flatnonzero(self.labels["part"].to_numpy() == part).astype(np.int64)

    def labelling(self, name: str, rows: np.ndarray | None = None) -> tuple[np.ndarray, list[str]]:
        """The classes of the images under one labelling.

        Parameters
        ----------
        name : attributes joined with "_", such as "shape_digit".
        rows : row indices (m,); all rows where left out.

        Returns
        -------
        codes : int64 (m,), position of each row's class in `names`.
        names : sorted class names (attribute values joined with "_") of the whole data set, whatever the rows.

        Raises
        ------
        ValueError : a part of the name is no attribute, or stands twice.
        """
        attributes = name.split("_")
        if not set(attributes) <= set(self.attributes) or len(set(attributes)) < len(attributes):
            raise ValueError(
                f"a labelling joins distinct attributes with '_', got '{name}'. "
                f"Attributes: {', '.join(self.attributes)}."
            )
        columns = [self.labels[attribute].cat for attribute in attributes]
        values = [column.categories.to_numpy() for column in columns]
        sizes = [len(value) for value in values]
        # pandas keeps codes in the smallest integer that holds one column's: too small for the product of several
        codes_by_column = [column.codes.to_numpy().astype(np.int64) for column in columns]
        existing, positions = np.unique(np.ravel_multi_index(codes_by_column, sizes), return_inverse=True)
        cells = zip(*np.unravel_index(existing, sizes), strict=True)
        unsorted = ["_".join(str(value[i]) for value, i in zip(values, cell, strict=True)) for cell in cells]
        names = sorted(unsorted)
        place = {class_name: code for code, class_name in enumerate(names)}
        codes = np.array([place[class_name] for class_name in unsorted], dtype=np.int64)[positions]
        return (codes if rows is None else codes[rows]), names


@contextmanager
def new_images(folder: Path, shape: tuple[int, int, int, int]) -> Iterator[np.ndarray]:
    """Yield a writable uint8 array (n, h, w, c) that becomes the folder's images: large sets are filled in place.

    The array lies in a memory map of a temporary file, which gets its final name when the block ends without an error.
    `write_prepared` with ``images=None`` then completes the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)  # from here on an older data set in the folder is no longer valid
    with atomic(folder / IMAGES) as temporary:
        images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        yield images
        images.flush()


def write_prepared(
    folder: Path,
    images: np.ndarray | None,
    labels: pd.DataFrame,
    attributes: Sequence[str],
    made_by: Mapping[str, Any],
) -> None:
    """Write a prepared data set, or complete one whose images were filled through `new_images`.

    Parameters
    ----------
    folder : made if missing.
    images : uint8 (n, h, w, c), or None where `new_images` has just written them.
    labels : n rows in the order of the images: `part`, the attributes, then columns of source ids if any; values are
        text. Column `id` is added.
    attributes : the label columns that labellings may join; without "_" in their names.
    made_by : JSON values that say what made the data set (source, version, parameters), without paths.

    Raises
    ------
    ValueError : images and labels do not fit each other or the format.
    """
    folder = Path(folder)
    if images is not None:
        images = np.asarray(images)
        _check_images(images)
        with new_images(folder, images.shape) as target:
            target[:] = images
    shape = np.load(folder / IMAGES, mmap_mode="r").shape
    _check_labels(labels, attributes, rows=shape[0])
    write_table(folder / LABELS, _label_table(labels, attributes), made_by)
    checksums = {
        "attributes": list(attributes),
        "made_by": dict(made_by),
        "sha256": {name: _sha256(folder / name) for name in (IMAGES, LABELS)},
        "shape": list(shape),
    }
    write_text(folder / CHECKSUMS, canonical_json(checksums) + "\n")


def open_prepared(folder: Path, verify: bool = False) -> Prepared:
    """Open a prepared data set; the images are mapped, not read.

    Parameters
    ----------
    folder : as written by `write_prepared`.
    verify : read both files whole and compare their hashes; without it only shapes and columns are compared.

    Raises
    ------
    FileNotFoundError : a file is missing.
    ValueError : a file is damaged or does not belong to the others.
    """
    folder = Path(folder)
    for name in (CHECKSUMS, IMAGES, LABELS):
        if not (folder / name).is_file():
            raise FileNotFoundError(_remedy(folder / name, "is missing: the data set was not prepared to its end"))
    checksums = _read_checksums(folder / CHECKSUMS)
    images, labels = _read_images(folder / IMAGES), _read_labels(folder / LABELS)
    if list(images.shape) != checksums["shape"] or images.dtype != np.uint8:
        came = f"holds {images.dtype} {list(images.shape)}, {CHECKSUMS} says uint8 {checksums['shape']}"
        raise ValueError(_remedy(folder / IMAGES, came))
    expected = ["id", "part", *checksums["attributes"]]
    if len(labels) != len(images) or list(labels.columns[: len(expected)]) != expected:
        came = f"holds {len(labels)} rows of {list(labels.columns)}, expected {len(images)} rows that start {expected}"
        raise ValueError(_remedy(folder / LABELS, came))
    for name, sha256 in checksums["sha256"].items() if verify else ():
        if _sha256(folder / name) != sha256:
            raise ValueError(_remedy(folder / name, f"is not the file that {CHECKSUMS} describes (sha256 differs)"))
    content = hashlib.sha256(canonical_json(checksums["sha256"]).encode()).hexdigest()
    return Prepared(images, labels, tuple(checksums["attributes"]), content)


def _check_images(images: np.ndarray) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"images must be uint8 (n, h, w, 1 or 3), got {images.dtype} {images.shape}.")


def _check_labels(labels: pd.DataFrame, attributes: Sequence[str], rows: int) -> None:
    if len(labels) != rows:
        raise ValueError(f"labels need one row an image: {len(labels)} rows, {rows} images.")
    if list(labels.columns[: 1 + len(attributes)]) != ["part", *attributes]:
        raise ValueError(f"label columns must start with part, {', '.join(attributes)}, got {list(labels.columns)}.")
    joined = [attribute for attribute in attributes if "_" in attribute]
    if joined:
        raise ValueError(
            f"'_' joins attributes to labellings and may not stand in one: {', '.join(joined)}. Rename it."
        )
    unknown = sorted(set(labels["part"].unique()) - set(PARTS))
    if unknown:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, got {unknown}.")
    missing = [column for column in labels if labels[column].isna().any()]
    if missing:
        raise ValueError(f"every image needs a value in every label column; missing values in {missing}.")


def _label_table(labels: pd.DataFrame, attributes: Sequence[str]) -> pa.Table:
    """Columns in their order; all but id and part as dictionaries with sorted, used values only."""
    columns = {
        "id": pa.array(np.arange(len(labels), dtype=np.int64)),
        "part": pa.array(labels["part"].astype(object), pa.string()),
    }
    for name in labels.columns[1:]:
        column = labels[name].astype("category").cat.remove_unused_categories()
        column = column.cat.reorder_categories(sorted(column.cat.categories))
        values = pa.array([str(value) for value in column.cat.categories], pa.string())
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(column.cat.codes, pa.int32()), values)
    return pa.table(columns)


def _read_checksums(path: Path) -> dict[str, Any]:
    try:
        checksums = json.loads(path.read_text(encoding="utf-8"))
        checksums["attributes"], checksums["shape"], checksums["sha256"][IMAGES], checksums["sha256"][LABELS]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(_remedy(path, f"cannot be read ({error!r})")) from error
    return checksums


def _read_images(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(_remedy(path, f"is damaged ({error})")) from error


def _read_labels(path: Path) -> pd.DataFrame:
    try:
        return pq.read_table(path, memory_map=True).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(_remedy(path, f"is damaged ({error})")) from error


def _remedy(path: Path, fault: str) -> str:
    return f"{path} {fault}. Delete the folder {path.parent} and prepare the data set again."


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
