"""What is looked for before any job: the files that the configuration expects, and whether results can be written.

In a real run, everything that is missing for the requested targets is one error before the first job; a dry-run only
warns, a line a data set. Nothing is opened, only looked for, and torchvision is not imported.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from whyalike.config.config import Config
from whyalike.config.external import OwnCheckpoints
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.data.parameters import OfficialParameters, Parameters
from whyalike.data.user_files import SHOWN, shown
from whyalike.files import no_room, refusal
from whyalike.models.libraries.registry import LIBRARIES
from whyalike.section import path_fault
from whyalike.studies.study import RuleStudy
from whyalike.training.weight_files import WRITTEN

SKEW_SECONDS = 5  # more than a server's rounding of times and a slow write
DATA_RULES = ("prepare_data", "prepare_small_data")


def missing_data(config: Config, jobs: Iterable, own: Mapping[str, RuleStudy]) -> list[str]:
    """What is not there of the data sets that would be prepared, and of the weights that would be read.

    Parameters
    ----------
    config : the configuration.
    jobs : Snakemake's jobs that would run.
    own : studies with rules of their own; their data are prepared by a rule prepare_{study}.

    Returns
    -------
    A line for each data set, and for the weights of each model, with missing files: its key, the expected path, where
    it comes from.
    """
    jobs = list(jobs)
    tables = dict.fromkeys(DATA_RULES, ("datasets", config.datasets))
    tables |= {f"prepare_{name}": (name, study.datasets) for name, study in own.items()}
    asked = {(job.rule.name, job.wildcards.dataset) for job in jobs if job.rule.name in tables}
    found = {f"{tables[rule][0]}.{name}": tables[rule][1][name] for rule, name in asked}
    faults = {key: parameters.missing() for key, parameters in sorted(found.items())}
    data = [f"{key}: {fault}{_hint(config, found[key])}" for key, fault in faults.items() if fault]
    return data + missing_weights(config, {getattr(job.wildcards, "setting", None) for job in jobs})


def missing_weights(config: Config, settings: Iterable[str | None]) -> list[str]:
    """What is not there of the weights of some settings' models: a line each, with what it is and how it is had."""
    asked, found = set(settings), []
    for name, one in config.settings.items():
        if name in asked and isinstance(one, ResolvedPretrained):
            lines = [
                f"settings.{name}: {path} is missing: {one.library} {one.name}, tag {one.tag.format(run=run)}"
                f"{f', SHA-256 {one.hashes[run]}' if one.hashes[run] else ''}. {_way_to_weights(name, one, path)}"
                for run, path in one.weight_paths().items() if not path.exists()
            ]  # fmt: skip
            more = [
                f"settings.{name}: of its {len(one.runs)} runs the weights of {len(lines) - SHOWN} more are missing."
            ]
            found += lines[:SHOWN] + (more if len(lines) > SHOWN else [])
        elif name in asked and isinstance(one, OwnCheckpoints):
            absent = [path for path in one.files([]) if not Path(path).exists()]
            missing = f"{len(absent)} of {len(one.runs)} files are missing ({shown(absent)})"
            found += [f"settings.{name}.checkpoints: {missing}. Put them there, or correct the path."] if absent else []
    return found


def _way_to_weights(name: str, setting: ResolvedPretrained, path: Path) -> str:
    """How missing weights are had: those of a library by `whyalike zoo save`, which writes one kind of file."""
    if setting.library == "import":
        return "They are yours: put them there."
    network = "On a machine with a network (CONFIG: your configuration)"
    by_command = f"{network}: whyalike zoo save CONFIG {name}; then bring it here."
    if LIBRARIES[setting.library].facts.folder or path.suffix == WRITTEN:
        return by_command
    return f"Put your file there; or name a {WRITTEN} in `weights`. {by_command}"


def run_by_a_shell(paths: Iterable[str | Path]) -> str | None:
    """The first path that a shell would take for a command; None if all are taken for paths.

    Working folder, clone, environment and configuration stand in commands: of Snakemake, which quotes by Python's rules
    and not by a shell's, of a scheduler, of a container. Not all of them can be made safe from here.
    """
    fault = next(filter(None, map(path_fault, paths)), None)
    return fault and f"{fault}: rename the folder"


def misplaced(wanted: Path, remedy: str = "set `results`") -> str | None:
    """What is in the place of a folder, or of one that it is to be made in: a link to nowhere, or a file; else None."""
    paths = (wanted.absolute(), *wanted.absolute().parents)
    found = next(path for path in paths if path.exists() or path.is_symlink())
    if not found.exists():
        there = f"{found} is a link to {found.readlink()}, which is not there"
        return f"{there}: mount or make that, {remedy}, or remove the link."
    return None if found.is_dir() else f"{found} is no folder: {remedy}, or move the file away."


def unwritable(wanted: Path, remedy: str = "set `results`") -> str | None:
    """What is wrong with a folder, or with the one that it will be made in; None if it can be written."""
    if fault := misplaced(wanted, remedy):
        return fault
    folder = _nearest(wanted)
    if (code := refusal(folder)) is None:
        return None
    if fault := no_room(folder, OSError(code, "")):
        return f"{folder}: {fault.strerror}."
    return f"{folder} cannot be written (a read-only file system, or its permissions): {remedy}, or mend it."


def working_folder() -> str | None:
    """What is wrong with the working directory, where Snakemake keeps notes, in a dry-run too."""
    return unwritable(Path(".snakemake"), "start in a folder of yours, or give one by --directory")


def clock_skew(results: Path) -> str | None:
    """What to say if files in a folder get other times than this machine's: those of a server with another clock."""
    folder = _nearest(results)
    with tempfile.TemporaryFile(dir=folder) as handle:
        handle.write(b"now")
        handle.flush()
        os.fsync(handle.fileno())  # until then a server has not seen it
        seconds = os.fstat(handle.fileno()).st_mtime - time.time()
    if abs(seconds) <= SKEW_SECONDS:
        return None
    return (
        f"Files in {folder} get times {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's "
        "clock. Jobs are run again by the times of files: if some run that should not, have both clocks set (NTP)."
    )


def _nearest(wanted: Path) -> Path:
    """A folder, or the one that is there of those that it is to be made in."""
    return next(path for path in (wanted.absolute(), *wanted.absolute().parents) if path.is_dir())


def downloads(config: Config) -> list[str]:
    """Data sets that have a target `download_{dataset}`: those that someone else publishes."""
    return [name for name, dataset in config.datasets.items() if isinstance(dataset, OfficialParameters)]


def _hint(config: Config, wanted: Parameters) -> str:
    """The target that downloads these data into this folder, where the configuration has one."""
    for name in downloads(config):
        dataset = config.datasets[name]
        if dataset.layout.downloads and isinstance(dataset, type(wanted)) and dataset.folder == wanted.folder:
            return f" With a network: snakemake --cores 1 download_{name}."
    return ""


class DryRunWarnings(logging.Handler):
    """Warns once, when Snakemake's first event of a dry-run says which jobs would run.

    Parameters
    ----------
    missing : gives the lines; called when the jobs are known.
    warn : gets each line.
    """

    def __init__(self, missing: Callable[[], list[str]], warn: Callable[[str], None]):
        super().__init__()
        self._missing, self._warn, self._done = missing, warn, False

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one event."""
        if self._done or getattr(getattr(record, "event", None), "name", None) != "RUN_INFO":
            return
        self._done = True
        for line in self._missing():
            self._warn(line)
