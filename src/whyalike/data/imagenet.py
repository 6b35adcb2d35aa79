"""ImageNet (ILSVRC 2012, classification) from the user's folder: attribute `class`, the WordNet id.

The layout is that of the unpacked archives: `train/{wnid}/*.JPEG`, and the validation images, which are the test part,
in `val/{wnid}/` or as `val/ILSVRC2012_val_00000001.JPEG` and so on. The classes of the latter are those of the
development kit (`data/ILSVRC2012_validation_ground_truth.txt`, an ILSVRC id a line; `data/meta.mat`, whose `synsets`
without children give each id its WordNet id), or of Kaggle's `LOC_val_solution.csv` (`ImageId,PredictionString`, the
latter beginning with the WordNet id). Rows: by part, class, then name. Source: image-net.org, the kit's readme.txt; as
`torchvision.datasets.ImageNet` reads them.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scipy.io import loadmat

from whyalike.data.folders import SUFFIXES
from whyalike.data.picture_parameters import FOLDERS, TRUTH, WNID, ImageNetParameters, is_class, missing_folders
from whyalike.data.pictures import Picture, write_pictures
from whyalike.data.user_files import passed_by, shown
from whyalike.file_faults import readable

VERSION = 1  # raised when pixels or labels change
META = "data/meta.mat"
Report = Callable[[str], None]


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Report) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `ImageNetParameters`.
    folder : the prepared data set.
    threads : files decoded at a time; changes no pixel.
    report : gets what is passed by, and progress.

    Raises
    ------
    ValueError : no folders of classes, a class without images, validation images without classes, or a file that is no
        image; the message names it.
    """
    chosen = ImageNetParameters.model_validate(parameters)
    pictures = list(found("imagenet", chosen.folder, chosen.parts, chosen.answers, report))
    write_pictures("imagenet", VERSION, chosen, pictures, folder, threads, report)


def found(source: str, root: Path, parts: list[str], answers: Path, report: Report) -> Iterator[Picture]:
    """The pictures of some parts, each with its WordNet id.

    Parameters
    ----------
    source : that asks, for messages.
    root : the user's folder.
    parts : train, test or both.
    answers : the development kit or Kaggle's table, from ``root`` on.
    report : gets what is passed by.

    Raises
    ------
    ValueError : as `prepare`.
    """
    if fault := missing_folders(source, root, parts, answers):
        raise ValueError(fault)
    others = []
    for part in parts:
        own = root / FOLDERS[part]
        wnids = sorted(path.name for path in own.iterdir() if is_class(path))
        if part == "test" and not wnids:
            yield from _flat(source, root, answers, others)
            continue
        if not wnids:
            packed = any(WNID.fullmatch(path.stem) and path.suffix == ".tar" for path in own.iterdir())
            remedy = "Unpack each {wnid}.tar into a folder of its name." if packed else "Unpack the archive there."
            raise ValueError(f"{source}: {own} must hold a folder for each WordNet id (n01440764), none does. {remedy}")
        others += [path.relative_to(root).as_posix() for path in own.iterdir() if path.name not in wnids]
        for wnid in wnids:
            files = _images(root, own / wnid, others)
            if not files:
                raise ValueError(f"{source}: {own / wnid} holds no images (.JPEG). Unpack it again, or remove it.")
            yield from (Picture(part, wnid, file) for file in files)
    if others:
        report(f"{source}: {len(others)} files and folders in {root} are passed by: {passed_by(others)}")


def _images(root: Path, folder: Path, others: list[str]) -> list[str]:
    """Image files of a folder from the root on, sorted."""
    files = []
    for path in sorted(folder.iterdir()):
        known = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        (files if known else others).append(path.relative_to(root).as_posix())
    return files


def _flat(source: str, root: Path, answers: Path, others: list[str]) -> list[Picture]:
    """The validation images that lie in val itself, by class and name."""
    files = _images(root, root / FOLDERS["test"], others)
    place = root / answers
    classes = _of_table(place) if place.is_file() else _of_kit(place)
    if unknown := [file for file in files if Path(file).stem not in classes]:
        raise ValueError(f"{source}: no class is given for {shown(unknown)} in {root}. Correct `answers`.")
    if absent := sorted(classes.keys() - {Path(file).stem for file in files}):
        raise ValueError(
            f"{source}: {root / FOLDERS['test']} lacks {len(absent)} of {len(classes)} images: {shown(absent)}. "
            "Unpack ILSVRC2012_img_val.tar there again."
        )
    return sorted(
        (Picture("test", classes[Path(file).stem], file) for file in files), key=lambda one: (one.label, one.file)
    )


def _of_table(path: Path) -> dict[str, str]:
    with readable(path, "Kaggle's table with columns ImageId and PredictionString", "Fetch it again."):
        with path.open(encoding="utf-8", newline="") as file:
            rows = {row["ImageId"]: row["PredictionString"].split()[0] for row in csv.DictReader(file)}
        if not rows:
            raise ValueError("it has no rows")
        return rows


def _of_kit(kit: Path) -> dict[str, str]:
    with readable(kit / META, "meta.mat of the ILSVRC 2012 development kit", "Unpack the kit again."):
        synsets = loadmat(kit / META, squeeze_me=True)["synsets"]
        wnids = {int(one["ILSVRC2012_ID"]): str(one["WNID"]) for one in synsets if one["num_children"] == 0}
    with readable(kit / TRUTH, "the ILSVRC id of a validation image a line", "Unpack the kit again."):
        numbers = [int(line) for line in (kit / TRUTH).read_text(encoding="utf-8").split()]
        if unknown := sorted(set(numbers) - wnids.keys()):
            raise ValueError(f"{META} has no class {unknown[0]}")
    return {f"ILSVRC2012_val_{place:08d}": wnids[number] for place, number in enumerate(numbers, start=1)}
