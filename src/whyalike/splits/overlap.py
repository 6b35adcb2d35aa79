"""Which images two models share: dataset overlap (same classes, some images) and task overlap (some classes).

For one seed the images (or classes) are shuffled once. Model A takes the first half; model B shares the first k of
that half and takes the rest from the other half. So A does not depend on the overlap, and B changes by the smallest
number of items when the overlap does. Source: the overlap study, sections 4.1 and 4.2; exact sizes for every class.
"""

from collections.abc import Sequence

import numpy as np

from whyalike.randomness import keyed

VERSION = 1  # part of the identity of runs: raise it when a split changes


def _halves(items: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shuffled = generator.permutation(items)
    half = len(items) // 2
    return shuffled[:half], shuffled[half : 2 * half]


def _with_overlap(first: np.ndarray, second: np.ndarray, overlap: float) -> np.ndarray:
    shared = round(overlap * len(first))
    return np.concatenate([first[:shared], second[: len(first) - shared]])


def dataset_overlap(labels: np.ndarray, seed: int, overlaps: Sequence[str]) -> dict[str, np.ndarray]:
    """Positions of the images of A and of B at each overlap; every class is split alike.

    Parameters
    ----------
    labels : (n,) class code of each image.
    seed : key of the shuffles.
    overlaps : shared fractions of a model's images, as text, each in [0, 1].

    Returns
    -------
    dict : "A" and "B@{overlap}" -> sorted positions; n_c // 2 images of each class c, of which
        round(overlap * (n_c // 2)) are shared.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for code in np.unique(labels):
        positions = np.flatnonzero(labels == code)
        if len(positions) < 2:
            raise ValueError(
                f"dataset overlap needs at least 2 images of each class: class {code} has {len(positions)}"
            )
        first, second = _halves(positions, keyed(seed, "dataset overlap", int(code)))
        parts.setdefault("A", []).append(first)
        for overlap in overlaps:
            parts.setdefault(f"B@{overlap}", []).append(_with_overlap(first, second, float(overlap)))
    return {name: np.sort(np.concatenate(chunks)) for name, chunks in parts.items()}


def task_overlap(classes: int, seed: int, overlaps: Sequence[str]) -> dict[str, np.ndarray]:
    """Classes of A and of B at each overlap, in the order of the model's labels.

    Parameters
    ----------
    classes : number C of classes; each model gets C // 2.
    seed : key of the shuffle.
    overlaps : shared fractions of a model's classes, as text, each in [0, 1].

    Returns
    -------
    dict : "A" and "B@{overlap}" -> (C // 2,) class codes; a label is the position in this list, so A's labels do not
        change with the overlap.
    """
    if classes < 2:
        raise ValueError(f"task overlap needs at least 2 classes, got {classes}")
    first, second = _halves(np.arange(classes), keyed(seed, "task overlap"))
    return {"A": first} | {f"B@{overlap}": _with_overlap(first, second, float(overlap)) for overlap in overlaps}
