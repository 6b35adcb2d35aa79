"""``array.npy``, the one array of a prepared data set: images, uint8 (n, h, w, c), or a token stream, uint16 (tokens,).

Images are filled in place, in a memory map, so that no data set need fit in memory. The array lies in a temporary file
that gets its final name when the block ends without an error. Sources that take long go on where they were killed:
`whyalike.data.resumable_array`.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from whyalike.files import atomic

ARRAY, CHECKSUMS = "array.npy", "checksums.json"
TOKEN = np.dtype("<u2")
PIECE = 1 << 24  # bytes that are written at a time
LARGEST_VOCABULARY = 2**16  # ids that a token of two bytes can hold


@contextmanager
def new_images(folder: Path, shape: tuple[int, int, int, int]) -> Iterator[np.ndarray]:
    """Yield a writable uint8 array (n, h, w, c) that becomes the folder's array.

    `whyalike.data.prepared.write_prepared` with ``array=None`` then completes the folder.
    """
    with _new_array(folder) as temporary:
        images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _allocate(temporary, images.offset)
        yield images
        images.flush()


def _allocate(path: Path, start: int) -> None:
    """Give a sparse file its bytes: a page of a memory map that finds the disk full kills the process."""
    with path.open("rb+") as handle:
        size = os.fstat(handle.fileno()).st_size
        try:
            os.posix_fallocate(handle.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            handle.seek(start)
            for left in range(size - start, 0, -PIECE):  # a file system that cannot: the bytes are written
                handle.write(bytes(min(left, PIECE)))


def write_array(folder: Path, array: np.ndarray) -> None:
    """Write a whole array of either modality.

    Raises
    ------
    ValueError : neither images nor tokens.
    """
    check_array(array)
    with _new_array(folder) as temporary:
        np.save(temporary, np.ascontiguousarray(array), allow_pickle=False)


def check_array(array: np.ndarray) -> None:
    """Refuse an array of neither modality.

    Raises
    ------
    ValueError : neither images nor tokens.
    """
    images = array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3)
    if not images and not (array.dtype == TOKEN and array.ndim == 1):
        raise ValueError(
            f"an array must be images, uint8 (n, h, w, 1 or 3), or tokens, uint16 (n,), got {array.dtype} "
            f"{array.shape}. Convert it."
        )


@contextmanager
def _new_array(folder: Path) -> Iterator[Path]:
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)  # from here on an older data set in the folder is no longer valid
    with atomic(folder / ARRAY) as temporary:
        yield temporary
