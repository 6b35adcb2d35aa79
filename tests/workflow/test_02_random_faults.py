"""Forty faults at random moments, in every stage: killed, stopped, interrupted, out of disk, and started again.

After each of them nothing half made stands under its name, and each round ends in the bytes of an undisturbed study.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress

import pytest
from disturbance import (
    OPERATIONS,
    STALE_SECONDS,
    STUDY,
    Disturbed,
    Fault,
    disturbed_again_and_again,
    made,
    randomness,
    schedule,
    signal_to,
    wait_for,
)
from mounts import mounted
from workflow_folder import shared

pytestmark = pytest.mark.slow
# rounds of one in each stage
KINDS = {"kill the run": 8, "kill the process": 6, "kill Snakemake": 4, "kill whyalike run": 2, "terminate": 3,
         "interrupt": 3, "stop": 3, "stop, kill the driver": 3}  # fmt: skip
ROUNDS, EACH = 4, len(OPERATIONS)
ROOM = 1 << 24  # bytes: a multiple of what the study takes


class Local(Disturbed):
    """The study on this machine.

    Parameters
    ----------
    path : the folder, an empty one.
    name : of its random numbers.
    expected : its files without a fault.
    at_once : runs that a job trains at a time.
    """

    def __init__(self, path, name: str, expected: dict[str, bytes], at_once: int = 1):
        super().__init__(path, config=STUDY)
        self.disturb_by(randomness(name), expected)
        self.at_once, self.output, self.full = at_once, path.with_name("driver.out"), 0

    def run_command(self) -> list[str]:
        return [*super().run_command(), "--config", f"operation={{runs_at_once: {self.at_once}}}"]

    def start(self) -> subprocess.Popen:
        # a shell that starts the tests in the background lets them ignore SIGINT, and they their children
        heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), "start_new_session": True}
        environment = self.environment() | {"WHYALIKE_TEST_MOMENTS": str(self.moments.folder)}
        with self.output.open("w") as output:
            return subprocess.Popen(self.run_command(), cwd=self.path, env=environment, stdout=output, stderr=output,
                                    stdin=subprocess.DEVNULL, **heeding)  # fmt: skip

    def said(self) -> str:
        return self.output.read_text()


# ---- what is done to a study and the process of it that stays; each says whether somebody was there to do it to ----


def a_moment_later(study: Local) -> bool:
    """Let all go on for up to a second, half of the times; whether the command is still under way."""
    if study.random.random() < 0.5:
        study.moments.go_on()
        time.sleep(study.random.random())
    return bool(study.drivers())


def kill_the_run(study: Local, pid: int) -> bool:
    if hit := a_moment_later(study):
        os.killpg(study.driver.pid, signal.SIGKILL)
    return hit


def kill_the_process(study: Local, pid: int) -> bool:
    os.kill(pid, signal.SIGKILL)
    return True


def kill_snakemake(study: Local, pid: int) -> bool:
    """Its jobs go on without it, while the next one starts them anew."""
    drivers = study.drivers()
    signal_to(drivers[-1:], signal.SIGKILL)
    return bool(drivers)


def kill_whyalike_run(study: Local, pid: int) -> bool:
    """Its Snakemake goes on without it."""
    drivers = study.drivers()
    signal_to(drivers[:1], signal.SIGKILL)
    return bool(drivers)


def terminate(study: Local, pid: int) -> bool:
    if hit := a_moment_later(study):
        signal_to(study.drivers()[:1], signal.SIGTERM)
        study.moments.go_on()
        study.has_ended_well()
    return hit


def interrupt(study: Local, pid: int) -> bool:
    if hit := a_moment_later(study):
        os.killpg(study.driver.pid, signal.SIGINT)
        study.moments.go_on()
        study.has_ended_well()
    return hit


def stop(study: Local, pid: int) -> bool:
    """So long that its heartbeat says it were dead."""
    stopped = {pid, *study.job_processes()}
    signal_to(stopped, signal.SIGSTOP)
    time.sleep(STALE_SECONDS)
    signal_to(stopped, signal.SIGCONT)
    return True


def stop_and_kill_the_driver(study: Local, pid: int) -> bool:
    """The next one starts the job anew, while the old one only seems to be dead."""
    stopped = study.job_processes()
    signal_to(stopped, signal.SIGSTOP)
    signal_to(study.drivers(), signal.SIGKILL)
    wait_for(lambda: not study.drivers(), study.said)
    study.start_anew()
    wait_for(lambda: set(study.job_processes()) - set(stopped) or not study.drivers(), study.said)
    time.sleep(STALE_SECONDS)
    signal_to(stopped, signal.SIGCONT)
    return True


def fill_the_disk(study: Local, pid: int) -> bool:
    """A file of somebody else takes all the room until the command has ended."""
    filler = study.path / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    study.moments.go_on()
    study.full += not study.has_ended_well() and "No space left on device" in study.said()
    study.wait_until_quiet()
    filler.unlink()
    return True


DO = {
    "kill the run": kill_the_run,
    "kill the process": kill_the_process,
    "kill Snakemake": kill_snakemake,
    "kill whyalike run": kill_whyalike_run,
    "terminate": terminate,
    "interrupt": interrupt,
    "stop": stop,
    "stop, kill the driver": stop_and_kill_the_driver,
    "fill the disk": fill_the_disk,
}


@pytest.fixture
def expected(tmp_path_factory) -> dict[str, bytes]:
    """The files of the study as they are without a fault."""
    return made(shared(tmp_path_factory, STUDY))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "study").mkdir()
    return tmp_path / "study"


@pytest.mark.parametrize("number", range(ROUNDS))
def test_disturbed_at_random_moments_it_ends_in_the_same_bytes(number, folder, expected, record_property):
    faults = schedule(randomness("faults"), KINDS, list(OPERATIONS))[number * EACH : (number + 1) * EACH]
    study = Local(folder, f"round {number}", expected, at_once=1 + number % 2)
    try:
        disturbed_again_and_again(study, faults, DO, record_property)
    finally:
        study.end()


def test_out_of_disk_at_random_moments_it_ends_in_the_same_bytes(folder, expected, record_property):
    with mounted(folder, f"size={ROOM}"):
        study, faults = Local(folder, "disk", expected), [Fault("fill the disk", stage) for stage in OPERATIONS]
        try:
            disturbed_again_and_again(study, faults, DO, record_property)
        finally:
            study.end()
    assert study.full == len(faults)
