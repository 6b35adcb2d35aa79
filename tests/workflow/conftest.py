"""The tiny study, run once for all tests of the workflow; and these tests begin before the others."""

import fcntl
import os
import shutil

import pytest
from workflow_folder import Folder

LONG = {"workflow", "training", "test_benchmarks.py"}


def pytest_collection_modifyitems(items):
    """Put long files first: none is left at the end for one process of pytest, while the others have nothing to do."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Folder:
    """The tiny study, run to its end without a disturbance. Tests do not change it.

    It is run once for all processes of pytest, and each takes a copy: Snakemake locks a folder even in a dry-run.
    """
    own = tmp_path_factory.mktemp("finished")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    study, said = shared / "study", shared / "study.txt"
    with (shared / "study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits for the first, whose jobs then have all cores
        if not said.exists():
            shutil.rmtree(study, ignore_errors=True)
            study.mkdir()
            folder = Folder(study)
            done = folder.call(folder.run_command())
            assert done.returncode == 0, done.stdout
            said.write_text(done.stdout)
    shutil.copytree(study, own, dirs_exist_ok=True)
    folder = Folder(own)
    folder.said = said.read_text()
    return folder
