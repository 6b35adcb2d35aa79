"""Blocks of stimuli that belong together, such as the trials of a subject or the frames of a video.

Rows of a block are near copies of each other: in any order of the rows they count as independent, and p is too small.
What may change places are the blocks. So an order of blocks moves each one whole, its rows as they follow each other
(whole-block exchangeability; Winkler, Webster, Vidaurre, Nichols and Smith 2015), for which blocks are of equal size.
Within class only blocks of the same classes change places, rows of the same class for each other.
"""

from typing import Any

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.nulls import FEW_ROWS, row_orders, within_class_orders


def codes(given: Any, n: int, called: str, each: str) -> np.ndarray:
    """What is given for each of n stimuli, as numbers from 0: n, integers.

    Parameters
    ----------
    called : its name in messages, such as "groups". each : what one of them is, such as "block".

    Raises
    ------
    ValueError : not one a stimulus, some are missing, or they have no order.
    """
    found = np.asarray(given)
    if found.shape != (n,):
        there = f"there are {len(found)} {called}" if found.ndim == 1 else f"{called} have shape {found.shape}"
        raise ValueError(f"{called} must be one {each} a stimulus: there are {n} rows, {there}.")
    missing = np.count_nonzero([one is None or (one == one) is not True for one in found.tolist()])
    if missing:
        raise ValueError(f"{called} must be one {each} a stimulus; {missing} of {n} are missing. Drop these rows.")
    try:
        return np.unique(found, return_inverse=True)[1].ravel()
    except TypeError:
        raise ValueError(f"{called} must be numbers or text, not both. Write them as text.") from None


def codes_of_classes(given: Any, n: int) -> np.ndarray:
    """The class of each of n stimuli, as numbers from 0.

    Raises
    ------
    ValueError : as `codes`; or no class has two stimuli.
    """
    found = codes(given, n, "labels", "class")
    if len(np.unique(found)) == n:
        raise ValueError(
            f"labels need a class of two rows or more, which change places; all {n} differ, as ids do. Give the class "
            "of each row, or no labels."
        )
    return found


def codes_of_blocks(given: Any, n: int) -> np.ndarray:
    """The block of each of n stimuli, as numbers from 0.

    Raises
    ------
    ValueError : as `codes`; or all stimuli are in one block.
    """
    found = codes(given, n, "groups", "block")
    if found.max() == 0:
        raise ValueError(
            f"groups need two blocks or more; all {n} rows are in one. Give the block of each row, or no groups."
        )
    return found


def orders_of_rows(
    seed: int, n: int, draws: int, every: np.ndarray | None = None, groups: np.ndarray | None = None
) -> np.ndarray:
    """Orders of n rows, draws x n, of rows or of whole blocks; all others, each once, where they are few.

    Parameters
    ----------
    seed : key of the draws.
    every : rows (n x d) that are permuted, as `whyalike.similarity.nulls.row_orders` takes them.
    groups : block of each row, numbers from 0; None: each row is one.

    Raises
    ------
    ValueError : blocks of unequal sizes.
    """
    if groups is None:
        return row_orders(keyed("rows", seed, n), n, draws, every)
    rows = check_places(groups)
    few = every is not None and len(rows) <= FEW_ROWS
    contents = every[rows].reshape(len(rows), -1) if few else None
    return _whole(row_orders(keyed("blocks", seed, len(rows)), len(rows), draws, contents), rows)


def orders_within_class(
    seed: int, n: int, labels: np.ndarray, draws: int, groups: np.ndarray | None = None
) -> np.ndarray:
    """The same within class: of rows of one class, or of blocks of the same classes.

    Raises
    ------
    ValueError : blocks of unequal sizes, or no two of the same classes.
    """
    if groups is None:
        return within_class_orders(keyed("within class", seed, n), labels, draws, every=True)
    rows = check_places(groups, labels)
    alike = np.unique(labels[rows], axis=0, return_inverse=True)[1].ravel()  # equal for blocks of the same classes
    return _whole(within_class_orders(keyed("blocks within class", seed, len(rows)), alike, draws, every=True), rows)


def check_places(groups: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """The rows of each block, in the order in which they meet those of another one: blocks x rows of a block.

    Parameters
    ----------
    groups, labels : block and class of each row, numbers from 0. With classes, rows of a block are in their order.

    Raises
    ------
    ValueError : blocks cannot change places: they are of unequal sizes, or no two hold the same classes.
    """
    sizes = np.bincount(groups)
    if sizes.min() != sizes.max():
        raise ValueError(
            f"groups need blocks of equal size, which change places whole; {len(sizes)} blocks have {sizes.min()} to "
            f"{sizes.max()} rows. Take as many rows of each."
        )
    rows = np.argsort(groups, kind="stable").reshape(len(sizes), -1)
    if labels is None:
        return rows
    rows = np.take_along_axis(rows, np.argsort(labels[rows], axis=1, kind="stable"), axis=1)
    if len(np.unique(labels[rows], axis=0)) == len(rows):
        raise ValueError(
            f"labels and groups need blocks of the same classes, which change places; no two of {len(rows)} blocks "
            "hold as many rows of each class. Give labels that blocks have in common, or one of both alone."
        )
    return rows


def _whole(orders: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Orders of rows from orders of blocks (draws x blocks) and the rows of each block."""
    found = np.empty((len(orders), rows.size), np.int32)
    found[:, rows.ravel()] = rows[orders].reshape(len(orders), -1)
    return found
