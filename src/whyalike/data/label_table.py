"""The rows of a prepared data set: what they must be, and the table that holds them.

A row is an image, or a stretch of a stream of tokens: a chunk to train on, the validation text or a test window.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

PARTS = ("train", "validation", "test")
IMAGE_PARTS = ("train", "test")  # images have no validation part: their recipes end at a fixed step
STRETCH = ["start", "length"]  # columns of text: where in the stream a row lies, in tokens


def check_labels(labels: pd.DataFrame, attributes: Sequence[str], array: np.ndarray) -> None:
    """Refuse rows that the format cannot hold, or that do not fit the array.

    Parameters
    ----------
    labels, attributes : as `whyalike.data.prepared.write_prepared` takes them.
    array : images, uint8 (n, h, w, c), or tokens, uint16 (tokens,).

    Raises
    ------
    ValueError : the first fault.
    """
    if array.ndim == 1:
        _check_stretches(labels, len(array))
    elif len(labels) != len(array):
        raise ValueError(f"labels need one row an image: {len(labels)} rows, {len(array)} images.")
    if list(labels.columns[: 1 + len(attributes)]) != ["part", *attributes]:
        raise ValueError(f"label columns must start with part, {', '.join(attributes)}, got {list(labels.columns)}.")
    joined = [attribute for attribute in attributes if "_" in attribute]
    if joined:
        raise ValueError(
            f"'_' joins attributes to labellings and may not stand in one: {', '.join(joined)}. Rename it."
        )
    parts = PARTS if array.ndim == 1 else IMAGE_PARTS
    unknown = sorted(set(labels["part"].unique()) - set(parts))
    if unknown:
        raise ValueError(f"part must be one of {', '.join(parts)}, got {unknown}.")
    missing = [column for column in labels if labels[column].isna().any()]
    if missing:
        raise ValueError(f"every row needs a value in every label column; missing values in {missing}.")


def label_table(labels: pd.DataFrame, attributes: Sequence[str]) -> pa.Table:
    """Columns in their order: integers as they are, but of attributes; text as dictionaries of sorted, used values."""
    columns = {
        "id": pa.array(np.arange(len(labels), dtype=np.int64)),
        "part": pa.array(labels["part"].astype(object), pa.string()),
    }
    for name in labels.columns[1:]:
        if name not in attributes and pd.api.types.is_integer_dtype(labels[name]):
            columns[name] = pa.array(labels[name].astype(np.int64))
            continue
        column = labels[name].astype("category").cat.remove_unused_categories()
        column = column.cat.reorder_categories(sorted(column.cat.categories))
        values = pa.array([str(value) for value in column.cat.categories], pa.string())
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(column.cat.codes, pa.int32()), values)
    return pa.table(columns)


def _check_stretches(labels: pd.DataFrame, tokens: int) -> None:
    """Every row of text is a stretch of at least one token that lies in the stream."""
    if missing := [name for name in STRETCH if name not in labels or labels[name].dtype != np.int64]:
        raise ValueError(f"labels of text need int64 columns {', '.join(STRETCH)}; not so: {', '.join(missing)}.")
    outside = (labels["start"] < 0) | (labels["length"] < 1) | (labels["start"] + labels["length"] > tokens)
    if outside.any():
        start, length = labels.loc[outside, STRETCH].iloc[0]
        raise ValueError(
            f"a stretch must lie in the stream of {tokens} tokens, {outside.sum()} rows do not; the first starts at "
            f"{start} and has {length} tokens."
        )
