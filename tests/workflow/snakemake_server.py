"""Calls of Snakemake by processes that have imported it already, which takes as long as the plan of a small study.

The server is a process that imports Snakemake and what it loads, nothing of this package, and forks for each call. A
call is a new process with arguments, folder, environment and output of its own, as `python -m snakemake` is.
"""

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

# of Snakemake and its plugins, all of which it loads whatever is asked for; and what they and the package import
LOADED = (
    *("snakemake.cli", "snakemake.report.html_reporter", "snakemake_executor_plugin_slurm"),
    *("jsonschema", "nbformat", "smart_open", "pyarrow.parquet", "pydantic"),
)


@cache
def _server() -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen([sys.executable, __file__], **pipes)
    atexit.register(server.communicate)  # its input ends, and so does it
    return server


def snakemake(arguments: list[str], cwd: Path, environment: dict[str, str], output: Path) -> int:
    """Call Snakemake, stdout and stderr into a file; its exit status."""
    server = _server()
    request = {"arguments": arguments, "cwd": str(cwd), "environment": environment, "output": str(output)}
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


def _serve() -> None:
    for name in LOADED:
        import_module(name)
    main = import_module("snakemake.cli").main
    for line in sys.stdin:
        if child := os.fork():
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        else:
            _become(**json.loads(line))
            return main()


def _become(arguments: list[str], cwd: str, environment: dict[str, str], output: str) -> None:
    """Take the place of `python -m snakemake` in a folder."""
    with open(os.devnull) as nothing, open(output, "wb") as said:
        os.dup2(nothing.fileno(), 0)
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    sys.path[0:1] = [cwd, *environment.get("PYTHONPATH", "").split(os.pathsep)]


if __name__ == "__main__":
    _serve()
