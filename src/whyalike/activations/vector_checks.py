"""What vectors and their ids must be, whoever brings them: files that are scored or imported, and calls in Python.

`check_features` is the one checker of inputs of metrics: every array that enters one passes here once, and families
rely on it.
"""

from typing import Any

import numpy as np

from whyalike.data.numpy_files import BLOCK

SIZES = (1e-60, 1e60)  # of the largest entry: fourth powers of it, summed over n and d, stay within float64
KINDS_OF_IDS = {**dict.fromkeys("iuf", "numbers"), **dict.fromkeys("UO", "text"), "S": "bytes", "M": "dates"}


def check_features(x: Any, name: str, metric: str | None = None) -> np.ndarray:
    """Return ``x`` as an array after checking that it is a finite n x d matrix of numbers.

    Parameters
    ----------
    x : array-like or tensor, shape (n, d).
    name : what the array is called in messages.
    metric : named in messages, where one is asked for.

    Raises
    ------
    ValueError : not two-dimensional, not numeric, empty, with NaN or infinite entries, or of a size that overflows.
    """
    asked = f"{metric}: " if metric else ""
    x = _as_array(x, f"{asked}{name}")
    check_matrix(x.shape, x.dtype, f"{asked}{name}")
    finite, largest = np.empty(len(x), bool), 0.0
    step = max(1, BLOCK // (x.shape[1] * x.dtype.itemsize))
    for some in (slice(start, start + step) for start in range(0, len(x), step)):  # of a mapped file little is held
        finite[some] = np.isfinite(x[some]).all(axis=1)
        largest = max(largest, float(np.abs(x[some]).max()))
    check_finite(finite, f"{asked}{name}")
    if largest and not SIZES[0] < largest < SIZES[1]:
        raise ValueError(
            f"{asked}{name} must have a largest entry between {SIZES[0]:g} and {SIZES[1]:g}, so that products neither "
            f"overflow nor vanish; it is {largest:.3g}. Divide all features by a constant."
        )
    return x


def check_matrix(shape: tuple[int, ...], dtype: np.dtype, named: str) -> None:
    """Refuse what is no n x d matrix of real numbers, or an empty one."""
    if len(shape) != 2 or dtype.kind not in "fiub":
        remedy = "Flatten each stimulus to one row" if len(shape) != 2 else "Convert its entries to real numbers"
        raise ValueError(
            f"{named} must be a matrix of real numbers, stimuli x units; it has shape {shape} and type {dtype}. "
            f"{remedy}."
        )
    if 0 in shape:
        raise ValueError(f"{named} must not be empty; it has shape {shape}. Select at least one stimulus and unit.")


def check_finite(finite: np.ndarray, named: str) -> None:
    """Refuse rows of which one or more are not finite (n, truth values)."""
    if not finite.all():
        raise ValueError(
            f"{named} must be finite; {int((~finite).sum())} of {len(finite)} rows hold NaN or infinity, the first is "
            f"row {int(np.argmin(finite))}. Drop these stimuli or repair the run."
        )


def _as_array(x: Any, named: str) -> np.ndarray:
    """An array of what may be a tensor on any device; numpy has no bfloat16, so that becomes float32, without loss."""
    if isinstance(x, np.ma.MaskedArray) and (masked := int(np.ma.count_masked(x))):
        raise ValueError(
            f"{named} must have no masked entries; {masked} of {x.size} are masked. Fill them or drop these stimuli."
        )
    if hasattr(x, "detach"):  # a tensor, known without an import of torch
        try:
            values = x.detach().cpu().resolve_conj().resolve_neg()
            return np.asarray((values.float() if str(x.dtype) == "torch.bfloat16" else values).numpy())
        except (TypeError, RuntimeError) as error:
            raise ValueError(
                f"{named} must be a dense matrix of real numbers on a device that holds data; it is {x.dtype} of "
                f"layout {x.layout} on {x.device}. Convert it, for example with x.to_dense().float()."
            ) from error
    try:
        return _of_frame(x) if hasattr(x, "iloc") and hasattr(x, "columns") else np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"{named} must be a matrix of real numbers, stimuli x units; its rows differ in length. "
            "Give each stimulus all units."
        ) from error


def _of_frame(x: Any) -> np.ndarray:
    """The numbers of a pandas frame; what is missing in its nullable columns is NaN."""
    kinds = [getattr(dtype, "numpy_dtype", dtype) for dtype in x.dtypes]  # of a nullable type its own
    nullable = any(hasattr(dtype, "numpy_dtype") for dtype in x.dtypes)
    if not nullable or any(getattr(kind, "kind", "O") not in "fiub" for kind in kinds):
        return np.asarray(x)
    single = all(kind.kind == "f" and kind.itemsize <= 4 for kind in kinds)
    return x.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan)


def kind_of_ids(ids: np.ndarray) -> str | None:
    """What ids are: numbers, text, bytes or dates; None if they are something else."""
    if ids.dtype.kind != "O":
        return KINDS_OF_IDS.get(ids.dtype.kind)
    # text and bytes of Parquet are of type object
    return next(
        (word for kind, word in ((str, "text"), (bytes, "bytes")) if all(isinstance(i, kind) for i in ids.flat)), None
    )


def check_ids(ids: np.ndarray, n: int, name: str) -> np.ndarray:
    """Return ids after checking that they are one a row, all there and each once.

    Parameters
    ----------
    ids : (n,) numbers, text, bytes or dates.
    n : rows.
    name : what holds them, in messages.

    Raises
    ------
    ValueError : another shape or type, missing ones (null, NaN), or some that stand twice.
    """
    import pandas as pd  # a third of a second, which arrays without ids do not need

    missing = int(np.sum(pd.isna(ids)))
    if ids.shape != (n,) or missing or kind_of_ids(ids) is None:
        raise ValueError(
            f"{name} needs one stimulus_id a row, a number or text; it has {n} rows and ids of shape "
            f"{ids.shape} and type {ids.dtype}, {missing} of them missing. Give each row its id."
        )
    if len(np.unique(ids)) < n:
        raise ValueError(
            f"{name} needs one stimulus_id a row, each once; {n} rows hold {len(np.unique(ids))}. Repair it."
        )
    return ids
