"""CLIP-benchmark's WebDatasets from the user's folder: attribute `class`, "{number} {name}".

The layout is that of huggingface.co/datasets/clip-benchmark/wds_*::

    train/nshards.txt              the number of shards
    train/0.tar, train/1.tar, ...  members s0000000.cls and s0000000.webp (or .jpg, .jpeg, .png), s0000001.cls, ...
    test/                          the same
    classnames.txt                 a name a line, that of class 0 first
    zeroshot_classification_templates.txt, dataset_type.txt

A sample is the members of one name in a row, up to the first dot; `.cls` holds the number of its class. Shards are
walked through, never unpacked; of the pictures only those drawn are read. Rows: by part, shard, then place in it, which
is the order of `webdataset.WebDataset` with one worker. Names alone do not tell classes apart: ImageNet's has "missile"
and "sunglasses" twice. Source: LAION-AI/CLIP_benchmark, `webdataset_builder.convert_dataset` (writes the layout) and
`datasets/builder.build_wds_dataset` (reads it); webdataset, `tariterators.group_by_keys`.
"""

import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from whyalike.data.picture_parameters import COUNT_OF_SHARDS, WebDatasetParameters, shard_numbers
from whyalike.data.pictures import Picture, write_pictures
from whyalike.data.user_files import passed_by, shown
from whyalike.file_faults import UnreadableFile, readable

VERSION = 1  # raised when pixels or labels change
IMAGES = ("webp", "png", "jpg", "jpeg")  # as build_wds_dataset decodes them
NAMES, TYPE = "classnames.txt", "dataset_type.txt"
AGAIN = "Fetch it again."
END = bytes(tarfile.BLOCKSIZE)  # what a whole archive ends with, twice


@dataclass
class _Sample:
    """The members of one name: suffix -> where the content begins and ends, and the number of the class."""

    key: str
    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    number: int = -1

    def image(self) -> str:
        return next((suffix for suffix in IMAGES if suffix in self.members), "")


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `WebDatasetParameters`.
    folder : the prepared data set.
    threads : pictures decoded at a time; changes no pixel.
    report : gets what is passed by, and progress.

    Raises
    ------
    ValueError : no WebDataset of classes, shards that are not as many as said, or a shard, a sample or a picture that
        cannot be read; the message names it.
    """
    chosen = WebDatasetParameters.model_validate(parameters)
    found = list(samples("webdataset", chosen.folder, chosen.parts, report))
    names = class_names(chosen.folder)
    if names is None:
        report(f"webdataset: {chosen.folder} has no {NAMES}: classes are called by their numbers")
    for number, picture in found:
        if names is not None and number >= len(names):
            raise ValueError(
                f"{chosen.folder / picture.holder}: {PurePosixPath(picture.file).name} is of class {number}, and "
                f"{NAMES} has {len(names)} names, from 0 on. Fetch both again."
            )
    most = max((number for number, _ in found), default=0) if names is None else len(names) - 1
    called = {
        number: f"{number:0{len(str(most))}d} {names[number] if names else ''}".strip() for number in range(most + 1)
    }
    pictures = [replace(picture, label=called[number]) for number, picture in found]
    write_pictures("webdataset", VERSION, chosen, pictures, folder, threads, report)


def samples(
    source: str, folder: Path, parts: list[str], report: Callable[[str], None]
) -> Iterator[tuple[int, Picture]]:
    """The number of the class and the picture, still without a label, of every sample of some parts.

    Raises
    ------
    ValueError : as `prepare`.
    """
    if (kind := _text(folder / TYPE).strip().lower() if (folder / TYPE).is_file() else "") not in (
        "", "classification",
    ):  # fmt: skip
        raise ValueError(f"{source}: {folder / TYPE} says {kind}; only sets with one class an image are read.")
    others = []
    for part in parts:
        for shard in _shards(source, folder / part):
            holder = shard.relative_to(folder).as_posix()
            for sample in _samples(shard, others):
                start, end = sample.members[sample.image()]
                file = f"{holder}/{sample.key}.{sample.image()}"
                yield sample.number, Picture(part, "", file, holder, start, end - start)
    if others:
        report(f"{source}: {len(others)} members of shards are passed by: {passed_by(others)}")


def class_names(folder: Path) -> list[str] | None:
    """The names of the classes in the order of their numbers; None where none are given."""
    path = folder / NAMES
    return [line.strip() for line in _text(path).splitlines()] if path.is_file() else None


def _shards(source: str, folder: Path) -> list[Path]:
    """The shards of a part in their order, as many as its count says."""
    said, found = _text(folder / COUNT_OF_SHARDS).strip(), shard_numbers(folder)
    if not said.isdecimal() or not int(said):
        raise ValueError(f"{source}: {folder / COUNT_OF_SHARDS} must hold the number of shards, got {said!r}. {AGAIN}")
    if absent := [f"{number}.tar" for number in range(int(said)) if number not in found]:
        raise ValueError(
            f"{source}: {folder} must hold the {said} shards that {COUNT_OF_SHARDS} says, missing: {shown(absent)}. "
            "Fetch them (git lfs pull)."
        )
    if beyond := [f"{number}.tar" for number in found if number >= int(said)]:
        raise ValueError(
            f"{source}: {folder} holds {shown(beyond)} beyond the {said} shards that {COUNT_OF_SHARDS} says. Remove "
            "what does not belong to it, or fetch the count again."
        )
    return [folder / f"{number}.tar" for number in range(int(said))]


def _text(path: Path) -> str:
    with readable(path, "text in UTF-8, as CLIP-benchmark has it", AGAIN):
        return path.read_text(encoding="utf-8")


def _samples(shard: Path, others: list[str]) -> Iterator[_Sample]:
    """The samples of a shard; members that are none are added to ``others``.

    Raises
    ------
    UnreadableFile : the shard is cut off or damaged, or a sample has no class or no picture.
    """
    with readable(shard, "a tar archive, not compressed", AGAIN), tarfile.open(shard, "r:") as archive:
        sample = _Sample("")
        for member in _members(shard, archive):
            key, _, suffix = PurePosixPath(member.name).name.partition(".")
            key, suffix = str(PurePosixPath(member.name).with_name(key)) if key else "", suffix.lower()
            if not member.isreg() or suffix not in ("cls", *IMAGES):
                others.append(f"{shard.parent.name}/{shard.name}/{member.name}")
                continue
            if key != sample.key:
                if sample.key:
                    yield _checked(shard, sample)
                sample = _Sample(key)
            if suffix in sample.members:
                raise UnreadableFile(f"{shard} holds {member.name} twice. {AGAIN}")
            sample.members[suffix] = (member.offset_data, member.offset_data + member.size)
            if suffix == "cls":
                sample.number = _number(shard, member, archive.extractfile(member).read())
        if sample.key:
            yield _checked(shard, sample)


def _members(shard: Path, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members of an archive; tarfile takes one that ends too early, or a broken header, for its end."""
    last = "its beginning"
    try:
        for member in archive:
            last = member.name
            yield member
    except tarfile.TarError as error:
        raise UnreadableFile(f"{shard} is cut off or damaged in or behind {last} ({error}). {AGAIN}") from error
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(len(END)) != END:
        raise UnreadableFile(f"{shard} is cut off or damaged in or behind {last}. {AGAIN}")


def _number(shard: Path, member: tarfile.TarInfo, content: bytes) -> int:
    if not content.strip().isdigit():
        raise UnreadableFile(f"{shard}: {member.name} must hold the number of a class, got {content[:40]!r}. {AGAIN}")
    return int(content)


def _checked(shard: Path, sample: _Sample) -> _Sample:
    lacks = "" if sample.image() else f"no picture ({', '.join(IMAGES)})"
    lacks = lacks if "cls" in sample.members else f"no {sample.key}.cls, the number of its class"
    if lacks:
        raise UnreadableFile(f"{shard}: the sample {sample.key} has {lacks}. {AGAIN}")
    return sample
