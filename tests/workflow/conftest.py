"""The tiny study, run once for all tests of the workflow; and these tests begin before the others."""

import fcntl
import os

import pytest
from workflow_folder import Folder

LONG = {"workflow", "training", "test_benchmarks.py"}


def pytest_collection_modifyitems(items):
    """Put long files first: none is left at the end for one process of pytest, while the others have nothing to do."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Folder:
    """The tiny study, run to its end without a disturbance, for all processes of pytest. Tests do not change it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, said = Folder(shared / "finished"), shared / "finished.txt"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits for the first, whose jobs then have all cores
        if not said.exists():
            folder.path.mkdir(exist_ok=True)
            done = folder.call(folder.run_command())
            assert done.returncode == 0, done.stdout
            said.write_text(done.stdout)
    folder.said = said.read_text()
    return folder
