"""The activation file of one (stimuli, layer): a row group a run.

The columns are run, stimulus_id and vector (fixed-size list of float32; lists of any size where runs differ in d). The
vectors are uncompressed, so that a reader takes one run's n x d array without decoding or reading the others. They may
be stored as float16, rounded to 11 bits: half the size; the reader gives float32 of either.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import made_by, read_group, table_writer

CHUNK = 1 << 20  # numbers that are handed to the writer at a time


def write_activations(
    path: Path,
    ids: np.ndarray,
    representations: Iterable[tuple[str, np.ndarray]],
    width: int | None,
    work: Mapping[str, Any],
    stored: str = "float32",
) -> None:
    """Write an activation file, one run after another, so that only one lies in memory.

    Parameters
    ----------
    ids : (n,) stimulus ids, the same for every run.
    representations : (run, float32 (n, d)) in the order of the row groups.
    width : d, the number of units; None where it differs between runs: the vectors are then lists of any size.
    work : what made the file.
    stored : float32 or float16.

    Raises
    ------
    ValueError : an array of another shape, or values that are not finite or too large for float16.
    """
    number = np.dtype(stored)
    vector = pa.list_(pa.from_numpy_dtype(number), -1 if width is None else width)
    schema = pa.schema([("run", pa.string()), ("stimulus_id", pa.int64()), ("vector", vector)])
    runs: list[str] = []
    maker = {"runs": runs, "work": dict(work)}
    with table_writer(path, schema, maker, compression="none", use_dictionary=["run"]) as write:
        for run, vectors in representations:
            units = vectors.shape[1] if width is None else width
            _check(path, run, vectors, (len(ids), units), float(np.finfo(number).max))
            columns = [pa.array([run] * len(ids)), pa.array(ids), _lists(vectors.astype(number, copy=False), vector)]
            write(pa.table(columns, schema=schema))
            runs.append(run)
            del vectors, columns  # before the next is made


def _lists(vectors: np.ndarray, kind: pa.DataType) -> pa.ChunkedArray:
    """A list a row, in chunks: the writer keeps four bytes beside each number of a chunk."""
    rows = max(1, CHUNK // max(1, vectors.shape[1]))
    chunks = (np.ascontiguousarray(vectors[start : start + rows]) for start in range(0, len(vectors), rows))
    lists = (pa.FixedSizeListArray.from_arrays(pa.array(chunk.ravel()), chunk.shape[1]) for chunk in chunks)
    return pa.chunked_array([one.cast(kind) for one in lists], kind)


def _check(path: Path, run: str, vectors: np.ndarray, shape: tuple[int, int], largest: float) -> None:
    if vectors.shape != shape:
        raise ValueError(f"{path}: run {run} gave activations of shape {vectors.shape}, expected {shape}")
    ends = vectors.min(initial=0), vectors.max(initial=0)
    if not np.isfinite(ends).all():
        raise ValueError(f"{path}: run {run} gave activations that are not finite: did its training diverge?")
    if (size := float(max(-ends[0], ends[1]))) > largest:
        raise ValueError(
            f"{path}: float16 holds values up to {largest:g}, run {run} gave {size:g}. Set `activations` to keep."
        )


def runs_of(path: Path) -> list[str]:
    """The runs in an activation file, in the order of its row groups."""
    return made_by(path).get("runs", [])


def by_layer(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Layer -> activation files; of their names, {stimuli}.{layer}.parquet, the layer may have points."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.name.partition(".")[2].removesuffix(".parquet"), []).append(path)
    return found


def read_ids(path: Path) -> np.ndarray:
    """Stimulus ids of an activation file, int64 (n,); the same for every run."""
    return read_group(path, 0, ["stimulus_id"])["stimulus_id"].to_numpy()


def read_activations(path: Path, run: str) -> np.ndarray:
    """The representation of one run, float32 (n, d), read without the other runs.

    Raises
    ------
    LookupError : the file has no such run.
    """
    runs = runs_of(path)
    if run not in runs:
        raise LookupError(
            f"{path} has no run {run}. It holds: {', '.join(runs) or 'none'}. Extract the activations again."
        )
    vectors = read_group(path, runs.index(run), ["vector"])["vector"].combine_chunks()
    flat = vectors.flatten().to_numpy(zero_copy_only=False)
    return flat.astype(np.float32, copy=False).reshape(len(vectors), -1)  # (n, d)
