"""CIFAR-10, CIFAR-100, MNIST and SVHN from the user's folder, through torchvision's own readers.

Files are accepted by their official MD5 sums alone, before anything is read (CIFAR's are pickles, which run code).
Images keep their order: training, then test, each as torchvision counts them. torchvision is imported when a function
needs it, since that takes 3 s. Nothing is downloaded but by `download`.
Sources: A. Krizhevsky, Learning multiple layers of features from tiny images (2009); Y. LeCun et al., Gradient-based
learning applied to document recognition (1998); Y. Netzer et al., Reading digits in natural images (2011).
"""

import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.layouts import MNIST
from whyalike.data.parameters import (
    Cifar10Parameters,
    Cifar100Parameters,
    MnistParameters,
    OfficialParameters,
    SvhnParameters,
)
from whyalike.data.prepared import write_prepared

VERSION = 1  # raised when pixels or labels change

# sums of the unpacked files: torchvision has those of the .gz files only, and reads the unpacked ones unchecked
MNIST_UNPACKED = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

Report = Callable[[str], None]
Part = tuple[np.ndarray, np.ndarray]  # uint8 (n, h, w, c), and the class of each image as text (n,)


@dataclass(frozen=True)
class _Source:
    """A data set: `read` gives its training and its test part, `md5` the sum of every file, `fetch` downloads it."""

    parameters: type[OfficialParameters]
    attribute: str
    read: Callable[[Path], tuple[Part, Part]]
    md5: Callable[[], dict[str, str]]
    fetch: Callable[[Path], None]


def prepare_cifar10(parameters: Mapping[str, Any], folder: Path, threads: int, report: Report) -> None:
    """Write CIFAR-10: attribute `class`, with the names of batches.meta; see `_prepare`."""
    _prepare("cifar10", parameters, folder, report)


def prepare_cifar100(parameters: Mapping[str, Any], folder: Path, threads: int, report: Report) -> None:
    """Write CIFAR-100: attribute `class`, with the fine names of meta; see `_prepare`."""
    _prepare("cifar100", parameters, folder, report)


def prepare_mnist(parameters: Mapping[str, Any], folder: Path, threads: int, report: Report) -> None:
    """Write MNIST: attribute `digit`; see `_prepare`."""
    _prepare("mnist", parameters, folder, report)


def prepare_svhn(parameters: Mapping[str, Any], folder: Path, threads: int, report: Report) -> None:
    """Write SVHN, the cropped digits without the extra ones: attribute `digit`; see `_prepare`."""
    _prepare("svhn", parameters, folder, report)


def check(source: str, root: Path) -> dict[str, str]:
    """Compare every file of a data set with its official MD5 sum.

    Parameters
    ----------
    source : name of the source.
    root : the user's folder, as torchvision's readers take it.

    Returns
    -------
    The sums, by path from `root` on.

    Raises
    ------
    ValueError : files are missing or differ; one message names them all, and where to get the data set.
    """
    known, layout, faults = _SOURCES[source].md5(), _SOURCES[source].parameters.layout, []
    for path in layout.paths():
        if found := layout.find(root, path):
            came, official = _md5(found), known[found.relative_to(root).as_posix()]
            if came != official:
                faults.append(f"{found.name} is damaged or another file (MD5 {came}, official {official}), delete it")
    if faults or layout.absent(root):
        raise ValueError(layout.message(root, faults))
    return {path: known[path] for path in layout.paths()}


def download(source: str, chosen: OfficialParameters, report: Report) -> None:
    """Let torchvision download what is not in the user's folder yet, then check all of it.

    Parameters
    ----------
    source : name of the source.
    chosen : its parameters.
    report : gets a line before and after.

    Raises
    ------
    OSError : no network, no room, or the server does not answer.
    ValueError : the data set has to be fetched by hand, or a file is not the official one.
    """
    layout, root = chosen.layout, chosen.folder
    if not layout.downloads:
        raise ValueError(f"{layout.title} has to be fetched by hand, from {layout.origin}. Unpack it in {root}.")
    report(f"{source}: downloading {layout.title} to {root}")
    try:
        _SOURCES[source].fetch(root)
    except (OSError, RuntimeError) as error:
        raise OSError(f"{layout.title} could not be downloaded ({error}). It comes from {layout.origin}.") from error
    check(source, root)
    report(f"{source}: {layout.title} is whole in {root}")


def _prepare(source: str, parameters: Mapping[str, Any], folder: Path, report: Report) -> None:
    """Check the user's files, read them and write the prepared data set, without the path of the former in it."""
    chosen = _SOURCES[source].parameters.model_validate(parameters)
    report(f"{source}: checking the files in {chosen.folder}")
    files = check(source, chosen.folder)
    parts = _SOURCES[source].read(chosen.folder)
    labels = pd.DataFrame(
        {
            "part": np.repeat(IMAGE_PARTS, [len(images) for images, _ in parts]),
            _SOURCES[source].attribute: np.concatenate([classes for _, classes in parts]),
        }
    )
    images = np.concatenate([images for images, _ in parts])
    write_prepared(
        folder, images, labels, [_SOURCES[source].attribute], {"source": source, "version": VERSION, "md5": files}
    )
    report(f"{source}: {len(images)} images, {len(parts[0][0])} for training")


def _read_cifar(name: str, root: Path) -> tuple[Part, Part]:
    from torchvision import datasets

    def part(train: bool) -> Part:
        dataset = getattr(datasets, name)(root, train=train)
        return dataset.data, np.array(dataset.classes)[dataset.targets]

    return part(True), part(False)


def _read_mnist(root: Path) -> tuple[Part, Part]:
    from torchvision.datasets import MNIST as Reader

    def part(scratch: str, train: bool) -> Part:
        dataset = Reader(scratch, train=train)
        return dataset.data.numpy()[..., None], dataset.targets.numpy().astype(str)

    # torchvision reads unpacked files only, and a converted copy (MNIST/processed) in their place if there is one:
    # a folder of just the files that were checked
    with tempfile.TemporaryDirectory() as scratch:
        for path in MNIST.paths():
            target, found = Path(scratch, path), MNIST.find(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            if found.suffix == ".gz":
                with gzip.open(found) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
            else:
                target.symlink_to(found.absolute())
        return part(scratch, True), part(scratch, False)


def _read_svhn(root: Path) -> tuple[Part, Part]:
    from torchvision.datasets import SVHN as Reader

    def part(split: str) -> Part:
        dataset = Reader(root, split=split)
        return dataset.data.transpose(0, 2, 3, 1), dataset.labels.astype(str)  # (n, c, h, w) -> (n, h, w, c)

    return part("train"), part("test")


def _cifar_md5(name: str) -> dict[str, str]:
    from torchvision import datasets

    known = getattr(datasets, name)
    files = [*known.train_list, *known.test_list, (known.meta["filename"], known.meta["md5"])]
    return {f"{known.base_folder}/{file}": md5 for file, md5 in files}


def _mnist_md5() -> dict[str, str]:
    from torchvision.datasets import MNIST as Reader

    return {**MNIST_UNPACKED, **{f"{MNIST.inner}/{file}": md5 for file, md5 in Reader.resources}}


def _svhn_md5() -> dict[str, str]:
    from torchvision.datasets import SVHN as Reader

    return {file: md5 for _, file, md5 in (Reader.split_list[part] for part in IMAGE_PARTS)}


def _fetch(name: str, root: Path) -> None:
    from torchvision import datasets

    getattr(datasets, name)(root, download=True)


def _fetch_svhn(root: Path) -> None:
    from torchvision.datasets import SVHN as Reader

    for part in IMAGE_PARTS:
        Reader(root, split=part, download=True)


def _md5(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


_SOURCES = {
    "cifar10": _Source(
        Cifar10Parameters,
        "class",
        partial(_read_cifar, "CIFAR10"),
        partial(_cifar_md5, "CIFAR10"),
        partial(_fetch, "CIFAR10"),
    ),
    "cifar100": _Source(
        Cifar100Parameters,
        "class",
        partial(_read_cifar, "CIFAR100"),
        partial(_cifar_md5, "CIFAR100"),
        partial(_fetch, "CIFAR100"),
    ),
    "mnist": _Source(MnistParameters, "digit", _read_mnist, _mnist_md5, partial(_fetch, "MNIST")),
    "svhn": _Source(SvhnParameters, "digit", _read_svhn, _svhn_md5, _fetch_svhn),
}
