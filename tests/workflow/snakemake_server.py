"""Calls of Snakemake and of its jobs by processes that have their libraries loaded: half of a small study is imports.

The server is a process that imports Snakemake and what it and the package load, nothing of this package, and forks for
each call. A call is a new process with arguments, folder, environment and output of its own, as `python -m snakemake`
is. Its jobs' scripts are new processes too, forked by a server of the call, and belong to the process group of their
callers. Tests that kill, and those of a whole study, run everything as processes that begin with nothing.
"""

import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from socketserver import BaseRequestHandler, ForkingMixIn, UnixStreamServer

# of Snakemake and its plugins, all of which it loads whatever is asked for; and what they and the package import
LOADED = (
    *("snakemake.cli", "snakemake.report.html_reporter", "snakemake_executor_plugin_slurm"),
    *("jsonschema", "nbformat", "smart_open", "pyarrow.parquet", "pydantic", "pandas", "safetensors.torch"),
    *("torch", "torchvision.datasets", "scipy.stats", "scipy.spatial", "scipy.optimize", "sklearn.datasets"),
    *("matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg"),
    *("fontTools.subset", "pyarrow.dataset", "threadpoolctl"),
)
SOCKET = "JOB_SERVER"  # the variable of the environment that names the socket of a call


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
    for line in sys.stdin:
        if child := os.fork():
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        else:
            return _call(**json.loads(line))


def _call(arguments: list[str], cwd: str, environment: dict[str, str], output: str) -> None:
    with open(os.devnull) as nothing, open(output, "wb") as said:
        streams = [nothing.fileno(), said.fileno(), said.fileno()]
        _become(["snakemake", *arguments], cwd, cwd, environment, streams)
    path = output + ".jobs"
    with _JobServer(path, _Job) as jobs:
        server = os.fork()
        if not server:
            jobs.serve_forever()
    try:
        _send_jobs_to(path)
        import_module("snakemake.cli").main()
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
        os.unlink(path)


def _become(argv: list[str], first_on_path: str, cwd: str, environment: dict[str, str], streams: list[int]) -> None:
    """Take the place of a program in a folder."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.orig_argv = argv, [sys.executable, *argv]
    sys.path[0:1] = [first_on_path, *environment.get("PYTHONPATH", "").split(os.pathsep)]
    sys.modules.pop("sitecustomize", None)
    with suppress(ModuleNotFoundError):
        import_module("sitecustomize")  # as Python does when it starts


def _send_jobs_to(path: str) -> None:
    """Let this process' Snakemake start the scripts of jobs by `_ask`, in place of Python."""
    script = import_module("snakemake.script").PythonScript
    plain = script._execute_cmd
    client = f"{SOCKET}={path} {sys.executable} -IS {__file__}"
    script._execute_cmd = lambda self, command, **more: plain(
        self, command, **more | ({"py_exec": client} if "py_exec" in more else {})
    )


def _ask(script: str) -> int:
    """Have the server of the call run a script in the place of this process; its exit status, 1 where it was killed."""
    environment = dict(os.environ)
    request = {"argv": [script], "cwd": os.getcwd(), "group": os.getpgrp()}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(environment.pop(SOCKET))
        text = json.dumps(request | {"environment": environment}).encode() + b"\n"
        socket.send_fds(server, [text], [0, 1, 2])
        return (server.recv(1) or b"\1")[0]


class _JobServer(ForkingMixIn, UnixStreamServer):
    pass


class _Job(BaseRequestHandler):
    """A job's script, in a process that was forked for it."""

    def handle(self) -> None:
        text, streams, *_ = socket.recv_fds(self.request, 1 << 20, 3)
        request = json.loads(text)
        os.setpgid(0, request["group"])
        (script,) = request["argv"]
        _become([script], os.path.dirname(script), request["cwd"], request["environment"], streams)
        self.request.sendall(bytes([_status_of(script)]))


def _status_of(script: str) -> int:
    """Run a script as `python script` does; its exit status."""
    try:
        runpy.run_path(script, run_name="__main__")
        return 0
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(_ask(sys.argv[1]) if SOCKET in os.environ else _serve())
