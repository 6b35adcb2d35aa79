"""What the tests of the spine share: the demo's configuration as plain values, to be changed and checked."""

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
