"""The layers of one model from the user's files, with their stimuli in the order of another model's.

A folder is a model whose files are its layers; a .npz or .safetensors is one whose arrays are. Layers stand in the
order of the archive, or of the numbers in their names (layer2 before layer10).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whyalike.activations.vector_checks import check_features, check_ids
from whyalike.activations.vector_files import IDS, SUFFIXES, read_file
from whyalike.data.numpy_files import read_npz
from whyalike.file_faults import readable
from whyalike.job import note
from whyalike.similarity.checks import check_same_stimuli
from whyalike.similarity.read_files import files_in, order_of, report_passed_by

REMEDY = "Give a folder of vectors, a file a layer, or a .npz or .safetensors with an array a layer."


@dataclass(frozen=True)
class Model:
    """Layer -> n x d, the ids of the stimuli if they are known, and the files that they are from."""

    layers: dict[str, np.ndarray]
    ids: np.ndarray | None
    paths: list[Path]


def read_models(first: Path, second: Path, report: Callable[[str], None] = note) -> tuple[Model, Model]:
    """Two models; the stimuli of the second in the order of the first. ``report`` gets a line on what is not read.

    Raises
    ------
    ValueError : files that cannot be read, that hold no layer, or whose stimuli differ.
    """
    a, b = (_read(path, report) for path in (first, second))
    order = order_of(str(first), str(second), a.ids, b.ids)
    if order is not None:
        b = Model({name: x[order] for name, x in b.layers.items()}, a.ids, b.paths)
    return a, b


def _read(path: Path, report: Callable[[str], None]) -> Model:
    if not path.exists():
        raise ValueError(f"there is no file or folder {path}: check the name")
    if path.is_dir():
        return _folder(path, report)
    with readable(path, "a model's layers", REMEDY):
        if path.suffix.lower() == ".npz":
            _, names = read_npz(path, (), ())
            arrays, _ = read_npz(path, names, ())
        elif path.suffix.lower() == ".safetensors":
            from safetensors.numpy import load_file

            loaded = load_file(path)
            arrays = {name: loaded[name] for name in sorted(loaded, key=natural)}
        else:
            raise ValueError(f"it ends in '{path.suffix}'")
        ids = arrays.pop(IDS, None)
        if not arrays:
            raise ValueError("it holds no layer")
    layers = {name: check_features(x, f"{name} of {path}") for name, x in arrays.items()}
    _check_rows(layers, path)
    if ids is not None:
        ids = check_ids(ids, len(next(iter(layers.values()))), str(path))
    return Model(layers, ids, [path])


def _folder(path: Path, report: Callable[[str], None]) -> Model:
    """Every file of vectors as a layer, in the order of the first one's stimuli."""
    paths = sorted(files_in(path), key=lambda one: natural(one.name))
    if not paths:
        raise ValueError(f"{path} holds no file of {', '.join(SUFFIXES)}. {REMEDY}")
    stems = [one.stem for one in paths]
    report_passed_by(path, set(paths), report)
    names = stems if len(set(stems)) == len(stems) else [one.name for one in paths]
    layers: dict[str, np.ndarray] = {}
    known: np.ndarray | None = None
    for name, one in zip(names, paths, strict=True):
        vectors, ids = read_file(one, report)
        x = check_features(vectors, str(one))
        ids = None if ids is None else check_ids(ids, len(x), str(one))
        if not layers:
            known = ids
        order = order_of(str(paths[0]), str(one), known, ids)
        layers[name] = x if order is None else x[order]
    _check_rows(layers, path)
    return Model(layers, known, paths)


def _check_rows(layers: Mapping[str, np.ndarray], path: Path) -> None:
    """Raise a ValueError unless all layers of a model have the same number of rows."""
    first = next(iter(layers))
    for name, x in layers.items():
        check_same_stimuli(layers[first], x, f"{first} of {path}", f"{name} of {path}")


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
