"""What the score jobs of a study take: as jobs of families, and metric by metric with draws of every null."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pandas as pd
from timing import threads, timed

from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.scoring import score_pairs

FAMILIES = {
    "neighbours": ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"),
    "kernels": ("cka", "cka_unbiased"),
    "svcca": ("svcca",),
}
PROTOCOLS, DRAWS, CLASSES = ("exact", "as_published"), 19, 10


@dataclass(frozen=True)
class ScoreJob:
    """Seconds of process time of a family's job on n stimuli, beside those of its metrics one by one."""

    family: str
    n: int
    before: float
    after: float
    apart: float


def score_jobs(n: int, d: int) -> Iterator[ScoreJob]:
    """A job of each family: a pair of models, their untrained starts, two protocols, both nulls."""
    g = np.random.default_rng(n + d)
    classes = g.integers(0, CLASSES, n)
    shared = 3 * g.normal(size=(CLASSES, d))[classes] + g.normal(size=(n, d))
    runs = {name: {"layer": np.maximum(shared + g.normal(size=(n, d)), 0).astype(np.float32)} for name in "ab"}
    runs |= {name: {"layer": g.normal(size=(n, d)).astype(np.float32)} for name in "uv"}
    columns = {"study": "s", "comparison": "c", "setting": "x", "factor": "f", "seed": 0, "condition": "0",
               "stimuli": "t", "stimuli_kind": "in_distribution"}  # fmt: skip
    pair = PairOnStimuli("a", "b", "u", "v", (np.arange(n),), classes, None, None, columns)
    for family, metrics in FAMILIES.items():
        with threads(1):
            after = timed(lambda metrics=metrics: _scores(runs, pair, metrics), most=1)
            with _drawn():
                before = [timed(lambda one=one: _scores(runs, pair, [one]), most=1) for one in metrics]
        values = pd.concat([one.value for one in before]).set_index(["metric", "score_protocol"])["value"]
        apart = (after.value.set_index(["metric", "score_protocol"])["value"] - values).abs().max()
        yield ScoreJob(family, n, sum(one.process for one in before), after.process, float(apart))


def _scores(runs: Mapping[str, Mapping[str, np.ndarray]], pair: PairOnStimuli, metrics: Sequence[str]) -> pd.DataFrame:
    return score_pairs(runs, [pair], {metric: {} for metric in metrics}, PROTOCOLS, DRAWS, 0)


@contextmanager
def _drawn() -> Iterator[None]:
    """No null in closed form."""
    closed = ("closed_null", "closed_within_class")
    with mock.patch.multiple("whyalike.similarity.scoring", **{name: lambda *_: {} for name in closed}):
        yield
