"""Class-balanced draws: the same number of every class, or all of a smaller one."""

import numpy as np

from whyalike.randomness import keyed


def balanced_draw(classes: np.ndarray, n: int, seed: int, title: str, part: str) -> np.ndarray:
    """Positions of a class-balanced draw, ascending, int64.

    Every class of every set has a draw of its own: another set, another class or another size of one changes no other.
    A draw for a larger ``n`` holds that for a smaller one.

    Parameters
    ----------
    classes : the class of each image of the part, text (m,).
    n : how many to draw about: ceil(n / classes) of each, or all of a smaller one; all m where n is not below m.
    seed, title, part : key of the draw: of the set by what it holds, not where.

    Examples
    --------
    >>> balanced_draw(np.array(["cat", "dog", "dog", "dog", "dog"]), 4, 0, "pets 1", "train").tolist()
    [0, 1, 2]
    """
    if n >= len(classes):
        return np.arange(len(classes))
    names, codes, counts = np.unique(classes, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])  # of each class, in their order
    each = -(-n // len(names))
    drawn = [
        own[keyed(seed, "balanced", title, part, str(name)).permutation(len(own))[:each]]
        for name, own in zip(names, members, strict=True)
    ]
    return np.sort(np.concatenate(drawn))
