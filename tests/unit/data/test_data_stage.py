"""Two processes prepare one data set at once: the second waits, and takes what the first has made."""

import multiprocessing
import os
import runpy
import signal
import time
from pathlib import Path

import pytest

from whyalike.data.prepared import open_prepared
from whyalike.data.resumable_array import JOURNAL, Blocks
from whyalike.data.stage import prepare

SMALL = {"shapes": ["circle", "kite"], "digits": [1, 7], "colors": ["red", "blue"], "train_per_class": 30,
         "test_per_class": 5, "drawings_per_shape": 10}  # fmt: skip
PROCESSES = multiprocessing.get_context("fork")
PATIENCE = 60  # s
NO_LOCKS = str(Path(__file__).parents[2] / "no_locks" / "sitecustomize.py")


def prepare_and_tell(folder, said, seconds=0.0, **changes):
    """Prepare the data set, each block with a pause, and append what is said to a file."""
    fill = Blocks.fill

    def slow(self, *arguments):
        time.sleep(seconds)
        return fill(self, *arguments)

    Blocks.fill = slow
    with said.open("a", buffering=1) as file:
        prepare("colorshapedigit", SMALL | changes, folder, 1, lambda line: file.write(f"{line}\n"))


def without_locks(*arguments, **options):
    runpy.run_path(NO_LOCKS)
    prepare_and_tell(*arguments, **options)


def start(target, *arguments, **options):
    process = PROCESSES.Process(target=target, args=arguments, kwargs=options)
    process.start()
    return process


def wait_for(happened):
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(params=[prepare_and_tell, without_locks])
def both(request, tmp_path):
    """A first process that prepares, and what starts a second one that waits for it, and what that one says."""
    folder, said = tmp_path / "data" / "toy", tmp_path / "said"
    first = start(request.param, folder, tmp_path / "first", 0.1)
    wait_for((folder / JOURNAL).is_file)

    def second(**changes):
        process = start(request.param, folder, said, **changes)
        wait_for(lambda: said.is_file() and f"is prepared by process {first.pid} on" in said.read_text())
        return process

    return folder, first, second, said


def test_the_second_takes_what_the_first_has_made(both):
    folder, first, second, said = both
    waiting = second()
    first.join(PATIENCE)
    made = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
    waiting.join(PATIENCE)
    assert first.exitcode == waiting.exitcode == 0
    assert f"{folder} was prepared meanwhile" in said.read_text()
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()} == made
    open_prepared(folder, verify=True)


def test_the_second_prepares_other_work_when_the_first_has_ended(both):
    folder, first, second, _ = both
    waiting = second(test_per_class=6)
    first.join(PATIENCE)
    waiting.join(PATIENCE)
    assert first.exitcode == waiting.exitcode == 0
    assert len(open_prepared(folder, verify=True).rows("test")) == 6 * 8


def test_the_second_goes_on_where_the_first_was_killed(tmp_path):
    folder, said = tmp_path / "data" / "toy", tmp_path / "said"
    first = start(prepare_and_tell, folder, tmp_path / "first", 0.1)
    wait_for(lambda: (folder / JOURNAL).is_file() and (folder / JOURNAL).read_text().count("\n") > 2)
    waiting = start(prepare_and_tell, folder, said)
    wait_for(said.is_file)
    os.kill(first.pid, signal.SIGKILL)
    waiting.join(PATIENCE)
    assert waiting.exitcode == 0
    assert "blocks are there from an earlier attempt" in said.read_text()
    open_prepared(folder, verify=True)
