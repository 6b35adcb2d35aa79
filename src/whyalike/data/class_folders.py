"""The user's folders of images: which are parts, which are classes, and which files belong to none.

``{train,test}/{class}/**`` or ``{class}/**``; hidden names, linked folders and other suffixes are passed by, and said.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from whyalike.data.class_names import check_spellings, report_lone
from whyalike.data.folders import SUFFIXES
from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.user_files import passed_by, shown

Classes = dict[str, list[str]]  # class -> files from the root on, sorted

# customary names of parts, without what stands between words, "set" and numbers: Train, validation_set, test-2017
_PART = re.compile(r"(train|training|val|valid|validation|dev|development|eval|evaluation|test|testing|heldout|holdout)"
                   r"(set|data|split|images)?\d*")  # fmt: skip


def files_by_class(root: Path, report: Callable[[str], None]) -> dict[str | None, Classes]:
    """Part (None where the folder has no folders of parts) -> class -> files from ``root`` on, sorted.

    ``report`` gets a line on what was passed by, and on what may be meant otherwise.

    Raises
    ------
    ValueError : no such folder, no classes, a class without images, folders that look like parts, or names of classes
        that are one in two spellings.
    """
    if not root.is_dir():
        raise ValueError(
            f"images: folder {root} must be a folder, there is none. Paths start at the working directory."
        )
    inside = _folders(root)
    parts = [part for part in IMAGE_PARTS if part in inside]
    parts = parts if parts and len(parts) == len(inside) else [None]
    found, others = {part: {} for part in parts}, []
    for path, taken in _walk(root, "", 0 if parts == [None] else 1):
        *above, _ = path.split("/") if parts != [None] else [None, *path.split("/")]
        if taken and len(above) > 1 and above[0] in found and Path(path).suffix.lower() in SUFFIXES:
            found[above[0]].setdefault(above[1], []).append(path)
        else:
            others.append(path)
    for part, classes in found.items():
        _check_level(root / (part or ""), classes, 1 if part is None else 2, report)
    check_spellings({name for classes in found.values() for name in classes}, f"images: {root}")
    report_lone(found, f"images: {root}", report)
    _report_beside(root, report)
    if others:
        report(f"images: {len(others)} files and folders in {root} are passed by: {passed_by(others)}")
    return {part: {name: sorted(classes[name]) for name in sorted(classes)} for part, classes in found.items()}


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _walk(root: Path, below: str, links: int) -> Iterator[tuple[str, bool]]:
    """Files from ``root`` on, and whether they may be read; of folders those that are not entered.

    These are hidden ones, and links more than ``links`` folders below the root: none may lead round in a circle.

    Raises
    ------
    OSError : a folder that may not be read.
    ValueError : a link to nothing, or a name that is no text.
    """
    for entry in sorted(os.scandir(root / below), key=lambda entry: entry.name):
        path, hidden = f"{below}{entry.name}", entry.name.startswith(".")
        if not hidden and entry.is_dir() and (below.count("/") <= links or not entry.is_symlink()):
            yield from _walk(root, f"{path}/", links)
            continue
        if not hidden and entry.is_symlink() and not (root / path).exists():
            raise ValueError(f"images: {root / path} is a link to nothing. Mend or remove it.")
        if not entry.name.isascii() and re.search("[\ud800-\udfff]", path):
            raise ValueError(f"images: in {root} the name {path!a} is not UTF-8. Rename the file or its folder.")
        yield path, entry.is_file() and not hidden


def _is_part(name: str) -> bool:
    return _PART.fullmatch(re.sub(r"[\s_.-]", "", name.casefold())) is not None


def _check_level(folder: Path, classes: Classes, depth: int, report: Callable[[str], None]) -> None:
    """Refuse folders that hold no images, are parts under other names, or lie a level above those of the classes."""
    inside = _folders(folder)
    empty = [name for name in inside if name not in classes]
    # classes whose images all lie in folders below: these folders
    deep = {name: {file.split("/")[depth] for file in files} for name, files in classes.items()
            if all(file.count("/") > depth for file in files)}  # fmt: skip
    named = [name for name in inside if _is_part(name)]
    if named and (len(named) == len(inside) or set(named) & deep.keys()):
        raise ValueError(
            f"images: {folder} must hold folders of classes, or train and test that hold them; {', '.join(named)} "
            "looks like a part. Rename parts to train and test, of which validation may join one or go elsewhere, "
            "move other folders away, and give a class of such a name another."
        )
    if empty or not inside:
        loose = any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())
        none = (
            "image files lie in it. Sort them into such folders, or give the folder above."
            if loose
            else "it holds no folder."
        )
        raise ValueError(
            f"images: {folder} must hold a folder of image files ({', '.join(sorted(SUFFIXES))}) for each class; "
            + (f"none in {', '.join(empty)}. Add files or remove the folder." if empty else none)
        )
    below = next(iter(deep.values()), set())
    if len(inside) == 1 and deep:
        raise ValueError(
            f"images: {folder} holds one folder, {inside[0]}, and all images lie in folders below it "
            f"({shown(sorted(below))}). Give {folder / inside[0]} if those are the classes."
        )
    if len(below) > 1 and len(deep) == len(inside) and all(names == below for names in deep.values()):
        report(f"images: the classes are {shown(inside)}; each holds the folders {shown(sorted(below))}. If those are "
               "the classes, sort the files by them.")  # fmt: skip


def _report_beside(root: Path, report: Callable[[str], None]) -> None:
    """Say that a folder is one part of several."""
    own = root.absolute()
    if not _is_part(own.name) or not os.access(own.parent, os.R_OK):
        return
    if beside := [name for name in _folders(own.parent) if _is_part(name) and name != own.name]:
        report(f"images: {shown(beside)} beside {root} is not read; the folder above holds both")
