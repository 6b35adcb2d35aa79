"""The prepared data set: one folder that every later stage reads, of images or of text.

``array.npy`` holds all images of all parts (uint8, n x h x w x c) or one stream of tokens (uint16). ``labels.parquet``
has one row an image (id, part, the attributes, then ids of what the image was made from), or one row a stretch of the
stream (id, part, corpus, start, length). ``checksums.json``, with the hashes of both, is written last: a folder without
it is unfinished. The array is stored once; a labelling is a view of the labels.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data import binary_facts
from whyalike.data.array_file import ARRAY, CHECKSUMS, check_array, write_array
from whyalike.data.array_sums import is_as_written
from whyalike.data.label_table import PARTS, check_labels, label_table
from whyalike.files import DamagedFile, canonical_json, file_sha256, read_table, write_table, write_text

LABELS = "labels.parquet"


class DamagedData(DamagedFile):
    """A file of a prepared data set is not what was written, or does not belong to the others."""


@dataclass(frozen=True)
class Prepared:
    """A prepared data set, opened for reading.

    Attributes
    ----------
    array : images, uint8 (n, h, w, c), or tokens, uint16 (tokens,); mapped from the file and read-only.
    labels : one row an image: id, part, attributes (categorical), ids of sources (categorical); or one row a stretch of
        the stream: id, part, corpus (categorical), start, length (int64).
    attributes : names of the label columns that labellings may join.
    content_sha256 : hash of array and labels together; those of text hold the tokenizer.
    folder : where it lies; None if it was never in one.
    title : what it is called, wherever it lies: the user's title for the content, or the source.
    """

    array: np.ndarray
    labels: pd.DataFrame
    attributes: tuple[str, ...]
    content_sha256: str
    folder: Path | None = None
    title: str = ""

    @property
    def images(self) -> np.ndarray:
        """The images, uint8 (n, h, w, c).

        Raises
        ------
        ValueError : the data set is text.
        """
        if self.array.ndim == 1:
            raise ValueError(
                f"images are needed, the data set holds text: {len(self.array)} tokens. Name a data set of images, or "
                "a model and stimuli for text."
            )
        return self.array

    @property
    def tokens(self) -> np.ndarray:
        """The stream of tokens, uint16 (tokens,).

        Raises
        ------
        ValueError : the data set is images.
        """
        if self.array.ndim != 1:
            raise ValueError(
                f"text is needed, the data set holds images {self.array.shape}. Name a data set of text, or a model "
                "and stimuli for images."
            )
        return self.array

    def check(self, rows: np.ndarray | None = None) -> None:
        """Compare what is stored of the images or stretches of some rows with what was written.

        Parameters
        ----------
        rows : row indices of the labels (m,); the whole array where left out.

        Raises
        ------
        DamagedData : it differs.
        """
        if self.folder is None:
            return
        array = self.folder / ARRAY
        if not is_as_written(array, files_sha256(self.folder)[ARRAY], self._bytes_of(rows)):
            raise DamagedData(_remedy(array, f"is not the file that {CHECKSUMS} describes (sha256 differs)"))

    def _bytes_of(self, rows: np.ndarray | None) -> np.ndarray:
        """Where rows lie in the array's file: the first byte and the one behind the last, int64 (m, 2)."""
        if rows is None:
            items = np.array([[0, len(self.array)]])
        elif self.array.ndim == 1:
            start, length = (self.labels[name].to_numpy()[rows] for name in ("start", "length"))
            items = np.stack([start, start + length], axis=1)
        else:
            items = np.stack([rows, rows + 1], axis=1)
        first = self.array.offset  # of a mapped file: its header
        return first + items * (self.array.nbytes // max(1, len(self.array)))

    def rows(self, part: str) -> np.ndarray:
        """Row indices of one part ("train", "validation", "test"), int64 (m,), ascending; empty if there is none.

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
        name : attributes joined with "_", such as "shape_digit"; in place of an attribute also a binary fact about it,
            such as "shape.3.0" (see `whyalike.data.binary_facts`).
        rows : row indices (m,); all rows where left out.

        Returns
        -------
        codes : int64 (m,), position of each row's class in `names`.
        names : sorted class names (attribute values joined with "_") of the whole data set, whatever the rows.

        Raises
        ------
        ValueError : a part of the name is no attribute, or stands twice.
        """
        parts = [part.split(".") for part in name.split("_")]
        attributes = [attribute for attribute, *_ in parts]
        if not set(attributes) <= set(self.attributes) or len(set(attributes)) < len(attributes):
            raise ValueError(
                f"a labelling joins distinct attributes with '_', got '{name}'. "
                f"Attributes: {', '.join(self.attributes)}."
            )
        values, codes_by_column = [], []
        for attribute, *fact in parts:
            column = self.labels[attribute].cat
            # pandas keeps codes in the smallest integer that holds one column's: too small for the product of several
            codes = column.codes.to_numpy().astype(np.int64)
            bits = binary_facts.bits(attribute, fact, len(column.categories)) if fact else None
            values.append(column.categories.to_numpy() if bits is None else binary_facts.names(attribute, fact))
            codes_by_column.append(codes if bits is None else bits[codes])
        sizes = [len(value) for value in values]
        existing, positions = np.unique(np.ravel_multi_index(codes_by_column, sizes), return_inverse=True)
        cells = zip(*np.unravel_index(existing, sizes), strict=True)
        unsorted = ["_".join(str(value[i]) for value, i in zip(values, cell, strict=True)) for cell in cells]
        names = sorted(unsorted)
        place = {class_name: code for code, class_name in enumerate(names)}
        codes = np.array([place[class_name] for class_name in unsorted], dtype=np.int64)[positions]
        return (codes if rows is None else codes[rows]), names


def write_prepared(
    folder: Path,
    array: np.ndarray | None,
    labels: pd.DataFrame,
    attributes: Sequence[str],
    made_by: Mapping[str, Any],
    tokenizer: str | None = None,
) -> None:
    """Write a prepared data set, or complete one whose array was was filled.

    Parameters
    ----------
    folder : made if missing.
    array : images, uint8 (n, h, w, c), or None where `whyalike.data.array_file` has just written the array.
    labels : `part`, the attributes, then columns of source ids if any, or of text `start` and `length` (tokens). Of
        images n rows in their order. Values are text; beside the attributes, integers stay integers. Column `id` is
        added.
    attributes : the label columns that labellings may join; without "_" in their names.
    made_by : JSON values that say what made the data set (source, version, parameters), without paths.
    tokenizer : of text: as `tokenizers` writes it, kept in the metadata of the labels and thereby in their hash.

    Raises
    ------
    ValueError : array and labels do not fit each other or the format.
    """
    folder = Path(folder)
    if array is not None:
        write_array(folder, array)
    stored = np.load(folder / ARRAY, mmap_mode="r")
    check_array(stored)
    check_labels(labels, attributes, stored)
    kept = dict(made_by) if tokenizer is None else {**made_by, "tokenizer": tokenizer}
    # without sums: its hash is below, and part of that of the data, which runs noted that were trained on them
    write_table(folder / LABELS, label_table(labels, attributes), kept, sums=False)
    checksums = {
        "attributes": list(attributes),
        "dtype": stored.dtype.name,
        "made_by": dict(made_by),
        "rows": len(labels),
        "sha256": {name: file_sha256(folder / name) for name in (ARRAY, LABELS)},
        "shape": list(stored.shape),
    }
    write_text(folder / CHECKSUMS, canonical_json(checksums) + "\n")


def open_prepared(folder: Path, verify: bool = False) -> Prepared:
    """Open a prepared data set; the labels are verified, the array is mapped, not read (see `Prepared.check`).

    Parameters
    ----------
    folder : as written by `write_prepared`.
    verify : compare the whole array with what was written, too; without it only its shape.

    Raises
    ------
    FileNotFoundError : a file is missing.
    DamagedData : a file is damaged or does not belong to the others.
    """
    folder = Path(folder)
    for name in (CHECKSUMS, ARRAY, LABELS):
        if not (folder / name).is_file():
            raise FileNotFoundError(_remedy(folder / name, "is missing: the data set was not prepared to its end"))
    checksums = _read_checksums(folder / CHECKSUMS)
    array, labels = _read_array(folder / ARRAY), _read_labels(folder / LABELS, checksums["sha256"][LABELS])
    if list(array.shape) != checksums["shape"] or array.dtype != checksums["dtype"]:
        said = f"{checksums['dtype']} {checksums['shape']}"
        came = f"holds {array.dtype} {list(array.shape)}, {CHECKSUMS} says {said}"
        raise DamagedData(_remedy(folder / ARRAY, came))
    expected, rows = ["id", "part", *checksums["attributes"]], checksums["rows"]
    if len(labels) != rows or list(labels.columns[: len(expected)]) != expected:
        came = f"holds {len(labels)} rows of {list(labels.columns)}, expected {rows} rows that start {expected}"
        raise DamagedData(_remedy(folder / LABELS, came))
    title = _title(checksums.get("made_by") or {})
    data = Prepared(array, labels, tuple(checksums["attributes"]), _content(checksums["sha256"]), folder, title)
    if verify:
        data.check()
    return data


def _title(made_by: Mapping[str, Any]) -> str:
    return str((made_by.get("parameters") or {}).get("title") or made_by.get("source", ""))


def files_sha256(folder: Path) -> dict[str, str]:
    """Name of each file of a prepared data set -> the SHA-256 that it was written with.

    Raises
    ------
    DamagedData : the checksums cannot be read.
    """
    return dict(_read_checksums(Path(folder) / CHECKSUMS)["sha256"])


def _content(sha256: Mapping[str, str]) -> str:
    """Hash of both files; the array goes by its first name, under which stored runs noted what they were trained on."""
    named = {"images.npy": sha256[ARRAY], LABELS: sha256[LABELS]}
    return hashlib.sha256(canonical_json(named).encode()).hexdigest()


def _read_checksums(path: Path) -> dict[str, Any]:
    try:
        checksums = json.loads(path.read_text(encoding="utf-8"))
        for key in ("attributes", "dtype", "rows", "shape"):
            checksums[key]
        checksums["sha256"][ARRAY], checksums["sha256"][LABELS]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedData(_remedy(path, f"cannot be read ({error!r})")) from error
    return checksums


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy evaluates the header, which fails in many ways
        raise DamagedData(_remedy(path, f"is damaged ({error})")) from error


def _read_labels(path: Path, sha256: str) -> pd.DataFrame:
    if file_sha256(path) != sha256:
        raise DamagedData(_remedy(path, f"is not the file that {CHECKSUMS} describes (sha256 differs)"))
    return read_table(path).to_pandas()


def _remedy(path: Path, fault: str) -> str:
    return f"{path} {fault}. Delete the folder {path.parent} and give the same command: it is made again."
