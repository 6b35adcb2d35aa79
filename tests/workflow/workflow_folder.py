"""Real runs of the workflow, on a study of seconds, in folders of their own."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from snakemake_server import snakemake

REPOSITORY = Path(__file__).parents[2]
TINY = REPOSITORY / "tests" / "workflow" / "tiny.yaml"
QUICK = TINY.with_name("quick")  # for PYTHONPATH
OBJECTIVES = TINY.with_name("objectives.yaml")
SNAKEMAKE = [sys.executable, "-m", "snakemake"]


def finished(path: Path, config: Path) -> "Folder":
    """The study of a configuration, run to its end in a folder."""
    folder = Folder(path, config=config)
    done = folder.call(folder.snakemake_command())
    assert done.returncode == 0, done.stdout
    return folder


def shared(factory: pytest.TempPathFactory, config: Path = TINY) -> "Folder":
    """The study of a configuration, run to its end once for all processes of pytest; `said` is what the run said."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    path, said = base / config.stem, base / f"{config.stem}.txt"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits for the first, whose jobs then have all cores
        folder = Folder(path, config=config)
        if not said.exists():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            done = folder.call(folder.run_command())
            assert done.returncode == 0, done.stdout
            said.write_text(done.stdout)
    folder.said = said.read_text()
    return folder


class Folder:
    """A working folder in which a study is run, the tiny one by default, as a user would: by the README's commands.

    ``repository`` is where Snakefile, profiles and the package come from: a copy, where a test changes the code.
    """

    def __init__(self, path: Path, repository: Path = REPOSITORY, config: Path = TINY):
        self.path = path
        self.repository = repository
        self.config = config
        self.results = path / "results" / config.stem
        self.python_path = [repository / "src"]

    def run_command(self) -> list[str]:
        """`whyalike run`, what `make demo` calls."""
        return [*self.whyalike_command("run", str(self.config)), *self._files()]

    def whyalike_command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("whyalike")), *arguments]

    def snakemake_command(self, *arguments: str, config: Path | None = None) -> list[str]:
        files = ["--configfile", str(config or self.config), *self._files()]
        return [*SNAKEMAKE, *files, *arguments]

    def _files(self) -> list[str]:
        profile = self.repository / "profiles" / "local"
        return ["--snakefile", str(self.repository / "Snakefile"), "--profile", str(profile)]

    def call(self, command: list[str]) -> subprocess.CompletedProcess:
        """Run a command here, Snakemake's as a fork of a process that has imported it."""
        if command[: len(SNAKEMAKE)] != SNAKEMAKE:
            return self.process(command)
        with tempfile.NamedTemporaryFile() as output:
            status = snakemake(command[len(SNAKEMAKE) :], self.path, self.environment(), Path(output.name))
            return subprocess.CompletedProcess(command, status, output.read().decode())

    def process(self, command: list[str]) -> subprocess.CompletedProcess:
        """Run a command here, as a process that begins with nothing imported."""
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, cwd=self.path, env=self.environment(), **output)

    def begin(self, command: list[str]) -> subprocess.Popen:
        """Start a command here, unheard, in a process group of its own."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self.path, env=self.environment(), start_new_session=True, **silent)

    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, self.python_path))}

    def log(self, said: str) -> str:
        """Snakemake's own log of a real run that said so."""
        name = Path(re.search(r"Complete log\(s\): (.+)", said)[1]).name
        return (self.path / ".snakemake" / "log" / name).read_text()

    def numbers(self) -> dict[str, bytes]:
        """Every file that later stages or people compare: all but logs, benchmarks and the undeclared store."""
        files = (path for path in self.results.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.results)): path.read_bytes()
            for path in files
            if path.relative_to(self.results).parts[0] not in ("logs", "benchmarks")
        }
