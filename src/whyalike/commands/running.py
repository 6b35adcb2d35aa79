"""`whyalike run`: Snakemake, what it will do said before, and what it did after.

Options are read by Snakemake's own parser, profiles included: what is announced is what runs.
"""

import argparse
import contextlib
import io
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from whyalike import driver_lock
from whyalike.cluster import slurm
from whyalike.commands import kept_and_made
from whyalike.commands.cli_faults import fail
from whyalike.commands.exporting import REPOSITORY
from whyalike.config import reading
from whyalike.config.config import Config
from whyalike.config.yaml_file import keys_of
from whyalike.designs.registry import design
from whyalike.grid.workflow import Workflow
from whyalike.locks import Lock
from whyalike.planning import preflight
from whyalike.studies.main_line import studies_of
from whyalike.studies.study import rule_studies

SNAKEMAKE = (sys.executable, "-m", "snakemake")
CACHE = "XDG_CACHE_HOME"
SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")  # where Snakemake looks for one
Start = partial[subprocess.Popen]  # in the folder and with the environment of the call


def run(configfile: Path, arguments: Sequence[str]) -> None:
    """Run the workflow to its end and say what was found.

    Parameters
    ----------
    configfile : the configuration; those of an option --configfile are read after it, and their keys count.
    arguments : what Snakemake is given beside it.
    """
    options = parsed(arguments)
    files = [configfile, *(options.configfile or [])]
    # the last of several options --configfile counts; what stands behind -- is a target
    end = arguments.index("--") if "--" in arguments else len(arguments)
    command = [*SNAKEMAKE, *arguments[:end], "--configfile", *map(str, files), *arguments[end:]]
    flow = Workflow(_config(files, options))
    jobs = sum(len(flow.part_manifests(cell)) for cell in flow.grid.cells)
    print(f"{jobs} training jobs, {len(flow.figures())} figures; results go to {flow.root}/", flush=True)
    began, start = time.time(), partial(subprocess.Popen, cwd=Path.cwd(), env=_environment())
    if options.directory is not None:
        Path(options.directory).mkdir(parents=True, exist_ok=True)
        os.chdir(options.directory)
    # before Snakemake finds one file or another that it cannot write, and before anything is made
    faults = [preflight.run_by_a_shell([Path.cwd()]), preflight.working_folder()]
    if not options.dryrun:
        faults.append(preflight.unwritable(Path(flow.config.results)))
    for fault in filter(None, faults):
        fail(f"nothing was run: {fault}")
    before = None if options.dryrun else kept_and_made.look(flow.config)
    locks = [] if options.dryrun else _locks(command, start, flow.root)
    if prefix := _prefix(options):
        _end_earlier_jobs(prefix)
    status, whole = 0, not (options.targets or options.until or options.omit_from)
    if whole and (lost := _lost_manifests(flow)):
        words = f"First the manifests that are missing, of runs that are finished: {', '.join(lost)}"
        print(f"{words}. The plan still counts what is kept then." if options.dryrun else words, flush=True)
        status = _status([*command, "--", *lost], start, locks)
    if status := status or _status(command, start, locks):
        if options.snakefile is None and not any(map(os.path.isfile, SNAKEFILES)):
            fail(f"There is no Snakefile in {Path.cwd()}: start in {REPOSITORY}, or add --snakefile "
                 f"{REPOSITORY / 'Snakefile'} --profile {REPOSITORY / 'profiles' / 'local'}")  # fmt: skip
        if options.dryrun:
            fail(f"There is no plan (exit status {status}): the message is above.")
        advice = _partial_advice(flow, configfile, arguments, options)
        fail(f"The workflow stopped (exit status {status}): the messages are above, the logs in {flow.root}/logs/. "
             f"The same command goes on where it stopped.{advice}")  # fmt: skip
    if before is not None:
        print(kept_and_made.line(before, kept_and_made.look(flow.config)))
        print(_made(flow, began, whole))


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments as Snakemake reads them, those of its profiles among them; a fault ends the command."""
    from snakemake.cli import parse_args

    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            _, options = parse_args(list(arguments))
    except Exception as error:  # of Snakemake's own kind, or of a profile's YAML
        fail(f"Snakemake cannot read these options: {error}")
    except SystemExit:
        print(told.getvalue(), file=sys.stderr, end="")
        raise
    return options


def _config(files: Sequence[Path], options: argparse.Namespace) -> Config:
    """The configuration that Snakemake will have: files in their order, then the values of --config, key by key."""
    from snakemake.cli import parse_config
    from snakemake.utils import update_config

    try:
        if len(files) == 1 and not options.config:
            return reading.read(files[0])
        values: dict[str, Any] = {}
        for file in files:
            reading.found(file)
            update_config(values, keys_of(file, "config/demo.yaml"))
        update_config(values, parse_config(options.config))
        return reading.check(values, ", ".join(map(str, files)))
    except ValueError as error:
        fail(str(error))


def _locks(command: Sequence[str], start: Start, root: str) -> list[Lock]:
    """The locks of the folder and of the results, once a Snakemake's own that was left behind is removed."""
    try:
        locks = driver_lock.hold(root)
    except (RuntimeError, PermissionError) as error:
        fail(str(error))
    if any(Path(".snakemake", "locks").glob("*")):
        with start([*command, "--unlock", "--quiet", "all"], stdout=subprocess.DEVNULL) as process:
            process.wait()
    return locks


def _prefix(options: argparse.Namespace) -> str:
    """How the names of jobs begin that this run submits to SLURM; nothing where it submits none."""
    prefix = getattr(options, "slurm_jobname_prefix", "")
    return prefix if options.executor == "slurm" and not options.dryrun and isinstance(prefix, str) else ""


def _end_earlier_jobs(prefix: str) -> None:
    """Cancel the jobs of a driver that was killed, before Snakemake plans by the files that are there.

    A job that is cancelled at its end takes back what it has just made.
    """
    try:
        slurm.cancel_predecessors(prefix, Path.cwd(), partial(print, flush=True))
    except RuntimeError as error:
        fail(str(error))


def _environment() -> dict[str, str]:
    """That of Snakemake and its jobs."""
    # modules of the user's folder do not take the place of those that these import
    told = {**os.environ, "PYTHONSAFEPATH": "1"}
    cache = os.environ.get(CACHE) or "~/.cache"
    if fault := preflight.unwritable(Path(cache).expanduser(), f"set {CACHE}"):
        told[CACHE] = str(Path(".snakemake", "cache").resolve())
        print(f"Caches go to {told[CACHE]}: {fault}", flush=True)
    return told


def _status(command: Sequence[str], start: Start, locks: Sequence[Lock]) -> int:
    """The exit status of Snakemake. It inherits the locks, which stay held if this process alone is killed."""
    descriptors, variables = driver_lock.passed_on(locks)
    with start(command, pass_fds=descriptors, env=start.keywords["env"] | variables) as process:
        # who terminates this process means the run: Snakemake would go on alone
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            while True:
                # Ctrl-C reaches Snakemake too, which then cancels its jobs; subprocess.run would kill it meanwhile
                with suppress(KeyboardInterrupt):
                    return process.wait()
        finally:
            signal.signal(signal.SIGTERM, before)


def _lost_manifests(flow: Workflow) -> list[str]:
    """Manifests that are missing, of cells whose runs are stored and whose representations are made, or scored.

    Made in one go with the rest they would be new: Snakemake would make anew all that follows. Made before, they are
    the bytes that it knows.
    """
    store, lost = Path(flow.store), {}
    for cell, path in zip(flow.grid.cells, flow.all_manifests(), strict=True):
        runs = flow.grid.runs(cell) if design(cell.factor).is_trained else []
        if not Path(path).is_file() and all((store / run.identity / "result.json").is_file() for run in runs):
            lost[cell] = path
    studies = studies_of(flow.config) if lost else ()
    extractions = (job for study in studies for job in study.jobs() if job.stage == "activations")
    followed = {cell for job in extractions for cell in job.cells if job.made(dict.fromkeys(job.cells, True))}
    return [path for cell, path in lost.items() if cell in followed]


def _made(flow: Workflow, began: float, whole: bool) -> str:
    """What there is to read and to look at; of a run that made only a part, findings that it wrote itself."""
    lines, page = [], Path(flow.root, "findings.md")
    if page.is_file() and (whole or page.stat().st_mtime >= began):
        lines += ["", page.read_text(encoding="utf-8")]
    drawn = [name for name in flow.config.figures if Path(flow.root, "figures", f"{name}.svg").is_file()]
    if drawn:
        lines.append(f"Figures: {flow.root}/figures/ ({', '.join(drawn)}; each as .svg, .pdf, .png and .csv)")
    for study in (one for one in rule_studies(flow.config).values() if one.asked):
        pages = [page for page in (f"{study.root}/claims.md", f"{study.root}/figures") if Path(page).exists()]
        lines += [f"{study.name.capitalize()}: {', '.join(pages)}"] if pages else []
    return "\n".join(lines)


def _partial_advice(flow: Workflow, configfile: Path, arguments: Sequence[str], options: argparse.Namespace) -> str:
    """The command for figures of the seeds that are finished, where there are any."""
    trained = any(design(study.factor).is_trained for study in flow.config.studies.values())
    if flow.config.partial or not trained or not any(Path(flow.root, "models").rglob("*.parquet")):
        return ""
    # a second --config takes the place of the first
    values = ["--config", *(options.config or []), "partial=true"]
    command = shlex.join(["whyalike", "run", str(configfile), *arguments, *values])
    return f"\nFigures of the seeds that are finished, which say how many of how many:\n  {command}"
