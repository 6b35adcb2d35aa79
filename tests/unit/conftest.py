"""What the tests of the spine share: the demo's configuration as plain values, to be changed and checked."""

from pathlib import Path

import pytest
import yaml
from mounts import mounted

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


@pytest.fixture
def demo():
    """The values of config/demo.yaml, read anew for each test."""
    return yaml.safe_load(DEMO.read_text(encoding="utf-8"))


@pytest.fixture
def demo_path():
    """The path of config/demo.yaml."""
    return DEMO


@pytest.fixture
def small_disk(tmp_path):
    """A file system in memory, of two megabytes and twenty files."""
    with mounted(tmp_path, "size=2m,nr_inodes=20") as disk:
        yield disk
