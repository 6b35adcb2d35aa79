"""Data overlap of the factorial design: whole groups of sources are dealt out, so images do not depend on labels.

The 8 groups of the data set (`whyalike.data.colorshapedigit_groups`) are permuted by the seed and cut into four pools
of two: shared, A only, and two for B only. A sees shared + A only at every overlap. B sees at overlap 1 the same, at
1/2 shared + the first of its own, at 0 both of its own; so the number of sources stays, the images that are not shared
have no drawing and no font in common, and B changes by one pool from level to level. Every group has equally many
images of each cell, so every run is balanced over the cells, and with them over every labelling.
"""

from collections.abc import Mapping

import numpy as np

from whyalike.randomness import keyed

# what a run sees: two of the four pools, 0 shared, 1 of A only, 2 and 3 of B only. Pools keep their place in the list
# from level to level where they can, so that the images that two runs B share come at the same steps
POOLS: Mapping[str, tuple[int, int]] = {"A": (0, 1), "1": (0, 1), "0.5": (0, 2), "0": (3, 2)}


def factorial_split(cells: np.ndarray, groups: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Positions of the images of A, and of B at each data overlap.

    Parameters
    ----------
    cells : (n,) code of each training image's cell.
    groups : (n,) name of its group of sources.
    seed : key of the deal.

    Returns
    -------
    dict : "A", "1", "0.5", "0" -> (n // 2,) positions, by cell, then by pool in the order of `POOLS`: the same place in
        two of these lists is always of the same cell.

    Raises
    ------
    ValueError : groups that four equal pools cannot be made of, or cells that the groups do not hold equally often.
    """
    named = np.unique(groups)
    if len(named) % 4 or not len(named):
        raise ValueError(f"the factorial makes 4 equal pools of the groups of sources, the data set has {len(named)}.")
    counts = np.array([np.bincount(cells[groups == group], minlength=cells.max() + 1) for group in named])
    if (counts != counts[0, 0]).any():
        raise ValueError(
            f"the factorial needs equally many images of each cell in each group; there are {counts.min()} to "
            f"{counts.max()}. Prepare the data set with source colorshapedigit_groups."
        )
    dealt = keyed(seed, "factorial pools").permutation(named).reshape(4, -1)
    result = {}
    for name, chosen in POOLS.items():
        rank = {group: place for place, group in enumerate(np.concatenate([dealt[pool] for pool in chosen]))}
        own = np.flatnonzero(np.isin(groups, list(rank)))
        result[name] = own[np.lexsort((own, [rank[group] for group in groups[own]], cells[own]))]
    return result
