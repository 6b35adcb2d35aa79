"""What is looked for before any job: the files that the configuration expects, and whether results can be written.

In a real run, everything that is missing for the requested targets is one error before the first job; a dry-run only
warns, a line a data set. Nothing is opened, only looked for, and torchvision is not imported.
"""

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from whyalike.config import Config
from whyalike.data.parameters import OfficialParameters
from whyalike.files import full

DATA_RULES = ("prepare_data", "prepare_small_data")


def missing_data(config: Config, jobs: Iterable) -> list[str]:
    """What is not there of the data sets that would be prepared.

    Parameters
    ----------
    config : the configuration.
    jobs : Snakemake's jobs that would run.

    Returns
    -------
    A line for each data set with missing files: its key, the expected path, where it comes from.
    """
    names = sorted({job.wildcards.dataset for job in jobs if job.rule.name in DATA_RULES})
    faults = {name: config.datasets[name].missing() for name in names}
    return [f"datasets.{name}: {fault}{_hint(config, name)}" for name, fault in faults.items() if fault]


def unwritable(results: Path) -> str | None:
    """What is wrong with the results folder, or with the one that it will be made in; None if it can be written."""
    folder = next(path for path in (results.absolute(), *results.absolute().parents) if path.is_dir())
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} cannot be written (a read-only file system, or its permissions): set `results`, or mend it."
    fault = full(folder)
    return f"{folder}: {fault}." if fault else None


def downloads(config: Config) -> list[str]:
    """Data sets that have a target `download_{dataset}`: those that someone else publishes."""
    return [name for name, dataset in config.datasets.items() if isinstance(dataset, OfficialParameters)]


def _hint(config: Config, name: str) -> str:
    dataset = config.datasets[name]
    if isinstance(dataset, OfficialParameters) and dataset.layout.downloads:
        return f" With a network: snakemake download_{name}."
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
