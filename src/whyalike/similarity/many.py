"""All pairs among many representations whose intermediates together are larger than the memory that is kept of them.

The workbench would make them again and again. Here the work on a representation is done once (of RBF kernels, whose
entries are made some rows at a time for all at once, twice), whatever their number: what does not fit into memory lies
in temporary files (`whyalike.activations.scratch`). Values are those of the workbench but for rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyalike.activations.scratch import Scratch
from whyalike.similarity import kernel_blocks, triangles
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics import cka, cka_rbf_unbiased, procrustes, rsa
from whyalike.similarity.precision import FEW_ROWS, may_be_single
from whyalike.similarity.precomputed import Precomputed
from whyalike.similarity.protocols import Scoring

Fault = Callable[[int, UndefinedScore], None]


@dataclass(frozen=True)
class Asked:
    """M representations and what is asked of them.

    Parameters
    ----------
    arrays : M of n x d_i, not constant.
    pairs : of places among them.
    fault : takes the place of a representation without a value, and why.
    memory : bytes for what is held beside the representations.
    """

    arrays: Sequence[np.ndarray]
    pairs: Sequence[tuple[int, int]]
    parameters: Mapping[str, Any]
    form: Form
    fault: Fault
    memory: int

    @property
    def n(self) -> int:
        """How many stimuli."""
        return len(self.arrays[0])

    def scratch(self, numbers: int, size: int) -> Scratch:
        """Where so many numbers of so many bytes are held: in memory if they take half of it."""
        return Scratch(None if numbers * size <= self.memory // 2 else 0)

    def each(self, make: Callable[[np.ndarray], Any]) -> dict[int, Any]:
        """What is made of each representation that has it, by place."""
        found = {}
        for i, x in enumerate(self.arrays):
            try:
                found[i] = make(x)
            except UndefinedScore as reason:
                self.fault(i, reason)
        return found


def _table(asked: Asked, places: Sequence[int], table: np.ndarray) -> dict[tuple[int, int], float]:
    """The entries of pairs in a table of those representations that have a value."""
    at = {place: row for row, place in enumerate(places)}
    return {(x, y): float(table[at[x], at[y]]) for x, y in asked.pairs if x in at and y in at}


def _rbf(asked: Asked, unbiased: bool) -> dict[tuple[int, int], float]:
    units = sum(x.shape[1] for x in asked.arrays)
    single = all(may_be_single(x, asked.n) for x in asked.arrays)
    with asked.scratch(asked.n * units, 4 if single else 8) as scratch:
        make = cka_rbf_unbiased.kernel_of if unbiased else kernel_blocks.gaussian
        kernels = asked.each(lambda x: make(x, asked.parameters, scratch))
        if not kernels:
            return {}
        table = kernel_blocks.kernel_table(list(kernels.values()), asked.memory // 2)
    hsic = table.hsic_1() if unbiased else table.hsic()
    norms, sizes, kept = np.sqrt(np.maximum(np.diagonal(hsic), 0)), table.sizes(), []
    for row, place in enumerate(kernels):
        try:
            if unbiased:
                cka_rbf_unbiased.check_varies(norms[row], sizes[row], np.dtype(_kernel_type(asked.n)))
            else:
                cka.norm_of(norms[row], "HSIC")
            kept.append(row)
        except UndefinedScore as reason:
            asked.fault(place, reason)
    values = hsic[np.ix_(kept, kept)] / (np.outer(norms[kept], norms[kept]) + asked.parameters["eps"])
    return _table(asked, [list(kernels)[row] for row in kept], values)


def _rsa(asked: Asked) -> dict[tuple[int, int], float]:
    size, dtype = asked.n * (asked.n - 1) // 2, _kernel_type(asked.n)
    with asked.scratch(len(asked.arrays) * size, np.dtype(dtype).itemsize) as scratch:
        held = scratch.empty((len(asked.arrays), size), dtype)
        rows = iter(held)  # one that has no value takes none
        made = asked.each(lambda x: triangles.finished(x.astype(np.float64), asked.parameters, rows))
        return _table(asked, list(made), triangles.products(held[: len(made)]))


def _procrustes(asked: Asked) -> dict[tuple[int, int], float]:
    numbers = sum(asked.n * min(asked.n, x.shape[1]) for x in asked.arrays)
    with asked.scratch(numbers, 8) as scratch:

        def made(x: np.ndarray) -> np.ndarray:
            found = asked.form.prepare(x.astype(np.float64), {})
            held = scratch.empty(found.shape, found.dtype)
            held[:] = found
            return held

        held = asked.each(made)
        pairs = [(x, y) for x, y in asked.pairs if x in held and y in held]
        return {(x, y): asked.form.compare(held[x], held[y], asked.parameters) for x, y in pairs}


def _kernel_type(n: int) -> type[np.floating]:
    """Of finished numbers of pairs of stimuli."""
    return np.float32 if n >= FEW_ROWS else np.float64


@dataclass(frozen=True)
class Engine:
    """How one metric is scored.

    Parameters
    ----------
    scores : -> the values of the pairs that have one.
    kept : (n, d) -> bytes that the workbench keeps of a representation.
    needed : (n, d, M) -> bytes that this takes at least, beside the representations.
    """

    scores: Callable[[Asked], dict[tuple[int, int], float]]
    kept: Callable[[int, int], float]
    needed: Callable[[int, int, int], float]


def _of_kernels(n: int, d: int) -> float:
    return n * n * np.dtype(_kernel_type(n)).itemsize


def _in_blocks(n: int, d: int, count: int) -> float:
    """Blocks of distances in work, one row of all kernels, sums; of one representation the rows as they are made."""
    return 3 * 8 * kernel_blocks.BLOCK * n + 3 * 8 * count * n + 2 * 8 * n * d


ENGINES = {
    (cka.prepare_rbf, cka.compare_rbf): Engine(lambda asked: _rbf(asked, False), _of_kernels, _in_blocks),
    (cka_rbf_unbiased.prepare, cka.compare_rbf): Engine(lambda asked: _rbf(asked, True), _of_kernels, _in_blocks),
    (rsa.prepare, rsa.compare): Engine(
        _rsa, lambda n, d: 1.5 * _of_kernels(n, d), lambda n, d, count: 18 * n * n + 4 * 8 * n * d
    ),
    (procrustes.prepare, procrustes.compare): Engine(
        _procrustes, lambda n, d: 8 * n * min(n, d), lambda n, d, count: 3 * 8 * n * d + 5 * 8 * d * d
    ),
}


def engine(arrays: Sequence[Any], chosen: Scoring, form: Form, kept: int, memory: int | None) -> Engine | None:
    """What scores all pairs of representations (M of n x d_i): None where the workbench does, which keeps them all.

    Parameters
    ----------
    kept : bytes of intermediates that the workbench keeps.
    memory : bytes for what is held beside the representations; None: no bound.
    """
    found = ENGINES.get((form.prepare, form.compare))
    if found is None or chosen.layers_together or len(arrays) < 3 or any(isinstance(x, Precomputed) for x in arrays):
        return None
    n, widths = len(arrays[0]), [x.shape[1] for x in arrays]
    if sum(found.kept(n, d) for d in widths) <= kept:
        return None
    return found if memory is None or found.needed(n, max(widths), len(widths)) <= memory else None
