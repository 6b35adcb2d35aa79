"""Fills the array of a data set block by block, and goes on where a preparation that was killed stopped.

The array grows in a hidden file, with a journal beside it: a first line that says what the work is (another work begins
anew) and a line for every finished block. A block that was made of something else, or whose bytes are not those of its
line (the machine lost power before they reached the disk), is made again. The array gets its name when it is whole.
"""

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np

from whyalike.data.array_file import ARRAY, CHECKSUMS
from whyalike.files import canonical_json

PARTIAL, JOURNAL = ".array.partial.npy", ".array.partial.jsonl"
REPORTS = 20  # progress lines


@contextmanager
def filled(
    folder: Path, dtype: np.dtype, row: tuple[int, ...], work: Any, report: Callable[[str], None]
) -> Iterator["Blocks"]:
    """Yield the blocks of what becomes the array of a prepared data set; `write_prepared` then completes its folder.

    ``row`` is the shape of one row; ``work``, a JSON value, all that the array depends on but what blocks are made of.
    The folder is this process's alone: `whyalike.data.stage` sees to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)  # from here on an older data set in the folder is no longer valid
    path = folder / PARTIAL
    with (folder / JOURNAL).open("a+b") as journal, path.open("r+b" if path.is_file() else "w+b") as array:
        blocks = Blocks(array, journal, dtype, row, f"{canonical_json(work)}\n".encode())
        if blocks.found:
            report(f"{blocks.found} blocks are there from an earlier attempt")
        yield blocks
        blocks.finish()
    path.replace(folder / ARRAY)
    (folder / JOURNAL).unlink()


class Blocks:
    """An unfinished array and the journal of its blocks."""

    def __init__(self, array: BinaryIO, journal: BinaryIO, dtype: np.dtype, row: tuple[int, ...], first: bytes):
        self._array, self._journal, self._lock, self._end = array, journal, Lock(), 0
        self._dtype, self._row, self._size = dtype, row, math.prod(row) * dtype.itemsize
        self._start, self._held = len(self._header()), os.fstat(array.fileno()).st_size
        journal.seek(0)
        lines = [line for line in journal.read().splitlines(keepends=True) if line.endswith(b"\n")]  # one may be cut
        lines = lines if lines[:1] == [first] else [first]
        journal.truncate(0)
        journal.writelines(lines)
        journal.flush()
        self._noted = dict(filter(None, map(self._block, lines[1:])))
        self.found = len(self._noted)

    def fill(self, place: int, of: Any, make: Callable[[], tuple[np.ndarray, Any]]) -> tuple[int, Any]:
        """The number of rows of the block at row ``place`` and its value: of an earlier attempt, or made now.

        ``of`` is a JSON value, not None: what the block is made of. ``make`` returns rows of the array's dtype and a
        JSON value.
        """
        origin, rows, sha256, value = self._noted.get(place, (None, 0, "", None))
        start = self._start + place * self._size
        if origin != of or _sha256(os.pread(self._array.fileno(), rows * self._size, start)) != sha256:
            made, value = make()
            rows, content = len(made), made.astype(self._dtype, casting="no", copy=False).tobytes()
            line = f"{canonical_json([place, of, rows, _sha256(content), value])}\n".encode()
            with self._lock:
                self._array.seek(start)
                self._array.write(content)
                self._array.flush()
                self._journal.write(line)
                self._journal.flush()
        with self._lock:
            self._end = max(self._end, place + rows)
        return rows, value

    def _block(self, line: bytes) -> tuple[int, list[Any]] | None:
        """Place and description of the block that a line of the journal tells of; None if it is damaged."""
        with suppress(ValueError, TypeError, RecursionError):
            place, origin, rows, sha256, value = json.loads(line)
            if type(place) is type(rows) is int and min(place, rows) >= 0 and (place + rows) * self._size <= self._held:
                return place, [origin, rows, sha256, value]
        return None

    def finish(self) -> None:
        """Give the array its length; all of it is on the disk afterwards."""
        self._array.truncate(self._start + self._end * self._size)
        self._array.seek(0)
        self._array.write(self._header())
        self._array.flush()
        os.fsync(self._array.fileno())

    def _header(self) -> bytes:
        """What stands before the rows; numpy leaves room in it, so that every length gives as many bytes."""
        header, shape = io.BytesIO(), (self._end, *self._row)
        described = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, described)
        return header.getvalue()


def fill_images(
    folder: Path,
    shape: tuple[int, int, int, int],
    work: Mapping[str, Any],
    blocks: Sequence[slice],
    fill: Callable[[np.ndarray, int], Any],
    threads: int,
    report: Callable[[str], None],
) -> list[Any]:
    """Fill the array of a data set of images, uint8; returns what `fill` returned for each block, now or earlier.

    Parameters
    ----------
    folder, work : of `filled`.
    shape : n, h, w, c of the array.
    blocks : rows that are filled together, in their order; all of them, each once.
    fill : called with the pixels of a block, to be written in place, and its number; returns a JSON value.
    threads : blocks filled at a time; the pixels do not depend on it.
    report : gets about twenty lines of progress.
    """

    def make(number: int) -> tuple[np.ndarray, Any]:
        pixels = np.zeros((blocks[number].stop - blocks[number].start, *shape[1:]), np.uint8)
        return pixels, fill(pixels, number)

    values, every, own = [], -(-len(blocks) // REPORTS), {"shape": list(shape), "blocks": len(blocks), "work": work}
    with filled(folder, np.dtype(np.uint8), shape[1:], own, report) as array, ThreadPoolExecutor(threads) as workers:
        numbers, starts = range(len(blocks)), (block.start for block in blocks)
        for _, value in workers.map(array.fill, starts, numbers, (partial(make, number) for number in numbers)):
            values.append(value)
            if len(values) % every == 0:
                report(f"{len(values)}/{len(blocks)} blocks of images")
    return values


def blocks_of(n: int, size: int = 500) -> list[slice]:
    """Rows 0 to n in blocks of ``size``."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def state_of(files: Iterable[Path]) -> str:
    """A digest of names, sizes and times of files: other files are other work."""
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
