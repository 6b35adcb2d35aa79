"""Fills the token stream of a data set chunk by chunk, and goes on where a preparation that was killed stopped.

The tokens lie in a hidden file beside the array to come; a journal beside it has a line for every chunk of text, with
the hashes of the text and of its tokens. The text is read from its start again, which costs little beside cutting it
into tokens: a chunk whose text and tokens are those of its line is kept, and from the first other one on (a file was
changed, the machine lost power before tokens reached the disk) all is made anew. The first line says what the work is;
other parameters, code or tokenizers begin anew. The array gets its name when the stream is whole.
"""

import fcntl
import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from whyalike.data.array_file import ARRAY, CHECKSUMS, TOKEN
from whyalike.data.documents import Piece
from whyalike.files import canonical_json

TOKENS, JOURNAL = ".array.partial.npy", ".array.partial.jsonl"  # as of images, in whose place they may come

Append = Callable[[str, Sequence[Piece], Callable[[], np.ndarray]], int]


@contextmanager
def fill_tokens(folder: Path, work: Mapping[str, Any], report: Callable[[str], None]) -> Iterator[Append]:
    """Yield a function that appends the tokens of a chunk of text to what becomes the folder's array.

    `whyalike.data.prepared.write_prepared` with ``array=None`` then completes the folder.

    Parameters
    ----------
    folder : the prepared data set.
    work : JSON values that tell which work this is: all that the tokens depend on, but the text.
    report : told how many tokens an earlier attempt left.

    Yields
    ------
    append(name of the corpus, pieces of text, function that makes their tokens, uint16 (n,)) -> n. The function is not
    called where an earlier attempt made the tokens.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)  # from here on an older data set in the folder is no longer valid
    with (folder / JOURNAL).open("a+b") as journal:
        with suppress(OSError):  # a file system without locks; without one, Snakemake's holds two preparers apart
            fcntl.lockf(journal, fcntl.LOCK_EX)
        path = folder / TOKENS
        with path.open("r+b" if path.is_file() else "w+b") as tokens:
            stream = _Stream(tokens, journal, f"{canonical_json(work)}\n".encode(), report)
            yield stream.append
            stream.finish()
        path.replace(folder / ARRAY)
        (folder / JOURNAL).unlink()


class _Stream:
    """An unfinished array and its journal, up to the chunk that was appended last."""

    def __init__(self, tokens: BinaryIO, journal: BinaryIO, first: bytes, report: Callable[[str], None]):
        self._tokens, self._journal, self._report = tokens, journal, report
        journal.seek(0)
        lines = journal.read().splitlines(keepends=True)
        self._kept = deque(lines[1:] if lines[:1] == [first] else [])
        if not self._kept:
            journal.truncate(0)
            journal.write(first)
            journal.flush()
        self._noted = len(first)  # bytes of the journal that are true of the tokens
        self._start = self._end = len(_header(0))
        self._found = 0
        tokens.seek(0)
        tokens.write(_header(0))

    def append(self, name: str, pieces: Sequence[Piece], make: Callable[[], np.ndarray]) -> int:
        """The tokens of a chunk of text: those of an earlier attempt, or those that are made now."""
        text = _text_sha256(pieces)
        if self._kept and (count := self._checked(self._kept.popleft(), name, text)) is not None:
            self._found += count
            return count
        self._drop()
        made = make().astype(TOKEN, casting="no").tobytes()
        self._tokens.write(made)
        self._tokens.flush()
        count = len(made) // TOKEN.itemsize
        line = f"{canonical_json([name, text, count, hashlib.sha256(made).hexdigest()])}\n".encode()
        self._journal.write(line)
        self._journal.flush()
        self._end, self._noted = self._end + len(made), self._noted + len(line)
        return count

    def finish(self) -> None:
        """Give the array its length; all of it is on the disk afterwards."""
        self._drop()
        self._tokens.seek(0)
        self._tokens.write(_header((self._end - self._start) // TOKEN.itemsize))
        self._tokens.flush()
        os.fsync(self._tokens.fileno())

    def _checked(self, line: bytes, name: str, text: str) -> int | None:
        """The number of tokens that a line of the journal is about, if they are there and are those of the text."""
        with suppress(ValueError):  # the last line of a killed writer may be cut
            *of, count, sha256 = json.loads(line)
            self._tokens.seek(self._end)
            tokens = self._tokens.read(count * TOKEN.itemsize)
            if line.endswith(b"\n") and of == [name, text] and hashlib.sha256(tokens).hexdigest() == sha256:
                self._end, self._noted = self._end + len(tokens), self._noted + len(line)
                return count
        return None

    def _drop(self) -> None:
        """Forget what an earlier attempt left behind the last chunk, and say what it left before."""
        if self._found:
            self._report(f"{self._found} tokens are there from an earlier attempt")
        self._found = 0
        self._kept.clear()
        self._journal.truncate(self._noted)
        self._tokens.seek(self._end)
        self._tokens.truncate()


def _text_sha256(pieces: Sequence[Piece]) -> str:
    digest = hashlib.sha256()
    for text, ends in pieces:
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(b"\xff" if ends else b"\xfe")  # bytes that no text has
    return digest.hexdigest()


def _header(length: int) -> bytes:
    """What stands before ``length`` tokens; numpy leaves room in it, so that every length gives as many bytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": TOKEN.str, "fortran_order": False, "shape": (length,)})
    return header.getvalue()
