"""Fills the images of a data set block by block, and goes on where a preparation that was killed stopped.

The pixels lie in a hidden file beside the array to come; a journal beside it has a line for every finished block, with
the hash of its pixels. The first line says what the work is: other parameters, code or sources begin anew. A block
whose pixels are not those of its line (the machine lost power before they reached the disk) is made again. The array
gets its name when all blocks are whole, so a folder never holds half a data set.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from whyalike.data.array_file import ARRAY, CHECKSUMS
from whyalike.files import canonical_json

PIXELS, JOURNAL = ".array.partial.npy", ".array.partial.jsonl"
REPORTS = 20  # progress lines


def fill_images(
    folder: Path,
    shape: tuple[int, int, int, int],
    work: Mapping[str, Any],
    blocks: Sequence[slice],
    fill: Callable[[np.ndarray, int], Any],
    threads: int,
    report: Callable[[str], None],
) -> list[Any]:
    """Fill the array of a data set; `whyalike.data.prepared.write_prepared` with ``array=None`` completes the folder.

    Parameters
    ----------
    folder : the prepared data set.
    shape : n, h, w, c of the array, uint8.
    work : JSON values that tell which work this is: all that the pixels depend on.
    blocks : rows that are filled together; all of them, each once.
    fill : called with the pixels of a block, to be written in place, and its number; returns a JSON value.
    threads : blocks filled at a time; the pixels do not depend on it.
    report : gets about twenty lines of progress.

    Returns
    -------
    What `fill` returned for each block, now or before the preparation was killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)  # from here on an older data set in the folder is no longer valid
    first = canonical_json({"shape": list(shape), "blocks": len(blocks), "work": work})
    with (folder / JOURNAL).open("a+", encoding="utf-8") as journal:
        with suppress(OSError):  # a file system without locks; without one, Snakemake's holds two preparers apart
            fcntl.lockf(journal, fcntl.LOCK_EX)
        pixels, found = _begun(folder / PIXELS, journal, first, shape, blocks)
        if found:
            report(f"{len(found)}/{len(blocks)} blocks of images are there from an earlier attempt")
        _fill_rest(pixels, journal, found, blocks, fill, threads, report)
        pixels.flush()
        with (folder / PIXELS).open("rb") as handle:
            os.fsync(handle.fileno())
        (folder / PIXELS).replace(folder / ARRAY)
        (folder / JOURNAL).unlink()
    return [found[number] for number in range(len(blocks))]


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


def _begun(
    path: Path, journal: TextIO, first: str, shape: tuple[int, ...], blocks: Sequence[slice]
) -> tuple[np.ndarray, dict[int, Any]]:
    """The array with the blocks that are whole, number -> what `fill` returned; a new one where the work is another."""
    journal.seek(0)
    lines = journal.read().splitlines()
    if lines[:1] == [first] and path.is_file():
        with suppress(ValueError, OSError):
            pixels = np.lib.format.open_memmap(path, mode="r+")
            if pixels.shape == shape and pixels.dtype == np.uint8:
                return pixels, dict(_whole(pixels, lines[1:], blocks))
    journal.truncate(0)
    journal.write(f"{first}\n")
    journal.flush()
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape), {}


def _whole(pixels: np.ndarray, lines: Sequence[str], blocks: Sequence[slice]) -> dict[int, Any]:
    found = {}
    for line in lines:
        with suppress(ValueError):  # the last line of a killed writer may be cut
            number, sha256, value = json.loads(line)
            if _sha256(pixels[blocks[number]]) == sha256:
                found[number] = value
    return found


def _fill_rest(
    pixels: np.ndarray,
    journal: TextIO,
    found: dict[int, Any],
    blocks: Sequence[slice],
    fill: Callable[[np.ndarray, int], Any],
    threads: int,
    report: Callable[[str], None],
) -> None:
    """Fill the blocks that are not found yet, and note each."""

    def one(number: int) -> tuple[int, str, Any]:
        own = pixels[blocks[number]]
        value = fill(own, number)
        return number, _sha256(own), value

    every = -(-len(blocks) // REPORTS)
    with ThreadPoolExecutor(threads) as workers:
        tasks = [workers.submit(one, number) for number in range(len(blocks)) if number not in found]
        try:
            for task in as_completed(tasks):
                number, sha256, value = task.result()
                journal.write(f"{canonical_json([number, sha256, value])}\n")
                journal.flush()
                found[number] = value
                if len(found) % every == 0:
                    report(f"{len(found)}/{len(blocks)} blocks of images")
        finally:
            workers.shutdown(cancel_futures=True)


def _sha256(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels).hexdigest()
