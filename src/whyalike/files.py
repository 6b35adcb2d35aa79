"""Files that are whole or absent, and tables that carry what made them.

Every file of the workflow is written next to its final name, flushed to the disk and renamed: a reader sees the old
file or the new one, never half of one. Parquet tables keep the parameters and the fingerprint of their maker in the
schema's metadata (key ``whyalike``), canonical JSON without time, host or path, so that equal work gives equal bytes.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

METADATA_KEY = b"whyalike"
FULL = 1 << 20  # bytes that are free on a full disk: a file that fails for want of room is larger, or a page is


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it and rename it to ``path``, on failure remove it.

    Parameters
    ----------
    path : path of the final file; missing parent folders are made.

    Raises
    ------
    OSError : the folder cannot be written or the disk is full, whatever the writer made of that; ``path`` is then as it
        was before.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary = temporary_of(path.absolute(), os.getpid())  # pyarrow takes a relative one with a colon for a URI
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except Exception as error:
        # torch and numpy say that a position or a number of bytes is not what they expect
        if fault := full(path.parent):
            raise OSError(errno.ENOSPC, fault, str(path)) from error
        raise
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


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
    return ours is not None and _lives(int(ours[1]))


def full(folder: Path) -> str | None:
    """What to say if there is no room left on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    if free >= FULL:
        return None
    return f"No space left on device ({free:,} bytes are free). Make room, then give the same command: nothing is lost"


def _remove_leftovers(path: Path) -> None:
    """Remove what writers of ``path`` left that were killed on this host; of other hosts' nothing is known."""
    host = re.escape(socket.gethostname())
    ours = re.compile(rf"\.{re.escape(path.stem)}\.{host}-(\d+)\.tmp{re.escape(path.suffix)}")
    for leftover in path.parent.iterdir():
        if (match := ours.fullmatch(leftover.name)) and not _lives(int(match[1])):
            leftover.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another user's
        return True
    return True


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_table(path: str | os.PathLike, table: pa.Table, made_by: Mapping[str, Any], **options: Any) -> None:
    """Write a Parquet table atomically, with ``made_by`` (JSON values) as its only metadata.

    Metadata that the table brings is dropped: pandas' holds library versions, which would make equal numbers unequal
    bytes. ``options`` go to `pyarrow.parquet.write_table` (compression, row_group_size, ...).
    """
    metadata = {METADATA_KEY: canonical_json(made_by).encode()}
    with atomic(path) as temporary:
        pq.write_table(table.replace_schema_metadata(metadata), temporary, **options)


def made_by(path: str | os.PathLike) -> dict[str, Any]:
    """The ``made_by`` of a table written by `write_table`; ``{}`` for a Parquet file from elsewhere."""
    return json.loads((pq.read_metadata(path).metadata or {}).get(METADATA_KEY, b"{}"))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hex; it is read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
