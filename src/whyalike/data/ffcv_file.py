"""The images of a prepared data set as FFCV reads them: ``array.beton``, made only where the configuration asks for it.

Every image is an array of bytes, so decoding it changes nothing. ``array.beton.json``, written last, says which images
the file holds and what its hash is. A training job makes what is missing, while others wait; a rule makes it ahead. It
is no input of training: who reads the images is no reason to make again what was trained.

FFCV 1.0.2 is an optional extra: `ffcv` imports it, or says how to install it. Its writer's processes are left out: if
one of them dies (of a full disk, say), the one that waits for it never ends.
"""

import importlib
import json
from multiprocessing import Value
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType, SimpleNamespace

import numpy as np

from whyalike.data.prepared import Prepared
from whyalike.files import atomic, canonical_json, file_sha256, write_text
from whyalike.job import note
from whyalike.locks import Lock

VERSION = 1  # raised when the file's form changes
BETON, BETON_NOTE = "array.beton", "array.beton.json"
FIELD = "image"
CHUNK = 1000  # images between two looks at the queue of work
INSTALL = (
    "as root `apt-get install --no-install-recommends g++ pkg-config libturbojpeg0-dev libopencv-dev`, then "
    "`make setup-ffcv`"
)


def ffcv(module: str = "ffcv") -> ModuleType:
    """A module of FFCV.

    Raises
    ------
    RuntimeError : it is not installed; the message says how to do it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeError(
            f"operation.loader is ffcv, and FFCV cannot be imported ({error}). Install it: {INSTALL}. Or set "
            "operation.loader to resident, which gives the same models."
        ) from error


def write_beton(data: Prepared, output: Path) -> None:
    """Write the images of a prepared data set for FFCV, and the note beside it.

    Parameters
    ----------
    data : the prepared data set.
    output : path of the .beton.

    Raises
    ------
    RuntimeError : FFCV is not installed.
    ValueError : the data set is text.
    """
    data.check()
    with atomic(output) as temporary:
        _write(temporary, data.images)
    told = {
        "content": data.content_sha256,
        "bytes": output.stat().st_size,
        "sha256": file_sha256(output),
        "version": VERSION,
    }
    write_text(output.with_name(BETON_NOTE), canonical_json(told) + "\n")


def _write(path: Path, images: np.ndarray) -> None:
    """What FFCV's DatasetWriter does, in this process: a fault ends it."""
    writing = ffcv("ffcv.writer")
    field = ffcv("ffcv.fields").NDArrayField(images.dtype, images.shape[1:])
    writer = writing.DatasetWriter(str(path), {FIELD: field}, num_workers=1)
    writer.num_samples = len(images)
    writer.prepare()
    metadata = SimpleNamespace(
        buf=bytearray(len(images) * writer.metadata_type.itemsize)
    )  # no other process needs the shared memory
    writer.metadata_sm.close()
    writer.metadata_sm.unlink()
    writer.metadata_sm = metadata
    work, allocations = SimpleQueue(), SimpleQueue()
    for start in range(0, len(images), CHUNK):
        work.put([(row, row) for row in range(start, min(start + CHUNK, len(images)))])
    work.put(None)
    allocator = writing.MemoryAllocator(str(path), writer.data_region_start, writer.page_size)
    writing.worker_job_indexed_dataset(
        work, metadata, writer.metadata_type, writer.fields, allocator, Value("Q", 0), allocations, _Rows(images)
    )
    writer.finalize(allocations.get())


class _Rows:
    """Images as samples of one field."""

    def __init__(self, images: np.ndarray):
        self._images = images

    def __getitem__(self, row: int) -> tuple[np.ndarray]:
        return (self._images[row],)


def beton_of(data: Prepared) -> Path:
    """The .beton beside a prepared data set; written, by one process at a time, where there is none of its images.

    Raises
    ------
    RuntimeError : FFCV is not installed.
    """
    path = data.folder / BETON
    if not _fits(path, data):
        with Lock(data.folder / f".{BETON}.lock").held(lambda other: note(f"{path} is written by {other}: waiting")):
            if not _fits(path, data):
                write_beton(data, path)
    return path


def _fits(path: Path, data: Prepared) -> bool:
    """Whether a .beton is what was written, of these images."""
    try:
        told = json.loads(path.with_name(BETON_NOTE).read_text(encoding="utf-8"))
        fits = [told["content"], told["bytes"], told["version"]] == [data.content_sha256, path.stat().st_size, VERSION]
        return fits and told["sha256"] == file_sha256(path)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
