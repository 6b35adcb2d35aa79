"""TinyImageNet from the user's folder: 200 classes, 64 px, 500 training and 50 validation images a class.

The validation images are the test part, as in the overlap study: the published test images have no labels. A class is
its WordNet id and the first of its names in words.txt ("n01443537 goldfish"; the name alone may stand for two ids).
Rows: training by class, then file name, as torchvision's ImageFolder counts them; test in the order of
val_annotations.txt; column `file` names each file. The publisher gives no checksums: the number of files of every class
is checked, and the hash of all that was read is kept. Pixels are those of Pillow's JPEG decoder, grey images as RGB.
Source: Stanford CS231n, cs231n.stanford.edu/tiny-imagenet-200.zip (2015).
"""

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from whyalike.data.layouts import TINYIMAGENET
from whyalike.data.parameters import TinyImageNetParameters
from whyalike.data.prepared import write_prepared
from whyalike.data.resumable_array import blocks_of, fill_images, state_of
from whyalike.file_faults import readable

VERSION = 1  # raised when pixels or labels change
CLASSES, TRAIN_PER_CLASS, TEST_PER_CLASS = 200, 500, 50  # as published
SIZE = 64
REMEDY = f"Unpack {TINYIMAGENET.archive} again."


@dataclass(frozen=True)
class _File:
    """One image: its path, the part that it belongs to and its WordNet id."""

    path: Path
    part: str
    wnid: str


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `TinyImageNetParameters`.
    folder : the prepared data set.
    threads : images decoded at a time; the files do not depend on it.
    report : gets about twenty lines of progress.

    Raises
    ------
    ValueError : files are missing, too many or damaged; the message names them.
    """
    root = TinyImageNetParameters.model_validate(parameters).folder
    report(f"tinyimagenet: checking the files in {root}")
    names, files = _find(root)
    digest = _fill(root, folder, files, threads, report)
    labels = pd.DataFrame(
        {
            "part": [file.part for file in files],
            "class": [f"{file.wnid} {names[file.wnid]}" for file in files],
            "file": [file.path.name for file in files],
        }
    )
    write_prepared(folder, None, labels, ["class"], {"source": "tinyimagenet", "version": VERSION, "files": digest})
    report(f"tinyimagenet: {len(files)} images written")


def _find(root: Path) -> tuple[dict[str, str], list[_File]]:
    """The classes and all files, in the order of the rows.

    Returns
    -------
    First name of each WordNet id, and the files.

    Raises
    ------
    ValueError : not what was published; one message names all faults, and where to get the data set.
    """
    if fault := TINYIMAGENET.missing(root):
        raise ValueError(fault)
    base = root / TINYIMAGENET.inner
    wnids = sorted(_text(base / "wnids.txt").split())
    words = {line[0]: line[1] for line in _fields(root, "words.txt")}
    validation = [(line[0], line[1]) for line in _fields(root, "val/val_annotations.txt")]
    train = {wnid: sorted(base.glob(f"train/{wnid}/images/*.JPEG")) for wnid in wnids}
    if faults := [*_ids(wnids, words), *_train_counts(train), *_validation(base, wnids, validation)]:
        raise ValueError(TINYIMAGENET.message(root, faults))
    files = [_File(path, "train", wnid) for wnid, paths in train.items() for path in paths]
    files += [_File(base / "val" / "images" / name, "test", wnid) for name, wnid in validation]
    return {wnid: words[wnid].split(",")[0] for wnid in wnids}, files


def _fields(root: Path, name: str) -> list[list[str]]:
    """The lines of a table as published: at least two fields, between tabs."""
    path = root / TINYIMAGENET.inner / name
    lines = [line.split("\t") for line in _text(path).splitlines()]
    for number, line in enumerate(lines, start=1):
        if len(line) < 2:
            raise ValueError(TINYIMAGENET.message(root, [f"{name} needs two fields between tabs in line {number}"]))
    return lines


def _text(path: Path) -> str:
    with readable(path, f"text in UTF-8, as {TINYIMAGENET.title} has it", REMEDY):
        return path.read_text(encoding="utf-8")


def _ids(wnids: list[str], words: Mapping[str, str]) -> list[str]:
    faults = []
    if len(set(wnids)) != CLASSES or len(wnids) != CLASSES:
        faults.append(f"wnids.txt must list {CLASSES} WordNet ids, it lists {len(set(wnids))} in {len(wnids)}")
    if nameless := [wnid for wnid in wnids if wnid not in words]:
        faults.append(f"words.txt has no name for {len(nameless)} ids, such as {nameless[0]}")
    return faults


def _train_counts(train: Mapping[str, list[Path]]) -> list[str]:
    return [
        f"train/{wnid}/images holds {len(paths)} of {TRAIN_PER_CLASS} .JPEG files"
        for wnid, paths in train.items()
        if len(paths) != TRAIN_PER_CLASS
    ]


def _validation(base: Path, wnids: list[str], validation: list[tuple[str, str]]) -> list[str]:
    """Every class has its number of images, and they are there."""
    table, counts = "val/val_annotations.txt", Counter(wnid for _, wnid in validation)
    faults = [
        f"{table} names {counts[wnid]} of {TEST_PER_CLASS} images of {wnid}"
        for wnid in wnids
        if counts[wnid] != TEST_PER_CLASS
    ]
    faults += [f"{table} names {wnid}, which is not in wnids.txt" for wnid in sorted(set(counts) - set(wnids))]
    present = {path.name for path in base.glob("val/images/*.JPEG")}
    return faults + [f"val/images/{name} is missing" for name, _ in validation if name not in present]


def _fill(root: Path, folder: Path, files: list[_File], threads: int, report: Callable[[str], None]) -> str:
    """Decode all files into the array of the folder; returns the hash of their names and contents."""
    blocks = blocks_of(len(files))

    def decode(pixels: np.ndarray, number: int) -> list[str]:
        return [_read(root, file, target) for file, target in zip(files[blocks[number]], pixels, strict=True)]

    work = {"source": "tinyimagenet", "version": VERSION, "files": state_of(file.path for file in files)}
    shape = (len(files), SIZE, SIZE, 3)
    hashes = fill_images(folder, shape, work, blocks, decode, threads, lambda line: report(f"tinyimagenet: {line}"))
    total = hashlib.sha256()
    for file, content in zip(files, chain.from_iterable(hashes), strict=True):
        total.update(f"{file.path.name}\0{content}\n".encode())
    return total.hexdigest()


def _read(root: Path, file: _File, target: np.ndarray) -> str:
    """Decode one file; returns the hash of its content."""
    content = file.path.read_bytes()
    try:
        target[:] = _decode(content)
    except Exception as error:  # Pillow's faults are of every kind; and another size
        name = file.path.relative_to(root / TINYIMAGENET.inner)
        raise ValueError(TINYIMAGENET.message(root, [f"{name} is damaged ({error})"])) from error
    return hashlib.sha256(content).hexdigest()


def _decode(content: bytes) -> np.ndarray:
    """Pixels of a file, uint8 (64, 64, 3)."""
    with Image.open(io.BytesIO(content)) as image:
        if image.size != (SIZE, SIZE):
            raise ValueError(f"{image.size[0]} x {image.size[1]} px, not {SIZE} x {SIZE}")
        return np.asarray(image.convert("RGB"))
