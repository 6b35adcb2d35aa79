"""Vectors in the user's files: n x d numbers, and the ids of the stimuli if the file holds any.

A .npy; a .npz or .safetensors with `vectors` and, if you like, `stimulus_id`; or a .parquet with a list column `vector`
and, if you like, `stimulus_id`. A file of the workflow (`whyalike.activations.table`) holds many runs: it is not one.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.data.numpy_files import read_npy, read_npz
from whyalike.data.user_files import UnreadableFile, readable, shown
from whyalike.job import note

SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet")
IDS = "stimulus_id"


def read_file(path: Path, report: Callable[[str], None] = note) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors of a file, and stimulus ids if it holds any; `whyalike.activations.vector_checks` checks them.

    ``report`` gets a line if the file holds more than that.

    Raises
    ------
    UnreadableFile : another kind of file, or one that lacks what it must hold.
    """
    what = f"a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} of vectors"
    with readable(path, what, "Save it again; names and shapes are in docs/your-own.md."):
        vectors, ids, others = _READERS.get(path.suffix.lower(), _unknown)(path)
    if others:
        report(f"{path} holds {shown(others)}, which is not read; ids of the rows are called {IDS}")
    return np.atleast_1d(vectors), ids


_Found = tuple[np.ndarray, np.ndarray | None, Collection[str]]  # vectors, ids, names of what is not read


def _npy(path: Path) -> _Found:
    return read_npy(path), None, ()


def _npz(path: Path) -> _Found:
    arrays, others = read_npz(path, ("vectors",), (IDS,))
    return arrays["vectors"], arrays.get(IDS), others


def _parquet(path: Path) -> _Found:
    columns = read_columns(path, "vector")
    others = [name for name in columns if name not in ("vector", IDS)]
    return np.stack(columns["vector"]()), columns[IDS]() if IDS in columns else None, others


def read_columns(path: Path, needed: str) -> dict[str, Callable[[], np.ndarray]]:
    """The columns of a .parquet by name, each a function that gives its values.

    Raises
    ------
    ValueError : the one that is needed is missing.
    """
    table = pq.read_table(path.absolute(), partitioning=None)  # a relative name with a colon would be a URI
    if needed not in table.column_names:
        raise ValueError(f"it needs a column '{needed}'; it has {', '.join(table.column_names)}. Rename it.")
    return {name: partial(_values, table[name]) for name in table.column_names}


def _values(column: pa.ChunkedArray) -> np.ndarray:
    # to_numpy makes the first category of what is missing in a column of categories
    return (column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column).to_numpy()


def _unknown(path: Path) -> _Found:
    raise UnreadableFile(f"{path} must be a file {', '.join(SUFFIXES)}. Rename or convert it.")


def _safetensors(path: Path) -> _Found:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            if "vectors" not in names:
                raise KeyError(f"it holds {', '.join(names) or 'nothing'}, not vectors")
            others = [name for name in names if name not in ("vectors", IDS)]
            ids = file.get_tensor(IDS) if IDS in names else None
            if file.get_slice("vectors").get_dtype() != "BF16":
                return file.get_tensor("vectors"), ids, others
        with safe_open(path, framework="pt") as file:  # numpy has no bfloat16
            return file.get_tensor("vectors").float().numpy(), ids, others
    except (AttributeError, TypeError) as error:
        raise ValueError(f"a type that numpy lacks: {error}; write float32, and ids as integers") from error


_READERS: dict[str, Callable[[Path], _Found]] = {
    ".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".parquet": _parquet,
}  # fmt: skip
