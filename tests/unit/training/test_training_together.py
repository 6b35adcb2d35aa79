"""Several runs at the same time: the same weights as one after another, and no run is lost through another."""

import os
import signal
import time

import pytest
from training_jobs import OPERATION, PATIENCE, end, identity, ledger, start, train_cell_apart

from whyalike.files import runs_here
from whyalike.training.cell import train_cell

TWO = OPERATION.model_copy(update={"runs_at_once": {"toy": 2}, "checkpoint_every": 50})
LEVELS = ("0.25", "0.5")
NAMES = ("A", "B@0.25", "B@0.5")
LONG = {"epochs": 125, "peak_epoch": 25}  # 500 steps, seconds: long enough to be killed


def weights(cell):
    return {name: cell.stored(name).weights.read_bytes() for name in NAMES}


def wait_for(found, what):
    deadline = time.monotonic() + 2 * PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return value


def trainers(cell):
    """Name of each run that has begun -> process id of its trainer."""
    begun = {name: cell.stored(name).events() for name in NAMES}
    return {name: events[-1]["pid"] for name, events in begun.items() if events}


def test_two_at_a_time_give_the_bytes_of_one_after_another(cell, caplog):
    caplog.set_level("INFO", "whyalike")
    work = cell.work(levels=LEVELS)
    cell.train(work, operation=TWO)
    together, manifest, processes = weights(cell), cell.manifest.read_bytes(), trainers(cell)
    assert len(set(processes.values())) == 2 and os.getpid() not in processes.values()
    lines = [line for line in caplog.messages if line.startswith("training ")]
    assert [line.split(" runs")[0] for line in lines] == ["training 1/3", "training 2/3", "training 3/3"]
    cell.train(work, operation=TWO)  # found in the store
    assert cell.manifest.read_bytes() == manifest
    assert trainers(cell) == processes
    cell.store = cell.folder / "another store"
    cell.train(work)
    assert weights(cell) == together
    assert cell.manifest.read_bytes() == manifest


def test_a_run_that_fails_is_told_and_the_others_are_trained(cell):
    damaged = cell.stored("A")
    damaged.folder.mkdir(parents=True)
    damaged.result.write_text("no JSON")
    with pytest.raises(RuntimeError) as caught:
        cell.train(cell.work(levels=LEVELS[1:]), operation=TWO)
    text = str(caught.value)
    assert text.startswith("1 of 2 runs failed, the others are in the store.")
    assert "result.json cannot be read" in text and f"This was run A ({identity('A')}) of toy" in text
    assert cell.stored(NAMES[2]).finished()
    assert not cell.manifest.exists()


def test_a_killed_process_costs_its_own_run_only_which_goes_on_from_its_checkpoint(cell):
    work = cell.work(levels=LEVELS, **LONG)
    job = start(train_cell_apart, cell.folder, work, TWO)
    a = cell.stored("A")
    wait_for(lambda: a.checkpoint.is_file(), "a checkpoint of run A")
    killed = trainers(cell)["A"]
    os.kill(killed, signal.SIGKILL)
    assert end(job, 4 * PATIENCE) == 1  # of which each process that starts takes seconds
    assert a.finished() is None and a.checkpoint.is_file()
    assert all(cell.stored(name).finished() for name in NAMES[1:])
    cell.train(work)
    steps = [step for event, step in ledger(a, "event", "step") if event == "start"]
    assert steps[0] == 0 < steps[1]
    broken = a.weights.read_bytes()
    cell.store = cell.folder / "another store"
    first = work.model_copy(update={"runs": work.runs[:1]})
    train_cell(first, OPERATION, 1, cell.dataset, cell.splits, cell.store, cell.manifest)
    assert cell.stored("A").weights.read_bytes() == broken


def test_the_message_of_a_killed_process_names_its_run(cell, monkeypatch, tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(RuntimeError, match=rf"run A \({identity('A')}\) ended with status -9 and no word"):
        cell.train(operation=TWO)


def test_the_processes_of_a_killed_job_end(cell):
    job = start(train_cell_apart, cell.folder, cell.work(levels=LEVELS, epochs=10**5), TWO)  # no end within the test
    processes = wait_for(lambda: (found := trainers(cell)) and len(found) > 1 and found, "two runs in training")
    os.kill(job.pid, signal.SIGKILL)
    wait_for(lambda: not any(map(runs_here, processes.values())), "the end of the processes")
