"""What a job of many parts has finished so far, beside its output: the next attempt goes on where one was cut off.

The file is a line a part, each with its checksum, added to at the end: of one that was cut off in the middle the whole
lines count. Its first line is the digest of what the job is made from; work of other parameters or inputs begins anew.
"""

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from whyalike.files import canonical_json
from whyalike.job import note

SECONDS = 30.0  # between two additions to the file, and two notes: what is lost at most, and not a hundredth of a job


class Unfinished(MutableMapping[int, Any]):
    """The finished parts of a job by number, as JSON values. Leaving the body without a fault removes the file.

    Parameters
    ----------
    output : what the job writes.
    work, inputs : its parameters, and the files that it reads: known by size and time, as they are to Snakemake.
    title, total, unit : what notes say of it: the work, of how many parts, and what one is.
    """

    def __init__(
        self, output: Path, work: Mapping[str, Any], inputs: Sequence[Path], title: str, total: int, unit: str
    ):
        # a name as those that killed writers leave: `whyalike clean` removes one that nobody goes on with
        self.path = output.with_name(f".{output.stem}.unfinished-0.tmp.jsonl")
        states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in inputs]
        self._key = hashlib.sha256(canonical_json([work, states]).encode()).hexdigest()
        self._title, self._total, self._unit = title, total, unit
        self._parts, self._waiting = {}, []
        self._began = self._noted = self._written = time.monotonic()
        self._read()
        self._found = len(self._parts)

    def __getitem__(self, number: int) -> Any:
        return self._parts[number]

    def __setitem__(self, number: int, value: Any) -> None:
        self._parts[number] = value
        self._waiting.append(_line([number, value]))
        now = time.monotonic()
        if now - self._written >= SECONDS:
            self._write()
        if now - self._noted >= SECONDS or len(self) == self._total:
            self._noted, spent = now, now - self._began
            left = spent / (len(self) - self._found) * (self._total - len(self))
            note(f"{self._title} · {len(self)}/{self._total} {self._unit} · {spent:.0f} s · eta {left:.0f} s")

    def __delitem__(self, number: int) -> None:
        raise TypeError("what is finished stays")

    def __iter__(self) -> Iterator[int]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __enter__(self) -> Self:
        if self._found:
            note(f"{self._title} · {self._found}/{self._total} {self._unit} are there from an attempt before")
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.path.unlink(missing_ok=True)
        else:
            self._write()

    def _read(self) -> None:
        """Take what the file has of this work, and cut off what is not whole; another work's file goes."""
        whole = 0
        if self.path.is_file():
            first, *lines = self.path.read_bytes().splitlines(keepends=True) or [b""]
            if first == _line(self._key):
                whole = len(first)
                for line in lines:
                    value = json.loads(line[9:]) if line.endswith(b"\n") and _is_whole(line) else None
                    if value is None:
                        break
                    self._parts[value[0]] = value[1]
                    whole += len(line)
            os.truncate(self.path, whole)
        if not whole:
            self._waiting.append(_line(self._key))

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(b"".join(self._waiting))
            file.flush()
            os.fsync(file.fileno())
        self._waiting, self._written = [], time.monotonic()


def _line(value: Any) -> bytes:
    text = json.dumps(value).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _is_whole(line: bytes) -> bool:
    return line[:9] == b"%08x " % zlib.crc32(line[9:-1])
