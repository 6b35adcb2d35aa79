"""What happens to features before a metric sees them.

As published: clamp all layers of a run at the 95 % quantile of |x| over the tensor of all layers, then give every row
unit length; "all layers" (their concatenation) is normalised as one more layer. Exact: features as given, or rows of
unit length for the neighbour metrics.
"""

from collections.abc import Callable, Mapping

import numpy as np

QUANTILE = 0.95  # of the reference
TINIEST_NORM = 1e-12  # of the reference: a row of zeros stays zero
ALL_LAYERS = "all layers"


def l2_rows(x: np.ndarray) -> np.ndarray:
    """Scale each row of ``x`` (n x d) to unit length as the reference does, which leaves rows below 1e-12 shorter."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), TINIEST_NORM)


def unit_rows(x: np.ndarray) -> np.ndarray:
    """Scale each row of ``x`` (n x d) to length 1, however short it is; rows of zeros stay zero."""
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(lengths > 0, lengths, 1)


def clamp_limit(layers: Mapping[str, np.ndarray]) -> float:
    """The entry at index int(0.95 * count) of the sorted |x| over all layers: one limit for the whole run."""
    magnitudes = np.concatenate([np.abs(x).ravel() for x in layers.values()])
    index = int(QUANTILE * magnitudes.size)
    return float(np.partition(magnitudes, index)[index])  # a partition is 30 times faster than the sort


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
    clamped = {name: np.clip(x.astype(np.float64), -limit, limit) for name, x in layers.items()}
    prepared = {name: l2_rows(x) for name, x in clamped.items()}
    if len(layers) == 1:
        return {**prepared, ALL_LAYERS: next(iter(prepared.values()))}
    return {**prepared, ALL_LAYERS: l2_rows(np.concatenate(list(clamped.values()), axis=1))}


EXACT: dict[str, Callable[[np.ndarray], np.ndarray]] = {"none": lambda x: x, "l2": unit_rows}
