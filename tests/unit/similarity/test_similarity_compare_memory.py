"""Layers of models that give more than memory holds: the scores, the peak, and the temporary files."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import whyalike as wa

BOUND = 80 * 10**6
N, WIDTH = 20_000, 512  # 41 MB a layer

COMPARED = f"""
import re, resource, sys
from pathlib import Path
import torch
from torch import nn
import whyalike as wa

torch.set_num_threads(1)

def batches(n):
    for start in range(0, n, 500):
        yield torch.randn(500, {WIDTH}, generator=torch.Generator().manual_seed(start))

def model(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear({WIDTH}, {WIDTH}), nn.Tanh())

one, other = model(0), model(1)

def compare(n):
    return wa.compare(one, other, batches(n), layers_a=["0", "1"], metrics=["cka", "svcca"], memory=MEMORY)

MEMORY = None
compare(500)  # loads the libraries
MEMORY = int(sys.argv[1]) or None
data = 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
# the models, their batches and the allocator beside what is bounded
limit = data + {BOUND} + 20_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
print(*compare({N})["value"])
"""


def compared(memory, folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(folder)}
    given = [sys.executable, "-c", COMPARED, str(memory)]
    return subprocess.run(given, capture_output=True, text=True, env=environment)


def test_layers_that_do_not_fit_are_compared_within_the_bound_and_not_without(tmp_path):
    done = compared(BOUND, tmp_path)
    assert done.returncode == 0, done.stderr
    values = list(map(float, done.stdout.split()))
    assert len(values) == 8 and np.isfinite(values).all()
    assert list(tmp_path.iterdir()) == []
    assert compared(0, tmp_path).returncode  # they do not fit under that limit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder for temporary files, empty."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def models(width=40):
    torch.manual_seed(0)
    return [nn.Sequential(nn.Linear(30, width), nn.Tanh()) for _ in range(2)]


LOADER = [torch.randn(50, 30, generator=torch.Generator().manual_seed(i)) for i in range(20)]


def test_scores_are_those_of_all_stimuli_in_memory(folder):
    seen = []

    def feed(batch):
        seen.append(len(list(folder.iterdir())))
        return batch

    given = {"layers_a": ["0", "1"], "metrics": ["cka", "cca", "svcca"], "feed_a": feed}
    whole, bounded = (wa.compare(*models(), LOADER, **given, memory=memory) for memory in (None, 800_000))
    assert seen[:20] == [0] * 20 and seen[-1] == 1  # the temporary folder, while it is bounded
    # cka in memory multiplies float32 features in float32
    np.testing.assert_allclose(bounded["value"], whole["value"], rtol=0, atol=1e-7)
    assert list(folder.iterdir()) == []


def test_what_fits_is_kept_in_memory_and_scored_to_the_bit(folder):
    whole, bounded = (wa.compare(*models(), LOADER, layers_a="0", memory=memory) for memory in (None, "1GB"))
    assert bounded.equals(whole)


@pytest.mark.parametrize("at", ["loader", "score"])
def test_the_files_are_gone_after_an_error(folder, at):
    def loader():
        yield from LOADER
        assert len(list(folder.iterdir())) == 1
        if at == "loader":
            raise RuntimeError("the loader broke")

    metric, error = ("cka", RuntimeError) if at == "loader" else ("rsa", MemoryError)
    with pytest.raises(error):
        wa.compare(*models(), loader(), layers_a="0", metrics=metric, memory=200_000)
    assert list(folder.iterdir()) == []
