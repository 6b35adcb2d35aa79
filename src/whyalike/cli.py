"""The command line: thin, it calls what the rules call."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from whyalike import config as configuration
from whyalike.workflow import Workflow

main = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

LOCK = Path(".snakemake", "whyalike.lock")
SNAKEMAKE = (sys.executable, "-m", "snakemake")


@main.callback()
def _about() -> None:
    """Why do independently trained models represent the world alike?"""


@main.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    configfile: Annotated[Path, typer.Argument(help="The configuration, such as config/demo.yaml.")],
) -> None:
    """Run the workflow to its end and say what was found; further arguments go to Snakemake.

    One run at a time in a folder: the lock is the kernel's, so it ends with its holder, however that ends. A lock that
    a killed Snakemake left behind is removed, and the run goes on where it stopped.
    """
    try:
        flow = Workflow(configuration.read(configfile))
    except configuration.ConfigError as error:
        _fail(str(error))
    command = [*SNAKEMAKE, "--configfile", str(configfile), *context.args]
    print(
        f"{len(flow.grid.cells)} training jobs, {len(flow.figures())} figures; results go to {flow.root}/", flush=True
    )
    with _only_run() as lock:
        if any(Path(".snakemake", "locks").glob("*")):
            subprocess.run([*command, "--unlock", "--quiet", "all"], check=False, stdout=subprocess.DEVNULL)
        # Snakemake inherits the lock: it stays held if this process alone is killed
        status = subprocess.run(command, check=False, pass_fds=[lock]).returncode
    if status:
        _fail(f"The workflow stopped (exit status {status}): the messages are above, the logs in {flow.root}/logs/. "
              "The same command goes on where it stopped.")  # fmt: skip
    print(f"\n{Path(flow.root, 'findings.md').read_text(encoding='utf-8')}")
    print(f"Figures: {flow.root}/figures/ ({', '.join(flow.config.figures)}; each as .svg, .pdf, .png and .csv)")


@contextmanager
def _only_run() -> Iterator[int]:
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _fail(f"Another run is under way in this folder (it holds {LOCK}): wait for it, or stop it first.")
        yield lock.fileno()


def _fail(text: str) -> None:
    print(text, file=sys.stderr)
    raise typer.Exit(1)
