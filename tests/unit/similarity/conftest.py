"""Representations for the tests of this folder, and its plain definitions made importable.

pytest's importlib mode leaves the folder of a test out of the import path.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from whyalike.similarity import on_device, precision
from whyalike.similarity.metrics import nearest, rbf, rsa

sys.path.insert(0, str(Path(__file__).parent))

from similarity_cases import MANY


@pytest.fixture
def xy():
    """Two 30 x 7 and 30 x 5 representations that share a signal; float32 as from a model."""
    g = np.random.default_rng(7)
    signal = g.normal(size=(30, 4))
    x = signal @ g.normal(size=(4, 7)) + 0.5 * g.normal(size=(30, 7)) + 1
    y = signal @ g.normal(size=(4, 5)) + 0.5 * g.normal(size=(30, 5)) - 2
    return x.astype(np.float32), y.astype(np.float32)


@pytest.fixture
def models():
    """Two models (f, g) of 25 inputs and 7 labels, M = 2: the second is a noisy copy of the first."""
    g = np.random.default_rng(11)
    first = g.normal(size=(25, 2)) + 1, 1.5 * g.normal(size=(7, 2))
    return first, tuple(z + 0.3 * g.normal(size=z.shape) for z in first)


@pytest.fixture
def many_rows(monkeypatch):
    """From 400 rows on, in place of 1,000, products are made in float32: 450 are then many. Returns their number."""
    for module in (precision, rbf, rsa, on_device):
        monkeypatch.setattr(module, "FEW_ROWS", 400)
    monkeypatch.setattr(nearest, "FEW", 400)
    return MANY
