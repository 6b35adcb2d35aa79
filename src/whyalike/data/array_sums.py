"""Whether what is read of a prepared array is what was written, without reading all of it.

``array.sums.json`` beside the array holds a CRC-32 of each of its blocks. It is made by the first job that reads the
array, in one pass that compares the whole array with the SHA-256 of the data set, and belongs to that hash: data sets
prepared before get theirs in the same way. Where it is missing, of other data or damaged, that pass is made again.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from whyalike.files import canonical_json, write_text

SUMS = "array.sums.json"
BLOCK = 2**20  # bytes that are verified together: half a millisecond for a row alone, and 100 kB of sums for 10 GB


def is_as_written(array: Path, sha256: str, stretches: np.ndarray) -> bool:
    """Whether some bytes of an array's file, and its header, are those that were written.

    Parameters
    ----------
    array : path of the file.
    sha256 : of the whole file when it was written.
    stretches : int64 (n, 2), the first byte of each and the one behind its last.
    """
    known = _known(array, sha256)
    if known is not None:
        with array.open("rb") as file:
            if all(zlib.crc32(block) == known[i] for i, block in _blocks(file, _touched(stretches, len(known)))):
                return True
    return _sum_up(array, sha256)  # the sums may be what is damaged


def _known(array: Path, sha256: str) -> list[int] | None:
    """The sums of the blocks of the array with this hash, if they are there."""
    try:
        sums = json.loads(array.with_name(SUMS).read_text(encoding="utf-8"))
        fits = [sums["sha256"], sums["block"], len(sums["crc32"])] == [sha256, BLOCK, _count(array)]
        return sums["crc32"] if fits else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sum_up(array: Path, sha256: str) -> bool:
    """Write the sums of an array if it has a hash, and say whether it has."""
    digest, sums = hashlib.sha256(), []
    with array.open("rb") as file:
        for _, block in _blocks(file, np.arange(_count(array))):
            digest.update(block)
            sums.append(zlib.crc32(block))
    if digest.hexdigest() != sha256:
        return False
    with suppress(OSError):  # a folder that is not ours to write: the next job reads the whole array again
        write_text(array.with_name(SUMS), canonical_json({"block": BLOCK, "crc32": sums, "sha256": sha256}) + "\n")
    return True


def _count(array: Path) -> int:
    return -(-array.stat().st_size // BLOCK)


def _touched(stretches: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the blocks in which stretches lie, ascending; the first, with the header, always."""
    steps = np.zeros(count + 1, np.int64)
    np.add.at(steps, stretches[:, 0] // BLOCK, 1)
    np.add.at(steps, (stretches[:, 1] - 1) // BLOCK + 1, -1)
    touched = np.cumsum(steps[:-1]) > 0
    touched[0] = True
    return np.flatnonzero(touched)


def _blocks(file: BinaryIO, numbers: np.ndarray) -> Iterator[tuple[int, memoryview]]:
    """Some blocks of a file with their numbers, in memory that the next one takes."""
    memory = memoryview(bytearray(BLOCK))
    for number in numbers.tolist():
        file.seek(number * BLOCK)
        yield number, memory[: file.readinto(memory)]
