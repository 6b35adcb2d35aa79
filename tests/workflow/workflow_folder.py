"""Real runs of the workflow, on a study of seconds, in folders of their own."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TINY = REPOSITORY / "tests" / "workflow" / "tiny.yaml"


class Folder:
    """A working folder in which the tiny study is run, as a user would: by the commands of the README."""

    def __init__(self, path: Path):
        self.path = path
        self.results = path / "results" / "tiny"

    def run_command(self) -> list[str]:
        """`whyalike run`, what `make demo` calls."""
        files = ["--snakefile", str(REPOSITORY / "Snakefile"), "--profile", str(REPOSITORY / "profiles" / "local")]
        return [str(Path(sys.executable).with_name("whyalike")), "run", str(TINY), *files]

    def snakemake_command(self, *arguments: str) -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")),
            *("--configfile", str(TINY), "--profile", str(REPOSITORY / "profiles" / "local"), *arguments),
        ]

    def call(self, command: list[str]) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=self.path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def numbers(self) -> dict[str, bytes]:
        """Every file that later stages or people compare: all but logs, benchmarks and the undeclared store."""
        files = (path for path in self.results.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.results)): path.read_bytes()
            for path in files
            if path.relative_to(self.results).parts[0] not in ("logs", "benchmarks")
        }
