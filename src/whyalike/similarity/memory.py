"""How many bytes a score takes, and what is done where they are more than the caller allows.

What is counted is held beside the interpreter, its libraries and the representations: of mapped files the system holds
pages as long as it has room, and drops them when it has not. Where whole copies of two representations fit they are
made, as without a bound, to the same bits. Else metrics whose `Form` has ``streamed`` make a pass over blocks of rows,
and others are refused before the first score. How many arrays each family takes is measured:
`tests/unit/similarity/test_similarity_memory.py` scores under a limit that the system enforces.
"""

import re
from math import ceil, comb

from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring

UNITS = {"": 1, **{f"{prefix}b": 1000**i for i, prefix in enumerate(("", "k", "m", "g", "t"))}} | {
    f"{prefix}ib": 1024**i for i, prefix in enumerate("kmgt", start=1)
}
DOUBLE = 8  # bytes
BLOCKS = 32  # a block of rows takes this part of the memory; those in work at once take a quarter of it
# families that compare all pairs of stimuli, and how many n x n arrays two representations take
SQUARES = {"rsa": 9, "rbf": 5, "distances": 7}
COPIES = 8  # n x d arrays of two representations that are held whole
HELD_OUT = 10  # the same of the stimuli of a fold
PRODUCTS = 8  # d x d arrays
SPECTRA = 6  # the same of a pair of folds, of a ridge that is chosen within training sets: three of each representation
INNER = "inner"  # of `whyalike.similarity.metrics.inner_ridge`, whose module imports numpy
LISTED = 70  # bytes of a candidate for a neighbour, of which there are two and some for each in the lists
SIDE = 1536  # rows of a block of products of a search (`whyalike.similarity.metrics.candidates`)
GATHERED = 24_000_000  # bytes of features of neighbours that are gathered at once, and of what is made of them
MET = 10  # bytes of a pair of list entries
DECIDED = 512 * 5  # rows of float64 products of a neighbour search that holds all rows


def bytes_of(memory: int | str) -> int:
    """A number of bytes, or one with a unit, such as "2GB" (1000^3 bytes each) or "512 MiB" (1024^2).

    Raises
    ------
    ValueError : no such amount, or none.

    Example
    -------
    >>> bytes_of("1.5 GB"), bytes_of("1MiB"), bytes_of(1000)
    (1500000000, 1048576, 1000)
    """
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([A-Za-z]*)\s*", str(memory))
    if found is None or (unit := found[2].lower()) not in UNITS or not (amount := int(float(found[1]) * UNITS[unit])):
        raise ValueError(f"memory is a number of bytes, or one with MB, GB or GiB, such as '2GB'; got {memory!r}.")
    return amount


def said(amount: float) -> str:
    """Bytes as a reader takes them in."""
    return f"{amount / 1e9:.3g} GB" if amount >= 1e9 else f"{amount / 1e6:.3g} MB"


def of_whole(chosen: Scoring, n: int, d: int) -> int:
    """Bytes of a score of two representations, n x d at most, that are held whole."""
    family = METRICS[chosen.metric].facts.family
    k, features = chosen.parameters.get("k"), COPIES * DOUBLE * n * d * (1 + chosen.layers_together)
    if family in SQUARES:
        return SQUARES[family] * DOUBLE * n * n + features
    return features + (0 if k is None else DECIDED * DOUBLE * n + _of_lists(n, k)) + _of_folds(chosen, n, d)


def of_streamed(chosen: Scoring, n: int, d: int) -> int:
    """The same of which only blocks of rows are held, these included: a quarter of the memory is for them."""
    k = chosen.parameters.get("k")
    if k is None:
        return _of_folds(chosen, n, d) * 4 // 3
    return _of_lists(n, k) * 4 // 3 + SIDE * (5 * SIDE + 16 * d) + GATHERED


def _of_lists(n: int, k: int) -> int:
    """Candidates of the search, and the lists of a pair beside each other."""
    return n * (LISTED * 2 * k + MET * k * k)


def _of_folds(chosen: Scoring, n: int, d: int) -> int:
    """Products of units, and of a metric with folds what is held of one fold and of the maps of all."""
    folds = chosen.parameters.get("folds", 0)
    held = HELD_OUT * ceil(n / folds) * d if folds else 0
    chosen_within = SPECTRA * comb(folds, 2) if chosen.parameters.get("ridge") == INNER else 0
    return DOUBLE * (held + (PRODUCTS + 4 * folds + chosen_within) * d * d)


def streams(chosen: Scoring, form: Form, n: int, d: int, memory: int | None) -> bool:
    """Whether a score is made in blocks of rows, as whole copies of representations (n x d at most) do not fit.

    Raises
    ------
    MemoryError : it cannot be made within the memory.
    """
    if memory is None or (whole := of_whole(chosen, n, d)) <= memory:
        return False
    if form.streamed is not None and not chosen.layers_together:
        needed = of_streamed(chosen, n, d)
        if needed <= memory:
            return True
        why = "what it holds beside blocks of rows does not fit"
        remedy = "fewer stimuli or units, or more memory"
    elif METRICS[chosen.metric].facts.family in SQUARES:
        needed, why = whole, "it compares all pairs of stimuli"
        remedy = f"some {int(n * (memory / whole) ** 0.5):,} stimuli, cka or another metric of features, or more memory"
    else:
        needed, why = whole, f"its form {chosen.protocol} needs all rows at once"
        remedy = "fewer stimuli, or more memory"
    raise MemoryError(
        f"{chosen.metric} of {n:,} stimuli and {d:,} units needs about {said(needed)}, and memory is {said(memory)}: "
        f"{why}. Use {remedy}."
    )
