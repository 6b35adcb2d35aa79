"""What the tests of the spine share: the demo's configuration as plain values, to be changed and checked."""

import subprocess
from pathlib import Path

import pytest
import yaml

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
    command = ["mount", "-t", "tmpfs", "-o", "size=2m,nr_inodes=20", "tmpfs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the right to mount a file system (root): {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)
