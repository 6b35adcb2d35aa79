"""The memory that jobs ask for: above what they really take, and not far above."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from whyalike.config import reading
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.memory import (
    HEADROOM,
    LIBRARIES,
    MEGABYTE,
    SHIFTED,
    TORCH,
    Compared,
    Memory,
    of_extraction,
    of_scores,
    of_vectors,
)
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


def taken_by(code, *arguments):
    """The most bytes that a process held which ran this."""
    ending = "\nimport re; print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    done = subprocess.run([sys.executable, "-c", code + ending, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return 1024 * int(done.stdout.splitlines()[-1])


IMPORTED = """
import sys
from pathlib import Path

import numpy as np
from whyalike.activations.imported import read_vectors
from whyalike.activations.table import write_activations

file, n, d = Path(sys.argv[1]), *map(int, sys.argv[2:])
ids = np.arange(n)
write_activations(file.with_name("o.parquet"), ids, ((run, read_vectors(file, ids)) for run in "ab"), d, {})
"""


@pytest.mark.parametrize(("n", "d", "kind"), [(1000, 500, "f2"), (5000, 5000, "f2"), (4000, 15000, "f4")])
def test_activations_from_files_take_no_more_than_is_asked_for_and_a_third_of_it_at_least(tmp_path, n, d, kind):
    np.save(file := tmp_path / "a.npy", np.ones((n, d), kind))
    taken, asked = taken_by(IMPORTED, file, n, d), HEADROOM * of_vectors(file.stat().st_size)
    assert taken < asked < 3 * max(taken, LIBRARIES * MEGABYTE)


ADAPTED = """
import sys
import numpy as np
from whyalike.models.inputs import adapt
from whyalike.activations import extraction

n, side, size = map(int, sys.argv[1:])
adapt(np.zeros((n, side, side, 3), np.uint8), size)
"""


@pytest.mark.parametrize(("n", "side", "size"), [(10_000, 32, 32), (4000, 64, 224)])
def test_samples_of_an_extraction_take_less_than_what_is_asked_beside_the_libraries(n, side, size):
    alone = taken_by("from whyalike.activations import extraction")
    taken = taken_by(ADAPTED, n, side, size) - alone
    beside = of_extraction(0, 3 * n * size**2, 3 * n * side**2) - TORCH * MEGABYTE
    # and the copies of float32 of one chunk, five of 200 MB, which the room for the libraries covers
    assert taken < beside + 1000 * MEGABYTE < (TORCH - LIBRARIES) * MEGABYTE + beside


SHOWN = """
import sys
import numpy as np
import pandas as pd
from whyalike.activations import extraction
from whyalike.data.prepared import Prepared
from whyalike.data.shifts.stimuli import shown

n, side = map(int, sys.argv[2:])
images = np.zeros((n, side, side, 3), np.uint8)
images[0] = 255
stimuli = {"shift": "contrast", "levels": [0.5], "seed": 0} if sys.argv[1] == "shifted" else {}
shown(Prepared(images, pd.DataFrame({"id": range(n)}), (), ""), np.arange(n), stimuli)
"""


def test_a_shift_takes_no_more_than_is_asked_for():
    n, side = 10_000, 100
    alone, taken = (taken_by(SHOWN, kind, n, side) for kind in ("plain", "shifted"))
    size = 3 * n * side**2
    # and what a chunk takes in double precision, which the room for the libraries covers
    assert size < taken - alone < SHIFTED * size + 50 * MEGABYTE


@pytest.fixture
def memory(tmp_path):
    """A maker of the memory of the demo with other seeds of its first study, numbers of stimuli, or own arrays."""

    def make(seeds=None, stimuli=None, arrays="absent.npz", **operation):
        values = yaml.safe_load(Path("config/demo.yaml").read_text(encoding="utf-8"))
        if seeds:
            values["studies"]["dataset_overlap"]["seeds"] = list(range(seeds))
        values["operation"] = operation
        values["datasets"]["scans"] = {"source": "arrays", "images": str(arrays), "title": "scans"}
        flow = Workflow(reading.check(values))
        plan = Plan(flow.config, flow.grid, costs.read("config/costs.yaml"), tmp_path)
        if stimuli:
            plan.workload.stimuli = lambda name: (stimuli, True)
        return Memory(plan, flow)

    return make


def scoring(memory, attempt=1, job="kernels", part=""):
    wildcards = {"study": "dataset_overlap", "comparison": "digits", "stimuli": "digits_test", "job": job, "part": part}
    return memory.of("score_comparison")(SimpleNamespace(**wildcards), attempt)


def test_scores_ask_for_more_with_runs_stimuli_and_metrics_that_hold_squares(memory):
    small = scoring(memory())
    assert small < 1000
    assert scoring(memory(seeds=400)) > small
    many = memory(stimuli=100_000)
    assert scoring(many, job="rbf") > 10 * scoring(many) > 10 * small


def test_a_part_of_a_comparison_asks_for_what_its_seeds_hold(memory):
    few, whole, cut = memory(seeds=50), memory(seeds=400), memory(seeds=400, seeds_per_score_job=50)
    assert scoring(cut, part=".part7") == scoring(few) < scoring(whole) == scoring(cut)


def test_every_attempt_asks_for_more(memory):
    assert [scoring(memory(), attempt) for attempt in (1, 2, 3)] == [scoring(memory()) * times for times in (1, 2, 3)]


def test_extraction_asks_for_more_with_stimuli(memory):
    cell = SimpleNamespace(setting="digits", factor="dataset", seed="0", stimuli="digits_test")
    small, large = (memory(stimuli=n).of(EXTRACTION)(cell, 1) for n in (None, 1_000_000))
    assert 4000 < small < large < 64_000


def test_extraction_asks_for_more_with_a_shift(memory):
    plain = memory()
    stimuli = plain.config.stimuli["digits_test"].model_copy(update={"shift": "contrast", "levels": (0.5,)})
    wildcards = SimpleNamespace(setting="digits", factor="dataset", seed="0", stimuli="digits_test")
    before = plain._extract(wildcards)
    plain.config.stimuli["digits_test"] = stimuli
    assert plain._extract(wildcards) - before == SHIFTED * 637 * 64  # test images of 8 px, grey


def test_imports_ask_by_the_size_of_the_largest_file(memory, tmp_path, monkeypatch):
    own = memory()
    sizes = {"small": 10, "large": 250_000_000}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    for rule, files in (("import_runs", "import_files"), ("import_activations", "activation_files")):
        asked = []
        for names in ((), (*sizes, "absent")):
            monkeypatch.setattr(own.flow, files, lambda _, names=names: [str(tmp_path / name) for name in names])
            asked.append(own.of(rule)(SimpleNamespace(setting="digits"), 1))
        assert asked[1] - asked[0] == pytest.approx(HEADROOM * 2.6 * 250, rel=0.01)


def test_a_compressed_file_of_activations_counts_as_the_array_in_it(memory, tmp_path, monkeypatch):
    np.savez_compressed(file := tmp_path / "a.npz", vectors=np.zeros((1000, 12_500), np.float32))
    assert file.stat().st_size < 1_000_000
    own = memory()
    monkeypatch.setattr(own.flow, "activation_files", lambda _: [str(file)])
    assert own.of("import_activations")(None, 1) == pytest.approx(HEADROOM * (LIBRARIES + 2.6 * 50), rel=0.01)
    file.write_bytes(file.read_bytes()[:-100])  # damaged: the job says so
    assert own.of("import_activations")(None, 1) < HEADROOM * (LIBRARIES + 2.6)


PREPARED = """
import sys
from pathlib import Path
from whyalike.data.stage import prepare

file = Path(sys.argv[1])
prepare("arrays", {"images": str(file), "title": "t"}, file.with_name("prepared"), 1, lambda line: None)
"""


def test_arrays_ask_for_what_is_in_a_compressed_file(memory, tmp_path):
    n, side = 20_000, 64  # 246 MB
    labels = np.arange(n) % 10
    np.savez_compressed(file := tmp_path / "a.npz", images=np.zeros((n, side, side, 3), np.uint8), labels=labels)
    scans = SimpleNamespace(dataset="scans")
    none, asked = (MEGABYTE * own.of("prepare_data")(scans, 1) for own in (memory(), memory(arrays=file)))
    taken = taken_by(PREPARED, file) - taken_by("from whyalike.data import own_arrays, stage")
    assert taken < asked - none < 1.5 * taken
