"""Faults at random moments of a study, and what must hold after each: on this machine, and on a SLURM."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from driven import faults_of
from quick.moments import role_of
from workflow_folder import QUICK, TINY, Folder

from whyalike.training.store import StoredRun

STUDY = TINY.with_name("disturbed.yaml")
# this one kills drivers in data and training, while their jobs go on or are stopped
SEED = int(os.environ.get("WHYALIKE_FAULTS_SEED", "376"))
# the stage of a process by its role; that of the driver is one too: it keeps notes of every job
STAGES = {
    "snakemake": "driver",
    "prepare_data": "data",
    "make_splits": "splits",
    "train_models": "training",
    "list_models": "training",
    "extract_activations": "activations",
    **dict.fromkeys(("score_comparison", "join_scores", "list_views"), "similarity"),
    **dict.fromkeys(("analyse_study", "write_tables", "write_findings", "write_claims"), "statistics"),
    "draw_figure": "figures",
}
# of how many file operations one is chosen: somewhat fewer than a process of the stage makes
OPERATIONS = {"driver": 60, "data": 16, "splits": 7, "training": 90, "activations": 7, "similarity": 7,
              "statistics": 7, "figures": 20}  # fmt: skip
UNEQUAL = {"ledger.jsonl", "lock"}  # of a run: who trained it, when
PASSING = {"checkpoint.pt", "heartbeat.json"}  # of a run in training
HARMLESS = {"stop", "requeue", "preempt", "end the node", "end the controller"}  # the command goes on by itself
OLD_SECONDS = 7200  # of a file of a killed writer that `whyalike clean` takes for left
FOLDERS = {"data": "data", "splits": "splits", "training": "models", "activations": "activations",
           "similarity": "similarity", "statistics": "statistics", "figures": "figures"}  # fmt: skip
STALE_SECONDS = 3.5  # a heartbeat of the study is stale after six times half a second
ATTEMPTS = 9  # to have a process stay; the last are at its first operation
WAIT_SECONDS = 600  # for the rest of the study on a busy machine


def randomness(name: str) -> random.Random:
    """The random numbers of a test."""
    return random.Random(f"{SEED} {name}")


@dataclass(frozen=True)
class Fault:
    """What is done, and in which stage."""

    kind: str
    stage: str


class Moments:
    """What processes of a study are told: to stay at an operation on files (`quick.moments`).

    Parameters
    ----------
    folder : a new one, not in the study's.
    random : chooses the operation.
    roles : of those that may stay, in the order of their stages.
    """

    def __init__(self, folder: Path, random: random.Random, roles: Sequence[str] = tuple(STAGES)):
        self.folder, self.random, self.roles, self.number = folder, random, roles, 0
        folder.mkdir()

    def tell(self, stage: str, halvings: int = 0) -> None:
        """Let the first process that comes to its n-th operation from now stay there, n halved so often.

        One of the stage, or of a later one: what is left of the stage may make fewer operations than n. Only the driver
        always makes enough.
        """
        self.number += 1
        first = [STAGES[role] for role in self.roles].index(stage)
        for role in self.roles[first : first + 1 if stage == "driver" else None]:
            n = max(1, self.random.randint(1, OPERATIONS[STAGES[role]]) >> halvings)
            (self.folder / f".{role}").write_text(f"{n} {self.number}")
            (self.folder / f".{role}").rename(self.folder / role)

    def staying(self) -> dict[int, str]:
        """The processes that stay now, and where: role, operation and path."""
        notes = {int(path.suffix[1:]): path for path in self.folder.glob("stays.*")}
        return {pid: path.read_text() for pid, path in notes.items() if state_of(pid) == "T"}

    def go_on(self) -> None:
        """Let all processes that stay go on, those that still live, and no further one stay."""
        for role in self.roles:
            (self.folder / role).unlink(missing_ok=True)
        for path in self.folder.glob("stays.*"):
            if state_of(pid := int(path.suffix[1:])) == "T":
                os.kill(pid, signal.SIGCONT)
            path.unlink()


def state_of(pid: int) -> str:
    """The state of a process, a letter; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def processes_in(folder: Path) -> dict[int, str]:
    """The living processes that work in a folder, and their roles."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            pid = int(entry.name)
            if os.readlink(entry / "cwd") == str(folder) and state_of(pid) not in ("Z", "X", ""):
                found[pid] = role_of((entry / "cmdline").read_text().split("\0")[:-1])
        except (OSError, ValueError):  # one that has just ended, or no process
            continue
    return found


def described(pids: Iterable[int]) -> str:
    """A line a process: its parent, state, what it waits for, how long it lives, its command."""
    fields = ["-o", "pid,ppid,stat,wchan:30,etime,args", "-p", ",".join(map(str, pids)) or "0"]
    return subprocess.run(["ps", "-ww", *fields], capture_output=True, text=True, check=False).stdout


def wait_for(happened: Callable[[], Any], what: Callable[[], str], seconds: float = WAIT_SECONDS) -> Any:
    """Ask until it has happened, and give the answer."""
    deadline = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what()}"
        time.sleep(0.1)
    return answer


class Disturbed(Folder):
    """A working folder in which the command of a study is given again and again; `start` gives it.

    Attributes
    ----------
    random : of the moments.
    driver : the command that was given last.
    """

    every = 20  # steps between two checkpoints

    def disturb_by(self, random: random.Random, expected: dict[str, bytes], **roles: Sequence[str]) -> None:
        """Prepare for faults, once; expected are the files as they are without one, roles those of `Moments`."""
        self.expected, self.random = expected, random
        self.moments = Moments(self.path.with_name(f"{self.path.name}.moments"), random, **roles)
        self.python_path = [*self.python_path, QUICK]
        self.driver: subprocess.Popen | None = None
        self._excused = True  # whether the driver may end badly: it was disturbed

    def start(self) -> subprocess.Popen:
        """Give the command, in a process group of its own."""
        raise NotImplementedError

    def said(self) -> str:
        """What the command says."""
        raise NotImplementedError

    def start_anew(self) -> None:
        """Give the command once more: it must end well, unless it is disturbed."""
        self.driver, self._excused = self.start(), False

    def drivers(self) -> list[int]:
        """The processes of the command, the first one first; its Snakemake may be left alone."""
        first = [self.driver.pid] if self.driver is not None and self.driver.poll() is None else []
        return first + [pid for pid, role in processes_in(self.path).items() if role == "snakemake"]

    def job_processes(self) -> list[int]:
        """The processes of its jobs."""
        return [pid for pid, role in processes_in(self.path).items() if STAGES.get(role, "driver") != "driver"]

    def disturb(self, fault: Fault, do: Callable[[Any, int], bool]) -> str:
        """Have a process of a stage or of a later one stay, and do something to it or to others; returns where it was.

        Parameters
        ----------
        fault : names the stage.
        do : called with this and with the process; returns whether it found whom it meant.
        """
        for attempt in range(ATTEMPTS):
            self.moments.tell(fault.stage, attempt)
            if not self.drivers():
                self.start_anew()
            wait_for(lambda: self.moments.staying() or not self.drivers(), self.said)
            for pid, where in list(self.moments.staying().items())[:1]:
                self._excused |= fault.kind not in HARMLESS
                hit = do(self, pid)
                self.moments.go_on()
                if hit:
                    return where
            if not self.drivers() and self.has_ended_well():
                self.forget_from(fault.stage)
        raise AssertionError(f"{fault} did not hit\n{self.said()}")

    def has_ended_well(self) -> bool:
        """Wait for the end of the command; whether the study has come to its end, which is that of no fault at all."""
        wait_for(lambda: not self.drivers(), self.said)
        status = self.driver.wait()
        assert status == 0 or self._excused, f"exit status {status} though nothing had happened\n{self.said()}"
        if status == 0:
            self.wait_until_quiet()
            assert faults_at_the_end(self, self.expected) == []
        return status == 0

    def forget_from(self, stage: str) -> None:
        """Remove the results of a stage and of all later ones, and what was trained if it comes before."""
        self.wait_until_quiet()
        stages = list(FOLDERS)
        first = stages.index(stage) if stage in stages else 0
        folders = [self.results / FOLDERS[later] for later in stages[first:]]
        for page in ("findings.md", "claims.md"):
            (self.results / page).unlink(missing_ok=True)
        if first <= stages.index("training"):
            folders.append(self.results.parent / "runs")
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def wait_until_quiet(self) -> None:
        """Wait for jobs that have lost their driver, too."""
        wait_for(lambda: not processes_in(self.path), lambda: f"an end of\n{described(processes_in(self.path))}")

    def end(self) -> None:
        """Kill whatever is left."""
        while found := processes_in(self.path):
            signal_to(found, signal.SIGKILL)
            time.sleep(0.1)


def signal_to(pids: Iterable[int], number: int) -> None:
    """Send a signal to those processes that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


# ---- what must hold ----


def made(study: Folder) -> dict[str, bytes]:
    """Every file of a study and of its store, but logs and what the jobs took."""
    results, found = study.results.parent, {}
    for path in results.rglob("*"):
        if not {"logs", "benchmarks"}.intersection(path.relative_to(results).parts):
            with suppress(FileNotFoundError, IsADirectoryError):  # removed meanwhile, to be made anew
                found[str(path.relative_to(results))] = path.read_bytes()
    return found


def half_made(study: Folder, expected: dict[str, bytes]) -> list[str]:
    """The files under their names that are not, byte for byte, what an undisturbed study made."""
    files = made(study).items()
    known = [(name, content) for name, content in files if Path(name).name not in PASSING | UNEQUAL]
    return [name for name, content in known if not _is_hidden(name) and expected.get(name) != content]


def _is_hidden(name: str) -> bool:
    return Path(name).name.startswith(".")


def faults_at_the_end(study: Folder, expected: dict[str, bytes]) -> list[str]:
    """What of a study that was disturbed and has ended is not as if nothing had been, once `clean` was called."""
    for path in study.results.parent.rglob(".*.tmp*"):
        os.utime(path, (time.time() - OLD_SECONDS,) * 2)
    faults = []
    for command in (("clean", str(study.config), "--yes"), ("verify", str(study.config))):
        done = study.process(study.whyalike_command(*command))
        faults += [done.stdout] * (done.returncode != 0)
    files = made(study)
    faults += [f"{name} differs" for name in half_made(study, expected)]
    faults += [f"{name} is missing" for name in sorted(expected.keys() - files.keys())]
    faults += [f"{name} is left" for name in sorted(files.keys() - expected.keys())]
    notes = study.path / ".snakemake"
    faults += [f"{path} is left" for folder in ("incomplete", "locks") for path in (notes / folder).glob("*")]
    with (notes / "whyalike.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    for run in (study.results.parent / "runs").iterdir():
        events = StoredRun(run.parent, run.name).events()
        faults += [f"{run.name}: {fault}" for fault in faults_of(events, study.every)]
    return faults


# ---- what was done ----


def schedule(random: random.Random, kinds: Mapping[str, int], stages: Sequence[str]) -> list[Fault]:
    """So many faults of each kind in a random order; stage after stage, in each of them as many as in the others."""
    chosen = [kind for kind, count in kinds.items() for _ in range(count)]
    random.shuffle(chosen)
    return [Fault(kind, stage) for kind, stage in zip(chosen, cycle(stages), strict=False)]


def note(record: Callable[[str, str], None], fault: Fault, where: str) -> None:
    """Note a fault that hit for the table at the end of the tests, and where: role, operation and path."""
    print(f"{fault.kind} | {where}", file=sys.stderr, flush=True)
    record("fault", f"{fault.kind}|{STAGES[where.partition(':')[0]]}")


def disturbed_again_and_again(study: Disturbed, faults: Sequence[Fault], do: Mapping[str, Callable[[Any, int], bool]],
                              record: Callable[[str, str], None]) -> None:  # fmt: skip
    """Disturb a study by one fault after the other: nothing is ever half made, and it ends as if nothing had been."""
    for fault in faults:
        note(record, fault, study.disturb(fault, do[fault.kind]))
        assert half_made(study, study.expected) == [], fault
    if study.drivers():
        study.has_ended_well()
    study.start_anew()
    assert study.has_ended_well(), study.said()
