"""Pictures that lie as files, or within files, as a prepared data set: the drawn ones are decoded, the others not read.

Rows are ordered by part, then as the source gives them; column `file` says where each picture comes from.
"""

import hashlib
import io
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from whyalike.data.class_balance import balanced_draw
from whyalike.data.class_names import report_lone
from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.own_images import read_image, upright_square
from whyalike.data.picture_parameters import PictureParameters
from whyalike.data.prepared import write_prepared
from whyalike.data.resumable_array import blocks_of, fill_images, state_of
from whyalike.data.user_files import shown
from whyalike.file_faults import readable
from whyalike.files import canonical_json

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes
    ----------
    part, label : "train" or "test", and its class.
    file : name of the picture, from the user's folder on.
    holder : the file that its bytes lie in, from there on too; "" where that is the file itself.
    start, length : where in the holder, bytes.
    subclass : a finer class, kept beside the label; "" for none.
    """

    part: str
    label: str
    file: str
    holder: str = ""
    start: int = 0
    length: int = 0
    subclass: str = ""


def write_pictures(
    source: str,
    version: int,
    chosen: PictureParameters,
    pictures: Sequence[Picture],
    folder: Path,
    threads: int,
    report: Report,
) -> None:
    """Draw, decode and write a prepared data set with the attribute `class`.

    Parameters
    ----------
    source, version : of the source, for what the data set says of itself.
    chosen : its parameters.
    pictures : all of the user's, in the order that rows shall have within their part.
    folder, threads, report : as every source takes them.

    Raises
    ------
    ValueError : a part without pictures, or a drawn picture that is no image of 8 bits a channel.
    """
    drawn = [one for part in IMAGE_PARTS if part in chosen.parts for one in _draw(source, pictures, part, chosen)]
    labels = pd.DataFrame({"part": [one.part for one in drawn], "class": [one.label for one in drawn]})
    if any(one.subclass for one in drawn):
        labels["subclass"] = [one.subclass for one in drawn]
    labels["file"] = [one.file for one in drawn]
    blocks = blocks_of(len(drawn))

    def read(pixels: np.ndarray, number: int) -> list[str]:
        several = []
        for one, target in zip(drawn[blocks[number]], pixels, strict=True):
            target[:], frames = _read(chosen.folder, one, chosen.size)
            several += [one.file] if frames > 1 else []
        return several

    left_out = {"folder", "answers", "hierarchy", "rows"} & type(chosen).model_fields.keys()
    made_by = {"source": source, "version": version, "parameters": chosen.plain(exclude=left_out)}
    holders = dict.fromkeys(chosen.folder / (one.holder or one.file) for one in drawn)
    places = hashlib.sha256(canonical_json([(one.file, one.start) for one in drawn]).encode()).hexdigest()
    work = {**made_by, "files": state_of(holders), "drawn": places}  # of one shard other rows may be drawn
    shape = (len(drawn), chosen.size, chosen.size, 3)
    with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # large, but read
        several = fill_images(folder, shape, work, blocks, read, threads, lambda line: report(f"{source}: {line}"))
    if several := [name for names in several for name in names or ()]:
        report(f"{source}: of {len(several)} files the first of several frames is taken: {shown(several)}")
    write_prepared(folder, None, labels, ["class"], made_by)
    report_lone({part: set(own["class"]) for part, own in labels.groupby("part")}, source, report)
    counts = labels["part"].value_counts()
    report(f"{source}: {chosen.title}, {labels['class'].nunique()} classes, "
           f"{counts.get('train', 0)} training and {counts.get('test', 0)} test images")  # fmt: skip


def _draw(source: str, pictures: Sequence[Picture], part: str, chosen: PictureParameters) -> list[Picture]:
    own = [one for one in pictures if one.part == part]
    if not own:
        raise ValueError(f"{source}: {chosen.folder} holds no picture of the part {part}. Correct `folder` or `parts`.")
    if chosen.rows is not None:
        return [own[row] for row in _rows(chosen.rows, len(own))]
    if chosen.balanced is None:
        return own
    classes = np.array([one.label for one in own])
    return [own[place] for place in balanced_draw(classes, chosen.balanced, chosen.seed, chosen.title, part)]


def _rows(path: Path, n: int) -> list[int]:
    """The rows that a file names, ascending."""
    with readable(path, "JSON: a list of rows, or lists of them by class", "Make it again."):
        named = json.loads(path.read_text(encoding="utf-8"))
        rows = sorted(chain.from_iterable(named.values()) if isinstance(named, dict) else named)
        if len(set(rows)) < len(rows) or not all(type(row) is int for row in rows):
            raise ValueError("rows must be whole numbers, each once")
    if not rows or not 0 <= rows[0] <= rows[-1] < n:
        raise ValueError(f"{path} must name rows from 0 to {n - 1}, those of the training part. Make it for this set.")
    return rows


def _read(root: Path, one: Picture, size: int) -> tuple[np.ndarray, int]:
    """Pixels (size, size, 3) as `read_image` gives them, and the number of frames."""
    if not one.holder:
        return read_image(root / one.file, size)
    holder = root / one.holder
    with readable(holder, f"an archive whose {Path(one.file).name} is an image", "Fetch it again."):
        with holder.open("rb") as archive:
            archive.seek(one.start)
            content = archive.read(one.length)
        with Image.open(io.BytesIO(content)) as image:
            return upright_square(image, size, root / one.file)
