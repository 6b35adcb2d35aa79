"""All pairs of many models: against the work on each model and each pair, and against the straightforward forms.

`python benchmarks/many.py METRIC N D MODELS MEMORY` measures one size in a process of its own, whose largest memory is
then that of the scores alone.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import straightforward
import torch
from sizes import Sizes, related
from timing import threads, timed

from whyalike.similarity.api import LAYER, pairwise
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

METRICS = ("cka", "cka_unbiased", "cka_rbf", "cka_rbf_unbiased", "mutual_knn", "rsa", "procrustes_distance")
CLAIM = 1.5  # times the work on models and pairs
PAIR = 7  # scores of a pair that are timed


@dataclass(frozen=True)
class Many:
    """Of one metric: seconds of all pairs, of a model and of a pair alone, of a pair as written plainly (None: there is
    no such form), the largest memory of a process beside the models, also of half as many, and how far a value is from
    that of the pair alone.
    """

    metric: str
    n: int
    d: int
    models: int
    seconds: float
    model: float
    pair: float
    plain: float | None
    peaks: tuple[int, int]
    apart: float

    @property
    def pairs(self) -> int:
        """How many there are."""
        return self.models * (self.models - 1) // 2

    @property
    def work(self) -> float:
        """Seconds of the work on each model and pair."""
        return self.models * self.model + self.pairs * self.pair


def all_pairs(sizes: Sizes) -> list[Many]:
    """Every metric, on one thread."""
    return [_measured(metric, sizes) for metric in METRICS]


def _measured(metric: str, sizes: Sizes) -> Many:
    n, d, models = sizes.n_many, sizes.d, sizes.models_many
    measured = _in_own_process if sizes.own_process else _one
    half, whole = (measured(metric, n, d, count, sizes.memory_many) for count in (models // 2, models))
    with threads(1):
        x, y = related(n, d, 2)

        def prepare():
            bench = Workbench({"x": {LAYER: x}, "y": {LAYER: y}}, 0, kept=4 << 30, permuted=False)
            return bench.scorable("x", "y", Rows.of(np.arange(n)), scoring(metric, "exact", {}), LAYER)

        both = timed(prepare, most=3)
        pair = timed(both.value.value, most=PAIR)
        plain = straightforward.METRICS.get(metric)
        slow = None if plain is None else timed(lambda: plain(torch.from_numpy(x), torch.from_numpy(y)), most=1).seconds
    peaks = half["beside"], whole["beside"]
    apart = abs(whole["first"] - pair.value)
    return Many(metric, n, d, models, whole["seconds"], both.seconds / 2, pair.seconds, slow, peaks, apart)


def _in_own_process(metric: str, n: int, d: int, models: int, memory: str) -> dict:
    command = [sys.executable, str(Path(__file__)), metric, *map(str, (n, d, models)), memory]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _one(metric: str, n: int, d: int, models: int, memory: str) -> dict:
    """All pairs of ``models`` representations: seconds, bytes beside them at most, and the score of the first two."""
    with threads(1):
        arrays = {f"{i:03}": x for i, x in enumerate(related(n, d, models))}
        few = {name: x[:200] for name, x in list(arrays.items())[:3]}
        pairwise(metric, few)  # loads the libraries
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        found = timed(lambda: pairwise(metric, arrays, memory=memory), most=1)
        beside = _memory("VmHWM") - before
    a, b = next(combinations(arrays, 2))
    table = found.value.set_index(["a", "b"])["value"]
    return {"seconds": found.process, "beside": beside, "all": _memory("VmHWM"), "first": float(table[a, b])}


def _memory(name: str) -> int:
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))[1])


if __name__ == "__main__":
    metric, *numbers, memory = sys.argv[1:]
    print(json.dumps(_one(metric, *map(int, numbers), memory)))
