"""The run store: one folder a run, named by the run's identity, that Snakemake does not know of and never deletes.

    {store}/{identity}/weights.safetensors           the final weights
                       weights.step{n}.safetensors   those of the steps that a recipe keeps
                       log.parquet                   a row an epoch
                       result.json                   written last, says "finished": hashes, accuracy, steps, device
                       checkpoint.pt                 while training: everything needed to go on, bitwise
                       ledger.jsonl                  appended: who trained which steps, when
                       lock, heartbeat.json          who trains now

A run is trained under an exclusive lock on its folder (released by the kernel when its holder dies) and a heartbeat for
file systems without locks. A second trainer waits until the holder ends, then finds the run finished or resumes it.
"""

import errno
import fcntl
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from whyalike.files import file_sha256, write_text

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # Lustre without flock, NFS without lockd, others
JOB_PROCESS = "WHYALIKE_JOB_PROCESS"  # environment of a process that trains for another one: the other's id
STALE_HEARTBEATS = 6  # a holder that missed so many heartbeats is dead; one or two are missed on a busy file system


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
        self.ledger = self.folder / "ledger.jsonl"

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
        DamagedRun : a file is missing or its hash differs.
        """
        if not self.result.is_file():
            return None
        try:
            result = json.loads(self.result.read_text(encoding="utf-8"))
            expected = result["sha256"].items()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # not JSON, or of another shape
            raise self._damaged(self.result, "cannot be read") from None
        for name, sha256 in expected:
            path = self.folder / name
            if not path.is_file():
                raise self._damaged(path, "is missing")
            if file_sha256(path) != sha256:
                raise self._damaged(path, "is not the file that was written (SHA-256 differs)")
        return result

    def note(self, event: str, **fields: Any) -> None:
        """Append one line to the ledger."""
        line = {"event": event, "run": self.identity, "time": time.time(), **holder(), **fields}
        with self.ledger.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, sort_keys=True) + "\n")
            handle.flush()
            os.fsync(handle.fileno())

    @contextmanager
    def held(self, heartbeat_seconds: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the run exclusively; wait, and say so, while another trainer holds it.

        Parameters
        ----------
        heartbeat_seconds : how often this holder writes its heartbeat.
        waiting : called with a sentence now and then while another holder trains.
        """
        with self._acquired(heartbeat_seconds, waiting):
            stop = threading.Event()
            beat = threading.Thread(target=self._beat, args=(heartbeat_seconds, stop), daemon=True)
            self._write_heartbeat(heartbeat_seconds)
            beat.start()
            try:
                yield
            finally:
                stop.set()
                beat.join()
                with suppress(FileNotFoundError):
                    self._heartbeat.unlink()

    @contextmanager
    def held_if_free(self) -> Iterator[bool]:
        """Hold the run unless a live trainer does; yields whether it is held. Never waits."""
        with self._lock_file.open("a") as lock:
            try:
                free = not self._alive_elsewhere(_lock(lock.fileno())) and self._is_current(lock.fileno())
            except BlockingIOError:
                free = False
            yield free

    def trainer(self) -> dict[str, Any] | None:
        """Who trains the run now, by the heartbeat alone: host, pid, job; None if nobody does.

        For those who only watch: no lock is taken, nothing is written.
        """
        beat = self._live_heartbeat()
        gone = beat is not None and beat["host"] == socket.gethostname() and not runs_here(beat["pid"])
        return None if gone else beat

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

    @property
    def _lock_file(self) -> Path:
        return self.folder / "lock"

    @property
    def _heartbeat(self) -> Path:
        return self.folder / "heartbeat.json"

    @contextmanager
    def _acquired(self, heartbeat_seconds: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock of the folder that has the run's name now: the one waited for may have been removed."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock_file.open("a") as lock:
                self._acquire(lock.fileno(), heartbeat_seconds, waiting)
                if self._is_current(lock.fileno()):
                    yield
                    return

    def _is_current(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), self._lock_file.stat())
        except FileNotFoundError:
            return False

    def _acquire(self, lock: int, heartbeat_seconds: float, waiting: Callable[[str], None]) -> None:
        polls = 0
        while True:
            with suppress(BlockingIOError):
                locked = _lock(lock)
                if not self._alive_elsewhere(locked):
                    return
                if locked:
                    fcntl.flock(lock, fcntl.LOCK_UN)
            if polls % 30 == 0:
                waiting(f"run {self.identity} is trained by {self._describe_holder()}: waiting until it ends")
            polls += 1
            time.sleep(min(1.0, heartbeat_seconds))

    def _alive_elsewhere(self, locked: bool) -> bool:
        """Whether a heartbeat goes on that the lock does not tell of: another host's; any, where there are no locks."""
        beat = self._live_heartbeat()
        # on this host the kernel's lock is the truth: having it means that the holder is gone
        return beat is not None and not (locked and beat["host"] == socket.gethostname())

    def _live_heartbeat(self) -> dict[str, Any] | None:
        """The last heartbeat, unless its writer has missed too many since."""
        try:
            beat = json.loads(self._heartbeat.read_text(encoding="utf-8"))
            age = time.time() - self._heartbeat.stat().st_mtime
        except (FileNotFoundError, ValueError):
            return None
        return beat if age < STALE_HEARTBEATS * beat["every"] else None

    def _describe_holder(self) -> str:
        try:
            beat = json.loads(self._heartbeat.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return "another process"
        return f"process {beat['pid']} on {beat['host']}" + (f" (job {beat['job']})" if beat["job"] else "")

    def _write_heartbeat(self, every: float) -> None:
        write_text(self._heartbeat, json.dumps({**holder(), "every": every}))

    def _beat(self, every: float, stop: threading.Event) -> None:
        while not stop.wait(every):
            # a full disk must not end the training through its heartbeat: the trainer's own writes report it
            with suppress(OSError):
                self._write_heartbeat(every)

    def _damaged(self, path: Path, fault: str) -> DamagedRun:
        return DamagedRun(
            f"{path} {fault}. Remove the run with `whyalike clean CONFIG --run {self.identity}` (CONFIG: your "
            "configuration) and start again: the run is then trained anew."
        )


def _is_event(line: Any) -> bool:
    """Whether a line of a ledger says what happened and when, and a step, if any, that is a number."""
    return (
        isinstance(line, dict)
        and isinstance(line.get("event"), str)
        and isinstance(line.get("time"), float | int)
        and isinstance(line.get("step", 0), int)
    )


def _lock(file: int) -> bool:
    """Take the kernel's lock if it is free; False if the file system has no locks, BlockingIOError if it is taken."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return False
    return True


def runs_here(process: int) -> bool:
    """Whether a process of this id runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def holder() -> dict[str, Any]:
    """Who this process is: host, process id, that of the job it works for, and the cluster's job id if there is one."""
    process = os.getpid()
    job_process = int(os.environ.get(JOB_PROCESS, process))
    return {"host": socket.gethostname(), "pid": process, "job_pid": job_process,
            "job": os.environ.get("SLURM_JOB_ID", "")}  # fmt: skip
