"""One store for two users of a group, who are real: processes with user and group ids of their own."""

import multiprocessing
import os
import shutil
import stat
import tempfile
import traceback
from pathlib import Path

import pytest
from training_jobs import MODEL, ToyCell, die_at, end, identity

from whyalike.activations.extraction import extract_cell
from whyalike.activations.parameters import ExtractionParameters
from whyalike.commands.housekeeping import stored_runs
from whyalike.training.parameters import Operation

FIRST, SECOND, GROUP = 60001, 60002, 60000  # ids of nobody
CPU = Operation(device="cpu")
PROCESSES = multiprocessing.get_context("fork")

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become two other users")


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory):
    """Python's own modules may be root's alone: all that is used is loaded before a process becomes another user's."""
    cell = ToyCell(tmp_path_factory.mktemp("loaded"))
    cell.train()
    extract(cell, cell.folder / "vectors.parquet")


def as_user(user, umask, work, *arguments):
    """Do some work as a user of the group; returns the exit status and what an error said."""
    receive, send = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=become_and_do, args=(user, umask, send, work, *arguments))
    process.start()
    status = end(process)
    return status, receive.recv() if status == 1 else None


def become_and_do(user, umask, told, work, *arguments):
    os.setgroups([])
    os.setgid(GROUP)
    os.setuid(user)
    os.umask(umask)
    try:
        work(*arguments)
    except Exception as error:
        traceback.print_exc()
        told.send(f"{type(error).__name__}: {error}")
        os._exit(1)


def extract(cell, output):
    parameters = ExtractionParameters(seed=0, size=8, model=MODEL, mean=(120, 118, 110), std=(60, 61, 62),
                                      layers=["avgpool"], stimuli={"part": "test", "n": None, "seed": 0},
                                      runs=[identity("A")], untrained={}, version=0)  # fmt: skip
    extract_cell(parameters, CPU, 1, cell.dataset, cell.store, {"avgpool": output})


def train(folder, own, levels, prepared=True, moment=None):
    """Train runs in the store of a folder, with a split and a manifest of one's own; die at a moment, if any."""
    cell = ToyCell(folder, prepared)
    cell.splits, cell.manifest = own / "splits.parquet", own / "manifest.parquet"
    if moment:
        die_at(moment)
    cell.train(cell.work(levels=levels))


def look(folder, own):
    extract(ToyCell(folder, prepared=True), own / "vectors.parquet")


@pytest.fixture
def lab():
    """A folder of the group, and one of each user, where both can come."""
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)
        lab, one, two = (Path(base, name) for name in ("lab", "one", "two"))
        for folder, user in ((lab, FIRST), (one, FIRST), (two, SECOND)):
            folder.mkdir()
            os.chown(folder, user, GROUP)
        lab.chmod(0o2775)
        yield lab, one, two


def weights(store):
    return {run.identity: run.weights.read_bytes() for run in stored_runs(store) if run.weights.is_file()}


def test_both_train_extract_and_go_on_with_each_others_runs(lab, tmp_path):
    lab, one, two = lab
    assert as_user(FIRST, 0o002, train, lab, one, ("0.5",), False) == (0, None)
    assert as_user(FIRST, 0o002, train, lab, one, ("0.25",), True, "after checkpoint.pt") == (-9, None)
    assert as_user(SECOND, 0o002, look, lab, two) == (0, None)
    assert as_user(SECOND, 0o002, train, lab, two, ("0.25", "0.5", "0.75")) == (0, None)
    assert as_user(FIRST, 0o002, train, lab, one, ("0.25", "0.5", "0.75")) == (0, None)
    for path in (lab / "runs").rglob("*"):
        found = path.stat()
        assert (stat.filemode(found.st_mode), found.st_gid) == (
            "drwxrwsr-x" if path.is_dir() else "-rw-rw-r--", GROUP), path  # fmt: skip
    alone = ToyCell(tmp_path)
    alone.train(alone.work(levels=("0.25", "0.5", "0.75")))
    assert weights(lab / "runs") == weights(alone.store)


def test_who_may_only_read_extracts_and_finds_runs_and_is_told_why_none_is_trained(lab):
    lab, one, two = lab
    assert as_user(FIRST, 0o022, train, lab, one, ("0.5",), False) == (0, None)
    assert as_user(FIRST, 0o022, train, lab, one, ("0.25",), True, "after checkpoint.pt") == (-9, None)
    before = {path: path.stat().st_mtime_ns for path in (lab / "runs").rglob("*")}
    assert as_user(SECOND, 0o022, look, lab, two) == (0, None)
    assert as_user(SECOND, 0o022, train, lab, two, ("0.5",)) == (0, None)
    shutil.rmtree(lab / "runs" / identity("B@0.5"))
    lab.joinpath("runs").chmod(0o2755)
    for level in ("0.25", "0.5"):
        status, told = as_user(SECOND, 0o022, train, lab, two, (level,))
        assert status == 1
        assert told.startswith(f"PermissionError: {lab}/runs/{identity(f'B@{level}')}")
        assert "another user's" in told and "`umask 002`" in told
    after = {path: path.stat().st_mtime_ns for path in (lab / "runs").rglob("*")}
    assert after.items() <= before.items()
