"""Metrics of neighbour lists: mutual, cycle, longest common subsequence, edit distance (Huh et al. 2024).

N_X(i) is the list of the k rows with the largest inner product with row i of X, itself excluded, in descending order
(ties: `whyalike.similarity.metrics.nearest`). The lists are made once a representation; permuting the rows of Y
relabels them.
The reference's edit and lcs loops keep the results of a quarter of the rows and average over all of them. As published,
lcs is therefore lcs/4 (not divided by k) and edit is 1 - levenshtein/(4k): its floor is .750.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.nearest import Neighbours, neighbours

Compare = Callable[[np.ndarray, np.ndarray, Mapping[str, Any]], float]
KEPT = 4  # one row in four survives the reference's four parallel processes


def inverse(order: np.ndarray) -> np.ndarray:
    """The new place of each old row after ``y[order]``."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def prepare_lists(x: np.ndarray, parameters: Mapping[str, Any]) -> Neighbours:
    """The neighbour lists of x, n x k."""
    return neighbours(x, parameters["k"])


def permute_lists(y: Neighbours, order: np.ndarray) -> Neighbours:
    """The lists of ``y[order]``: rows in the new order, their entries relabelled."""
    places = inverse(order)
    lists, again = (None if z is None else places.take(z.take(order, axis=0)) for z in (y.lists, y.again))
    return Neighbours(lists, again, y.ties)


def compare_mutual(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """mean_i |N_X(i) & N_Y(i)| / k, in [0, 1]; k/(n - 1) by chance."""
    return np.count_nonzero(x[:, :, None] == y[:, None, :]) / x.size


def compare_cycle(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """The share of rows i that lie in the union over j in N_Y(i) of N_X(j); asymmetric, (X, X) need not give 1."""
    returns = x.take(y, axis=0).reshape(len(x), -1) == np.arange(len(x))[:, None]  # (n, k * k)
    return np.count_nonzero(returns.any(axis=1)) / len(x)


def _matches(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[i, j, row] = 1 where entry i of x's list equals entry j of y's, else 0.

    Where few rows have lists that share an entry, as under a permutation, of these alone: the others have lcs 0 and
    edit distance k.
    """
    x, y = (np.ascontiguousarray(z.T, dtype=np.int32) for z in (x, y))
    equal = x[:, None, :] == y[None, :, :]  # (k, k, n)
    sharing = equal.any(axis=(0, 1))
    few = 2 * np.count_nonzero(sharing) < len(sharing)
    return (equal[:, :, sharing] if few else equal).view(np.int8)


def _table(matches: np.ndarray) -> np.ndarray:
    """Zeros, (k + 1) x rows, of the smallest type that holds -k to k: eight times faster than int64."""
    k, _, rows = matches.shape
    return np.zeros((k + 1, rows), np.int8 if k < 128 else np.int32)


def lcs_total(x: np.ndarray, y: np.ndarray) -> int:
    """Sum over rows of the length of the longest common subsequence of the lists x[row], y[row] (n x k, distinct).

    The usual table, all rows at once: L[i, j] = max(L[i-1, j], L[i-1, j-1] + match, L[i, j-1]), the last being a
    running maximum along j.
    """
    matches = _matches(x, y)
    table = _table(matches)
    for match in matches:
        np.maximum(table[1:], table[:-1] + match, out=table[1:])
        for left, here in pairwise(table):  # a hundred times faster than ufunc.accumulate along this axis
            np.maximum(left, here, out=here)
    return int(table[-1].sum(dtype=np.int64))


def edit_total(x: np.ndarray, y: np.ndarray) -> int:
    """Sum over rows of the Levenshtein distance of the lists x[row], y[row] (n x k).

    D[i, j] = min(D[i-1, j] + 1, D[i-1, j-1] + [no match], D[i, j-1] + 1). The table holds D[i, j] - j, which makes the
    last term a running minimum along j, and the first two table + 1 and its left neighbour - match.
    """
    matches = _matches(x, y)
    k, rows = len(matches), matches.shape[2]
    table = _table(matches)  # D[0, j] - j = 0
    for match in matches:
        diagonal = table[:-1] - match
        table += 1
        np.minimum(table[1:], diagonal, out=table[1:])
        for left, here in pairwise(table):
            np.minimum(left, here, out=here)
    return int(table[-1].sum(dtype=np.int64)) + k * rows + k * (len(x) - rows)


def compare_lcs(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """Mean length of the longest common subsequence of the two ordered lists, divided by k; in [0, 1]."""
    return lcs_total(x, y) / x.size


def compare_lcs_published(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """Mean length / 4: a quarter of the rows count, and nothing is divided by k; in [0, k/4]."""
    return lcs_total(x, y) / (KEPT * len(x))


def compare_edit(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """1 - mean Levenshtein distance / k; in [0, 1]."""
    return 1 - edit_total(x, y) / x.size


def compare_edit_published(x: np.ndarray, y: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """1 - mean distance / (4 k): the rows that were lost count as distance 0; in [.75, 1]."""
    return 1 - edit_total(x, y) / (KEPT * x.size)


def _form(compare: Compare) -> Form:
    """Of lists; what two sides can only have drawn, each has drawn for itself."""

    def apart(x: Neighbours, y: Neighbours, parameters: Mapping[str, Any]) -> float:
        return compare(x.lists, y.beside(x), parameters)

    return Form(prepare_lists, apart, permute_lists, reads=("k",))


def _published(compare: Compare) -> Form:
    def alike(x: Neighbours, y: Neighbours, parameters: Mapping[str, Any]) -> float:
        return compare(x.lists, y.lists, parameters)

    return Form(prepare_lists, alike, permute_lists, reads=("k",))


MUTUAL = {"exact": _form(compare_mutual), "as_published": _published(compare_mutual)}
CYCLE = {"exact": _form(compare_cycle), "as_published": _published(compare_cycle)}
LCS = {"exact": _form(compare_lcs), "as_published": _published(compare_lcs_published)}
EDIT = {"exact": _form(compare_edit), "as_published": _published(compare_edit_published)}
