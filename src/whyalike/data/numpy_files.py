"""Arrays that the user saved with numpy. Nothing is unpickled: arrays of Python objects are refused.

The readers raise what numpy and zipfile raise; `whyalike.data.user_files.readable` around them names the file.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

BLOCK = 1 << 22  # bytes that are read at a time
Block = tuple[Any, np.ndarray]  # an index of the whole array, and the numbers there


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


@contextmanager
def npy_member(path: Path, name: str) -> Iterator[BinaryIO]:
    """An array of a .npz as the file that it is inside; a ValueError in the body tells its name."""
    with zipfile.ZipFile(path) as archive:
        inside = f"{name}.npy"
        with archive.open(inside if inside in archive.namelist() else name) as file:
            try:
                yield file
            except ValueError as error:
                raise ValueError(f"array {name}: {error}") from error


def npy_shape(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array in an open .npy.

    Raises
    ------
    ValueError : the array holds objects, or the file is none that numpy writes for numbers.
    """
    shape, _, dtype = _npy_header(file)
    return shape, dtype


def npy_blocks(opened: Callable[[], Any]) -> Iterator[Block]:
    """The array of a .npy in blocks of rows; one in Fortran's order, in blocks along its last axis.

    Parameters
    ----------
    opened : gives the file, open at its beginning.
    """
    with opened() as file:
        shape, fortran, dtype = _npy_header(file)
        first, *others = shape[::-1] if fortran else shape
        each = prod(others) * dtype.itemsize
        step = max(1, BLOCK // max(1, each))
        for start in range(0, first, step):
            count = min(step, first - start)
            data = file.read(count * each)
            if len(data) < count * each:
                raise ValueError(f"it ends within its array of shape {shape}")
            block, place = np.frombuffer(data, dtype).reshape(count, *others), slice(start, start + count)
            yield ((..., place), block.T) if fortran else (place, block)


def _npy_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:  # the third is of structured types alone
        raise ValueError(f"version {version} of numpy's format holds no plain numbers")
    shape, fortran, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError("Object arrays are not read: nothing is unpickled")
    return shape, fortran, dtype
