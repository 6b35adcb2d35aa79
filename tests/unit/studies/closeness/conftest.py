"""What the tests of the study share with those of training: runs of the store come from the same loop."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def cell(tmp_path):
    """A prepared data set, a split file, a run store and a manifest to come."""
    from training_jobs import ToyCell

    return ToyCell(tmp_path)
