"""Texts in files, streamed: plain text, Parquet and JSON lines, as the hubs ship them.

A text comes in one or more pieces, (characters, whether the text ends there), so that neither a corpus nor a file that
is one long text need fit in memory. Texts without a visible character are left out. Nothing of a text is changed, but
that a byte-order mark at the start of a file is dropped, and in .txt files the line ends around a text.
"""

import codecs
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from whyalike.data.text_parameters import FORMATS
from whyalike.file_faults import UnreadableFile, readable

KINDS = f"a file {', '.join(FORMATS)} (all but .parquet also .gz)"
END_OF_TEXT = "<|endoftext|>"
LONGEST = 2**18  # bytes or characters of a piece
ROWS = 256  # of a Parquet file at a time
SPACES = " \n\t\r"  # spaces to every tokenizer; what else is one, Python and the tokenizers' patterns do not agree on
_HALF = re.compile("[\ud800-\udfff]")  # of a pair that is one character in UTF-16: no text, but JSON can write it
_AFTER_WORD = re.compile(rf"(?<=\S)[{SPACES}]")

Piece = tuple[str, bool]


def texts(files: Iterable[Path], columns: Sequence[str]) -> Iterator[Piece]:
    """The texts of all files, in pieces.

    Parameters
    ----------
    files : in their order; the suffix says the format.
    columns : of Parquet and JSON files, joined with a line feed.

    Raises
    ------
    ValueError : a file that is damaged, no UTF-8, of another format or without the columns; names file and place.
    """
    for path in files:
        suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"][-1:] or [""]
        if suffixes[0] not in FORMATS or (suffixes[0] == ".parquet" and path.suffix == ".gz"):
            raise UnreadableFile(f"{path} must be {KINDS}. Rename or convert it.")
        with readable(path, KINDS, "Fetch or make it again."):
            yield from _plain(path) if suffixes[0] == ".txt" else _of_rows(path, columns)


def rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Where each row of a Parquet file, or of one of JSON lines, stands ("row 0", "line 1"), and its text by column.

    Raises
    ------
    ValueError : a row without the columns, or that holds no text there; names file and place.
    """
    for where, values in _parquet(path, columns) if path.suffix == ".parquet" else _json(path):
        yield where, _checked(path, where, values, columns)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their ends and numbers, from 1 on.

    Raises
    ------
    ValueError : a line that is no UTF-8.
    """
    with _open(path) as handle:
        for number, line in enumerate(handle, start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(path, f"line {number}", error) from error


def cut(text: str, longest: int) -> Iterator[str]:
    """A text in pieces of at most ``longest`` characters, or up to the next space, that give the tokens of the whole.

    GPT-2's pattern never joins a space to a character before it: pieces end before a space that follows another
    character.
    """
    start = 0
    while len(text) - start > longest:
        place = _before_space(text, start + longest, start)
        if place is None:
            if not (match := _AFTER_WORD.search(text, start + longest)):
                break
            place = match.start()
        yield text[start:place]
        start = place
    yield text[start:]


def _before_space(text: str, at_most: int, more_than: int) -> int | None:
    """The last place in a part of a text where a space follows another character; None if there is none."""
    for place in range(at_most, more_than, -1):
        if text[place] in SPACES and not text[place - 1].isspace():
            return place
    return None


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz" and not path.stat().st_size:  # which gzip takes for the end of a file
        raise EOFError("it is empty")
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _plain(path: Path) -> Iterator[Piece]:
    """Texts between lines that hold nothing but the end of text."""
    held: list[str] = []
    size, begun = 0, False
    for line in chain(_lines(path), [END_OF_TEXT]):
        if line.strip() == END_OF_TEXT:
            text = "".join(held).rstrip("\r\n")
            if begun or text.strip():
                yield text, True
            held, size, begun = [], 0, False
        elif held or begun or line.strip("\r\n"):
            held.append(line)
            size += len(line)
        if size > LONGEST:
            text = "".join(held)
            # line ends that may be the last of a text are still held: what is handed on ends before them
            if place := _before_space(text, min(len(text.rstrip()), len(text) - 1), 0):
                yield text[:place], False
                text, begun = text[place:], True
            held, size = [text], len(text)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file with their ends, long ones in parts."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    number = 1
    with _open(path) as handle:
        while line := handle.readline(LONGEST):
            try:
                yield decoder.decode(line)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, f"line {number}", error) from error
            number += line.endswith(b"\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, f"line {number}", error) from error


def _of_rows(path: Path, columns: Sequence[str]) -> Iterator[Piece]:
    """A text a row."""
    for _, values in rows(path, columns):
        text = "\n".join(values)
        if text.strip():
            pieces = list(cut(text, LONGEST))
            yield from ((piece, place == len(pieces)) for place, piece in enumerate(pieces, start=1))


def _json(path: Path) -> Iterator[tuple[str, Any]]:
    """An object a line; empty lines are left out."""
    for number, line in numbered_lines(path):
        try:
            values = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise UnreadableFile(
                f"{path} must hold a JSON object a line, line {number} is none ({error}). Convert or repair it."
            ) from error
        if values is not None:
            yield f"line {number}", values


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, Any]]:
    # a relative name with a colon would be a URI
    with pq.ParquetFile(path.absolute(), page_checksum_verification=True) as file:
        kinds = {field.name: field.type for field in file.schema_arrow}
        if absent := [name for name in columns if name not in kinds]:
            raise without(path, "the file", absent, kinds)
        first = 0
        for batch in file.iter_batches(ROWS, columns=list(columns)):
            try:
                found = batch.to_pylist()
            except UnicodeDecodeError as error:
                raise _not_utf8(path, f"one of rows {first} to {first + len(batch) - 1}", error) from error
            yield from ((f"row {row}", values) for row, values in enumerate(found, start=first))
            first += len(batch)


def _checked(path: Path, where: str, values: Any, columns: Sequence[str]) -> list[str]:
    """The text of one row, by column."""
    if not isinstance(values, dict):
        raise UnreadableFile(f"{path} must hold a JSON object a line, {where} holds {str(values)[:40]!r}. Convert it.")
    if absent := [name for name in columns if name not in values]:
        raise without(path, where, absent, values)
    if other := [name for name in columns if not isinstance(values[name], str)]:
        came = f"column {other[0]} holds {str(values[other[0]])[:40]!r} ({type(values[other[0]]).__name__})"
        raise UnreadableFile(f"{path} must hold text, in {where} {came}. Remove the row or name another column.")
    text = [values[name] for name in columns]
    if half := _HALF.search("\n".join(text)):
        raise UnreadableFile(
            f"{path} must hold text, in {where} character {half.start()} is half of one ({half[0]!a}). Remove the row "
            "or mend it."
        )
    return text


def without(path: Path, where: str, absent: Sequence[str], known: Iterable[str]) -> UnreadableFile:
    """What is raised where columns are absent."""
    return UnreadableFile(
        f"{path}: {where} has no column {', '.join(absent)}; it has {', '.join(known)}. Correct `columns`."
    )


def _not_utf8(path: Path, where: str, error: UnicodeDecodeError) -> UnreadableFile:
    return UnreadableFile(f"{path} must be UTF-8, {where} is not ({error}). Convert the file.")
