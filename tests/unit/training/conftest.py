"""A small data set and a cell for the tests of this folder, and what they share made importable.

pytest's importlib mode leaves the folder of a test out of the import path.
"""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def cell(tmp_path):
    """A prepared data set, a split file, a run store and a manifest to come."""
    from training_jobs import ToyCell

    return ToyCell(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that was never disturbed."""
    from training_jobs import stored_run, train

    store = tmp_path_factory.mktemp("whole")
    train(store)
    return stored_run(store)
