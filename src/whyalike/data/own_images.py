"""A folder of the user's image files as a prepared data set: attribute `class`, the name of the folder of a file.

With folders train and test, each holds the folders of the classes; without them the classes lie in the folder itself,
and a keyed share of each class is test; `whyalike.data.class_folders` tells which is which. Rows are ordered by part,
class and file name, which column `file` keeps.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from whyalike.data.class_folders import files_by_class
from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.parameters import ImagesParameters
from whyalike.data.prepared import write_prepared
from whyalike.data.resumable_array import blocks_of, fill_images, state_of
from whyalike.data.user_files import shown
from whyalike.file_faults import UnreadableFile, readable
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `ImagesParameters`.
    folder : the prepared data set.
    threads : files decoded at once; changes no pixel.
    report : gets one line when the data set is written.

    Raises
    ------
    ValueError : no classes, a class without images, or a file that is no image of 8 bits a channel.
    """
    chosen = ImagesParameters.model_validate(parameters)
    found = sorted(_labelled(chosen, report), key=lambda row: (IMAGE_PARTS.index(row[0]), *row[1:]))
    labels = pd.DataFrame(found, columns=["part", "class", "file"])
    files, blocks = [chosen.folder / file for file in labels["file"]], blocks_of(len(labels))

    def read(pixels: np.ndarray, number: int) -> list[str]:
        several = []
        for name, target in zip(labels["file"][blocks[number]], pixels, strict=True):
            target[:], frames = read_image(chosen.folder / name, chosen.size)
            several += [name] if frames > 1 else []
        return several

    content = chosen.plain(exclude=["folder"])
    made_by = {"source": "images", "version": VERSION, "parameters": content}
    work = {**made_by, "files": state_of(files)}
    shape = (len(labels), chosen.size, chosen.size, 3)
    with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # large, but read
        several = fill_images(folder, shape, work, blocks, read, threads, lambda line: report(f"images: {line}"))
    if several := [name for names in several for name in names or ()]:
        report(f"images: of {len(several)} files the first of several frames is taken: {shown(several)}")
    write_prepared(folder, None, labels, ["class"], made_by)
    counts = labels["part"].value_counts()
    report(f"images: {chosen.title}, {labels['class'].nunique()} classes, "
           f"{counts.get('train', 0)} training and {counts.get('test', 0)} test images")  # fmt: skip


def _labelled(chosen: ImagesParameters, report: Callable[[str], None]) -> Iterator[tuple[str, str, str]]:
    """Part, class and file (from the folder on) of every image."""
    for part, classes in files_by_class(chosen.folder, report).items():
        for name, files in classes.items():
            drawn = split(files, chosen.test_fraction, chosen.seed, name) if part is None else (files,)
            for own, members in zip(IMAGE_PARTS if part is None else (part,), drawn, strict=True):
                yield from ((own, name, file) for file in members)


def split(items: Sequence[Any], fraction: float, seed: int, name: str) -> tuple[list[Any], list[Any]]:
    """The items of one class, as training and test items in their order; a draw of its own for every class."""
    order = keyed(seed, "own data", "split", name).permutation(len(items))
    test = set(order[: round(fraction * len(items))].tolist())
    return [x for i, x in enumerate(items) if i not in test], [x for i, x in enumerate(items) if i in test]


def read_image(path: Path, size: int) -> tuple[np.ndarray, int]:
    """An image file as uint8 (size, size, 3): upright, transparent parts white, the middle square scaled.

    Returns also the number of frames, of which the first is taken; a photograph's preview is none.

    Raises
    ------
    UnreadableFile : no image, one too large, or one with more than 8 bits a channel.
    """
    with readable(path, "an image", "Repair it, scale it down or remove it."), Image.open(path) as image:
        return upright_square(image, size, path)


def upright_square(image: Image.Image, size: int, path: Path) -> tuple[np.ndarray, int]:
    """What `read_image` returns, of an opened image; ``path`` names it in a message.

    Raises
    ------
    UnreadableFile : more than 8 bits a channel.
    """
    if image.mode.startswith(("I", "F")):
        raise UnreadableFile(f"{path} must have 8 bits a channel, its mode is {image.mode}. Convert it.")
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    drawn = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGBA", drawn.size, "white")
    whole = Image.alpha_composite(paper, drawn).convert("RGB")
    return np.asarray(ImageOps.fit(whole, (size, size), Image.Resampling.BILINEAR)), frames
