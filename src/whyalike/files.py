"""Files that are whole or absent, and tables that carry what made them.

Every file of the workflow is written next to its final name, flushed to the disk and renamed: a reader sees the old
file or the new one, never half of one. Parquet tables keep the parameters and the fingerprint of their maker in the
schema's metadata (key ``whyalike``), canonical JSON without time, host or path, so that equal work gives equal bytes.
A table that is read is the one that was written, or a `DamagedFile` (`whyalike.table_sums`).
"""

import errno
import hashlib
import json
import os
import re
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.table_sums import has_sums, no_sums, verified, write_sums

METADATA_KEY = b"whyalike"
ROWS = 2**20  # of a row group that nobody asked for; pyarrow's own number
_GUARD: ContextVar[Callable[[], None]] = ContextVar("guard", default=lambda: None)
FULL = 1 << 20  # bytes: a disk with less room is full; a file that fails for want of room is larger, or a page is


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it and rename it to ``path``, on failure remove it.

    Parameters
    ----------
    path : path of the final file; missing parent folders are made.

    Raises
    ------
    OSError : the folder cannot be written; there is no room (`NoRoom`), whatever the writer made of that. ``path`` is
        then as it was before.
    """
    path, check = Path(path), _GUARD.get()
    check()
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary = temporary_of(path.absolute(), os.getpid())  # pyarrow takes a relative one with a colon for a URI
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # of the umask or the folder
        temporary.unlink()  # a writer that writes nothing must not go unseen
        yield temporary
        if temporary.stat().st_mode != mode:  # safetensors makes files for their owner alone
            temporary.chmod(mode)
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        check()
        temporary.replace(path)
    except Exception as error:
        check()
        if fault := no_room(path.parent, error):
            raise NoRoom(fault.errno, fault.strerror, str(path)) from error
        raise
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def guarded(check: Callable[[], None]) -> Iterator[None]:
    """In this thread `atomic` calls ``check`` first and right before its renaming; if it raises, nothing changes."""
    token = _GUARD.set(check)
    try:
        yield
    finally:
        _GUARD.reset(token)


def temporary_of(path: Path, process: int, host: str | None = None) -> Path:
    """Where a process of a host (by default this one) writes a file until it is whole."""
    # the suffix stays last: some writers (numpy, matplotlib) choose the format by it
    return path.with_name(f".{path.stem}.{host or socket.gethostname()}-{process}.tmp{path.suffix}")


def is_temporary(path: Path) -> bool:
    """Whether a file has a name that `temporary_of` gives."""
    return re.fullmatch(r"\..+-\d+\.tmp.*", path.name) is not None


def is_being_written(temporary: Path) -> bool:
    """Whether a process of this host that lives writes a temporary file; of other hosts' nothing is known."""
    ours = re.search(rf"\.{re.escape(socket.gethostname())}-(\d+)\.tmp", temporary.name)
    return ours is not None and runs_here(int(ours[1]))


class NoRoom(OSError):
    """Nothing more can be written where a file should be; its ``strerror`` says why, and what to do."""


def no_room(folder: Path, error: BaseException | None = None) -> NoRoom | None:
    """What to say if a folder takes no more: bytes, inodes or a quota are used up.

    Parameters
    ----------
    folder : where the file is, or would be.
    error : what a writer met. Where it says no cause (torch and numpy say that a position or a number of bytes is not
        what they expect), or there is none, a small file that leaves nothing behind is tried.
    """
    found = [code for code in _codes(error) if code in (errno.ENOSPC, errno.EDQUOT)]
    code = found[0] if found else refusal(folder)
    if code == errno.EDQUOT:
        words = f"Your quota on {_mount(folder)} is used up (`quota -s` shows it)"
    elif code != errno.ENOSPC:
        return None
    elif (disk := os.statvfs(folder)).f_files and not disk.f_favail:
        words = f"No more files can be made on {_mount(folder)} (its inodes are used up, `df -i` shows it)"
    else:
        words = f"No space left on device ({disk.f_bavail * disk.f_frsize:,} bytes are free)"
    return NoRoom(code, f"{words}. Make room, then give the same command: nothing is lost")


def _codes(error: BaseException | None) -> Iterator[int | None]:
    """The numbers of an error and of those that it was made from."""
    while error is not None:
        yield getattr(error, "errno", None)
        error = error.__cause__ or error.__context__


def refusal(folder: Path) -> int | None:
    """The number of the error that a new file of `FULL` bytes meets in a folder; None where it meets none."""
    try:
        with tempfile.TemporaryFile(dir=folder) as handle:
            handle.write(bytes(FULL))
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        return error.errno
    return None


def _mount(folder: Path) -> Path:
    """Where the file system of a folder is mounted."""
    folder = folder.resolve()
    return next(path for path in (folder, *folder.parents) if path.is_mount())


def _remove_leftovers(path: Path) -> None:
    """Remove what writers of ``path`` left that were killed on this host; of other hosts' nothing is known."""
    host = re.escape(socket.gethostname())
    ours = re.compile(rf"\.{re.escape(path.stem)}\.{host}-(\d+)\.tmp{re.escape(path.suffix)}")
    for leftover in path.parent.iterdir():
        if (match := ours.fullmatch(leftover.name)) and not runs_here(int(match[1])):
            leftover.unlink(missing_ok=True)


def runs_here(process: int) -> bool:
    """Whether a process of this id runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


class DamagedFile(ValueError):
    """A file does not hold what was written."""


def write_table(
    path: str | os.PathLike, table: pa.Table, made_by: Mapping[str, Any], sums: bool = True, **options: Any
) -> None:
    """Write a Parquet table atomically, with ``made_by`` (JSON values) and the sums of its bytes as its only metadata.

    Metadata that the table brings is dropped: pandas' holds library versions, which would make equal numbers unequal
    bytes. ``sums=False`` leaves the sums out, for a file whose hash stands elsewhere. ``options`` go to
    `pyarrow.parquet.ParquetWriter` (compression, ...).
    """
    table = table.replace_schema_metadata({METADATA_KEY: canonical_json(made_by).encode()})
    with atomic(path) as temporary:
        with pq.ParquetWriter(temporary, table.schema, **options) as writer:
            writer.write_table(table, row_group_size=ROWS)
            if sums:
                writer.add_key_value_metadata(no_sums(max(1, -(-len(table) // ROWS))))  # an empty table has one, too
        if sums:
            write_sums(temporary)


@contextmanager
def table_writer(
    path: str | os.PathLike, schema: pa.Schema, made_by: Mapping[str, Any], **options: Any
) -> Iterator[Callable[[pa.Table], None]]:
    """Yield what writes a row group of a table; else as `write_table`, but ``made_by`` is read when all are written."""
    groups = 0

    def write(group: pa.Table) -> None:
        nonlocal groups
        groups += 1
        writer.write_table(group, row_group_size=len(group))

    with atomic(path) as temporary:
        with pq.ParquetWriter(temporary, schema, **options) as writer:
            yield write
            writer.add_key_value_metadata({METADATA_KEY: canonical_json(made_by).encode(), **no_sums(groups)})
        write_sums(temporary)


def read_table(path: str | os.PathLike, **options: Any) -> pa.Table:
    """A table, verified; ``options`` (columns, filters) go to `pyarrow.parquet.read_table`.

    Raises
    ------
    DamagedFile : it is not what was written.
    FileNotFoundError : there is none.
    """
    with _damage_told(path), pa.OSFile(os.fspath(path)) as file:
        verified(file, None)
        return pq.read_table(file, **options)


def read_group(path: str | os.PathLike, number: int, columns: Sequence[str]) -> pa.Table:
    """One row group of a table, mapped, and verified without the others. Raises as `read_table`."""
    with _damage_told(path), pa.memory_map(os.fspath(path)) as file:
        metadata = verified(file, [number])
        return pq.ParquetFile(file, metadata=metadata).read_row_group(number, columns=columns)


def check_table(path: str | os.PathLike) -> bool:
    """Compare a table with its sums; says whether it has any. Raises as `read_table`."""
    with _damage_told(path), pa.OSFile(os.fspath(path)) as file:
        return has_sums(verified(file, None))


def column_names(path: str | os.PathLike) -> list[str]:
    """The names of a table's columns. Raises as `read_table`."""
    with _damage_told(path), pa.OSFile(os.fspath(path)) as file:
        return verified(file).schema.to_arrow_schema().names


def made_by(path: str | os.PathLike) -> dict[str, Any]:
    """The ``made_by`` of a table written by `write_table`; ``{}`` for a Parquet file from elsewhere.

    Raises as `read_table`.
    """
    with _damage_told(path), pa.OSFile(os.fspath(path)) as file:
        metadata = verified(file).metadata or {}
    try:
        return json.loads(metadata.get(METADATA_KEY, b"{}"))
    except ValueError as error:  # of a table without sums
        raise _damaged(path, error) from error


@contextmanager
def _damage_told(path: str | os.PathLike) -> Iterator[None]:
    """Make one fault of the many that a damaged Parquet file gives; those of the system stay what they are."""
    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
            raise
        raise _damaged(path, error) from error


def _damaged(path: str | os.PathLike, error: Exception) -> DamagedFile:
    why = str(error).partition("\n")[0]
    return DamagedFile(f"{path} is not the table that was written ({why}). Delete it and give the same command: it is "
                       "made again.")  # fmt: skip


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hex; it is read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_archive(path: Path) -> None:
    """Compare what is in a zip archive with its own sums: `torch.save` writes them, and `torch.load` ignores them.

    Raises
    ------
    DamagedFile, zipfile.BadZipFile : it is not what was written.
    """
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise DamagedFile(f"{path} is not the file that was written (the CRC-32 of {damaged} differs)")
