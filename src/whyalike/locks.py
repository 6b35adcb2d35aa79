"""A lock that one process has at a time, on one host or on many.

Two things tell that it is taken. The kernel's lock on a file ends with its holder, however that ends. The heartbeat, a
file beside it that the holder writes again and again, tells those whom the kernel's lock does not: on file systems
without locks (Lustre without flock, NFS without lockd) and between hosts that do not share theirs. A holder that has
missed `STALE_HEARTBEATS` is dead. The time of its file is compared with that of a file touched there now: it does not
matter what the clocks of two hosts say. A heartbeat that stays the same for so long is of a dead holder, too.

Without the kernel's lock two that wait may see the same heartbeat get old. Each writes its own, pauses, and has the
lock if its own still stands there. A process that is stopped between its look and its write for longer than the pause
can take the lock from under another, and a holder that is stopped for long finds it taken when it wakes. What two must
not write needs a look before each write: `Lock.ensure_held`, or that of `whyalike.training.store`.
"""

import atexit
import errno
import fcntl
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from whyalike.files import runs_here, write_text

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # Lustre without flock, NFS without lockd, others
JOB_PROCESS = "WHYALIKE_JOB_PROCESS"  # environment of a process that works for another one: the other's id
EVERY = 10.0  # s between heartbeats
STALE_HEARTBEATS = 6  # a holder that missed so many heartbeats is dead; one or two are missed on a busy file system
LONGEST_PAUSE = 1.0  # s, between two tries, and before one that wrote its heartbeat looks whether it still stands
Record = dict[str, Any]


class TakenOver(RuntimeError):
    """Another process has what this one held."""


class Lock:
    """A lock on a file that stays when it is free.

    Parameters
    ----------
    path : the file; missing parent folders are made when the lock is taken.
    heartbeat : the file beside it; {path}.json if left out.
    every : seconds between heartbeats.
    told : what the heartbeat tells beside host, process, job and since when the lock is held, as JSON values.
    """

    def __init__(self, path: Path, heartbeat: Path | None = None, every: float = EVERY, **told: Any):
        self.path, self.heartbeat, self.every = path, heartbeat or path.with_name(f"{path.name}.json"), every
        self._told, self._file, self._record = told, None, {}
        self._seen = (-1.0, 0.0)  # the time of another's last heartbeat, and when it was first seen here
        self._stop, self._beating = threading.Event(), None

    def take(self) -> bool:
        """Take it until `release`, or until this process ends, unless another has it; says whether it is held now.

        Raises
        ------
        PermissionError : this user may not write there; the message says what to do.
        """
        file = self._open()
        try:
            if self._acquires(file):
                self._file = file
                self._start_beating()
                atexit.register(self.release)
        finally:
            if self._file is None:
                os.close(file)
        return self._file is not None

    @contextmanager
    def held(self, waiting: Callable[[str], None]) -> Iterator[Record | None]:
        """Hold it; wait while another does, whose record is yielded then.

        Parameters
        ----------
        waiting : called now and then while another holds it, with who that is.
        """
        polls, other = 0, None
        while not self.take():
            other = self.last_holder() or other
            if polls % 30 == 0:
                waiting(described(other))
            polls += 1
            time.sleep(self._pause)
        try:
            yield other
        finally:
            self.release()

    def release(self) -> None:
        """Give it back, if this process took it."""
        if self._file is None or self._record["pid"] != os.getpid():
            return
        atexit.unregister(self.release)
        self._stop.set()
        self._beating.join()
        with suppress(OSError):
            if self._is_mine():
                self.heartbeat.unlink()
        os.close(self._file)
        self._file = None

    def ensure_held(self) -> None:
        """Nothing, if the heartbeat is still this holder's; for `whyalike.files.guarded`, before each file.

        Raises
        ------
        TakenOver : another process has taken it meanwhile, and may have given it back.
        """
        if not self._is_mine():
            raise TakenOver(
                f"{self.path} was taken over by {described(self.last_holder())} while this process, {os.getpid()}, "
                "slept or did not reach the disk: it writes nothing more. The work is finished by whoever has it now"
            )

    def passed_on(self) -> tuple[int, Record]:
        """What a child needs to `inherit` a lock that is held: a descriptor, to be passed to it, and the record."""
        return self._file, self._record

    def inherit(self, file: int, record: Record) -> bool:
        """Have it as the parent has it, also after that one's end; says whether that can be."""
        if not self._is_current(file):
            return False
        self._file, self._record = file, record
        self._start_beating()
        return True

    def is_free(self) -> bool:
        """Whether nobody has it now. Nothing is taken or made; who may only read is told by the heartbeat alone."""
        try:
            file = os.open(self.path, os.O_RDWR)
        except OSError:  # there is none, or it is another user's
            return self.holder() is None
        try:
            return not self._is_alive_elsewhere(file, _lock(file))
        except BlockingIOError:
            return False
        finally:
            os.close(file)

    def last_holder(self) -> Record | None:
        """Who wrote the heartbeat that is there, dead or alive."""
        return self._last()[0]

    def holder(self) -> Record | None:
        """Who has it, by the heartbeat alone: host, pid, job; None if nobody does.

        For those who only watch: no lock is taken, nothing is written.
        """
        beat, stamp = self._last()
        if beat is None or time.time() - stamp >= STALE_HEARTBEATS * beat["every"]:
            return None
        return None if beat["host"] == socket.gethostname() and not runs_here(beat["pid"]) else beat

    @property
    def _pause(self) -> float:
        return min(LONGEST_PAUSE, self.every)

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            raise PermissionError(
                f"{error.filename} cannot be written ({error.strerror}): it is another user's, or the disk is "
                "read-only. To share results, all of a group work with `umask 002` in a folder of the group; who only "
                "reads sets `results` to a folder of their own."
            ) from None

    def _acquires(self, file: int) -> bool:
        try:
            locked = _lock(file)
        except BlockingIOError:
            return False
        if not self._is_current(file) or self._is_alive_elsewhere(file, locked):
            return False
        self._record = {**holder(), "every": self.every, "since": time.time(), "token": secrets.token_hex(8)}
        self._record |= self._told
        self._write()
        if locked:
            return True
        time.sleep(self._pause)
        return self._is_mine()

    def _is_current(self, file: int) -> bool:
        """Whether an open file still has the lock's name: its folder may have been removed, and made anew."""
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except OSError:
            return False

    def _is_alive_elsewhere(self, file: int, locked: bool) -> bool:
        """Whether a heartbeat goes on that the lock does not tell of: another host's; any, where there are no locks."""
        beat, stamp = self._last()
        # on this host the kernel's lock is the truth: having it means that the holder is gone
        if beat is None or (locked and beat["host"] == socket.gethostname()):
            return False
        os.utime(file)
        longest, now = STALE_HEARTBEATS * beat["every"], time.monotonic()
        if stamp != self._seen[0]:
            self._seen = (stamp, now)
        return os.fstat(file).st_mtime - stamp < longest and now - self._seen[1] < longest

    def _last(self) -> tuple[Record | None, float]:
        """The last heartbeat and its file's time; None if there is none that can be read."""
        try:
            with self.heartbeat.open(encoding="utf-8") as handle:
                beat = json.load(handle)
                beat["host"], beat["pid"], beat["every"]
                return beat, os.fstat(handle.fileno()).st_mtime
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None, 0.0

    def _is_mine(self) -> bool:
        return (self._last()[0] or {}).get("token") == self._record["token"]

    def _write(self) -> None:
        write_text(self.heartbeat, json.dumps(self._record))

    def _start_beating(self) -> None:
        self._stop.clear()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def _beat(self) -> None:
        while not self._stop.wait(self.every):
            # a full disk must not end the work through its heartbeat: the work's own writes report it
            with suppress(OSError):
                if not self._is_mine():  # taken while this process was stopped
                    return
                self._write()


def _lock(file: int) -> bool:
    """Take the kernel's lock if it is free; False if the file system has no locks, BlockingIOError if it is taken."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return False
    return True


def holder() -> Record:
    """Who this process is: host, process id, that of the job it works for, and the cluster's job id if there is one."""
    process = os.getpid()
    job_process = int(os.environ.get(JOB_PROCESS, process))
    return {"host": socket.gethostname(), "pid": process, "job_pid": job_process,
            "job": os.environ.get("SLURM_JOB_ID", "")}  # fmt: skip


def described(record: Record | None) -> str:
    """Who a record is of, in words."""
    if not record:
        return "another process"
    return f"process {record['pid']} on {record['host']}" + (f" (job {record['job']})" if record.get("job") else "")
