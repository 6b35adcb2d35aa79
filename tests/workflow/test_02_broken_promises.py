"""The tests of faults are tested: with a promise of the package broken in a copy of it, they fail."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from disturbance import STUDY, Fault, Moments, half_made, made
from test_02_random_faults import DO, Local
from workflow_folder import REPOSITORY, shared

pytestmark = pytest.mark.slow
KILLS = 12  # a file is made by four operations: at one of them it is half made


@dataclass(frozen=True)
class Broken:
    """What is broken: lines of a file of the package and what stands in their place; and the tests that must fail."""

    file: str
    lines: dict[str, str]
    tests: tuple[str, ...]


IN_PLACE = {
    "temporary = temporary_of(path.absolute(), os.getpid())": "temporary = path.absolute()",
    "with suppress(FileNotFoundError):\n            temporary.unlink()": "pass",
}
UNFENCED = {"if self._seen in (None, tail):": "if True:"}
BROKEN = {
    "files are written in place": Broken("files.py", IN_PLACE, (
        "tests/unit/test_files.py::test_atomic_keeps_the_old_file_when_the_writer_fails",
        "tests/unit/test_files.py::test_atomic_shows_the_old_file_until_the_new_one_is_whole",
    )),
    "a lock is always granted": Broken("locks.py", {"fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)": "pass"}, (
        "tests/unit/test_locks.py::test_it_is_taken_once_and_again_after_its_release",
        "tests/unit/training/test_training_store.py::test_a_second_holder_waits_until_the_first_is_killed",
    )),
    "a trainer does not see that it was taken over": Broken("training/store.py", UNFENCED, (
        "tests/unit/training/test_training_store.py::test_a_line_of_another_trainer_stops_every_write",
        "tests/unit/training/test_training_taken_over.py::test_it_stops_when_it_wakes_and_changes_no_byte",
    )),
}  # fmt: skip


def broken_copy(folder: Path, broken: Broken) -> Path:
    """A copy of package and tests in which a promise is broken."""
    for name in ("src", "tests"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    path = folder / "src" / "whyalike" / broken.file
    text = path.read_text()
    for line, other in broken.lines.items():
        assert text.count(line) == 1
        text = text.replace(line, other)
    path.write_text(text)
    return folder


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_noticed(name, tmp_path):
    broken = BROKEN[name]
    copy = broken_copy(tmp_path / "copy", broken)
    command = [sys.executable, "-m", "pytest", "-n", "0", "-rf", *broken.tests]
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    failed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")}
    assert failed == set(broken.tests), done.stdout


def test_random_faults_notice_files_that_are_written_in_place(tmp_path, tmp_path_factory):
    copy = broken_copy(tmp_path / "copy", BROKEN["files are written in place"])
    expected = made(shared(tmp_path_factory, STUDY))
    (tmp_path / "study").mkdir()
    study = Local(tmp_path / "study", "in place", expected)
    study.python_path[0] = copy / "src"
    # not at random: all are killed when a new process is at its first operation, then at its second, and so on
    study.random = SimpleNamespace(random=lambda: 1)
    nth = SimpleNamespace(randint=lambda *_: study.moments.number)
    study.moments = Moments(tmp_path / "moments", nth, ["make_splits"])
    try:
        for _ in range(KILLS):
            study.disturb(fault := Fault("kill the run", "splits"), DO[fault.kind])
            study.wait_until_quiet()
            if found := half_made(study, expected):
                break
            study.forget_from(fault.stage)
        assert found, "no kill left a file half made"
    finally:
        study.end()
