"""One throw-away cluster for all tests, and the fault study as it ends without a fault."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from driven import FAULTS, Study
from slurm_cluster import INSTALL, Cluster, missing


@pytest.fixture(scope="session")
def cluster():
    """A running SLURM; stopped at the end, also after failed tests."""
    if lacking := missing():
        pytest.skip(f"needs SLURM's {', '.join(lacking)}: {INSTALL}")
    # not pytest's folder: a socket's path may have 107 characters only
    folder = Path(tempfile.mkdtemp(prefix="slurm."))
    # a terminated test run ends as an interrupted one does: with all that it started
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Cluster(folder) as running:
            yield running
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
