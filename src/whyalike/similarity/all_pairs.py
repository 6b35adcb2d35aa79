"""All pairs among M representations: in which space linear kernels are compared, in which order, in how much memory.

Metrics of linear kernels need ||Xc'Yc||^2 of each pair. In the space of features (d x d cross-covariances) that is
n d^2 for each of M (M + 1) / 2 pairs, one with itself included; in the space of stimuli, n^2 d / 2 for each kernel and
n^2 / 2 for each pair. Kernels win where d^2 exceeds about n (1 + 2 d / M) / 2. They are made some rows at a time for
all representations together, so that no n x n array is held.
Other metrics, and all on a GPU, go through the workbench, in an order in which what was made for a pair is soon used
again.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from whyalike.similarity.checks import UndefinedScore, check_defined, check_not_constant
from whyalike.similarity.deconfounding import CONFOUND
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.precision import centred, may_be_single, nearly_diagonal
from whyalike.similarity.precomputed import Precomputed
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import Rows, Workbench

MEMORY = 2 << 30  # bytes that all pairs may take, beside the features and one centred copy of them
CHUNK = 1 << 13  # entries of kernels in one float32 sum
Pair = tuple[str, str]


def scores(
    workbench: Workbench,
    pairs: Sequence[Pair],
    layer: str,
    chosen: Scoring,
    memory: int = MEMORY,
    undefined: dict[Pair, str] | None = None,
) -> dict[Pair, float]:
    """The score of each pair on all stimuli.

    Parameters
    ----------
    workbench : holds the representations, each with the layer.
    pairs : names of runs, (x, y).
    memory : bytes for blocks of kernels.
    undefined : takes the reason of each pair that has no value; that pair's score is then NaN. None: it raises.

    Returns
    -------
    pair -> score.

    Raises
    ------
    As `Workbench.scorable`.
    """
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    arrays = {name: workbench.representations[name][layer] for name in names}
    n = len(arrays[names[0]])
    form = workbench.forms(chosen)
    features = not any(isinstance(x, Precomputed) for x in arrays.values())
    plain = features and CONFOUND not in workbench.representations
    if plain and form.from_squares is not None and not chosen.layers_together:
        widths = [arrays[name].shape[1] for name in names]
        held = 2 * 8 * n * sum(widths)
        if kernels_pay(n, widths, len(pairs)) and held <= (workbench.memory or held):
            return _from_kernels(arrays, pairs, layer, chosen, form, memory, undefined)
    rows, where = Rows.of(np.arange(n)), None if chosen.layers_together else layer
    found = {}
    for i in reuse_order(pairs):
        with _collected(undefined, [pairs[i]]):
            found[pairs[i]] = workbench.scorable(*pairs[i], rows, chosen, where).value()
    return {pair: found.get(pair, math.nan) for pair in pairs}


@contextmanager
def _collected(undefined: dict[Pair, str] | None, pairs: Iterable[Pair]) -> Iterator[None]:
    """Keep the reason for which pairs have no value; raise it where nobody collects reasons."""
    try:
        yield
    except UndefinedScore as reason:
        if undefined is None:
            raise
        for pair in pairs:
            undefined.setdefault(pair, str(reason))


def kernels_pay(n: int, widths: Sequence[int], pairs: int) -> bool:
    """Whether linear kernels in row blocks are less work than cross-covariances, self-similarities included."""
    mean_square = float(np.mean(widths)) ** 2
    in_features = n * (pairs * mean_square + sum(d * d / 2 for d in widths))  # of x'x only half is computed
    return n * n / 2 * (sum(widths) + pairs + len(widths)) < in_features


def reuse_order(pairs: Sequence[Pair]) -> list[int]:
    """Indices of pairs, those with the same representations near each other: the Z-order of the (x, y) table.

    Whatever number of intermediates is kept, few are made twice.
    """
    numbers: dict[str, int] = {}
    places = [tuple(numbers.setdefault(name, len(numbers)) for name in pair) for pair in pairs]

    def z_order(i: int) -> int:
        x, y = places[i]
        return sum(
            (x >> bit & 1) << 2 * bit + 1 | (y >> bit & 1) << 2 * bit for bit in range(len(pairs).bit_length() + 1)
        )

    return sorted(range(len(pairs)), key=z_order)


def _from_kernels(
    arrays: Mapping[str, np.ndarray],
    pairs: Sequence[Pair],
    layer: str,
    chosen: Scoring,
    form: Form,
    memory: int,
    undefined: dict[Pair, str] | None,
) -> dict[Pair, float]:
    def of(name: str) -> list[Pair]:
        return [pair for pair in pairs if name in pair]

    defined: list[str] = []
    with _collected(undefined, pairs):
        check_defined(chosen.metric, METRICS[chosen.metric].facts, len(next(iter(arrays.values()))), chosen.parameters)
        for name, x in arrays.items():
            with _collected(undefined, of(name)):
                check_not_constant(chosen.metric, x, f"layer '{layer}' of {name}")
                defined.append(name)
    found: dict[Pair, float] = {}
    if defined:
        squares, diagonals = kernel_products([arrays[name] for name in defined], memory)
        whole = []
        for i, name in enumerate(defined):  # each alone, to name the one that has no score
            with _collected(undefined, of(name)):
                try:
                    form.from_squares(squares[i : i + 1, i : i + 1], diagonals[i : i + 1], chosen.parameters)
                except UndefinedScore as reason:
                    raise UndefinedScore(f"{reason} (layer '{layer}' of {name})") from None
                whole.append(i)
        table = form.from_squares(squares[np.ix_(whole, whole)], diagonals[whole], chosen.parameters)
        at = {defined[i]: row for row, i in enumerate(whole)}
        found = {(x, y): chosen.in_range(float(table[at[x], at[y]])) for x, y in pairs if x in at and y in at}
    return {pair: found.get(pair, math.nan) for pair in pairs}


def kernel_products(
    arrays: Sequence[np.ndarray], memory: int = MEMORY, single: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """||Xc'Yc||^2 of all pairs of M representations, through blocks of the upper half of their kernels.

    Parameters
    ----------
    arrays : M of n x d_i.
    memory : bytes for the blocks of all M kernels.
    single : whether products may be made in float32, if the features allow it.

    Returns
    -------
    squares : M x M. diagonals : M x n, of the kernels.

    The diagonal, whose entries are the largest, is left out of the float32 sums.
    """
    count, n = len(arrays), len(arrays[0])
    single = single and all(may_be_single(x, n) for x in arrays)
    made: list[tuple[Any, Any]] = [centred(x, single) for x in arrays]
    diagonals = np.array([squares for _, squares in made])
    dtype = np.result_type(*(rows.dtype for rows, _ in made))
    step = int(np.clip(memory // (count * n * dtype.itemsize), 1, min(n, 1024)))
    room, total = np.empty((count, step * n), dtype), np.zeros((count, count))
    for start in range(0, n, step):
        stop, width = min(start + step, n), n - start
        blocks = room[:, : (stop - start) * width]
        for block, (rows, _) in zip(blocks, made, strict=True):
            block = block.reshape(-1, width)
            np.matmul(rows[start:stop], rows[start:].T, out=block)
            np.fill_diagonal(block, 0)
            block[:, : stop - start] *= np.sqrt(0.5)  # both halves of this square are in the block
        for chunk in range(0, blocks.shape[1], CHUNK):
            some = blocks[:, chunk : chunk + CHUNK]
            total += some @ some.T
    squares = 2 * total + diagonals @ diagonals.T
    if single and any(map(nearly_diagonal, np.diagonal(squares), diagonals)):
        return kernel_products(arrays, memory, single=False)
    return squares, diagonals
