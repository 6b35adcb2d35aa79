"""The run store: what is finished, what is damaged, and who may train."""

import json
import os
import threading
import time

import pytest
from training_jobs import IDENTITY, PATIENCE, PROCESSES, end, hold, ledger, start, stored_run

from whyalike.files import atomic, file_sha256, write_text
from whyalike.locks import TakenOver, holder
from whyalike.training.store import DamagedRun, StoredRun

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


def test_no_flipped_bit_of_a_result_gives_another_result(stored):
    result = {"accuracy": 0.8125, "sha256": {}, "steps": 4}
    stored.finish(result)
    content = stored.result.read_bytes()
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        stored.result.write_bytes(damaged)
        try:
            assert stored.finished().items() >= result.items(), bytes(damaged)
        except DamagedRun:
            continue


def test_a_finished_run_gives_its_result_as_it_was_with_a_sum_or_as_earlier_versions_wrote_it(finished):
    earlier = finished.finished()
    finished.finish(earlier)
    assert finished.finished() == earlier and earlier["accuracy"] == 0.5


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
        assert json.loads(heartbeat.read_text()).items() >= {**holder(), "every": EVERY}.items()
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
    try:
        assert not held.wait(6 * EVERY)  # several tries, none of them got it
        assert messages == [
            f"run {IDENTITY} is trained by process {first.pid} on {holder()['host']}: waiting until it ends"
        ]
    finally:  # else pytest waits for it
        first.kill()
    assert end(first) == -9
    assert held.wait(PATIENCE)
    second.join()


def test_other_runs_are_not_held_up(tmp_path, stored):
    with stored.held(EVERY, lambda text: None), stored_run(tmp_path, "b" * 16).held(EVERY, pytest.fail):
        pass


def append(stored, **line):
    start = {"event": "start", "host": "elsewhere", "pid": 7, "job": "12", "time": 1.0}
    with stored.ledger.open("a") as ledger:
        ledger.write(json.dumps(start | line) + "\n")


def test_a_line_of_another_trainer_stops_every_write(stored):
    with stored.held(EVERY, pytest.fail):
        stored.note("start", step=0)
        write_text(stored.checkpoint, "mine")
        append(stored)
        before = {path.name: path.read_bytes() for path in stored.folder.iterdir() if path.name != "heartbeat.json"}
        told = rf"run {IDENTITY} was taken over by process 7 on elsewhere \(job 12\) while this process, \d+, slept"
        for write in (lambda: write_text(stored.checkpoint, "again"), lambda: stored.note("checkpoint", step=1)):
            with pytest.raises(TakenOver, match=told):
                write()
    assert {path.name: path.read_bytes() for path in stored.folder.iterdir()} == before


def write_meanwhile(stored):
    """Write a file while another trainer takes the run, which removes what it finds half written."""
    with atomic(stored.checkpoint) as temporary:
        temporary.write_text("new")
        append(stored)
        temporary.unlink()


def test_who_is_taken_over_while_it_writes_leaves_the_file_as_it_was(stored):
    with stored.held(EVERY, pytest.fail):
        write_text(stored.checkpoint, "old")
        with pytest.raises(TakenOver):
            write_meanwhile(stored)
    assert stored.checkpoint.read_text() == "old"


def test_a_run_that_was_removed_is_not_written_again(stored):
    with stored.held(EVERY, pytest.fail):
        stored.note("start", step=0)
        stored.folder.rename(stored.folder.with_name("removed"))
        with pytest.raises(TakenOver, match="by another process"):
            write_text(stored.checkpoint, "again")
        assert not stored.folder.exists()


def test_half_a_line_of_a_killed_trainer_costs_no_other_line(stored):
    append(stored)
    stored.ledger.write_bytes(stored.ledger.read_bytes() + b'{"event": "check')
    with stored.held(EVERY, pytest.fail):
        stored.note("start", step=3)
        stored.note("end", step=4)
    assert [event["event"] for event in stored.events()] == ["start", "start", "end"]
