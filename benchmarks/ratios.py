"""Speed-ups over the straightforward forms and over installed libraries, on the same input with the same threads."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import straightforward
import torch
from sizes import Sizes, related
from timing import threads, timed

from whyalike.similarity.api import LAYER, pairwise, score
from whyalike.similarity.metrics.nearest import Neighbours, neighbours
from whyalike.similarity.metrics.neighbours import edit, lcs, meet
from whyalike.similarity.preprocessing import clamp_limit, unit_rows
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

DRAWS = 999  # for a p of .001, as the closed form gives it
KNN = ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn")


@dataclass(frozen=True)
class Ratio:
    """One comparison: what, with whom, seconds of both (process time on one thread, wall time on two), claim (None:
    none), how far apart the two values are, and how the times were come by.
    """

    what: str
    other: str
    ours: float
    theirs: float
    claim: float | None
    apart: float
    how: str

    @property
    def times(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours


def straightforward_ratios(sizes: Sizes, count: int) -> list[Ratio]:
    """Against `straightforward`, on ``count`` threads."""
    with threads(count):
        return [
            _grown("cka", sizes, 500),
            _grown("cka_unbiased", sizes, 200),
            _grown("cka_rbf", sizes, None),
            *_further_pair("cknna", sizes.n_cknna, sizes.d, 200),
            *_further_pair("rsa", sizes.n_rsa, sizes.d, 500),
            *_further_pair("svcca", sizes.n_slow, sizes.d, None),
            _family(sizes),
            *_tables(sizes),
            _quantile(sizes),
        ]


def _grown(metric: str, sizes: Sizes, claim: float | None) -> Ratio:
    """One score from raw features at n; the plain form at a smaller n, its time growing as n^3."""
    plain = straightforward.METRICS[metric]
    slow = {}
    for n in (sizes.n_slow // 2, sizes.n_slow):
        x, y = related(n, sizes.d, 2)
        slow[n] = timed(lambda x=x, y=y: plain(torch.from_numpy(x), torch.from_numpy(y)))
    apart = abs(score(metric, x, y) - slow[n].value)
    here = timed(lambda: score(metric, x, y)).seconds
    x, y = related(sizes.n, sizes.d, 2)
    ours = timed(lambda: score(metric, x, y)).seconds
    exponent = np.log2(slow[n].seconds / slow[n // 2].seconds)
    how = (
        f"n = {sizes.n:,}, from raw features; plain form measured at n = {n:,} ({slow[n].seconds / here:,.0f}× "
        f"there) and multiplied by (n/{n:,})³; its time grew as n^{exponent:.1f} from {n // 2:,}"
    )
    return Ratio(metric, "straightforward", ours, slow[n].seconds * (sizes.n / n) ** 3, claim, apart, how)


def _further_pair(metric: str, n: int, d: int, claim: float | None) -> list[Ratio]:
    """A pair whose models were compared before, and one from raw features."""
    x, y = related(n, d, 2)
    slow = timed(lambda: straightforward.METRICS[metric](torch.from_numpy(x), torch.from_numpy(y)))
    bench = Workbench({"x": {LAYER: x}, "y": {LAYER: y}}, 0)
    scorable = bench.scorable("x", "y", Rows.of(np.arange(n)), scoring(metric, "exact", {}), LAYER)
    again, once = timed(scorable.value, most=21), timed(lambda: score(metric, x, y))
    apart = abs(again.value - slow.value)
    return [
        Ratio(metric, "straightforward", again.seconds, slow.seconds, claim, apart, f"n = {n:,}, a further pair"),
        Ratio(metric, "straightforward", once.seconds, slow.seconds, None, apart, f"n = {n:,}, from raw features"),
    ]


def _family(sizes: Sizes) -> Ratio:
    """All four neighbour metrics over all pairs of models."""
    n, models = sizes.n_slow, sizes.models
    representations = {f"{i}": x for i, x in enumerate(related(n, sizes.d, models))}
    ours = timed(lambda: pairwise(KNN, representations), most=1)
    x, y = (torch.from_numpy(representations[name]) for name in "01")
    slow = [timed(lambda metric=metric: straightforward.METRICS[metric](x, y), most=3) for metric in KNN]
    first = ours.value[(ours.value.a == "0") & (ours.value.b == "1")].set_index("metric").value
    apart = max(abs(first[metric] - one.value) for metric, one in zip(KNN, slow, strict=True))
    pairs = len(list(combinations(representations, 2)))
    how = f"n = {n:,}, four metrics, {models} models, {pairs} pairs; plain form: one pair, times {pairs}"
    theirs = pairs * sum(one.seconds for one in slow)
    return Ratio("neighbour family", "straightforward", ours.seconds, theirs, 250, apart, how)


def _tables(sizes: Sizes) -> list[Ratio]:
    """The tables of lcs and edit distance alone, on lists that are there."""
    lists = [neighbours(unit_rows(x.astype(np.float64)), 10).lists for x in related(sizes.n, sizes.d, 2)]
    lists[1][:, ::2] = lists[0][:, ::2]  # lists that share half of their entries, in every row
    found = []
    for what, fast, slow in (
        ("lcs tables", lcs, straightforward.lcs_of_lists),
        ("edit tables", edit, straightforward.edit_of_lists),
    ):
        rows = [one[: sizes.n_tables].tolist() for one in lists]
        theirs = timed(lambda slow=slow, rows=rows: slow(*rows))
        ours = timed(lambda fast=fast: fast(meet(*map(Neighbours, lists), None)), most=21)
        apart = abs(theirs.value - fast(meet(*(Neighbours(one[: sizes.n_tables]) for one in lists), None)))
        how = f"n = {sizes.n:,} rows, k = 10; plain loops on {sizes.n_tables:,} rows, times n/{sizes.n_tables:,}"
        seconds = theirs.seconds * sizes.n / sizes.n_tables
        found.append(Ratio(what, "straightforward", ours.seconds, seconds, 100, apart, how))
    return found


def _quantile(sizes: Sizes) -> Ratio:
    [x] = related(sizes.n, sizes.d, 1)
    ours, slow = timed(lambda: clamp_limit({"layer": x})), timed(lambda: np.sort(np.abs(x).ravel())[int(0.95 * x.size)])
    apart = abs(ours.value - float(slow.value))
    how = f"{x.size:,} numbers; numpy's full sort"
    return Ratio("95 % quantile", "straightforward", ours.seconds, slow.seconds, None, apart, how)


def library_ratios(sizes: Sizes) -> list[Ratio]:
    """Against libraries that the development environment has, on one thread."""
    with threads(1):
        return [_sklearn(sizes), *_rsatoolbox(sizes), _netrep(sizes), _calibrated(sizes)]


def _sklearn(sizes: Sizes) -> Ratio:
    from sklearn.cross_decomposition import CCA

    n, d = sizes.n_peers, sizes.d_cca
    x, y = related(n, d, 2)

    def theirs() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says where its iterations did not converge
            a, b = CCA(d, scale=False, max_iter=2000).fit_transform(x, y)
        return float(np.mean([np.corrcoef(u, v)[0, 1] for u, v in zip(a.T, b.T, strict=True)]))

    return _library("cca", "scikit-learn CCA", x, y, theirs, f"n = {n:,}, d = {d}, all {d} correlations", {})


def _rsatoolbox(sizes: Sizes) -> list[Ratio]:
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm, compare

    x, y = related(sizes.n_peers, sizes.d, 2)

    def rdms() -> list[Any]:
        return [calc_rdm(Dataset(z), method="correlation") for z in (x, y)]

    def theirs() -> float:
        return float(compare(*rdms(), method="spearman")[0, 0])

    return [_library("rsa", "rsatoolbox", x, y, theirs, f"n = {sizes.n_peers:,}, from raw features", {})]


def _netrep(sizes: Sizes) -> Ratio:
    """The angle of netrep's LinearMetric with alpha = 1 (Williams et al. 2021), by hand: align, then compare."""
    x, y = related(sizes.n_peers, sizes.d, 2)

    def theirs() -> float:
        a, b = (z - z.mean(axis=0) for z in (x.astype(np.float64), y.astype(np.float64)))
        u, _, vt = np.linalg.svd(a.T @ b)
        a, b = a @ u, b @ vt.T
        return float(np.arccos(np.clip(np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)))

    how = f"n = {sizes.n_peers:,}, the angle; its formulas by hand"
    return _library("procrustes_distance", "netrep", x, y, theirs, how, {"angular": True})


def _calibrated(sizes: Sizes) -> Ratio:
    """A score with its null: in closed form, and by scoring it anew for each permutation of the rows."""
    x, y = related(sizes.n_slow, sizes.d, 2)
    rows = np.random.default_rng(0)
    ours = timed(lambda: score("cka", x, y, permutations=0))
    again = timed(lambda: score("cka", x, y[rows.permutation(len(y))]))
    how = f"n = {sizes.n_slow:,}, score, mean and end of its null, p; theirs: our score, times {DRAWS + 1}"
    return Ratio(
        "cka and its null",
        f"{DRAWS} full recomputations",
        ours.seconds,
        (DRAWS + 1) * again.seconds,
        None,
        abs(ours.value.value - score("cka", x, y)),
        how,
    )


def _library(metric: str, other: str, x: Any, y: Any, call: Callable[[], float], how: str, parameters: dict) -> Ratio:
    slow, ours = timed(call, most=3), timed(lambda: score(metric, x, y, **parameters), most=3)
    return Ratio(metric, other, ours.seconds, slow.seconds, None, abs(ours.value - slow.value), how)


def peer_ratios(path: Path, sizes: Sizes) -> tuple[list[Ratio], list[str]]:
    """What `peers` measured, and a line for each peer that could not be; without its file, a line that says so."""
    if not path.exists():
        return [], ["torch-cka, pytorch-cka and thingsvision were not measured in this run (`make bench-peers`)."]
    found = json.loads(path.read_text(encoding="utf-8"))
    return [Ratio(**one) for one in found["ratios"]], found["missing"]
