"""A lock that one process has at a time: by the kernel, or by a heartbeat where there are no locks."""

import errno
import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from whyalike import locks
from whyalike.locks import STALE_HEARTBEATS, Lock, holder

EVERY = 0.05  # s between heartbeats
PATIENCE = 30  # s


@pytest.fixture
def lock(tmp_path):
    return Lock(tmp_path / "lock", every=EVERY)


@pytest.fixture
def no_locks(monkeypatch):
    """A file system without locks, such as Lustre mounted without flock."""

    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)


def beat(lock, age=0.0, **changes):
    """A heartbeat that was written so many seconds ago."""
    lock.heartbeat.write_text(json.dumps({"host": "elsewhere", "pid": 1, "job": "12", "every": EVERY} | changes))
    os.utime(lock.heartbeat, (time.time() - age,) * 2)


def taken_after(lock, waiting=pytest.fail):
    """Seconds until it is held."""
    began = time.monotonic()
    with lock.held(waiting):
        return time.monotonic() - began


def test_it_is_taken_once_and_again_after_its_release(lock):
    second = Lock(lock.path, every=EVERY)
    for _ in range(2):
        assert lock.take()
        assert not second.take() and not second.is_free()
        assert second.holder().items() >= holder().items()
        lock.release()
        assert second.is_free() and second.holder() is None
    assert not lock.heartbeat.exists()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_it_is_taken_once_and_again_after_its_release(lock):
    test_it_is_taken_once_and_again_after_its_release(lock)


def test_a_fresh_heartbeat_of_another_host_blocks_until_it_is_old(lock):
    beat(lock)
    messages = []
    assert taken_after(lock, messages.append) > (STALE_HEARTBEATS - 1) * EVERY
    assert messages == ["process 1 on elsewhere (job 12)"]


@pytest.mark.parametrize("changes", [{"age": 2 * STALE_HEARTBEATS * EVERY}, {"host": holder()["host"]}],
                         ids=["stale", "of a dead process on this host"])  # fmt: skip
def test_a_heartbeat_that_means_nothing_does_not_block(lock, changes):
    beat(lock, **changes)
    taken_after(lock)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"host": "elsewhere"}'])
def test_an_unreadable_heartbeat_does_not_block(lock, text):
    lock.heartbeat.write_text(text)
    taken_after(lock)


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize("host", ["elsewhere", holder()["host"]])
def test_without_locks_the_heartbeat_alone_decides(lock, host):
    beat(lock, host=host)
    assert taken_after(lock, lambda other: None) > (STALE_HEARTBEATS - 1) * EVERY


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_this_host_does_not_make_a_fresh_heartbeat_old(lock, monkeypatch, hours):
    beat(lock)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
    assert taken_after(lock, lambda other: None) > (STALE_HEARTBEATS - 1) * EVERY


def test_a_dead_host_whose_clock_was_ahead_blocks_no_longer_than_others(lock):
    beat(lock, age=-3600)
    assert STALE_HEARTBEATS * EVERY <= taken_after(lock, lambda other: None) < PATIENCE


def test_other_faults_of_the_lock_are_raised(lock, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output error"):
        lock.take()


def work(folder):
    """Hold the lock of a folder for a while, and note when."""
    with Lock(folder / "lock", every=0.5).held(lambda other: None), (folder / "seen").open("a", buffering=1) as seen:
        seen.write("in\n")
        time.sleep(0.1)
        seen.write("out\n")


@pytest.mark.usefixtures("no_locks")
def test_of_many_that_see_one_heartbeat_get_old_one_at_a_time_has_it(tmp_path):
    beat(Lock(tmp_path / "lock"))
    processes = [multiprocessing.get_context("fork").Process(target=work, args=(tmp_path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
    assert (tmp_path / "seen").read_text().split() == ["in", "out"] * 4


@pytest.mark.usefixtures("no_locks")
def test_who_finds_it_taken_neither_beats_nor_removes_what_is_not_its_own(lock):
    assert lock.take()
    beat(lock, token="other")
    other = lock.heartbeat.read_bytes()
    time.sleep(3 * EVERY)
    lock.release()
    assert lock.heartbeat.read_bytes() == other


def test_a_holder_does_not_bring_back_a_folder_that_was_removed(tmp_path):
    lock = Lock(tmp_path / "folder" / "lock", every=EVERY)
    assert lock.take()
    lock.path.parent.rename(tmp_path / "removed")
    time.sleep(3 * EVERY)
    lock.release()
    assert not lock.path.parent.exists()


CHILD = """
import json, sys
from pathlib import Path
from whyalike.locks import Lock
print(Lock(Path(sys.argv[1]), every=.05).inherit(*json.loads(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("kernel", [True, False], ids=["with locks", "without locks"])
def test_a_child_has_the_lock_of_its_parent_after_that_ones_end(lock, request, kernel):
    if not kernel:
        request.getfixturevalue("no_locks")
    assert lock.take()
    file, record = lock.passed_on()
    command = [sys.executable, "-c", CHILD, str(lock.path), json.dumps([file, record])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, pass_fds=[file], **pipes) as child:
        assert child.stdout.readline() == "True\n"
        lock._stop.set()  # as if the parent were killed
        lock._beating.join()
        time.sleep(2 * STALE_HEARTBEATS * EVERY)
        assert not Lock(lock.path, every=EVERY).is_free()
        assert locks.described(Lock(lock.path).holder()) == f"process {os.getpid()} on {holder()['host']}"
        child.stdin.close()
    lock.release()
