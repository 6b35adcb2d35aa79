"""A throw-away SLURM on this machine: one controller, three nodes with fake GPUs, loopback only, all in one folder.

The daemons of Debian's packages run in the foreground as children of this process, with a configuration, a munge key,
sockets and ports of their own; nothing under /etc or /run is read or written. Programs reach the cluster through
``environment()``: its PATH begins with wrappers that set SLURM_CONF, because the plugin's jobs drop that variable.

    python tests/cluster/slurm_cluster.py up FOLDER [accounted]        # then: . FOLDER/activate
    python tests/cluster/slurm_cluster.py down FOLDER
"""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import accounting

INSTALL = "apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge"
DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr", "sshare")
WAIT_SECONDS = 60  # for anything that takes a second on an idle machine

NODES = {"c1": {}, "g1": {"h100": 2}, "g2": {"a100": 2}}  # node -> its GPUs by type
ACCOUNT = "lab"  # where there is accounting
CPUS, MEMORY = 8, 200_000  # of each node: what it claims, not what this machine has; MB

TEMPLATE = Path(__file__).with_name("slurm.conf.template")


def missing(programs: tuple[str, ...] = DAEMONS) -> list[str]:
    """The programs that this machine lacks."""
    return [name for name in programs if _program(name) is None]


class Cluster:
    """A SLURM cluster in ``folder``, of this process; a context manager that stops everything.

    Parameters
    ----------
    folder : where everything lies; short, since a socket's path has at most 107 characters.
    tied : whether the daemons end with this process, however it ends.
    accounted : with a slurmdbd and its database, and this user in an account.
    """

    def __init__(self, folder: Path, tied: bool = True, accounted: bool = False):
        self.folder, self.tied, self.accounted = Path(folder), tied, accounted
        self.daemons: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "Cluster":
        try:
            self._write_files()
            self._start("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key",
                        f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
                        f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed")  # fmt: skip
            self.wait_for(lambda: (self.folder / "munge.socket").exists(), "munged's socket")
            if self.accounted:
                accounting.start(self.folder, self._start, self.wait_for)
                self.wait_for(lambda: "Cluster" in self.call("sacctmgr", "show", "cluster", check=False), "slurmdbd")
            self.start_controller()
            if self.accounted:
                accounting.register(self.call, ACCOUNT)
            for node in NODES:
                self.start_node(node)
            self.wait_for(lambda: set(self.states().values()) == {"idle"}, "idle nodes")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in NODES:
            self.kill_steps(node)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in reversed(self.daemons.values()):
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons.clear()

    # ---- daemons ----

    def start_controller(self) -> None:
        """Start slurmctld, which finds the jobs of its predecessor in its state."""
        self._start("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
        self.wait_for(lambda: self.call("scontrol", "ping", check=False).find("is UP") > 0, "slurmctld")

    def stop_controller(self) -> None:
        """Kill slurmctld, without a chance to say goodbye."""
        self._kill("slurmctld")

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        arguments = ("-D", "-N", node, "-f", str(self.folder / "slurm.conf"))
        self._start("slurmd", *arguments, key=node, working=self._spool(node))

    def kill_node(self, node: str) -> None:
        """What a power cut does: slurmd, its step daemons and their jobs' processes are gone at once."""
        self._kill(node)
        self.kill_steps(node)

    def kill_steps(self, node: str) -> None:
        """Kill the step daemons of a node and all that they started."""
        for step in self._steps(node):
            for process in [step, *descendants(step)]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    # ---- questions ----

    def environment(self) -> dict[str, str]:
        """The variables with which programs reach this cluster."""
        return os.environ | {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            **accounting.variables(self.folder),
        }

    def call(self, *command: str, check: bool = True) -> str:
        """What a client program says."""
        done = subprocess.run(command, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=WAIT_SECONDS)  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def states(self) -> dict[str, str]:
        """Node -> its state."""
        said = self.call("sinfo", "--noheader", "--Node", "--format=%N %T", check=False)
        found = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
        return {node: found.get(node, "unknown") for node in NODES}

    def jobs(self) -> list[dict[str, str]]:
        """Every job that the controller remembers: id, name, state, place, time limit, GPUs, comment, folder."""
        keys = {"id": "JobID", "name": "Name", "state": "State", "partition": "Partition", "node": "NodeList",
                "limit": "TimeLimit", "gpus": "tres-per-job", "comment": "Comment", "folder": "WorkDir"}  # fmt: skip
        fields = ",".join(f"{field}:|" for field in keys.values())
        said = self.call("squeue", "--states=all", "--noheader", f"--Format={fields}")
        return [dict(zip(keys, line.split("|"), strict=False)) for line in said.splitlines() if line.strip()]

    def state(self, job: str) -> str:
        """The state of a job."""
        return next(one["state"] for one in self.jobs() if one["id"] == job)

    def _steps(self, node: str) -> list[int]:
        """The step daemons of a node: they work in its spool folder, as the slurmd does that started them."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                working = Path(os.readlink(entry / "cwd"))
                if working == self._spool(node) and (entry / "comm").read_text() == "slurmstepd\n":
                    found.append(int(entry.name))
        return found

    def wait_for(self, happened: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Ask until it has happened; a daemon that ends meanwhile is an error with its last words."""
        deadline = time.monotonic() + seconds
        while not happened():
            for name, daemon in self.daemons.items():
                if daemon.poll() is not None:
                    raise RuntimeError(f"{name} ended with status {daemon.returncode}:\n{self._last_words(name)}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {seconds:g} s\n{self.call('sinfo', '-N', '-l', check=False)}")
            time.sleep(0.2)

    # ---- inside ----

    def _start(self, program: str, *arguments: str, key: str | None = None, working: Path | None = None) -> None:
        key = key or program
        with (self.folder / f"{key}.out").open("a") as output:
            self.daemons[key] = subprocess.Popen([_program(program), *arguments], stdout=output, stderr=output,
                                                 stdin=subprocess.DEVNULL, env=self.environment(),
                                                 cwd=working or self.folder, start_new_session=True,
                                                 preexec_fn=_end_with_parent if self.tied else None)  # fmt: skip

    def _kill(self, key: str) -> None:
        daemon = self.daemons.pop(key)
        daemon.kill()
        daemon.wait()

    def _last_words(self, name: str) -> str:
        files = [self.folder / f"{name}.out", self.folder / f"{name}.log", self.folder / f"slurmd.{name}.log"]
        return "\n".join(path.read_text()[-2000:] for path in files if path.is_file())

    def _spool(self, node: str) -> Path:
        return self.folder / f"spool.{node}"

    def _write_files(self) -> None:
        folder = self.folder
        shutil.rmtree(folder / "state", ignore_errors=True)  # the jobs of an earlier cluster in this folder
        for name in ("state", "bin", *(self._spool(node).name for node in NODES)):
            (folder / name).mkdir(parents=True, exist_ok=True)
        key = folder / "munge.key"
        key.unlink(missing_ok=True)
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        (folder / "slurm.conf").write_text(self._configuration())
        (folder / "gres.conf").write_text("".join(self._gres_lines()))
        for client in CLIENTS:
            if real := shutil.which(client):
                wrapper = folder / "bin" / client
                wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {real} "$@"\n')
                wrapper.chmod(0o755)
        (folder / "activate").write_text(f"export SLURM_CONF={folder}/slurm.conf PATH={folder}/bin:$PATH\n")

    def _configuration(self) -> str:
        controller, database, *ports = free_ports(2 + len(NODES))
        host = socket.gethostname().partition(".")[0]
        nodes = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory={MEMORY}"
            + "".join(f" Gres=gpu:{kind}:{count}" for kind, count in gpus.items())
            for (node, gpus), port in zip(NODES.items(), ports, strict=True)
        ]
        return TEMPLATE.read_text(encoding="utf-8").format(
            folder=self.folder,
            host=host,
            user=pwd.getpwuid(os.getuid()).pw_name,
            controller_port=controller,
            accounting=accounting.lines(self.folder, database) if self.accounted else accounting.NONE,
            nodes="\n".join(nodes),
        )

    def _gres_lines(self) -> list[str]:
        """Each fake GPU is a link to a device file: SLURM wants one to set CUDA_VISIBLE_DEVICES."""
        lines = []
        for node, gpus in NODES.items():
            for kind, count in gpus.items():
                for index in range(count):
                    device = self.folder / f"{node}.{kind}.{index}"
                    device.unlink(missing_ok=True)
                    device.symlink_to("/dev/null")
                    lines.append(f"NodeName={node} Name=gpu Type={kind} File={device}\n")
        return lines


def descendants(process: int) -> list[int]:
    """The children of a process, their children and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [process]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def up(folder: Path, kind: str = "") -> str:
    """Start a cluster that outlives this process, "accounted" or not; what to do next."""
    if lacking := missing():
        sys.exit(f"needs SLURM's {', '.join(lacking)}: {INSTALL}")
    if kind and (lacking := missing(accounting.PROGRAMS)):
        sys.exit(f"needs for accounting {', '.join(lacking)}: {accounting.INSTALL}")
    if (folder / "pids").exists():
        sys.exit(f"{folder} holds a cluster already: stop it first")
    cluster = Cluster(folder, tied=False, accounted=kind == "accounted").__enter__()
    (folder / "pids").write_text("".join(f"{daemon.pid}\n" for daemon in cluster.daemons.values()))
    return f"SLURM is up: {', '.join(NODES)}. In a shell that shall use it:\n  . {folder}/activate"


def down(folder: Path) -> str:
    """Stop a cluster that `up` started, and remove its folder."""
    if not (folder / "pids").is_file():
        sys.exit(f"{folder} holds no cluster")
    for node in NODES:
        Cluster(folder).kill_steps(node)
    for pid in reversed((folder / "pids").read_text().split()):
        with suppress(OSError):
            if str(folder) in _command_line(pid):  # not a later process with that number
                os.kill(int(pid), signal.SIGTERM)
    deadline = time.monotonic() + WAIT_SECONDS
    while any(str(folder) in _command_line(pid) for pid in (folder / "pids").read_text().split()):
        if time.monotonic() > deadline:
            sys.exit(f"daemons of {folder} do not end: {(folder / 'pids').read_text().split()}")
        time.sleep(0.1)
    shutil.rmtree(folder)
    return "SLURM is down"


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, of the process that is about to become a daemon


def _command_line(pid: str) -> str:
    try:
        return Path("/proc", pid, "cmdline").read_text()
    except OSError:
        return ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


if __name__ == "__main__":
    command, place, *kind = sys.argv[1:]
    print({"up": up, "down": down}[command](Path(place).resolve(), *kind))
