"""What happens to features before a metric sees them.

As published: clamp all layers of a run at the 95 % quantile of |x| over the tensor of all layers, then give every row
unit length; "all layers" (their concatenation) is normalised as one more layer. Exact: features as given, or rows of
unit length for the neighbour metrics.
"""

from collections.abc import Callable, Mapping

import numpy as np

QUANTILE = 0.95  # of the reference
MANY = 1 << 18  # values, of which a sample tells roughly where a quantile lies
SPACING = 211  # of the sample: a prime, so that no period of units decides which of them it has
MARGIN = 0.02  # on either side of the quantile, in shares of the values; seven standard deviations of a sample of 5,000
BLOCK = 512  # rows
TINIEST_NORM = 1e-12  # of the reference: a row of zeros stays zero
ALL_LAYERS = "all layers"


def l2_rows(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Scale each row of ``x`` (n x d) to unit length as the reference does, which leaves rows below 1e-12 shorter.

    ``out`` takes the result, and may be x itself.
    """
    return np.divide(x, np.maximum(_lengths(x), TINIEST_NORM), out=out)


def unit_rows(x: np.ndarray) -> np.ndarray:
    """Scale each row of ``x`` (n x d) to length 1, however short it is; rows of zeros stay zero."""
    lengths = _lengths(x)
    return x / np.where(lengths > 0, lengths, 1)


def _lengths(x: np.ndarray) -> np.ndarray:
    """The lengths of rows, n x 1; the squares of some rows at a time stay in the cache."""
    blocks = (x[start : start + BLOCK] for start in range(0, len(x), BLOCK))
    return np.concatenate([np.linalg.norm(block, axis=1, keepdims=True) for block in blocks])


def clamp_limit(layers: Mapping[str, np.ndarray]) -> float:
    """The entry at index int(0.95 * count) of the sorted |x| over all layers: one limit for the whole run."""
    magnitudes = np.concatenate([np.abs(x).ravel() for x in layers.values()])
    return float(_in_order(magnitudes, int(QUANTILE * magnitudes.size)))


def _in_order(values: np.ndarray, index: int) -> np.floating:
    """The entry at this index of the sorted values; a partition is 30 times faster than the sort.

    Of five million values of which half are zeros, a partition takes half a second, thirty times as long as of others.
    So a sample tells between which two values the entry lies; those outside are counted, only those inside are put in
    order.
    """
    share = index / values.size
    if values.size > MANY:
        ends = (max(0.0, share - MARGIN), min(1.0, share + MARGIN))
        low, high = np.quantile(values[::SPACING], ends).astype(values.dtype)
        above = values[values >= low]
        inside, place = above[above <= high], index - (values.size - above.size)
        if 0 <= place < inside.size:
            values, index = inside, place
    return np.partition(values, index)[index]


def published_layers(layers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The layers as the reference compares them.

    Parameters
    ----------
    layers : layer name -> features of one run on the rows in use, n x d.

    Returns
    -------
    The same names, clamped and row-normalised in float64, then `ALL_LAYERS`, the concatenation; with one layer the two
    are equal, and the same array.
    """
    limit = clamp_limit(layers)
    clamped = {name: x.astype(np.float64) for name, x in layers.items()}
    for x in clamped.values():
        np.clip(x, -limit, limit, out=x)
    if len(layers) == 1:
        [(name, x)] = clamped.items()
        return dict.fromkeys((name, ALL_LAYERS), l2_rows(x, out=x))
    prepared = {name: l2_rows(x) for name, x in clamped.items()}
    return {**prepared, ALL_LAYERS: l2_rows(np.concatenate(list(clamped.values()), axis=1))}


EXACT: dict[str, Callable[[np.ndarray], np.ndarray]] = {"none": lambda x: x, "l2": unit_rows}
