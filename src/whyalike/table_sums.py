"""Sums of the bytes of a Parquet table, kept in the table: what is read is what was written.

The metadata hold a CRC-32 of every row group and one of the footer. Parquet's own checksums are of pages alone: they
leave out the headers of pages, where one flipped bit can change the number of rows, and the footer.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

KEY = b"whyalike_crc32"  # of the metadata: eight hex digits a row group, then those of the footer
DIGITS = 8
TAIL = struct.Struct("<I4s")  # the end of a Parquet file: bytes of the footer before it, and a name
CHUNK = 2**24  # bytes read at a time


def no_sums(groups: int) -> dict[bytes, bytes]:
    """The entry of the metadata until the sums of so many row groups are known, and in what the footer's sum is of."""
    return {KEY: b"0" * DIGITS * (groups + 1)}


def write_sums(path: Path) -> None:
    """Put the sums of a table that was written with `no_sums` in their place."""
    with path.open("r+b") as file:
        metadata, (start, footer) = pq.read_metadata(path), _footer(file)
        sums = [_sum(file, *_bounds(metadata, start, group)) for group in range(metadata.num_row_groups)]
        file.seek(start + _place(footer, metadata))
        file.write(b"".join([*sums, _digits(zlib.crc32(footer))]))


def has_sums(metadata: pq.FileMetaData) -> bool:
    """Whether a table has sums: those from before, and from elsewhere, have none."""
    return KEY in (metadata.metadata or {})


def verified(file: pa.NativeFile, groups: Iterable[int] | None = ()) -> pq.FileMetaData:
    """The metadata of an open table, compared with its sum if it has any, as are the bytes of some row groups.

    Parameters
    ----------
    groups : their numbers; None: all.

    Raises
    ------
    OSError, pyarrow.ArrowException : it is not what was written; pyarrow says so of what it cannot read at all.
    """
    metadata, (start, footer) = pq.read_metadata(file), _footer(file)
    if not has_sums(metadata):
        if KEY in footer:
            raise OSError("the list of its metadata is damaged")
        return metadata
    sums, place = metadata.metadata[KEY], _place(footer, metadata)
    unknown = footer[:place] + b"0" * len(sums) + footer[place + len(sums) :]
    if sums[-DIGITS:] != _digits(zlib.crc32(unknown)):
        raise OSError("the CRC-32 of its footer differs")
    for group in range(metadata.num_row_groups) if groups is None else groups:
        if sums[group * DIGITS :][:DIGITS] != _sum(file, *_bounds(metadata, start, group)):
            raise OSError(f"the CRC-32 of its row group {group} differs")
    return metadata


def _footer(file: BinaryIO | pa.NativeFile) -> tuple[int, bytes]:
    """Where the footer of an open table starts, and its bytes."""
    end = file.seek(0, os.SEEK_END) - TAIL.size
    file.seek(end)
    start = end - TAIL.unpack(file.read(TAIL.size))[0]
    file.seek(start)
    return start, file.read(end - start)


def _place(footer: bytes, metadata: pq.FileMetaData) -> int:
    """Where the sums stand in the footer: behind their key, a byte, and their length, seven bits of it a byte."""
    length = len(metadata.metadata[KEY])
    return footer.index(KEY) + len(KEY) + 1 + -(-length.bit_length() // 7)


def _bounds(metadata: pq.FileMetaData, end: int, group: int) -> tuple[int, int]:
    """The first byte of a row group and the one behind its last; the first group has what stands before it, too."""
    first = 0 if group == 0 else _first(metadata, group)
    return first, end if group == metadata.num_row_groups - 1 else _first(metadata, group + 1)


def _first(metadata: pq.FileMetaData, group: int) -> int:
    column = metadata.row_group(group).column(0)
    return column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset


def _sum(file: BinaryIO | pa.NativeFile, first: int, behind: int) -> bytes:
    value = 0
    file.seek(first)
    for at in range(first, behind, CHUNK):
        value = zlib.crc32(file.read(min(CHUNK, behind - at)), value)
    return _digits(value)


def _digits(value: int) -> bytes:
    return f"{value:0{DIGITS}x}".encode()
