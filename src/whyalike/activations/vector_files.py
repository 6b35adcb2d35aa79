"""Vectors in the user's files: n x d numbers, and the ids of the stimuli if the file holds any.

A .npy; a .npz or .safetensors with `vectors` and, if you like, `stimulus_id`; or a .parquet with a list column `vector`
and, if you like, `stimulus_id`. A file of the workflow (`whyalike.activations.table`) holds many runs: it is not one.
"""

import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet")
# what readers raise of a damaged file, or of one that is of another kind than its name says
FAULTS = (
    *(ValueError, KeyError, EOFError, RuntimeError, pa.ArrowException),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def read_file(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors of a file as they are, and stimulus ids if the file holds any; neither is checked.

    Raises
    ------
    ValueError : another kind of file, or one that lacks what it must hold.
    """
    try:
        if path.suffix == ".npy":
            return read_npy(path), None
        if path.suffix == ".npz":
            with zipfile.ZipFile(path):  # np.load would take a .npy of this name
                arrays = np.load(path, allow_pickle=False)
            return arrays["vectors"], arrays.get("stimulus_id")
        if path.suffix == ".safetensors":
            return _safetensors(path)
        table = pq.read_table(path)
        vectors = np.stack(table["vector"].to_numpy())
        return vectors, table["stimulus_id"].to_numpy() if "stimulus_id" in table.column_names else None
    except FAULTS as error:
        raise ValueError(
            f"{path} must be a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} of vectors, it cannot be read ({error})"
        ) from error


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy; `FAULTS` where it is none, a .npz of this name included."""
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _safetensors(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            if "vectors" not in names:
                raise KeyError(f"it holds {', '.join(names) or 'nothing'}, not vectors")
            ids = file.get_tensor("stimulus_id") if "stimulus_id" in names else None
            if file.get_slice("vectors").get_dtype() != "BF16":
                return file.get_tensor("vectors"), ids
        with safe_open(path, framework="pt") as file:  # numpy has no bfloat16
            return file.get_tensor("vectors").float().numpy(), ids
    except SafetensorError as error:
        raise ValueError(error) from error
    except (AttributeError, TypeError) as error:
        raise ValueError(f"a type that numpy lacks: {error}; write float32, and ids as integers") from error
