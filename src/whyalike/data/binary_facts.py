"""Balanced binary facts about an attribute: its values permuted by a seed and counted in bits.

The fact `shape.3.0` is bit 0 of the place that seed 3 gives to an image's shape. With 8 values an attribute has 3 such
facts, each true of half of the values, and any two of one attribute, as of two, are independent in a balanced product
set. A labelling that joins facts of three attributes has 8 classes whatever the bits are, and two labellings share
I(L_A; L_B)/sqrt(H_A H_B) = the share of facts that they have in common.
"""

from collections.abc import Sequence

import numpy as np

from whyalike.randomness import keyed

VERSION = 1  # part of the identity of runs that learn facts: raise it when a fact changes


def bits(attribute: str, place: Sequence[str], count: int) -> np.ndarray:
    """The fact's bit for each value of the attribute.

    Parameters
    ----------
    attribute : its name, which keys the permutation together with the seed.
    place : seed and bit, as the parts of the fact's name.
    count : number c of the attribute's values, a power of two.

    Returns
    -------
    int64 (c,) of 0 and 1, as many of one as of the other, in the order of the sorted values.

    Raises
    ------
    ValueError : no whole numbers, values that are no power of two, or a bit that they do not have.
    """
    if len(place) != 2 or not all(part.isdigit() for part in place):
        raise ValueError(f"a fact is attribute.seed.bit, such as shape.3.0: got '{'.'.join([attribute, *place])}'.")
    seed, bit = map(int, place)
    if count < 2 or count & (count - 1) or bit >= count.bit_length() - 1:
        raise ValueError(
            f"bit {bit} of {attribute} needs a number of values that is a power of two, {2 ** (bit + 1)} at least: the "
            f"data set has {count}."
        )
    return keyed(seed, "facts", attribute).permutation(count) >> bit & 1


def names(attribute: str, place: Sequence[str]) -> np.ndarray:
    """The two values of a fact, in the order of its bit: "shape.3.0=0", "shape.3.0=1"."""
    return np.array([f"{'.'.join([attribute, *place])}={bit}" for bit in (0, 1)], dtype=object)
