"""A study that is run by SLURM: its driver as a process, its jobs, and what the store's ledger says of its trainers."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from slurm_cluster import Cluster
from workflow_folder import QUICK, REPOSITORY, TINY, Folder

FAULTS = Path(__file__).with_name("faults.yaml")
PROFILE = REPOSITORY / "profiles" / "slurm"
COSTS = REPOSITORY / "config" / "costs.yaml"
# any preemptible GPU; jobs of a training run for minutes, not hours
SITE = {"partition": "cpu", "gpu_partition": "spare", "max_minutes": 60}
STUDY_SECONDS = 1200  # a study takes two minutes on two idle cores
HALF = 750  # steps: half a run of the fault study
EVENT_SECONDS = 300  # until a job is submitted, runs or trains: ten seconds on two idle cores


@dataclass(frozen=True)
class Training:
    """A job that trains a run, at its last checkpoint."""

    id: str
    comment: str
    node: str
    limit: str
    run: str
    pid: int
    step: int


class Study(Folder):
    """A working folder with a site file, run by the README's command on a cluster.

    Parameters
    ----------
    path : the folder.
    cluster : where its jobs run.
    config : the configuration.
    site : values of config/site.yaml.
    options : further arguments of Snakemake.
    held : whether its trainers stay in the middle of a run, from the start of a driver until `release` or `finish`.
    """

    def __init__(self, path: Path, cluster: Cluster, config: Path = TINY, site: dict = SITE, options: tuple = (),
                 held: bool = False):  # fmt: skip
        super().__init__(path)
        self.cluster, self.config, self.options, self.held = cluster, config, options, held
        self.hold_file = path / "hold"
        values = yaml.safe_load(config.read_text(encoding="utf-8"))
        self.every = values.get("operation", {}).get("checkpoint_every")
        self.results = path / "results" / values["name"]
        self.store = path / "results" / "runs"
        self.output = path / "driver.out"
        self.processes: list[subprocess.Popen] = []
        (path / "config").mkdir(exist_ok=True)
        (path / "config" / "site.yaml").write_text(yaml.safe_dump(site))

    # ---- the driver ----

    def run_command(self) -> list[str]:
        return [*self.whyalike_command("run", str(self.config)), *self._files(), *self.options]

    def driver_command(self) -> list[str]:
        """`whyalike run` with the cluster's profile."""
        files = ["--snakefile", str(REPOSITORY / "Snakefile"), "--profile", str(PROFILE)]
        return [*self.whyalike_command("run", str(self.config)), *files, *self.options]

    def call(self, command: list[str]) -> subprocess.CompletedProcess:
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, cwd=self.path, env=self.environment(), **output)

    def environment(self) -> dict[str, str]:
        return self.cluster.environment() | {"PYTHONPATH": f"{REPOSITORY / 'src'}:{QUICK}",
                                              "WHYALIKE_TEST_HOLD": str(self.hold_file),
                                              "WHYALIKE_TEST_HOLD_AT": str(HALF)}  # fmt: skip

    def hold(self) -> None:
        """Let trainers come to the middle of a run and stay there; what runs later stays where it is."""
        self.hold_file.touch()

    def release(self) -> None:
        """Let trainers go on."""
        self.hold_file.unlink(missing_ok=True)

    def status(self) -> str:
        """What `whyalike status` says, from another terminal; its lines without the spaces of its tables' edges."""
        return "\n".join(line.strip() for line in self.ask("status").splitlines())

    def ask(self, *command: str) -> str:
        """What a command of `whyalike` says that knows the costs of this repository."""
        done = self.call(self.whyalike_command(*command, str(self.config), "--costs", str(COSTS)))
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self) -> subprocess.Popen:
        """Start a driver, in a process group of its own; what it says is appended to `driver.out`."""
        if self.held:
            self.hold()
        # a shell that starts the tests in the background lets them ignore SIGINT, and they their children
        heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), "start_new_session": True}
        with self.output.open("a") as output:
            process = subprocess.Popen(self.driver_command(), cwd=self.path, env=self.environment(), stdout=output,
                                       stderr=output, stdin=subprocess.DEVNULL, **heeding)  # fmt: skip
        self.processes.append(process)
        return process

    def kill(self, driver: subprocess.Popen) -> None:
        """Kill a driver and its Snakemake; jobs are no children of theirs."""
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()

    def finish(self, driver: subprocess.Popen, seconds: float = STUDY_SECONDS) -> None:
        """Wait for the driver's end, which must be a good one."""
        self.release()
        self.wait_for(lambda: driver.poll() is not None, "the driver's end", seconds)
        assert driver.returncode == 0, self.said()

    def stop(self) -> None:
        """End all drivers and jobs, whatever state they are in."""
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)
        self.cluster.call("scancel", f"--user={os.getuid()}", check=False)

    def said(self) -> str:
        """What the drivers said so far."""
        return self.output.read_text() if self.output.is_file() else ""

    # ---- its jobs ----

    def jobs(self, comment: str = "rule_train_models") -> list[dict[str, str]]:
        """Jobs whose comment, the rule and its wildcards, begins so; oldest first."""
        here = [job for job in self.cluster.jobs() if job["folder"] == str(self.path)]
        return sorted((job for job in here if job["comment"].startswith(comment)), key=lambda job: int(job["id"]))

    def state(self, job: str) -> str:
        """The state of a job; of one whose processes are being ended, the state that it ends in."""

        def settled() -> str | None:
            found = self.cluster.state(job)
            return None if found == "COMPLETING" else found

        return self.wait_for(settled, f"the end of job {job}")

    def trainings(self) -> list[Training]:
        """Jobs that train a run: their last word in the ledger is a checkpoint."""
        last = {run: events[-1] for run, events in self.ledgers().items()}
        found = []
        for job in self.jobs():
            for run, event in last.items():
                if job["state"] == "RUNNING" and event["event"] == "checkpoint" and event["job"] == job["id"]:
                    named = {key: job[key] for key in ("id", "comment", "node", "limit")}
                    found.append(Training(**named, run=run, pid=event["pid"], step=event["step"]))
        return found

    def a_training(self, *nodes: str) -> Training:
        """A job that trains now, on one of the nodes, if any are given; waits for one."""
        return self.wait_for(
            lambda: [one for one in self.trainings() if not nodes or one.node in nodes], "a job that trains"
        )[0]

    def successor(self, job: Training) -> dict[str, str]:
        """The job that was submitted in place of another; waits for it."""
        return self.wait_for(
            lambda: [one for one in self.jobs(job.comment) if int(one["id"]) > int(job.id)],
            f"a job in place of {job.id}",
        )[0]

    # ---- the ledger ----

    def ledgers(self) -> dict[str, list[dict]]:
        """Run -> what its trainers noted, in order."""
        files = {path.parent.name: path.read_text() for path in self.store.glob("*/ledger.jsonl")}
        # the last line may be half written
        texts = {run: text.rpartition("\n")[0].splitlines() for run, text in files.items()}
        return {run: [json.loads(line) for line in lines] for run, lines in texts.items() if lines}

    def resumed(self, job: Training) -> dict:
        """The ledger's line of whoever took over the run of a job that was ended; waits for it."""

        def taken_over() -> list[dict]:
            starts = [event for event in self.ledgers()[job.run] if event["event"] == "start"]
            return [event for event in starts if event["pid"] != job.pid and event["step"] >= job.step]

        return self.wait_for(taken_over, f"a trainer that goes on with run {job.run} from step {job.step} or later")[0]

    def last_step(self, job: Training) -> int:
        """The last step that a trainer noted of its run."""
        return [event["step"] for event in self.ledgers()[job.run] if event["pid"] == job.pid][-1]

    def runs_of(self, seed: int) -> list[str]:
        """The runs of a seed, by its manifest."""
        return list(pd.read_parquet(self._manifest(seed))["run"])

    def wait_for(self, happened: Callable[[], object], what: str, seconds: float = EVENT_SECONDS) -> Any:
        """Ask until it has happened, and give the answer; what the driver said is part of the error."""
        deadline = time.monotonic() + seconds
        while not (answer := happened()):
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.cluster.jobs()}\n{self.said()}"
            time.sleep(0.2)
        return answer

    # ---- starting from a part ----

    def take(self, other: "Study", without_seeds: tuple[int, ...]) -> None:
        """Copy a finished study into this folder, without the models of some seeds and what was made of them."""
        own = shutil.ignore_patterns("driver.out", "site.yaml", "hold")
        shutil.copytree(other.path, self.path, dirs_exist_ok=True, ignore=own)
        for seed in without_seeds:
            for run in self.runs_of(seed):
                shutil.rmtree(self.store / run)
            self._manifest(seed).unlink()
            shutil.rmtree(self.results / "activations" / "digits" / "dataset" / f"seed{seed}")
        for room in ("similarity", "statistics", "figures", "logs"):
            shutil.rmtree(self.results / room)
        (self.results / "findings.md").unlink()

    def _manifest(self, seed: int) -> Path:
        return self.results / "models" / "digits" / "dataset" / f"seed{seed}.parquet"


def faults_of(ledger: list[dict], every: int) -> list[str]:
    """What is wrong with the trainers of a run: two at a time, or more done twice than between two checkpoints."""
    found, holder, kept = [], None, 0
    for event in ledger:
        who = (event["host"], event["pid"])
        if event["event"] == "start":
            holder = who
            if event["step"] < kept or event["step"] > kept + every:
                found.append(f"went on from step {event['step']} though {kept} was kept")
            kept = event["step"]
        elif event["event"] == "checkpoint unusable":
            found.append(f"a checkpoint was unusable: {event['error']}")
        elif who != holder:
            found.append(f"{event['event']} at step {event['step']} by {who}, while {holder} trained")
        else:
            kept = event["step"]
    return found
