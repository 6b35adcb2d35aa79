"""What each metric costs beside the matrix product or the data pass that it cannot do without."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sizes import Sizes, related
from timing import Timed, peak_bytes, threads, timed

from whyalike.similarity.api import LAYER, score
from whyalike.similarity.metrics.nearest import BLOCK
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench

# what a model and what a pair needs: names of `_units`
NEEDS = {
    "cka": ("half cross-covariance", "cross-covariance"),
    "cka_unbiased": ("half cross-covariance", "cross-covariance"),
    "mutual_knn": ("half of all products", "comparison of lists"),
    "cycle_knn": ("half of all products", "comparison of lists"),
    "lcs_knn": ("half of all products", "comparison of lists"),
    "edit_distance_knn": ("half of all products", "comparison of lists"),
    "cknna": ("half of all products", "comparison of lists"),
    "cka_rbf": ("half of all products", "pass over two kernels"),
    "svcca": ("half cross-covariance", "pass over two bases"),
    "cca": ("half cross-covariance", "cross-covariance"),
    "procrustes_distance": ("half cross-covariance", "cross-covariance"),
    "rsa": ("half of all products (RSA)", "pass over two triangles"),
}


@dataclass(frozen=True)
class Cost:
    """Of one metric: a model's and a pair's time, in seconds and in multiples of what they need; peak memory."""

    metric: str
    n: int
    model: Timed
    of_model: float
    pair: Timed
    of_pair: float
    peak: int


def gemm_rates(sizes: Sizes) -> dict[str, float]:
    """GFLOP/s of process time of float32 products on one thread: numpy's and torch's, tall and square."""
    x, y = related(sizes.n, sizes.d, 2)
    x_t, y_t = torch.from_numpy(x), torch.from_numpy(y)
    block = min(BLOCK, sizes.n)
    tall, wide = 2e-9 * sizes.n * sizes.d**2, 2e-9 * block * sizes.n * sizes.d
    return {
        "numpy, d x n times n x d": tall / timed(lambda: x.T @ y).process,
        f"numpy, {block} x d times d x n": wide / timed(lambda: x[:block] @ x.T).process,
        "torch, d x n times n x d": tall / timed(lambda: x_t.T @ y_t).process,
        f"torch, {block} x d times d x n": wide / timed(lambda: x_t[:block] @ x_t.T).process,
    }


def half_of_all_products(x: np.ndarray) -> None:
    """The products of rows (n x d) with one another, each once but for those within a block."""
    for start in range(0, len(x), BLOCK):
        np.matmul(x[start : start + BLOCK], x[start:].T)


def _units(sizes: Sizes) -> dict[str, Callable[[], object]]:
    x, y = related(sizes.n, sizes.d, 2)
    small = x[: sizes.n_rsa]
    kernels = [np.zeros((sizes.n, sizes.n), np.float32) for _ in range(2)]
    triangles = [np.zeros(sizes.n_rsa * (sizes.n_rsa - 1) // 2, np.float32) for _ in range(2)]
    bases = [np.zeros((sizes.n, 10)) for _ in range(2)]
    lists = [np.arange(10 * sizes.n).reshape(-1, 10) for _ in range(2)]
    return {
        "cross-covariance": lambda: x.T @ y,
        "half cross-covariance": lambda: x.T @ x,
        "half of all products": lambda: half_of_all_products(x),
        "half of all products (RSA)": lambda: half_of_all_products(small),
        "pass over two kernels": lambda: np.vdot(*kernels),
        "pass over two triangles": lambda: np.vdot(*triangles),
        "pass over two bases": lambda: np.vdot(*bases),
        "comparison of lists": lambda: np.count_nonzero(lists[0][:, :, None] == lists[1][:, None, :]),
    }


def costs(sizes: Sizes, count: int, clock: str) -> list[Cost]:
    """The costs of all metrics on ``count`` threads; multiples by ``clock``, "process" or "wall"."""
    with threads(count):
        units = {name: getattr(timed(unit), clock) for name, unit in _units(sizes).items()}
        found = []
        for metric, (model_needs, pair_needs) in NEEDS.items():
            n = sizes.n_rsa if metric == "rsa" else sizes.n
            x, y = related(n, sizes.d, 2)

            def prepare(metric=metric, x=x, y=y, n=n):
                bench = Workbench({"x": {LAYER: x}, "y": {LAYER: y}}, 0)
                return bench.scorable("x", "y", Rows.of(np.arange(n)), scoring(metric, "exact", {}), LAYER)

            both = timed(prepare)
            model, scorable = Timed(both.process / 2, both.wall / 2, None), both.value
            pair = timed(scorable.value)
            of_model, of_pair = getattr(model, clock) / units[model_needs], getattr(pair, clock) / units[pair_needs]
            del both, scorable
            peak = peak_bytes(lambda metric=metric, x=x, y=y: score(metric, x, y)) if count == 1 else 0
            found.append(Cost(metric, n, model, of_model, pair, of_pair, peak))
        return found
