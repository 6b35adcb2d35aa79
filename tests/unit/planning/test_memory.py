"""The memory that jobs ask for: above what they really take, and not far above."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from whyalike.config import reading
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.memory import HEADROOM, LIBRARIES, MEGABYTE, Compared, Memory, of_scores
from whyalike.planning.plan import EXTRACTION, Plan
from whyalike.similarity.metrics.registry import METRICS

SCORED = r"""
import re, sys
from pathlib import Path

import numpy as np
from whyalike.similarity.pairs import PASSED_THROUGH, PairOnStimuli
from whyalike.similarity.scoring import score_pairs

metric, n, d, runs = sys.argv[1], *map(int, sys.argv[2:5])
random, groups = np.random.default_rng(0), np.arange(n) % 10
shared = random.standard_normal((n, d), np.float32)
x = {str(run): {"l": shared + random.standard_normal((n, d), np.float32)} for run in range(runs)}
numbers = {"data_overlap": 0.5, "label_overlap": None, "label_information": None, "classes": 2, "seeds_asked": 2}
columns = {**dict.fromkeys(PASSED_THROUGH, "x"), "seed": 0, **numbers, "step_a": None, "step_b": None}
everything = (np.arange(n),)
pairs = [PairOnStimuli(str(i), str(i + 1), None, None, everything, groups, None, None, columns)
         for i in range(runs - 1)]
score_pairs(x, pairs, {metric: {}}, sys.argv[5].split("+"), 2, 0)
print(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.parametrize(
    ("metric", "n", "d", "runs", "protocols"),
    [
        ("cka", 4000, 512, 24, "exact"),
        ("cka", 1000, 1200, 8, "exact+as_published"),
        ("cka_rbf", 2500, 64, 6, "exact"),
        ("rsa", 2000, 32, 3, "exact"),
        ("distance_correlation", 2500, 64, 4, "exact"),
        ("mutual_knn", 3000, 256, 12, "exact"),
    ],
)
def test_scores_take_no_more_than_is_asked_for_and_a_third_of_it_at_least(metric, n, d, runs, protocols):
    command = [sys.executable, "-c", SCORED, metric, *map(str, (n, d, runs)), protocols]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    taken = 1024 * int(done.stdout)
    compared = Compared(n, d, 1, 4 * n * d * runs)
    asked = HEADROOM * of_scores(compared, [METRICS[metric].facts.family], protocols.split("+"))
    print(metric, n, d, runs, "taken", taken / 1e6, "asked", asked / 1e6)
    assert taken < asked < 3 * max(taken, LIBRARIES * MEGABYTE)


@pytest.fixture
def memory(tmp_path):
    """A maker of the memory of the demo with other seeds of its first study, or other numbers of stimuli."""

    def make(seeds=None, stimuli=None):
        values = yaml.safe_load(Path("config/demo.yaml").read_text(encoding="utf-8"))
        if seeds:
            values["studies"]["dataset_overlap"]["seeds"] = list(range(seeds))
        flow = Workflow(reading.check(values))
        plan = Plan(flow.config, flow.grid, costs.read("config/costs.yaml"), tmp_path)
        if stimuli:
            plan.workload.stimuli = lambda name: (stimuli, True)
        return Memory(plan, flow)

    return make


def scoring(memory, attempt=1, job="kernels"):
    wildcards = {"study": "dataset_overlap", "comparison": "digits", "stimuli": "digits_test", "job": job}
    return memory.of("score_comparison")(SimpleNamespace(**wildcards), attempt)


def test_scores_ask_for_more_with_runs_stimuli_and_metrics_that_hold_squares(memory):
    small = scoring(memory())
    assert small < 1000
    assert scoring(memory(seeds=400)) > small
    many = memory(stimuli=100_000)
    assert scoring(many, job="rbf") > 10 * scoring(many) > 10 * small


def test_every_attempt_asks_for_more(memory):
    assert [scoring(memory(), attempt) for attempt in (1, 2, 3)] == [scoring(memory()) * times for times in (1, 2, 3)]


def test_extraction_asks_for_more_with_stimuli(memory):
    cell = SimpleNamespace(setting="digits", factor="dataset", seed="0", stimuli="digits_test")
    small, large = (memory(stimuli=n).of(EXTRACTION)(cell, 1) for n in (None, 1_000_000))
    assert 4000 < small < large < 64_000


def test_imports_ask_by_the_size_of_the_largest_file(memory, tmp_path, monkeypatch):
    own = memory()
    sizes = {"small": 10, "large": 250_000_000}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    monkeypatch.setattr(own.flow, "activation_files", lambda _: [str(tmp_path / name) for name in (*sizes, "absent")])
    monkeypatch.setattr(own.flow, "import_files", lambda _: [])
    without, with_files = (own.of(rule)(None, 1) for rule in ("import_runs", "import_activations"))
    assert with_files - without == pytest.approx(HEADROOM * 2.6 * 250, rel=0.01)
