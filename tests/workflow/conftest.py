"""The tiny study, run once for all tests of the workflow."""

import pytest
from workflow_folder import Folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Folder:
    """The tiny study, run to its end without a disturbance. Tests do not change it."""
    folder = Folder(tmp_path_factory.mktemp("finished"))
    done = folder.call(folder.run_command())
    assert done.returncode == 0, done.stdout
    folder.said = done.stdout
    return folder
