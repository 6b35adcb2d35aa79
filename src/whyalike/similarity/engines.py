"""What scores all pairs of many representations by one metric, as `whyalike.similarity.many` names it.

The work on a representation is done once (of RBF kernels, whose entries are made some rows at a time for all at once,
twice); what does not fit into memory lies in temporary files.
"""

from collections.abc import Sequence

import numpy as np

from whyalike.similarity import kernel_blocks, triangles
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.many import Asked, Values
from whyalike.similarity.metrics import cka, cka_rbf_unbiased
from whyalike.similarity.precision import FEW_ROWS, may_be_single, nearly_diagonal


def _table(asked: Asked, places: Sequence[int], table: np.ndarray) -> Values:
    """The entries of pairs in a table of those representations that have a value."""
    at = {place: row for row, place in enumerate(places)}
    return {(x, y): float(table[at[x], at[y]]) for x, y in asked.pairs if x in at and y in at}


def _of_rbf(asked: Asked, unbiased: bool) -> Values:
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


def rsa(asked: Asked) -> Values:
    """RSA, from ranked triangles."""
    size, dtype = asked.n * (asked.n - 1) // 2, _kernel_type(asked.n)
    with asked.scratch(len(asked.arrays) * size, np.dtype(dtype).itemsize) as scratch:
        held = scratch.empty((len(asked.arrays), size), dtype)
        rows = iter(held)  # one that has no value takes none
        made = asked.each(lambda x: triangles.finished(x.astype(np.float64), asked.parameters, rows))
        return _table(asked, list(made), triangles.products(held[: len(made)]))


def procrustes(asked: Asked) -> Values:
    """Metrics of one array a representation, which is made once: Procrustes distance."""
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


def linear(asked: Asked) -> Values:
    """CKA and unbiased CKA."""
    single = all(may_be_single(x, asked.n) for x in asked.arrays)
    units = sum(x.shape[1] for x in asked.arrays)
    with asked.scratch(asked.n * units, 4 if single else 8) as scratch:
        kernels = [kernel_blocks.Linear.of(x, single, scratch) for x in asked.arrays]
        table = kernel_blocks.kernel_table(kernels, asked.memory // 2)
        squares = table.products + table.diagonals @ table.diagonals.T
        if single and any(map(nearly_diagonal, np.diagonal(squares), table.diagonals)):
            kernels = [kernel_blocks.Linear.of(x, False, scratch) for x in asked.arrays]
            table = kernel_blocks.kernel_table(kernels, asked.memory // 2)
            squares = table.products + table.diagonals @ table.diagonals.T
    of, parameters, kept = asked.form.from_squares, asked.parameters, []
    for i in range(len(kernels)):  # each alone, to name the one that has no score
        try:
            of(squares[i : i + 1, i : i + 1], table.diagonals[i : i + 1], parameters)
            kept.append(i)
        except UndefinedScore as reason:
            asked.fault(i, reason)
    return _table(asked, kept, of(squares[np.ix_(kept, kept)], table.diagonals[kept], parameters)) if kept else {}


def rbf(asked: Asked) -> Values:
    """RBF CKA."""
    return _of_rbf(asked, unbiased=False)


def rbf_unbiased(asked: Asked) -> Values:
    """Unbiased RBF CKA."""
    return _of_rbf(asked, unbiased=True)
