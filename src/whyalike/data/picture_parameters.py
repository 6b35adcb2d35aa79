"""The parameters of the sources that read published sets of pictures: `webdataset`, `imagenet` and `breeds`."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from whyalike.data.parameters import Distinct, Folder, Parameters, Seed, Title
from whyalike.data.user_files import shown
from whyalike.section import Count, Side

HIERARCHY = ("class_hierarchy.txt", "dataset_class_info.json", "node_names.txt")
SUPERCLASSES = {"entity13": 13, "entity30": 30, "living17": 17, "nonliving26": 26}  # as published
Answers = Annotated[
    Folder,
    Field(
        description="Where val holds files alone, what their classes are: the unpacked development kit, or Kaggle's "
        "LOC_val_solution.csv; from `folder` on."
    ),
]
FOLDERS, WNID = {"train": "train", "test": "val"}, re.compile(r"n\d{8}")  # of ImageNet
TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"  # in its development kit
COUNT_OF_SHARDS, SHARD = "nshards.txt", re.compile(r"(\d+)\.tar")


class PictureParameters(Parameters):
    """What they share: which parts, which pictures of them, at which size."""

    folder: Folder = Field(description="The folder of the set, in the layout of its publisher.")
    title: Title
    size: Side = Field(description="Edge of an image in pixels: files are cropped to their middle square, then scaled.")
    parts: Annotated[list[Literal["train", "test"]], Distinct] = Field(
        ["train", "test"], min_length=1, description="The parts to read."
    )
    balanced: Count | None = Field(
        None,
        description="Of a part with more images than this n, take ceil(n / classes) of each class, or all of a "
        "smaller one; the others are not decoded. Keyed by `seed` and `title`. All images if left out.",
    )
    rows: Folder | None = Field(
        None,
        description="In place of `balanced`: a JSON file of the rows to take of the training part, from 0 on, in a "
        "list or in one a class, as the published subset_indices_train.json. Needs `parts: [train]`.",
    )
    seed: Seed = 0

    @field_validator("rows")
    @classmethod
    def _are_the_one_draw(cls, rows: Path | None, about: ValidationInfo) -> Path | None:
        if rows is not None and about.data.get("balanced") is not None:
            raise ValueError("rows and balanced are two ways to draw: leave one out.")
        if rows is not None and about.data.get("parts") != ["train"]:
            raise ValueError("rows are of the training part: add `parts: [train]`.")
        return rows

    def missing(self) -> str | None:
        """Files that are not there; of a WebDataset its preparation tells whether the last shards are."""
        if self.rows is not None and not self.rows.is_file():
            return f"there is no file of rows {self.rows}. Correct `rows`."
        return self._absent()

    def _absent(self) -> str | None:
        """What is not there of the set itself."""
        raise NotImplementedError


class WebDatasetParameters(PictureParameters):
    """A CLIP-benchmark WebDataset as the Hugging Face hub has it: {train,test}/{0,1,...}.tar and nshards.txt."""

    folder: Folder = Field(description="The folder of one data set, such as wds_vtab-flowers, with train and test.")

    def _absent(self) -> str | None:
        return missing_shards("webdataset", self.folder, self.parts)


class ImageNetParameters(PictureParameters):
    """ImageNet (ILSVRC 2012) as unpacked: train/{wnid}/*.JPEG, and val/{wnid}/*.JPEG or val/*.JPEG; val is `test`."""

    folder: Folder = Field(description="Folder that holds train and val.")
    answers: Answers = Path("ILSVRC2012_devkit_t12")

    def _absent(self) -> str | None:
        return missing_folders("imagenet", self.folder, self.parts, self.answers)


class BreedsParameters(PictureParameters):
    """A BREEDS task: ImageNet under superclasses; training images and test images are of other subclasses of them."""

    task: Literal["entity13", "entity30", "living17", "nonliving26"] = Field(description="Which task.")
    test_classes: Literal["target", "source"] = Field(
        "target",
        description="Subclasses of the test images: target are those that no training image is of, source those of the "
        "training images.",
    )
    folder: Folder = Field(
        description="ImageNet, as the source `imagenet` takes it, or as shards (wds_imagenet1k), as `webdataset` does."
    )
    answers: Answers = Path("ILSVRC2012_devkit_t12")
    hierarchy: Folder = Field(
        Path("data/breeds"), description=f"Folder with the authors' modified hierarchy: {', '.join(HIERARCHY)}."
    )

    def values(self, attribute: str) -> int:
        """Number of superclasses."""
        return SUPERCLASSES[self.task]

    def sharded(self) -> bool:
        """Whether ImageNet lies there as shards."""
        return any((self.folder / part / COUNT_OF_SHARDS).is_file() for part in self.parts)

    def _absent(self) -> str | None:
        if absent := [name for name in HIERARCHY if not (self.hierarchy / name).is_file()]:
            return (
                f"breeds: {self.hierarchy} must hold {', '.join(HIERARCHY)}, missing: {', '.join(absent)}. They come "
                "from github.com/MadryLab/BREEDS-Benchmarks, imagenet_class_hierarchy/modified. Put them there, or set "
                "`hierarchy` to where they are."
            )
        if self.sharded():
            return missing_shards("breeds", self.folder, self.parts)
        return missing_folders("breeds", self.folder, self.parts, self.answers)


def missing_shards(source: str, folder: Path, parts: list[str]) -> str | None:
    """The message for what is not there of a WebDataset, by the names of files; None if nothing lacks."""
    absent = []
    for part in parts:
        found = shard_numbers(folder / part)
        whole = range(max(found, default=0) + 1)
        absent += [f"{part}/{COUNT_OF_SHARDS}"] * (not (folder / part / COUNT_OF_SHARDS).is_file())
        absent += [f"{part}/{number}.tar" for number in whole if number not in found]
    if not absent:
        return None
    return (
        f"{source}: {folder} must be a WebDataset as CLIP-benchmark has it, missing: {shown(absent)}. It comes from "
        "huggingface.co/datasets/clip-benchmark (git lfs pull). Put it there, correct `folder`, or name the part that "
        "you have under `parts`."
    )


def shard_numbers(folder: Path) -> list[int]:
    """The numbers of the shards in the folder of a part, ascending."""
    names = (SHARD.fullmatch(path.name) for path in folder.glob("*.tar"))
    return sorted(int(name[1]) for name in names if name)


def missing_folders(source: str, folder: Path, parts: list[str], answers: Path) -> str | None:
    """The message for folders of ImageNet, or classes of its validation images, that are not there; else None."""
    absent = [FOLDERS[part] for part in parts if not (folder / FOLDERS[part]).is_dir()]
    if absent:
        return (
            f"{source}: {folder} must hold ImageNet (ILSVRC 2012) with the folders train and val, missing: "
            f"{', '.join(absent)}. It comes from image-net.org, for those who may have it. Unpack it there, correct "
            "`folder`, or name the part that you have under `parts`."
        )
    val, place = folder / FOLDERS["test"], folder / answers
    if "test" not in parts or place.is_file() or (place / TRUTH).is_file() or any(map(is_class, val.iterdir())):
        return None
    return (
        f"{source}: {val} holds no folders of classes, so their classes are needed: the ILSVRC 2012 development kit "
        f"({TRUTH}), or Kaggle's LOC_val_solution.csv. {place} is neither. Set `answers`."
    )


def is_class(path: Path) -> bool:
    """Whether a path is the folder of a class of ImageNet."""
    return WNID.fullmatch(path.name) is not None and path.is_dir()
