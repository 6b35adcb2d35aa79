"""Vectors in files that need a library of their own (HDF5, tensors of PyTorch), and in tables with a column a unit.

The libraries are imported when such a file is read; one that is missing is told with what installs it.
"""

import pickle
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.data.numpy_files import BLOCK, Block
from whyalike.data.user_files import shown
from whyalike.file_faults import UnreadableFile
from whyalike.files import check_archive

IDS, VECTORS = "stimulus_id", "vectors"
# shape, type of number, ids, names of what is not read, and what gives the blocks
Found = tuple[tuple[int, ...], np.dtype, np.ndarray | None, Collection[str], Callable[[], Iterator[Block]]]


def hdf5(path: Path) -> Found:
    """The data set ``vectors``, or the only one; and ``stimulus_id``, if the file holds any."""
    library = _needed("h5py", path)
    with library.File(path, "r") as file:
        names = [name for name, held in file.items() if isinstance(held, library.Dataset)]
        name = _chosen(names, "data set")
        shape, dtype = file[name].shape, file[name].dtype
        ids = file[IDS] if IDS in names else None
        if ids is not None:
            ids = np.array(ids.asstr() if library.check_string_dtype(ids.dtype) else ids)
        others = [other for other in file if other not in (name, IDS)]
    return shape, dtype, ids, others, partial(_hdf5_blocks, path, name, _rows(shape, dtype.itemsize))


def _hdf5_blocks(path: Path, name: str, rows: int) -> Iterator[Block]:
    with import_module("h5py").File(path, "r") as file:
        vectors = file[name]
        for start in range(0, len(vectors), rows):
            yield slice(start, start + rows), vectors[start : start + rows]


def tensors(path: Path) -> Found:
    """A tensor that `torch.save` wrote, or ``vectors`` and, if you like, ``stimulus_id`` in a mapping.

    Read as tensors alone: no code in the file is run. The numbers are mapped.
    """
    torch = _needed("torch", path)
    archive = zipfile.is_zipfile(path)
    if archive:
        check_archive(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except pickle.UnpicklingError as error:  # whose words advise to run what is in the file
        raise ValueError("it holds more than tensors, or is damaged; no code in a file is run") from error
    held = found if isinstance(found, Mapping) else {VECTORS: found}
    names = [name for name, value in held.items() if isinstance(value, torch.Tensor)]
    name = _chosen(names, "tensor")
    vectors, ids = held[name].detach(), held.get(IDS)
    half = vectors.dtype == torch.bfloat16  # numpy has none
    kind = np.dtype(np.float32) if half else vectors[:0].numpy().dtype
    others = [str(other) for other in held if other not in (name, IDS)]
    given = None if ids is None else np.asarray(ids)
    blocks = partial(_tensor_blocks, vectors, half, _rows(tuple(vectors.shape), kind.itemsize))
    return tuple(vectors.shape), kind, given, others, blocks


def _tensor_blocks(vectors: Any, half: bool, rows: int) -> Iterator[Block]:
    for start in range(0, len(vectors), rows):
        block = vectors[start : start + rows]
        yield slice(start, start + len(block)), (block.float() if half else block).numpy()


def wide_table(path: Path) -> Found:
    """A Parquet table with a column a unit; and ``stimulus_id``, if it holds any.

    Raises
    ------
    ValueError : a column that holds no fractions, which may be an id, a label or a count.
    """
    with pq.ParquetFile(path.absolute()) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        units = [field for field in schema if field.name != IDS]
        others = [field.name for field in units if not pa.types.is_floating(field.type)]
        if others or len(units) < 2:
            raise ValueError(
                f"it needs a column 'vector' of lists, or columns of fractions alone, one a unit, beside {IDS}; it has "
                f"{shown(others or [field.name for field in units] or ['none'])}. Leave these out, name ids {IDS}, or "
                "write lists: table[['vector']] of df.assign(vector=df[units].values.tolist())"
            )
        dtype = np.result_type(*{np.dtype(field.type.to_pandas_dtype()) for field in units})
        ids = None
        if IDS in schema.names:
            ids = file.read([IDS])[IDS].to_numpy()
    names, shape = [field.name for field in units], (rows, len(units))
    return shape, dtype, ids, (), partial(_table_blocks, path, names, dtype, _rows(shape, dtype.itemsize))


def _table_blocks(path: Path, names: list[str], dtype: np.dtype, rows: int) -> Iterator[Block]:
    start = 0
    with pq.ParquetFile(path.absolute(), page_checksum_verification=True) as file:
        for batch in file.iter_batches(rows, columns=names, use_threads=False):
            columns = [batch.column(name) for name in names]
            if missing := sum(column.null_count for column in columns):
                raise ValueError(f"{missing} numbers are missing in the {len(batch)} rows from row {start}")
            yield slice(start, start + len(batch)), np.column_stack([one.to_numpy() for one in columns]).astype(dtype)
            start += len(batch)


def _needed(library: str, path: Path) -> Any:
    try:
        return import_module(library)
    except ModuleNotFoundError:
        raise UnreadableFile(
            f"{path} needs {library} to be read, which is not installed. Install it (pip install {library}), or "
            "convert the file: numpy.save('x.npy', vectors)."
        ) from None


def _chosen(names: list[str], what: str) -> str:
    """The one that holds the vectors."""
    candidates = [name for name in names if name != IDS]
    if VECTORS in names or len(candidates) == 1:
        return VECTORS if VECTORS in names else candidates[0]
    raise ValueError(
        f"it needs a {what} '{VECTORS}'; it has {shown(candidates) if candidates else 'none'}. Save that alone: "
        "numpy.save('x.npy', vectors)"
    )


def _rows(shape: tuple[int, ...], itemsize: int) -> int:
    """As many as make a block."""
    return max(1, BLOCK // max(1, itemsize * prod(shape[1:])))
