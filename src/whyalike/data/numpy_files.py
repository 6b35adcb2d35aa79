"""Arrays that the user saved with numpy. Nothing is unpickled: arrays of Python objects are refused.

The readers raise what numpy and zipfile raise; `whyalike.file_faults.readable` around them names the file. What a
header claims is compared with what the file holds before memory is taken for it.
"""

import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

BLOCK = 1 << 22  # bytes that are read at a time
Block = tuple[Any, np.ndarray]  # an index of the whole array, and the numbers there
# of other versions have columns with names beyond Latin-1: no such arrays are read
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(path: Path, mapped: bool = False) -> np.ndarray:
    """The array of a .npy, read or mapped; a .npz of this name is refused, which `numpy.load` would take."""
    with path.open("rb") as file:
        _header(file, path.stat().st_size)
        if mapped:
            return _checked(np.lib.format.open_memmap(path, mode="r"))
        file.seek(0)
        return _checked(np.lib.format.read_array(file, allow_pickle=False))


def read_npz(path: Path, needed: Sequence[str], optional: Sequence[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays of a .npz by name, and the names of those that were not read.

    Raises
    ------
    ValueError : one that is needed is missing, or an array holds objects.
    """
    with zipfile.ZipFile(path) as file:
        members = {member.filename.removesuffix(".npy"): member for member in file.infolist()}
        if missing := [name for name in needed if name not in members]:
            held = ", ".join(members) or "nothing"
            raise ValueError(f"{' and '.join(missing)} is missing, it holds {held}")
        taken = [name for name in (*needed, *optional) if name in members]
        return {name: _member(file, members[name]) for name in taken}, [name for name in members if name not in taken]


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with _named(member), archive.open(member) as stream, archive.open(member) as again:
        _header(stream, member.file_size)
        return _checked(np.lib.format.read_array(again, allow_pickle=False))


@contextmanager
def _named(member: zipfile.ZipInfo) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of numpy and zlib, of many kinds
        raise ValueError(f"array {member.filename.removesuffix('.npy')}: {error}") from error


@contextmanager
def npy_file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A .npy, open, and its bytes."""
    with path.open("rb") as file:
        yield file, path.stat().st_size


@contextmanager
def npy_member(path: Path, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """An array of a .npz as the file that it is inside, and its bytes; a fault in the body tells its name."""
    with zipfile.ZipFile(path) as archive:
        inside = f"{name}.npy"
        member = archive.getinfo(inside if inside in archive.namelist() else name)
        with _named(member), archive.open(member) as file:
            yield file, member.file_size


def npy_shape(file: BinaryIO, size: int) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array in an open .npy of ``size`` bytes.

    Raises
    ------
    ValueError : the array holds objects, or is larger than the file.
    """
    shape, _, dtype = _header(file, size)
    return shape, dtype


def npy_blocks(opened: Callable[[], Any]) -> Iterator[Block]:
    """The array of a .npy in blocks of rows; one in Fortran's order, in blocks along its last axis.

    Parameters
    ----------
    opened : gives the file, open at its beginning, and its bytes.
    """
    with opened() as (file, size):
        shape, fortran, dtype = _header(file, size)
        first, *others = shape[::-1] if fortran else shape
        each = prod(others) * dtype.itemsize
        step = max(1, BLOCK // max(1, each))
        for start in range(0, first, step):
            count = min(step, first - start)
            block = np.frombuffer(file.read(count * each), dtype).reshape(count, *others)
            place = slice(start, start + count)
            yield ((..., place), block.T) if fortran else (place, block)


def _header(file: BinaryIO, size: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran's order, and type; refuses an array larger than the ``size`` bytes that hold it."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version[0]}.{version[1]} of numpy's format is not read")
    shape, fortran, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("Object arrays are not read: nothing is unpickled")
    if prod(shape) * dtype.itemsize > size:
        raise ValueError(f"it is cut off: {shape} {dtype} take {prod(shape) * dtype.itemsize:,} bytes")
    return shape, fortran, dtype


def _checked(array: np.ndarray) -> np.ndarray:
    """The array; refuses text of numbers that are no characters, at which Python fails later."""
    if array.dtype.kind == "U" and array.dtype.itemsize:
        codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if ((codes > sys.maxunicode) | ((codes >= 0xD800) & (codes < 0xE000))).any():  # halves of a pair are none
            raise ValueError("its text holds what is no character")
    return array
