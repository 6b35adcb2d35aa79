"""Small data sets in exactly the layouts that the publishers hand out, for the readers to find.

CIFAR: www.cs.toronto.edu/~kriz/cifar.html, "Dataset layout / Python version": pickled dictionaries with `data` (n x
3072 uint8: the red, green and blue planes, each by row) and `labels` or `fine_labels`; names in batches.meta
(`label_names`) and meta (`fine_label_names`). MNIST: the IDX format of yann.lecun.com/exdb/mnist: big-endian magic
number (2051 images, 2049 labels), the sizes, then bytes. SVHN: ufldl.stanford.edu/housenumbers, format 2: X (32 x 32 x
3 x n) and y (n x 1), where 10 stands for the digit 0. TinyImageNet: the listing of
cs231n.stanford.edu/tiny-imagenet-200.zip (wnids.txt, words.txt, train/{wnid}/images/{wnid}_{i}.JPEG beside
{wnid}_boxes.txt, val/images/val_{i}.JPEG, val/val_annotations.txt, test/images).
"""

import gzip
import hashlib
import pickle
import struct

import numpy as np
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

from whyalike.data import torchvision_sets

CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
WNIDS = ("n01443537", "n01629819", "n02012849")  # not sorted in wnids.txt


def bytes_of(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cifar10(root, n=5):
    base = root / "cifar-10-batches-py"
    base.mkdir(parents=True)
    for place, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        labels = [(place + i) % 10 for i in range(n)]
        _pickle(base / name, {"batch_label": name, "labels": labels, "data": bytes_of(n, 3072, seed=place)})
    _pickle(base / "batches.meta", {"num_cases_per_batch": n, "label_names": CIFAR10_NAMES, "num_vis": 3072})


def cifar100(root, n=6):
    base = root / "cifar-100-python"
    base.mkdir(parents=True)
    for place, name in enumerate(["train", "test"]):
        labels = {"fine_labels": [99 - i for i in range(n)], "coarse_labels": [0] * n}
        _pickle(base / name, {"batch_label": name, **labels, "data": bytes_of(n, 3072, seed=place)})
    names = ["apple", "aquarium_fish", *(f"class {i:02d}" for i in range(2, 100))]
    _pickle(base / "meta", {"fine_label_names": names, "coarse_label_names": ["fish"]})


def mnist(root, n=5, packed=()):
    base = root / "MNIST" / "raw"
    base.mkdir(parents=True)
    for place, part in enumerate(("train", "t10k")):
        images, labels = bytes_of(n, 28, 28, seed=place), np.arange(n, dtype=np.uint8)[::-1]
        files = {
            f"{part}-images-idx3-ubyte": struct.pack(">4i", 2051, n, 28, 28) + images.tobytes(),
            f"{part}-labels-idx1-ubyte": struct.pack(">2i", 2049, n) + labels.tobytes(),
        }
        for name, content in files.items():
            if name in packed:
                (base / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
            else:
                (base / name).write_bytes(content)


def svhn(root, n=7):
    root.mkdir(parents=True)
    for place, part in enumerate(("train", "test")):
        y = np.array([[10, 1, 9, 2, 10, 5, 3][i % 7] for i in range(n)], dtype=np.uint8)[:, None]
        savemat(root / f"{part}_32x32.mat", {"X": bytes_of(32, 32, 3, n, seed=place), "y": y})


def tinyimagenet(root, train=4, test=2):
    base = root / "tiny-imagenet-200"
    for wnid in WNIDS:
        images = base / "train" / wnid / "images"
        images.mkdir(parents=True)
        for i in range(train):
            _jpeg(images / f"{wnid}_{i}.JPEG", grey=i == 1)
        boxes = "".join(f"{wnid}_{i}.JPEG\t0\t0\t63\t63\n" for i in range(train))
        (base / "train" / wnid / f"{wnid}_boxes.txt").write_text(boxes)
    (base / "val" / "images").mkdir(parents=True)
    (base / "test" / "images").mkdir(parents=True)
    lines = [f"val_{i}.JPEG\t{WNIDS[i % len(WNIDS)]}\t0\t44\t62\t63\n" for i in range(test * len(WNIDS))]
    for line in lines:
        _jpeg(base / "val" / "images" / line.split("\t")[0])
    (base / "val" / "val_annotations.txt").write_text("".join(lines))
    (base / "wnids.txt").write_text("".join(f"{wnid}\n" for wnid in reversed(WNIDS)))
    names = ("goldfish, Carassius auratus", "European fire salamander, Salamandra salamandra", "crane")
    words = [*zip(WNIDS, names, strict=True), ("n03126707", "crane")]
    (base / "words.txt").write_text("".join(f"{wnid}\t{name}\n" for wnid, name in words))


MAKERS = {"cifar10": cifar10, "cifar100": cifar100, "mnist": mnist, "svhn": svhn}
READERS = {
    "cifar10": lambda root, part: datasets.CIFAR10(root, train=part == "train"),
    "cifar100": lambda root, part: datasets.CIFAR100(root, train=part == "train"),
    "mnist": lambda root, part: datasets.MNIST(root, train=part == "train"),
    "svhn": lambda root, part: datasets.SVHN(root, split=part),
}


def accept(monkeypatch, source, root):
    """Put the sums of the small files in the tables of official sums: everything else runs as with the real ones."""
    if source.startswith("cifar"):
        known = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[source]
        base = root / known.base_folder
        for table in ("train_list", "test_list"):
            monkeypatch.setattr(known, table, [(name, md5(base / name)) for name, _ in getattr(known, table)])
        monkeypatch.setattr(known, "meta", {**known.meta, "md5": md5(base / known.meta["filename"])})
    elif source == "svhn":
        table = {part: (url, name, md5(root / name)) for part, (url, name, _) in datasets.SVHN.split_list.items()
                 if part != "extra"}  # fmt: skip
        monkeypatch.setattr(datasets.SVHN, "split_list", table)
    else:
        sums = {path.relative_to(root).as_posix(): md5(path) for path in root.rglob("*-ubyte*")}
        contents = {path.with_suffix(""): gzip.decompress(path.read_bytes()) for path in root.rglob("*.gz")}
        unpacked = {
            path.relative_to(root).as_posix(): hashlib.md5(content).hexdigest() for path, content in contents.items()
        }
        monkeypatch.setattr(torchvision_sets, "MNIST_UNPACKED", {**sums, **unpacked})
        table = [(name, sums.get(f"MNIST/raw/{name}", official)) for name, official in datasets.MNIST.resources]
        monkeypatch.setattr(datasets.MNIST, "resources", table)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def _pickle(path, value):
    path.write_bytes(pickle.dumps(value, protocol=2))


def _jpeg(path, grey=False):
    coarse = Image.fromarray(bytes_of(8, 8, 3, seed=list(path.name.encode()))).resize((64, 64))
    (coarse.convert("L") if grey else coarse).save(path, quality=90)
