"""A results folder that is full, or read-only: one message, nothing lost, and the study goes on when there is room."""

import subprocess

import pytest
from driven import FAULTS, Study

pytestmark = pytest.mark.cluster
SEEDS = (0, 1)
ROOM = 1 << 24  # bytes: a multiple of what the study takes


def mount(study: Study, *options: str) -> None:
    """Mount a file system in memory on the study's results, or change the options of the one there."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(study.path / "results")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the right to mount a file system (root): {done.stderr.strip()}")


@pytest.fixture(scope="module")
def study(cluster, undisturbed, tmp_path_factory):
    """The fault study, finished but for the models of two seeds, on a file system of its own."""
    study = Study(tmp_path_factory.mktemp("disk"), cluster, FAULTS, options=("--retries", "1"), held=True)
    (study.path / "results").mkdir()
    mount(study, f"size={ROOM}")
    try:
        study.take(undisturbed, without_seeds=SEEDS)
        yield study
    finally:
        study.stop()
        subprocess.run(["umount", "--lazy", str(study.path / "results")], check=True)


@pytest.fixture(scope="module")
def filler(study):
    """A file of somebody else, which takes all the room while the study trains."""
    return study.path / "results" / "filler"


def is_refused(study: Study, told: str) -> None:
    """A start ends with a message, before any job."""
    jobs = len(study.jobs("rule_"))
    driver = study.start()
    study.wait_for(lambda: driver.poll() is not None, "the driver's end")
    assert driver.returncode == 1
    assert told in study.said()
    assert len(study.jobs("rule_")) == jobs


def test_a_full_disk_ends_the_run_with_a_message(study, filler):
    driver = study.start()
    study.a_training()
    filled = subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], capture_output=True, text=True)
    assert "No space left on device" in filled.stderr
    study.release()
    study.wait_for(lambda: driver.poll() is not None, "the driver's end")
    assert driver.returncode == 1
    assert "Make room, then give the same command" in study.said()


def test_a_full_disk_is_refused_before_any_job(study, filler):
    is_refused(study, "nothing was run: ")


def test_a_read_only_results_folder_is_refused_before_any_job(study, filler):
    filler.unlink()
    mount(study, "remount", "ro")
    is_refused(study, "results cannot be written (a read-only file system, or its permissions)")


def test_it_goes_on_when_there_is_room(study, undisturbed):
    mount(study, "remount", "rw")
    study.finish(study.start())
    assert study.numbers() == undisturbed.numbers()
