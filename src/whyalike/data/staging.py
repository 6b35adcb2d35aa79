"""A copy of a prepared data set on a node's own disk, made once and shared by the jobs that run there.

Copies lie under ``{scratch}/whyalike-{user id}/``, named by the hash of what they hold, so that equal data are one copy
and changed data another. A copy is made under the kernel's lock, checked against the hashes of the data set while it is
written, and gets its name when it is whole. While a job reads it, it holds the lock shared; when there is no room, the
copies that nobody reads go, the longest unused first. Where a copy cannot be made, the job reads the original.

``whyalike-{user id}`` must be a folder of that user which nobody else may enter, or it is not used: its name is known,
and ``{scratch}`` is often open to all. Nobody but its owner changes what lies in it, so paths below it are safe to
open. Whoever may rename folders in ``{scratch}`` (there is no sticky bit) could still swap it; so a copy is used only
with the checksums of the original, by which `whyalike.data.prepared` verifies all that is read. A copy that is found to
be damaged is set aside, and made again by the next job.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from whyalike.data.array_file import ARRAY, CHECKSUMS
from whyalike.data.prepared import LABELS, DamagedData, files_sha256, open_prepared
from whyalike.job import note

FILES = (ARRAY, LABELS, CHECKSUMS)
CHUNK = 2**24  # bytes read at a time
TRIES, WAIT_SECONDS = 20, 0.5  # until a job gives up to make a copy that others are in the way of
GIGABYTE = 1e9


@contextmanager
def staged(folder: Path, scratch: str | None, gigabytes: float | None) -> Iterator[Path]:
    """The folder that a prepared data set is to be read from: its copy on this node, kept while the body runs.

    Parameters
    ----------
    folder : the prepared data set.
    scratch : a folder on the node's own disk.
    gigabytes : most that all copies there take; None: nothing is copied, and ``folder`` itself is yielded.

    Raises
    ------
    ValueError : a file of the data set is not what its checksums say.
    """
    if scratch is None or gigabytes is None:
        yield folder
        return
    name = open_prepared(folder).content_sha256
    place = Path(scratch, f"whyalike-{os.getuid()}")
    try:
        _own(place)
        lock = (place / f"{name}.lock").open("a+b")
    except OSError as error:
        note(f"{folder} is read where it is: no copy can be made in {place} ({error})")
        yield folder
        return
    with lock:
        try:
            used = _copied(folder, place / name, lock, gigabytes * GIGABYTE)
        except OSError as error:  # a disk without locks: nothing would keep a copy while it is read
            note(f"{folder} is read where it is: no copy can be kept in {place} ({error})")
            used = folder
        try:
            yield used
        except DamagedData as error:
            if used != folder and str(used) in str(error):
                (used / CHECKSUMS).unlink(missing_ok=True)  # whole no more; jobs that have it open read on
                error.add_note(f"It is a copy of {folder}, which the next job makes again: give the same command.")
            raise


def _own(place: Path) -> None:
    """Make the folder of copies if there is none.

    Raises
    ------
    OSError : what has its name is not a folder of this user's alone.
    """
    with suppress(FileExistsError):  # a link that leads nowhere exists too
        place.mkdir(mode=0o700, parents=True)
    found = place.lstat()
    remedy = "It must be your folder with mode 0700: remove it, have its owner do so, or set another `scratch`"
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(f"it is a {'link' if stat.S_ISLNK(found.st_mode) else 'file'}, not a folder. {remedy}")
    if found.st_uid != os.getuid():
        raise OSError(f"it belongs to the user with the id {found.st_uid}. {remedy}")
    if found.st_mode & 0o077:
        raise OSError(f"others may enter it (its mode is {stat.S_IMODE(found.st_mode):04o}). {remedy}")


def _copied(folder: Path, copy: Path, lock: BinaryIO, most: float) -> Path:
    """The copy, locked against removal; or the original, where a copy cannot be made."""
    for _ in range(TRIES):
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits for a job that makes the copy just now
        if _is_whole(folder, copy):
            os.utime(lock.name)  # its last use
            return copy
        fcntl.flock(lock, fcntl.LOCK_UN)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _make(folder, copy, most)
        except BlockingIOError:  # another job was first, or still reads what was taken from under it
            time.sleep(WAIT_SECONDS)
        except OSError as error:
            shutil.rmtree(_unfinished(copy), ignore_errors=True)
            note(f"{folder} is read where it is: no copy can be made in {copy.parent} ({error})")
            break
    fcntl.flock(lock, fcntl.LOCK_UN)
    return folder


def _is_whole(folder: Path, copy: Path) -> bool:
    """Whether all files are there in their length, with the original's checksums, by which they are verified when read.

    What cleans a node's disk may have taken some.
    """
    try:
        same = (copy / CHECKSUMS).read_bytes() == (folder / CHECKSUMS).read_bytes()
        return same and all((copy / name).stat().st_size == (folder / name).stat().st_size for name in FILES)
    except FileNotFoundError:
        return False


def _make(folder: Path, copy: Path, most: float) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    size = _size(folder)
    _make_room(copy, size, most)
    unfinished = _unfinished(copy)
    shutil.rmtree(unfinished, ignore_errors=True)  # of a job that was killed; the lock is ours
    unfinished.mkdir()
    expected = files_sha256(folder)
    for name in FILES:
        sha256 = _copy(folder / name, unfinished / name)
        if expected.get(name, sha256) != sha256:
            shutil.rmtree(unfinished)
            raise ValueError(
                f"{folder / name} is not the file that {CHECKSUMS} describes (sha256 differs). Delete the folder "
                f"{folder} and give the same command: it is made again."
            )
    unfinished.rename(copy)
    note(f"{folder} is read from its copy {copy} ({size / GIGABYTE:.2f} GB)")


def _make_room(copy: Path, size: int, most: float) -> None:
    """Remove copies that nobody reads, the longest unused first, until one more of ``size`` bytes fits.

    Raises
    ------
    OSError : it does not fit.
    """
    locks = sorted(copy.parent.glob("*.lock"), key=lambda path: path.stat().st_mtime)
    others = [path for path in locks if path.stem != copy.name]
    while (taken := sum(_size(path.with_suffix("")) for path in others)) + size > most:
        if not any(_remove_unused(path) for path in others):
            raise OSError(f"{size / GIGABYTE:.2f} GB beside {taken / GIGABYTE:.2f} GB of copies in use are more than "
                          f"stage_gb: {most / GIGABYTE:g}")  # fmt: skip


def _remove_unused(path: Path) -> bool:
    """Remove the copy of a lock if there is one and nobody holds it; says whether it did."""
    copy = path.with_suffix("")
    if not copy.is_dir():
        return False
    with path.open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        shutil.rmtree(copy)
    return True


def _copy(source: Path, target: Path) -> str:
    """Copy a file through to the disk; returns its SHA-256."""
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("wb") as written:
        while chunk := original.read(CHUNK):
            digest.update(chunk)
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


def _unfinished(copy: Path) -> Path:
    return copy.with_name(f".{copy.name}.tmp")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / name for name in FILES) if path.is_file())
