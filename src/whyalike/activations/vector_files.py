"""Vectors in the user's files: n x d numbers, and the ids of the stimuli if the file holds any.

A .npy; a .npz, .safetensors, .h5 or .pt with `vectors` and, if you like, `stimulus_id`; or a .parquet with a list
column `vector`, or with a column a unit, and, if you like, `stimulus_id`. A file of the workflow
(`whyalike.activations.table`) holds many runs: it is not one.
The numbers are read in blocks, so that nobody needs to hold a file beside what is made of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whyalike.activations import vectors_of_libraries as of_libraries
from whyalike.activations.vectors_of_libraries import IDS, Found
from whyalike.data.numpy_files import BLOCK, Block, npy_blocks, npy_file, npy_member, npy_shape, read_npy, read_npz
from whyalike.data.user_files import shown
from whyalike.file_faults import UnreadableFile, readable
from whyalike.job import note

SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet", ".h5", ".hdf5", ".pt", ".pth")


@dataclass(frozen=True)
class VectorFile:
    """The vectors of a file, before they are read.

    Attributes
    ----------
    path, shape, dtype : of the numbers, as they are.
    ids : stimulus ids, if the file holds any; not checked.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    ids: np.ndarray | None
    _blocks: Callable[[], Iterator[Block]]

    def blocks(self) -> Iterator[Block]:
        """The numbers in blocks of some megabytes, each behind the index of its place.

        Raises
        ------
        UnreadableFile : the file ends early, or is damaged.
        """
        with _readable(self.path):
            yield from self._blocks()


def open_vectors(path: Path, report: Callable[[str], None] = note) -> VectorFile:
    """What a file holds; ``report`` gets a line if that is more than vectors and ids.

    Raises
    ------
    UnreadableFile : another kind of file, or one that lacks what it must hold.
    """
    with _readable(path):
        shape, dtype, ids, others, blocks = _OPENERS.get(path.suffix.lower(), _unknown)(path)
        if not shape or min(shape) < 0:
            raise ValueError(f"its vectors have the shape {shape}")
    if others:
        report(f"{path} holds {shown(others)}, which is not read; ids of the rows are called {IDS}")
    return VectorFile(path, shape, dtype, ids, blocks)


def read_file(
    path: Path,
    report: Callable[[str], None] = note,
    empty: Callable[[tuple[int, ...], np.dtype], np.ndarray] = np.empty,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors of a file, and stimulus ids if it holds any; `whyalike.activations.vector_checks` checks them.

    Those of a .npy are mapped and read-only: of a file larger than memory the parts in use are read. ``empty`` makes
    the array that others are read into (`whyalike.activations.scratch`).

    Raises
    ------
    As `open_vectors`, and `VectorFile.blocks`.
    """
    source = open_vectors(path, report)
    with _readable(path):
        if path.suffix.lower() == ".npy":
            return read_npy(path, mapped=prod(source.shape) > 0), source.ids  # nothing cannot be mapped
        vectors = empty(source.shape, source.dtype)
    for place, block in source.blocks():
        vectors[place] = block
    return vectors, source.ids


def _readable(path: Path) -> Any:
    what = f"a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} of vectors"
    return readable(path, what, "Save it again; names and shapes are in docs/your-own.md.")


def _npy(path: Path) -> Found:
    with npy_file(path) as (file, size):
        return *npy_shape(file, size), None, (), partial(npy_blocks, partial(npy_file, path))


def _npz(path: Path) -> Found:
    arrays, others = read_npz(path, (), (IDS,))
    if "vectors" not in others:
        raise ValueError(f"vectors is missing, it holds {', '.join([*arrays, *others]) or 'nothing'}")
    member = partial(npy_member, path, "vectors")
    with member() as (file, size):
        shape, dtype = npy_shape(file, size)
    others.remove("vectors")
    return shape, dtype, arrays.get(IDS), others, partial(npy_blocks, member)


def _parquet(path: Path) -> Found:
    if "vector" not in pq.read_schema(path.absolute()).names:  # a relative name with a colon would be a URI
        return of_libraries.wide_table(path)
    columns = read_columns(path, "vector")
    others = [name for name in columns if name not in ("vector", IDS)]
    with pq.ParquetFile(path.absolute()) as file:
        kind, rows = file.schema_arrow.field("vector").type, file.metadata.num_rows
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise ValueError(f"column 'vector' must hold a list of numbers a row, it holds {kind}")
        dtype = np.dtype(kind.value_type.to_pandas_dtype())
    width = next((block.shape[1] for _, block in _parquet_blocks(path, None, 1)), 0)
    blocks = partial(_parquet_blocks, path, width, max(1, BLOCK // max(1, width * dtype.itemsize)))
    return (rows, width), dtype, columns[IDS]() if IDS in columns else None, others, blocks


def _parquet_blocks(path: Path, width: int | None, rows: int) -> Iterator[Block]:
    """So many rows at a time; all must have the width, if it is given."""
    start = 0
    # else all of a column of a row group is read at once
    with pq.ParquetFile(path.absolute(), buffer_size=BLOCK, pre_buffer=False, page_checksum_verification=True) as file:
        for batch in file.iter_batches(rows, columns=["vector"], use_threads=False):
            lists = batch.column(0)
            widths = set(pc.list_value_length(lists).to_pylist()) if len(lists) else set()
            numbers = lists.flatten()
            if None in widths or numbers.null_count:
                raise ValueError(f"a number or a vector is missing in the {len(lists)} rows from row {start}")
            if others := widths - {width} if width is not None else ():
                raise ValueError(f"the first vector has {width} numbers, and another {others.pop()}")
            yield slice(start, start + len(lists)), numbers.to_numpy(zero_copy_only=False).reshape(len(lists), -1)
            start += len(lists)


def read_columns(path: Path, needed: str) -> dict[str, Callable[[], np.ndarray]]:
    """The columns of a .parquet by name, each a function that reads its values.

    Raises
    ------
    ValueError : the one that is needed is missing.
    """
    path = path.absolute()  # a relative name with a colon would be a URI
    names = pq.read_schema(path).names
    if needed not in names:
        raise ValueError(f"it needs a column '{needed}'; it has {', '.join(names)}. Rename it.")
    return {name: partial(_values, path, name) for name in names}


def _values(path: Path, name: str) -> np.ndarray:
    column = pq.read_table(path, columns=[name], partitioning=None, page_checksum_verification=True)[name]
    # to_numpy makes the first category of what is missing in a column of categories
    return (column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column).to_numpy()


def _unknown(path: Path) -> Found:
    raise UnreadableFile(f"{path} must be a file {', '.join(SUFFIXES)}. Rename or convert it.")


def _safetensors(path: Path) -> Found:
    with _slices(path, "np") as file:
        names = list(file.keys())
        if "vectors" not in names:
            raise KeyError(f"it holds {', '.join(names) or 'nothing'}, not vectors")
        others = [name for name in names if name not in ("vectors", IDS)]
        vectors = file.get_slice("vectors")
        shape, library = tuple(vectors.get_shape()), "pt" if vectors.get_dtype() == "BF16" else "np"
        ids = _of_numpy(lambda: file.get_tensor(IDS)) if IDS in names else None
    # a file without rows has no block
    dtype = next((block.dtype for _, block in _tensor_blocks(path, library, shape, 1)), np.dtype(np.float32))
    each = dtype.itemsize * prod(shape[1:])
    return shape, dtype, ids, others, partial(_tensor_blocks, path, library, shape, max(1, BLOCK // max(1, each)))


def _tensor_blocks(path: Path, library: str, shape: tuple[int, ...], rows: int) -> Iterator[Block]:
    """So many rows at a time; numpy has no bfloat16: PyTorch makes float32 of it."""
    for start in range(0, shape[0], rows):
        place = slice(start, min(start + rows, shape[0]))
        with _slices(path, library) as file:  # opened anew: what an open file has read stays mapped
            block = _of_numpy(lambda file=file, place=place: file.get_slice("vectors")[place])
        yield place, block.float().numpy() if library == "pt" else block


def _slices(path: Path, library: str) -> Any:
    from safetensors import safe_open

    return safe_open(path, framework=library)


def _of_numpy(read: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return read()
    except (AttributeError, TypeError) as error:
        raise ValueError(f"a type that numpy lacks: {error}; write float32, and ids as integers") from error


_OPENERS: dict[str, Callable[[Path], Found]] = {
    ".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".parquet": _parquet, ".pt": of_libraries.tensors,
    ".pth": of_libraries.tensors, ".h5": of_libraries.hdf5, ".hdf5": of_libraries.hdf5,
}  # fmt: skip
