"""The run store: one folder a run, named by the run's identity, that Snakemake does not know of and never deletes.

    {store}/{identity}/weights.safetensors           the final weights
                       weights.step{n}.safetensors   those of the steps that a recipe keeps
                       log.parquet                   a row an epoch
                       result.json                   written last, says "finished": hashes, accuracy, steps, device,
                                                     and the CRC-32 of all that
                       steps.checkpoint.pt           while a finished run is trained again for more steps to keep
                       checkpoint.pt                 while training: everything needed to go on, bitwise
                       ledger.jsonl                  appended: who trained which steps, when
                       lock, heartbeat.json          who trains now

A run is trained under the lock of its folder (`whyalike.locks`). A second trainer waits until the holder ends, then
finds the run finished or resumes it. A trainer that was stopped for so long that another took its run finds the other's
line at the end of the ledger: it looks there before each file gets its name, and stops. Between look and renaming there
are microseconds; who is stopped just there can still put one whole file of its own among those of the other.
"""

import json
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from whyalike.files import canonical_json, file_sha256, guarded, write_text
from whyalike.locks import EVERY, Lock, TakenOver, described, holder

TAIL = 4096  # bytes of a ledger that are compared: several lines
SUM = "crc32"  # of a result: earlier versions wrote none


class DamagedRun(RuntimeError):
    """A file of a finished run is missing or is not what its result says."""


class StoredRun:
    """The folder of one run.

    Parameters
    ----------
    store : folder of the run store.
    identity : 16 hex digits, see `whyalike.grid.runs.Run`.
    """

    def __init__(self, store: Path, identity: str):
        self.identity = identity
        self.folder = Path(store) / identity
        self.weights = self.folder / "weights.safetensors"
        self.log = self.folder / "log.parquet"
        self.result = self.folder / "result.json"
        self.checkpoint = self.folder / "checkpoint.pt"
        self.steps_checkpoint = self.folder / "steps.checkpoint.pt"
        self.ledger = self.folder / "ledger.jsonl"
        self._seen: bytes | None = None  # the end of the ledger as this holder last saw it

    def weights_at(self, step: int) -> Path:
        """The weights kept at a step that the recipe names."""
        return self.folder / f"weights.step{step}.safetensors"

    def kept_steps(self, result: Mapping[str, Any]) -> list[int]:
        """The steps whose weights a result names, ascending."""
        names = (re.fullmatch(r"weights\.step(\d+)\.safetensors", name) for name in result["sha256"])
        return sorted(int(name[1]) for name in names if name)

    def finished(self) -> dict[str, Any] | None:
        """The result of a finished run whose files are what it says, or None if the run is not finished.

        Raises
        ------
        DamagedRun : a file is missing, or its hash or sum differs.
        """
        if not self.result.is_file():
            return None
        try:
            result = json.loads(self.result.read_text(encoding="utf-8"))
            told, expected = result.pop(SUM, None), result["sha256"].items()
            differs = told not in (None, _sum(result))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # not JSON, or of another shape
            raise self._damaged(self.result, "cannot be read") from None
        if differs:
            raise self._damaged(self.result, "is not the file that was written (CRC-32 differs)")
        for name, sha256 in expected:
            path = self.folder / name
            if not path.is_file():
                raise self._damaged(path, "is missing")
            if file_sha256(path) != sha256:
                raise self._damaged(path, "is not the file that was written (SHA-256 differs)")
        return result

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result, when all else of the run is written."""
        write_text(self.result, canonical_json({**result, SUM: _sum(result)}) + "\n")

    def note(self, event: str, **fields: Any) -> None:
        """Append one line to the ledger.

        Raises
        ------
        TakenOver : this process held the run, and another has it now.
        """
        self.ensure_held()
        line = {"event": event, "run": self.identity, "time": time.time(), **holder(), **fields}
        tail = self._tail() if self._seen is None else self._seen
        begin = "" if not tail or tail.endswith(b"\n") else "\n"  # who was killed may have left half a line
        text = f"{begin}{json.dumps(line, sort_keys=True)}\n".encode()
        with self.ledger.open("ab") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        if self._seen is not None:
            self._seen = (tail + text)[-TAIL:]

    @contextmanager
    def held(self, heartbeat_seconds: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the run exclusively; wait, and say so, while another trainer holds it.

        Parameters
        ----------
        heartbeat_seconds : how often this holder writes its heartbeat.
        waiting : called with a sentence now and then while another holder trains.

        Raises
        ------
        TakenOver : in the body, by `note`, `ensure_held` and every file that it writes: another trainer has the run.
        """

        def wait(other: str) -> None:
            waiting(f"run {self.identity} is trained by {other}: waiting until it ends")

        with self._lock(heartbeat_seconds).held(wait):
            self._seen = self._tail()
            try:
                with guarded(self.ensure_held):
                    yield
            finally:
                self._seen = None

    def ensure_held(self) -> None:
        """Nothing, if the run's ledger ends as this holder last saw it: who takes a run begins with a line there.

        Raises
        ------
        TakenOver : it ends otherwise.
        """
        tail = self._tail()
        if self._seen in (None, tail):
            return
        try:
            other = described(json.loads(tail.splitlines()[-1]))
        except (ValueError, LookupError, TypeError):
            other = "another process"
        raise TakenOver(
            f"run {self.identity} was taken over by {other} while this process, {os.getpid()}, slept or did not reach "
            "the disk: it writes nothing more. The run is finished by whoever has it now"
        )

    @contextmanager
    def held_if_free(self) -> Iterator[bool]:
        """Hold the run unless a live trainer does; yields whether it is held. Never waits for one."""
        lock = self._lock()
        free = lock.take()
        try:
            yield free
        finally:
            lock.release()

    def is_free(self) -> bool:
        """Whether no live trainer holds the run. Nothing is written."""
        return self._lock().is_free()

    def trainer(self) -> dict[str, Any] | None:
        """Who trains the run now, as `whyalike.locks.Lock.holder` tells those who only watch."""
        return self._lock().holder()

    def events(self) -> list[dict[str, Any]]:
        """The lines of the ledger, the oldest first; one that is being written, or is damaged, is left out."""
        try:
            lines = self.ledger.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with suppress(ValueError, RecursionError):
                found.append(json.loads(line))
        return [one for one in found if _is_event(one)]

    def _lock(self, every: float = EVERY) -> Lock:
        return Lock(self.folder / "lock", self.folder / "heartbeat.json", every)

    def _tail(self) -> bytes:
        """The end of the ledger; its last line tells who wrote it, and when."""
        try:
            with self.ledger.open("rb") as handle:
                handle.seek(max(0, os.fstat(handle.fileno()).st_size - TAIL))
                return handle.read()
        except FileNotFoundError:
            return b""

    def _damaged(self, path: Path, fault: str) -> DamagedRun:
        return DamagedRun(
            f"{path} {fault}. Remove the run with `whyalike clean CONFIG --run {self.identity}` (CONFIG: your "
            "configuration) and start again: the run is then trained anew."
        )


def _sum(result: Mapping[str, Any]) -> int:
    return zlib.crc32(canonical_json(result).encode())


def _is_event(line: Any) -> bool:
    """Whether a line of a ledger says what happened and when, and a step, if any, that is a number."""
    return (
        isinstance(line, dict)
        and isinstance(line.get("event"), str)
        and isinstance(line.get("time"), float | int)
        and isinstance(line.get("step", 0), int)
    )
