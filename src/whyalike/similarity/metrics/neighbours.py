"""Metrics of neighbour lists: mutual, cycle, longest common subsequence, edit distance (Huh et al. 2024).

N_X(i) is the list of the k rows with the largest inner product with row i of X, itself excluded, in descending order
(ties: `whyalike.similarity.metrics.nearest`). The lists are made once a representation; permuting the rows of Y
relabels them.
The reference's edit and lcs loops keep the results of a quarter of the rows and average over all of them. As published,
lcs is therefore lcs/4 (not divided by k) and edit is 1 - levenshtein/(4k): its floor is .750.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.nearest import Neighbours, by_place, neighbours
from whyalike.similarity.precision import row_blocks

Parameters = Mapping[str, Any]
BLOCK = 1024  # rows whose neighbours' neighbours are looked at together: they stay in the cache
KEPT = 4  # one row in four survives the reference's four parallel processes


def inverse(order: np.ndarray) -> np.ndarray:
    """The new place of each old row after ``y[order]``."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def prepare_lists(x: np.ndarray, parameters: Parameters) -> Neighbours:
    """The neighbour lists of x, n x k."""
    return parameters.get("search", neighbours)(x, parameters["k"])


def permute_lists(lists: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The lists (n x k) of rows in another order: in that order, their entries relabelled."""
    return inverse(order).take(lists.take(order, axis=0))


def permute(y: Neighbours, order: np.ndarray) -> Neighbours:
    """The neighbours of ``y[order]``."""
    return Neighbours(*(None if z is None else permute_lists(z, order) for z in (y.lists, y.again)), y.ties)


@dataclass(frozen=True)
class Meeting:
    """What metrics of neighbours need of a pair, y in an ``order`` or as it is.

    ``x`` and ``y`` are lists (n x k), y's drawn again where x has the same ties (``is_again``). ``equal`` [i, j, row]
    says whether entry i of x's equals entry j of y's (k x k x n); under a permutation few are.
    """

    order: np.ndarray | None
    is_again: bool
    x: np.ndarray
    y: np.ndarray
    equal: np.ndarray

    @cached_property
    def matches(self) -> np.ndarray:
        """``equal`` as 0 and 1. Where few rows have equal entries, of these alone: of the others lcs is 0 and the edit
        distance k.
        """
        sharing = self.equal.any(axis=(0, 1))
        few = 2 * np.count_nonzero(sharing) < len(sharing)
        return (self.equal[:, :, sharing] if few else self.equal).view(np.int8)

    @cached_property
    def common(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row, place in x's list and place in y's of the equal entries, by row."""
        in_x, in_y, rows = np.unravel_index(np.flatnonzero(self.equal), self.equal.shape)
        by_row = np.argsort(rows, kind="stable")
        return rows[by_row], in_x[by_row], in_y[by_row]


def meet(x: Any, y: Any, order: np.ndarray | None) -> Meeting:
    """The meeting of the neighbours of two representations: what two sides can only have drawn, each has drawn for
    itself. Either may be what holds them as ``found``.
    """
    return _meet(x, y, order, apart=True)


def meet_alike(x: Any, y: Any, order: np.ndarray | None) -> Meeting:
    """The same with ties drawn alike on both sides."""
    return _meet(x, y, order, apart=False)


def _meet(x: Any, y: Any, order: np.ndarray | None, apart: bool) -> Meeting:
    x, y = getattr(x, "found", x), getattr(y, "found", y)
    is_again = apart and y.again is not None and x.ties == y.ties
    y = y.again if is_again else y.lists
    y = y if order is None else permute_lists(y, order)
    return Meeting(order, is_again, x.lists, y, x.by_place[:, None, :] == by_place(y)[None, :, :])


def mutual(met: Meeting) -> float:
    """mean_i |N_X(i) & N_Y(i)| / k, in [0, 1]; k/(n - 1) by chance."""
    return np.count_nonzero(met.equal) / met.y.size


def cycle(met: Meeting) -> float:
    """The share of rows i that lie in the union over j in N_Y(i) of N_X(j); asymmetric, (X, X) need not give 1."""
    x, n, found = met.x.astype(np.int32), len(met.y), 0
    for some in row_blocks(n, BLOCK):
        rows = np.arange(n, dtype=np.int32)[some, None]
        returns = x.take(met.y[some], axis=0).reshape(len(rows), -1) == rows  # rows x k * k
        found += np.count_nonzero(returns.any(axis=1))
    return found / n


def _table(matches: np.ndarray) -> np.ndarray:
    """Zeros, (k + 1) x rows, of the smallest type that holds -k to k: eight times faster than int64."""
    k, _, rows = matches.shape
    return np.zeros((k + 1, rows), np.int8 if k < 128 else np.int32)


def lcs_total(met: Meeting) -> int:
    """Sum over rows of the length of the longest common subsequence of the lists of x and y (n x k, distinct).

    The usual table, all rows at once: L[i, j] = max(L[i-1, j], L[i-1, j-1] + match, L[i, j-1]), the last being a
    running maximum along j.
    """
    table = _table(met.matches)
    for match in met.matches:
        np.maximum(table[1:], table[:-1] + match, out=table[1:])
        for left, here in pairwise(table):  # a hundred times faster than ufunc.accumulate along this axis
            np.maximum(left, here, out=here)
    return int(table[-1].sum(dtype=np.int64))


def edit_total(met: Meeting) -> int:
    """Sum over rows of the Levenshtein distance of the lists of x and y (n x k).

    D[i, j] = min(D[i-1, j] + 1, D[i-1, j-1] + [no match], D[i, j-1] + 1). The table holds D[i, j] - j, which makes the
    last term a running minimum along j, and the first two table + 1 and its left neighbour - match.
    """
    table = _table(met.matches)  # D[0, j] - j = 0
    for match in met.matches:
        diagonal = table[:-1] - match
        table += 1
        np.minimum(table[1:], diagonal, out=table[1:])
        for left, here in pairwise(table):
            np.minimum(left, here, out=here)
    n, k = met.y.shape
    return int(table[-1].sum(dtype=np.int64)) + k * n  # of a row without matches the table would hold 0


def lcs(met: Meeting) -> float:
    """Mean length of the longest common subsequence of the two ordered lists, divided by k; in [0, 1]."""
    return lcs_total(met) / met.y.size


def lcs_published(met: Meeting) -> float:
    """Mean length / 4: a quarter of the rows count, and nothing is divided by k; in [0, k/4]."""
    return lcs_total(met) / (KEPT * len(met.y))


def edit(met: Meeting) -> float:
    """1 - mean Levenshtein distance / k; in [0, 1]."""
    return 1 - edit_total(met) / met.y.size


def edit_published(met: Meeting) -> float:
    """1 - mean distance / (4 k): the rows that were lost count as distance 0; in [.75, 1]."""
    return 1 - edit_total(met) / (KEPT * met.y.size)


def _forms(exact: Callable[[Meeting], float], published: Callable[[Meeting], float] | None = None) -> dict[str, Form]:
    def form(value: Callable[[Meeting], float], of_pair: Callable[..., Meeting]) -> Form:
        def compare(x: Neighbours, y: Neighbours, parameters: Parameters, met: Meeting | None = None) -> float:
            return value(met or of_pair(x, y, None))

        return Form(prepare_lists, compare, permute, reads=("k",), meet=of_pair, streamed=prepare_lists)

    return {"exact": form(exact, meet), "as_published": form(published or exact, meet_alike)}


MUTUAL, CYCLE = _forms(mutual), _forms(cycle)
LCS, EDIT = _forms(lcs, lcs_published), _forms(edit, edit_published)
