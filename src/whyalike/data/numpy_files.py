"""Arrays that the user saved with numpy. Nothing is unpickled: arrays of Python objects are refused.

The readers raise what numpy and zipfile raise; `whyalike.data.user_files.readable` around them names the file.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def read_npy(path: Path, mapped: bool = False) -> np.ndarray:
    """The array of a .npy, read or mapped; a .npz of this name is refused, which `numpy.load` would take."""
    if mapped:
        return np.lib.format.open_memmap(path, mode="r")
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def read_npz(path: Path, needed: Sequence[str], optional: Sequence[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays of a .npz by name, and the names of those that were not read.

    Raises
    ------
    ValueError : one that is needed is missing, or an array holds objects.
    """
    with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:  # ZipFile: np.load would take a .npy
        if missing := [name for name in needed if name not in file.files]:
            held = ", ".join(file.files) or "nothing"
            raise ValueError(f"{' and '.join(missing)} is missing, it holds {held}")
        taken = [name for name in (*needed, *optional) if name in file.files]
        return {name: _member(file, name) for name in taken}, [name for name in file.files if name not in taken]


def _member(file: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    try:
        return file[name]
    except ValueError as error:
        raise ValueError(f"array {name}: {error}") from error
