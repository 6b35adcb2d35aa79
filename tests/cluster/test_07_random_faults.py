"""Twenty faults at random moments of a study on SLURM: of its jobs, nodes, controller, driver and disk.

After each of them nothing half made stands under its name, and the study ends in the bytes of one without a fault.
"""

import os
import signal
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from disturbance import (
    STALE_SECONDS,
    STUDY,
    Disturbed,
    Fault,
    described,
    disturbed_again_and_again,
    made,
    processes_in,
    randomness,
    schedule,
    signal_to,
    wait_for,
)
from driven import Study
from workflow_folder import shared

pytestmark = pytest.mark.cluster_faults
ROLES = ("train_models", "extract_activations", "score_comparison")  # the others are done beside the driver
STAGES = (*["training"] * 3, *["activations"] * 2, *["similarity"] * 2)
KINDS = {"cancel": 3, "kill": 3, "requeue": 2, "stop": 2, "preempt": 2, "end the node": 2, "end the controller": 2,
         "kill the driver": 2, "interrupt": 1, "fill the disk": 1}  # fmt: skip
AWAY_SECONDS = 5  # of the controller, at most
ALIVE = {"PENDING", "RUNNING", "COMPLETING"}  # states of a job that has or will have processes
ROOM = 1 << 24  # bytes: a multiple of what the study takes


class Submitted(Study, Disturbed):
    """The study on a cluster; processes of its jobs stay, too, since all nodes are this machine."""

    def __init__(self, path: Path, cluster, expected: dict[str, bytes]):
        super().__init__(path, cluster, STUDY)
        self.disturb_by(randomness("SLURM"), expected, roles=ROLES)

    def environment(self) -> dict[str, str]:
        return super().environment() | {"WHYALIKE_TEST_MOMENTS": str(self.moments.folder)}

    def job_of(self, pid: int) -> str | None:
        """The id of the SLURM job of a process; None of one that SLURM did not start."""
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return next(
            (entry.partition(b"=")[2].decode() for entry in entries if entry.startswith(b"SLURM_JOB_ID=")), None
        )

    def of_job(self, job: str) -> list[int]:
        """The processes of a job in this folder."""
        found = []
        for pid in processes_in(self.path):
            with suppress(OSError):
                found += [pid] * (self.job_of(pid) == job)
        return found

    def wait_until_quiet(self) -> None:
        """Wait until no process is left; those that jobs left at their end are killed.

        So clusters do by cgroups, which this one lacks: it loses a process whose parents were killed.
        """

        def quiet() -> bool:
            ended = {job["id"] for job in self.jobs("") if job["state"] not in ALIVE}
            for pid in (left := processes_in(self.path)):
                with suppress(OSError):
                    if self.job_of(pid) in ended:
                        os.kill(pid, signal.SIGKILL)
            return not left

        wait_for(quiet, lambda: f"an end of\n{described(processes_in(self.path))}")

    def node_of(self, job: str) -> str:
        return next(one["node"] for one in self.jobs("") if one["id"] == job)


# ---- what is done to a study and the process of it that stays; each says whether it is one of a job ----


def cancel(study: Submitted, pid: int) -> bool:
    if job := study.job_of(pid):
        study.cluster.call("scancel", job)
    return bool(job)


def kill(study: Submitted, pid: int) -> bool:
    """One of the processes of the job, its Snakemake among them."""
    if job := study.job_of(pid):
        os.kill(study.random.choice(sorted(study.of_job(job))), signal.SIGKILL)
    return bool(job)


def requeue(study: Submitted, pid: int) -> bool:
    if job := study.job_of(pid):
        study.cluster.call("scontrol", "requeue", job)
    return bool(job)


def stop(study: Submitted, pid: int) -> bool:
    """So long that its heartbeat says it were dead."""
    if job := study.job_of(pid):
        stopped = study.of_job(job)
        signal_to(stopped, signal.SIGSTOP)
        time.sleep(STALE_SECONDS)
        signal_to(stopped, signal.SIGCONT)
    return bool(job)


def preempt(study: Submitted, pid: int) -> bool:
    """By a job that wants all GPUs of the node."""
    job = study.job_of(pid)
    if job is None or (node := study.node_of(job)) == "c1":
        return False
    asked = ("--partition=gpu", f"--nodelist={node}", "--gpus=2")
    urgent = study.cluster.call("sbatch", "--parsable", *asked, "--output=/dev/null", "--wrap=true").strip()
    study.wait_for(lambda: study.state(urgent) == "COMPLETED", "the job that goes first")
    return True


def end_the_node(study: Submitted, pid: int) -> bool:
    if job := study.job_of(pid):
        node = study.node_of(job)
        study.cluster.kill_node(node)
        study.cluster.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=power")
        study.cluster.start_node(node)
        study.wait_for(lambda: study.cluster.states()[node] in ("idle", "mixed", "allocated"), "the node's return")
    return bool(job)


def end_the_controller(study: Submitted, pid: int) -> bool:
    study.cluster.stop_controller()
    study.moments.go_on()
    time.sleep(study.random.uniform(0, AWAY_SECONDS))
    study.cluster.start_controller()
    return True


def kill_the_driver(study: Submitted, pid: int) -> bool:
    if hit := bool(study.drivers()):
        study.kill(study.driver)
    return hit


def interrupt(study: Submitted, pid: int) -> bool:
    if hit := bool(study.drivers()):
        os.killpg(study.driver.pid, signal.SIGINT)
        study.moments.go_on()
        study.has_ended_well()
    return hit


def fill_the_disk(study: Submitted, pid: int) -> bool:
    """A file of somebody else takes all the room until the driver has ended."""
    filler = study.results.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    study.moments.go_on()
    assert not study.has_ended_well()
    assert "Make room, then give the same command" in study.said()
    study.wait_until_quiet()
    filler.unlink()
    return True


DO = {
    "cancel": cancel,
    "kill": kill,
    "requeue": requeue,
    "stop": stop,
    "preempt": preempt,
    "end the node": end_the_node,
    "end the controller": end_the_controller,
    "kill the driver": kill_the_driver,
    "interrupt": interrupt,
    "fill the disk": fill_the_disk,
}


def faults(disk: bool) -> list[Fault]:
    """In the stages one after the other, three times; what preempts wants GPUs, and scores are made without."""
    random, found = randomness("SLURM's faults"), []
    while not found or Fault("preempt", "similarity") in found:
        found = schedule(random, KINDS, STAGES)
    return [fault for fault in found if disk or fault.kind != "fill the disk"]


def test_disturbed_on_slurm_at_random_moments_it_ends_in_the_same_bytes(
    cluster, tmp_path, tmp_path_factory, record_property
):
    folder = tmp_path / "study"
    (folder / "results").mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder / "results")]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        warnings.warn(f"no full disk: it needs the right to mount a file system (root): {mounted.stderr}", stacklevel=1)
    study = Submitted(folder, cluster, made(shared(tmp_path_factory, STUDY)))
    try:
        disturbed_again_and_again(study, faults(disk=not mounted.returncode), DO, record_property)
    finally:
        study.stop()
        study.end()
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", str(folder / "results")], check=True)
