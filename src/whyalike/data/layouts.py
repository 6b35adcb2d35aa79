"""Published data sets in the user's folders: which files must be there, and what to say when they are not.

The files are those that the publishers' archives unpack to, where torchvision's readers look for them (the tests
compare both). Only the standard library is imported: a dry-run asks what is missing. Whether the bytes are the official
ones is checked when a data set is prepared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN = 5  # files, and faults, named in one message


@dataclass(frozen=True)
class Layout:
    """The files of a published data set.

    Attributes
    ----------
    title : its name in messages.
    inner : the folder, within the user's folder, that holds the files; "" for none.
    files : files and folders within `inner`.
    origin : where to get it, in words.
    archive : file that holds all of it, which the user may have forgotten to unpack; "" for none.
    packed : each file may also lie there as .gz.
    downloads : torchvision can download it.
    """

    title: str
    inner: str
    files: tuple[str, ...]
    origin: str
    archive: str = ""
    packed: bool = False
    downloads: bool = True

    def paths(self) -> tuple[str, ...]:
        """The files, from the user's folder on."""
        return tuple(Path(self.inner, file).as_posix() for file in self.files)

    def find(self, folder: Path, path: str) -> Path | None:
        """Where one of `paths` lies in the user's folder (as it is, or else as .gz), or None."""
        names = (path, f"{path}.gz") if self.packed else (path,)
        return next((folder / name for name in names if (folder / name).exists()), None)

    def absent(self, folder: Path) -> list[str]:
        """Those of `files` that are not in the user's folder."""
        return [file for file, path in zip(self.files, self.paths(), strict=True) if self.find(folder, path) is None]

    def missing(self, folder: Path) -> str | None:
        """The message for files that are not there; None if all are."""
        return self.message(folder) if self.absent(folder) else None

    def message(self, folder: Path, faults: Sequence[str] = ()) -> str:
        """One line: what must hold, what is missing or otherwise wrong, what to do.

        Parameters
        ----------
        folder : the user's.
        faults : what else is wrong, each with a path within `inner`.
        """
        wrong, absent = list(faults), self.absent(folder)
        if absent:
            wrong.insert(0, f"{len(absent)} of {len(self.files)} files are missing ({_some(absent, ', ')})")
        return (
            f"{self.title} must lie as published in {folder / self.inner}: {_some(wrong, '; ')}.{self._hint(folder)} "
            f"It comes from {self.origin}. Put it there, or set `folder` to where it is."
        )

    def _hint(self, folder: Path) -> str:
        """What people get wrong most: the folder is one too deep, or the archive was not unpacked."""
        if self.inner and not (folder / self.inner).exists():
            if self.archive and (folder / self.archive).is_file():
                return f" Unpack {folder / self.archive}."
            if all((folder / file).exists() for file in self.files):
                return f" Its files lie in {folder} itself: the folder to set is the one that holds {self.inner}/."
        return ""


def _some(things: Sequence[str], between: str) -> str:
    rest = [f"and {len(things) - SHOWN} more"] if len(things) > SHOWN else []
    return between.join([*things[:SHOWN], *rest])


CIFAR10 = Layout(
    title="CIFAR-10",
    inner="cifar-10-batches-py",
    files=(*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
    origin="www.cs.toronto.edu/~kriz/cifar.html, the Python version (163 MB)",
    archive="cifar-10-python.tar.gz",
)
CIFAR100 = Layout(
    title="CIFAR-100",
    inner="cifar-100-python",
    files=("train", "test", "meta"),
    origin="www.cs.toronto.edu/~kriz/cifar.html, the Python version (161 MB)",
    archive="cifar-100-python.tar.gz",
)
MNIST = Layout(
    title="MNIST",
    inner="MNIST/raw",
    files=tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
    origin="yann.lecun.com/exdb/mnist or its mirror ossci-datasets.s3.amazonaws.com/mnist (four .gz files, 12 MB)",
    packed=True,
)
SVHN = Layout(
    title="SVHN",
    inner="",
    files=("train_32x32.mat", "test_32x32.mat"),
    origin="ufldl.stanford.edu/housenumbers, format 2: cropped digits (246 MB)",
)
TINYIMAGENET = Layout(
    title="TinyImageNet",
    inner="tiny-imagenet-200",
    files=("wnids.txt", "words.txt", "train", "val/images", "val/val_annotations.txt"),
    origin="cs231n.stanford.edu/tiny-imagenet-200.zip (248 MB)",
    archive="tiny-imagenet-200.zip",
    downloads=False,
)
