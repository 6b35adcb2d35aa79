"""A trainer that is stopped on a file system without locks, and wakes when another has taken its run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from training_jobs import IDENTITY, PATIENCE, ledger, stored_run

HERE = Path(__file__).parent
PATHS = [HERE.parents[1] / "no_locks", HERE, HERE.parent, HERE.parents[2] / "src"]
TRAIN = "import sys, training_jobs; training_jobs.train_slowly(*sys.argv[1:])"


def trainer(store, seconds):
    """A process that trains the toy run, each step with a pause."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    command = [sys.executable, "-c", TRAIN, str(store), str(seconds)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_it_stops_when_it_wakes_and_changes_no_byte(tmp_path):
    stored = stored_run(tmp_path)
    with trainer(tmp_path, 0.2) as first:
        deadline = time.monotonic() + 2 * PATIENCE
        while not stored.checkpoint.is_file():
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)
        with trainer(tmp_path, 0) as second:
            assert second.wait(2 * PATIENCE) == 0
        after = {path.name: path.read_bytes() for path in stored.folder.iterdir()}
        assert stored.finished()["steps"] == 12 and "heartbeat.json" not in after
        first.send_signal(signal.SIGCONT)
        told = first.communicate(timeout=PATIENCE)[1]
    assert first.returncode == 1
    assert f"run {IDENTITY} was taken over by process {second.pid} on" in told
    assert {path.name: path.read_bytes() for path in stored.folder.iterdir()} == after
    assert ledger(stored, "event", "pid")[-1] == ("end", second.pid)
