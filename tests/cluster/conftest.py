"""One throw-away cluster for all tests, and the fault study as it ends without a fault."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import accounting
import pytest
from driven import FAULTS, Study
from slurm_cluster import DAEMONS, INSTALL, Cluster, missing


@pytest.fixture(scope="session")
def cluster():
    """A running SLURM; stopped at the end, also after failed tests."""
    yield from running(DAEMONS, INSTALL, accounted=False)


@pytest.fixture(scope="session")
def accounted(cluster):
    """A second one beside the first, with slurmdbd and its database."""
    yield from running(accounting.PROGRAMS, accounting.INSTALL, accounted=True)


def running(programs: tuple[str, ...], install: str, accounted: bool) -> Iterator[Cluster]:
    """A cluster as long as it is needed, or a skipped test where programs are missing."""
    if lacking := missing(programs):
        pytest.skip(f"needs {', '.join(lacking)}: {install}")
    # not pytest's folder: a socket's path may have 107 characters only
    folder = Path(tempfile.mkdtemp(prefix="slurm."))
    # a terminated test run ends as an interrupted one does: with all that it started
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Cluster(folder, accounted=accounted) as cluster:
            yield cluster
    finally:
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def undisturbed(cluster, tmp_path_factory) -> Study:
    """The fault study run on this machine, without SLURM and without a fault. Tests do not change it."""
    study = Study(tmp_path_factory.mktemp("undisturbed"), cluster, FAULTS)
    done = study.call(study.run_command())
    assert done.returncode == 0, done.stdout
    return study
