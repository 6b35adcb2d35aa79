"""What the score jobs of a study take: as jobs of families, and metric by metric with draws of every null."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pandas as pd
from rates import half_of_all_products
from scipy import sparse
from timing import threads, timed

from whyalike.similarity.api import score
from whyalike.similarity.metrics.candidates import SIDE
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.preprocessing import clamp_limit, published_layers
from whyalike.similarity.scoring import score_pairs

FAMILIES = {
    "neighbours": ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"),
    "kernels": ("cka", "cka_unbiased"),
    "svcca": ("svcca",),
}
PROTOCOLS, DRAWS, CLASSES = ("exact", "as_published"), 19, 10


@dataclass(frozen=True)
class ScoreJob:
    """Seconds of process time of a family's job on n stimuli, beside those of its metrics one by one, and beside the
    bare products of rows that its searches for neighbours cannot do without.
    """

    family: str
    n: int
    before: float
    after: float
    apart: float
    bare: float | None


@dataclass(frozen=True)
class Protocols:
    """How far apart the two protocols are on one trained model: why neither's products serve the other.

    ``shared`` is the share of nearest rows that both find. ``sparse`` are the seconds of what would make one protocol's
    products from the other's, those with the 5 % of entries beyond the clamp; ``dense`` those of the products anew.
    """

    shared: float
    sparse: float
    dense: float


def score_jobs(n: int, d: int) -> Iterator[ScoreJob]:
    """A job of each family: a pair of models, their untrained starts, two protocols, both nulls."""
    runs, classes = _runs(n, d)
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
        bare = None
        if family == "neighbours":
            with threads(1):
                one = timed(lambda: half_of_all_products(runs["a"]["layer"])).process
            bare = len(runs) * len(PROTOCOLS) * one
        yield ScoreJob(family, n, sum(one.process for one in before), after.process, float(apart), bare)


def protocols_apart(n: int, d: int) -> Protocols:
    """How far apart the two protocols are, of a trained model of the jobs."""
    runs, _ = _runs(n, d)
    x = runs["a"]["layer"]
    limit = clamp_limit({"layer": x})
    beyond = sparse.csr_matrix(np.maximum(np.abs(x) - limit, 0) * np.sign(x))[:SIDE]
    rows, columns = x[:SIDE], np.ascontiguousarray(x[-SIDE:].T)
    with threads(1):
        dense = timed(lambda: rows @ columns).process
        # of a block of products both its rows and its columns have entries beyond the clamp
        correction = 2 * timed(lambda: beyond @ columns).process
    shared = score("mutual_knn", x, published_layers({"layer": x})["layer"])
    return Protocols(shared, correction, dense)


def _runs(n: int, d: int) -> tuple[dict[str, dict[str, np.ndarray]], np.ndarray]:
    """Two trained models, two untrained ones, and the classes of the stimuli."""
    g = np.random.default_rng(n + d)
    classes = g.integers(0, CLASSES, n)
    shared = 3 * g.normal(size=(CLASSES, d))[classes] + g.normal(size=(n, d))
    runs = {name: {"layer": np.maximum(shared + g.normal(size=(n, d)), 0).astype(np.float32)} for name in "ab"}
    return runs | {name: {"layer": g.normal(size=(n, d)).astype(np.float32)} for name in "uv"}, classes


def _scores(runs: Mapping[str, Mapping[str, np.ndarray]], pair: PairOnStimuli, metrics: Sequence[str]) -> pd.DataFrame:
    return score_pairs(runs, [pair], {metric: {} for metric in metrics}, PROTOCOLS, DRAWS, 0)


@contextmanager
def _drawn() -> Iterator[None]:
    """No null in closed form."""
    closed = ("closed_null", "closed_within_class")
    with mock.patch.multiple("whyalike.similarity.scoring", **{name: lambda *_: {} for name in closed}):
        yield
