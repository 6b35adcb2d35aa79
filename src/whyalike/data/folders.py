"""Drawings and glyphs from folders of image files, such as the two Kaggle sets that the published images were made of.

Any layout is accepted in which the files of a class lie in a folder of its name, at any depth, possibly in several
(train/kite, test/kite). Ink is what differs from the colour of the image's border.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from whyalike.data.user_files import passed_by
from whyalike.file_faults import readable
from whyalike.job import note
from whyalike.randomness import keyed

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
LEAST_CONTRAST = 32  # of 255: below it an image is taken to be blank
INK = (0.1, 0.9)  # shares of the largest contrast that become 0 and 255: removes the noise of JPEG


def class_files(root: Path, names: Iterable[str], at_most: int, seed: int) -> dict[str, dict[str, Path]]:
    """Find the image files of each class.

    Parameters
    ----------
    root : folder to search.
    names : classes; folders of these names (upper or lower case) hold their files.
    at_most : files a class; of more, a keyed choice is taken.
    seed : of that choice.

    Returns
    -------
    For each class, the files by their path relative to `root`, in sorted order. What else lies in their folders, and
    linked folders, which are not entered, are said.

    Raises
    ------
    ValueError : a class has fewer than two files.
    OSError : a folder may not be read.
    """
    names = list(names)
    found: dict[str, dict[str, Path]] = {name: {} for name in names}
    others = []
    for folder, below, files in os.walk(root, onerror=_fail):
        name = Path(folder).name.lower()
        others += [Path(folder, one) for one in below if Path(folder, one).is_symlink()]
        for file in files if name in found else ():
            path = Path(folder, file)
            if path.suffix.lower() in SUFFIXES:
                found[name][path.relative_to(root).as_posix()] = path
            else:
                others.append(path)
    if others:
        passed = passed_by(path.relative_to(root).as_posix() for path in others)
        note(f"{len(others)} files and folders in {root} are passed by: {passed}")
    poor = [f"{name} ({len(found[name])})" for name in names if len(found[name]) < 2]
    if poor:
        raise ValueError(
            f"{root} must hold a folder with at least two image files ({', '.join(sorted(SUFFIXES))}) for each of "
            f"{', '.join(names)}, at any depth; too few files for {', '.join(poor)}. Rename or add the folders."
        )
    return {name: _choose(files, at_most, keyed(seed, "files", name)) for name, files in found.items()}


def _fail(error: OSError) -> None:
    raise error


def _choose(files: dict[str, Path], at_most: int, random: np.random.Generator) -> dict[str, Path]:
    names = sorted(files)
    chosen = sorted(random.permutation(len(names))[:at_most])
    return {names[i]: files[names[i]] for i in chosen}


def read_mask(path: Path) -> Image.Image:
    """The ink of an image file as a mask of mode "L": 255 where it differs most from the border, 0 where it is like it.

    Raises
    ------
    ValueError : the file is no image, or is blank.
    """
    with readable(path, "an image file", "Repair it, scale it down or remove it."), Image.open(path) as image:
        drawn = image.convert("RGBA")
    paper = Image.new("RGBA", drawn.size, "white")
    grey = np.asarray(Image.alpha_composite(paper, drawn).convert("L"), dtype=np.float64)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    contrast = np.abs(grey - np.median(border))
    if contrast.max() < LEAST_CONTRAST:
        raise ValueError(
            f"{path} must show ink on a plain ground, its largest contrast is {contrast.max():.0f} of 255. Remove it."
        )
    share = (contrast / contrast.max() - INK[0]) / (INK[1] - INK[0])
    return Image.fromarray(np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8))


def digest(files: dict[str, dict[str, Path]]) -> str:
    """One hash of names and contents of the files in use: it stands for the folder, whose path says nothing."""
    total = hashlib.sha256()
    for members in files.values():
        for name, path in members.items():
            total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
