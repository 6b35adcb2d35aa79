"""The run store: what is finished, what is damaged, and who may train."""

import errno
import fcntl
import json
import os
import threading
import time

import pytest
from training_jobs import IDENTITY, PATIENCE, PROCESSES, end, hold, ledger, start, stored_run

from whyalike.files import file_sha256, write_text
from whyalike.training import store
from whyalike.training.store import STALE_HEARTBEATS, DamagedRun, StoredRun, holder

EVERY = 0.05  # s between heartbeats


@pytest.fixture
def stored(tmp_path):
    stored = StoredRun(tmp_path, IDENTITY)
    stored.folder.mkdir()
    return stored


@pytest.fixture
def finished(stored):
    """A run that says it is finished; what its files hold plays no part."""
    for path in (stored.weights, stored.log, stored.weights_at(3)):
        path.write_bytes(path.name.encode())
    hashes = {path.name: file_sha256(path) for path in (stored.weights, stored.log, stored.weights_at(3))}
    stored.result.write_text(json.dumps({"accuracy": 0.5, "sha256": hashes}))
    return stored


REMEDY = r"Remove the run with `whyalike clean CONFIG --run a+` .* and start again: the run is then trained anew"


def test_a_run_without_a_result_is_not_finished(tmp_path, stored):
    stored.weights.write_bytes(b"weights")
    assert stored.finished() is None
    assert StoredRun(tmp_path, "b" * 16).finished() is None  # without even a folder


def test_a_finished_run_gives_its_result(finished):
    assert finished.finished()["accuracy"] == 0.5


@pytest.mark.parametrize("name", ["weights.safetensors", "log.parquet", "weights.step3.safetensors"])
def test_a_missing_file_is_named_with_the_remedy(finished, name):
    (finished.folder / name).unlink()
    with pytest.raises(DamagedRun, match=rf"{name} is missing\. {REMEDY}"):
        finished.finished()


@pytest.mark.parametrize("name", ["weights.safetensors", "log.parquet", "weights.step3.safetensors"])
def test_a_changed_byte_is_named_with_the_remedy(finished, name):
    path = finished.folder / name
    content = bytearray(path.read_bytes())
    content[2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedRun, match=rf"{name} is not the file that was written \(SHA-256 differs\)\. {REMEDY}"):
        finished.finished()


@pytest.mark.parametrize("text", ["", '{"sha256": {"weights', "{}", "[]", "null", '{"sha256": []}', "\udcff"])
def test_an_unreadable_result_is_named_with_the_remedy(finished, text):
    finished.result.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DamagedRun, match=rf"result\.json cannot be read\. {REMEDY}"):
        finished.finished()


def test_the_ledger_is_appended(stored):
    before = time.time()
    stored.note("start", step=0)
    stored.note("end", step=4)
    here = (IDENTITY, os.getpid(), holder()["host"])
    assert ledger(stored, "event", "step", "run", "pid", "host") == [("start", 0, *here), ("end", 4, *here)]
    times = [moment for (moment,) in ledger(stored, "time")]
    assert before <= times[0] <= times[1] <= time.time()


def test_the_job_of_a_cluster_is_noted(stored, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    stored.note("start")
    assert ledger(stored, "job") == [("4711",)]


def test_a_heartbeat_goes_on_while_the_lock_is_held_and_ends_with_it(stored):
    heartbeat = stored.folder / "heartbeat.json"
    with stored.held(EVERY, lambda text: None):
        first = heartbeat.stat().st_mtime_ns
        assert json.loads(heartbeat.read_text()) == {**holder(), "every": EVERY}
        deadline = time.monotonic() + PATIENCE
        while heartbeat.stat().st_mtime_ns == first and time.monotonic() < deadline:
            time.sleep(EVERY / 5)
        assert heartbeat.stat().st_mtime_ns > first
    assert not heartbeat.exists()


def test_the_lock_is_given_back_after_an_error(stored):
    with pytest.raises(KeyError), stored.held(EVERY, lambda text: None):
        raise KeyError
    messages = []
    with stored.held(EVERY, messages.append):
        assert messages == []


def test_a_second_holder_waits_until_the_first_is_killed(tmp_path, stored):
    ready, messages, held = PROCESSES.Event(), [], threading.Event()
    first = start(hold, tmp_path, EVERY, ready)
    assert ready.wait(PATIENCE)

    def wait():
        with stored.held(EVERY, messages.append):
            held.set()

    second = threading.Thread(target=wait)
    second.start()
    assert not held.wait(6 * EVERY)  # several tries, none of them got it
    assert messages == [
        f"run {IDENTITY} is trained by process {first.pid} on {holder()['host']}: waiting until it ends"
    ]
    first.kill()
    assert end(first) == -9
    assert held.wait(PATIENCE)
    second.join()


def test_other_runs_are_not_held_up(tmp_path, stored):
    with stored.held(EVERY, lambda text: None), stored_run(tmp_path, "b" * 16).held(EVERY, pytest.fail):
        pass


class Clock:
    """Stands for the module `time`: who sleeps moves it on. Another host beats at every sleep, a number of times."""

    def __init__(self, stored):
        self.stored, self.now, self.beats, self.last = stored, 1e9, 0, 1e9

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        if self.beats:
            self.beats, self.last = self.beats - 1, self.now
            self.beat()

    def beat(self, age=0.0, **changes):
        heartbeat = self.stored.folder / "heartbeat.json"
        write_text(heartbeat, json.dumps({"host": "elsewhere", "pid": 1, "job": "12", "every": EVERY} | changes))
        os.utime(heartbeat, (self.now - age,) * 2)


@pytest.fixture
def clock(stored, monkeypatch):
    """The clock of the store, by which the other host's heartbeats are old or fresh."""
    clock = Clock(stored)
    monkeypatch.setattr(store, "time", clock)
    return clock


def test_a_fresh_heartbeat_of_another_host_blocks_until_it_stops(stored, clock):
    clock.beat()
    clock.beats, messages = STALE_HEARTBEATS + 3, []
    with stored.held(EVERY, messages.append):
        assert messages == [f"run {IDENTITY} is trained by process 1 on elsewhere (job 12): waiting until it ends"]
        # it waits in steps of EVERY; rounding may ask for one more
        assert STALE_HEARTBEATS - 0.01 < (clock.now - clock.last) / EVERY < STALE_HEARTBEATS + 1.01


@pytest.mark.parametrize("changes", [{"age": 2 * STALE_HEARTBEATS * EVERY}, {"host": holder()["host"]}],
                         ids=["stale", "of a dead process on this host"])  # fmt: skip
def test_a_heartbeat_that_means_nothing_does_not_block(stored, clock, changes):
    clock.beat(**changes)
    with stored.held(EVERY, pytest.fail):
        pass


def test_an_unreadable_heartbeat_does_not_block(stored):
    (stored.folder / "heartbeat.json").write_text("{")
    with stored.held(EVERY, pytest.fail):
        pass


@pytest.mark.parametrize("host", ["elsewhere", holder()["host"]])
def test_without_locks_the_heartbeat_alone_decides(stored, clock, monkeypatch, host):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)  # as on Lustre mounted without flock
    clock.beat(host=host)
    messages = []
    with stored.held(EVERY, messages.append):
        assert clock.now - clock.last > (STALE_HEARTBEATS - 0.01) * EVERY
        assert len(messages) == 1
        assert json.loads((stored.folder / "heartbeat.json").read_text())["pid"] == os.getpid()


def test_other_faults_of_the_lock_are_raised(stored, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output error"), stored.held(EVERY, pytest.fail):
        pass
