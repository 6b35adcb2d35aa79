"""Vectors of the user are refused in the same words whether they are scored or imported into the workflow."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whyalike.activations.imported import read_vectors
from whyalike.similarity.read_files import read_pairs

X = np.random.default_rng(0).normal(size=(4, 3))
IDS = np.array([2, 3, 5, 8])


def score(path):
    read_pairs(path, path)


def import_(path):
    read_vectors(path, IDS)


def with_one(value, dtype=float):
    changed = X.astype(dtype)
    changed[2, 1] = value
    return changed


FAULTS = {
    "complex": ({"vectors": X * 1j}, "must be a matrix of real numbers.*type complex128"),
    "objects": ({"vectors": X.astype(object)}, "array vectors: Object arrays"),
    "text": ({"vectors": X.astype(str)}, "must be a matrix of real numbers.*type <U"),
    "dates": ({"vectors": X.astype("M8[s]")}, "must be a matrix of real numbers"),
    "NaN": ({"vectors": with_one(np.nan)}, "must be finite; 1 of 4 rows hold NaN or infinity, the first is row 2"),
    "infinity": ({"vectors": with_one(-np.inf)}, "must be finite; 1 of 4 rows"),
    "half precision that overflowed": ({"vectors": with_one(np.inf, np.float16)}, "must be finite; 1 of 4 rows"),
    "a vector": ({"vectors": X[:, 0]}, r"must be a matrix of real numbers.*shape \(4,\)"),
    "maps": ({"vectors": X[:, :, None, None]}, "must be a matrix of real numbers.*Flatten each stimulus"),
    "a number": ({"vectors": np.float64(3), "stimulus_id": IDS[:1]}, "vectors have the shape|not enough values"),
    "no rows": ({"vectors": X[:0], "stimulus_id": IDS[:0]}, "must not be empty|lacks 4 of 4 stimuli"),
    "no columns": ({"vectors": X[:, :0]}, r"must not be empty; it has shape \(4, 0\)"),
    "too large": ({"vectors": X * 1e70}, "must have a largest entry between"),
    "too small": ({"vectors": X * 1e-70}, "must have a largest entry between"),
    "ids twice": ({"vectors": X, "stimulus_id": np.array([2, 3, 3, 8])}, "each once; 4 rows hold 3"),
    "ids twice in text": ({"vectors": X, "stimulus_id": np.array(["a", "b", "b", "c"])}, "each once; 4 rows hold 3"),
    "missing ids": ({"vectors": X, "stimulus_id": np.array([2, np.nan, 5, 8])}, "1 of them missing. Give each row"),
    "missing dates": ({"vectors": X, "stimulus_id": np.array([2, "NaT", 5, 8], "M8[s]")}, "1 of them missing"),
    "too few ids": ({"vectors": X, "stimulus_id": IDS[:3]}, r"it has 4 rows and ids of shape \(3,\)"),
    "ids in two columns": ({"vectors": X, "stimulus_id": np.c_[IDS, IDS]}, r"ids of shape \(4, 2\)"),
    "complex ids": ({"vectors": X, "stimulus_id": IDS * 1j}, "a number or text.*type complex128"),
    "ids of fields": ({"vectors": X, "stimulus_id": np.zeros(4, [("a", int), ("b", int)])}, "a number or text"),
}
COLUMNS = {
    "text ids with nulls": ({"vector": X.tolist(), "stimulus_id": ["a", None, "b", "c"]}, "1 of them missing"),
    "number ids with nulls": ({"vector": X.tolist(), "stimulus_id": [2, None, 5, 8]}, "1 of them missing"),
    "categories with nulls": (
        {"vector": X.tolist(), "stimulus_id": pa.array(["a", None, "b", "c"]).dictionary_encode()},
        "1 of them missing",
    ),
    "lists as ids": ({"vector": X.tolist(), "stimulus_id": [[2], [3], [5], [8]]}, "stimulus_id"),
    "a row without a vector": ({"vector": [*X[:3].tolist(), None]}, "cannot be read|must be"),
    "a number that is null": ({"vector": [*X[:3].tolist(), [1.0, None, 2.0]]}, "a number or a vector is missing"),
    "rows that differ in length": ({"vector": [*X[:3].tolist(), [1.0]]}, "cannot be read"),
}


@pytest.mark.parametrize("door", [score, import_])
@pytest.mark.parametrize(("arrays", "words"), FAULTS.values(), ids=FAULTS)
def test_arrays_that_are_no_vectors_of_stimuli_are_refused_with_their_file(tmp_path, door, arrays, words):
    path = tmp_path / "x.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"(?s)x\.npz.*({words})"):
        door(path)


@pytest.mark.parametrize("door", [score, import_])
@pytest.mark.parametrize(("columns", "words"), COLUMNS.values(), ids=COLUMNS)
def test_columns_that_are_no_vectors_of_stimuli_are_refused_with_their_file(tmp_path, door, columns, words):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(ValueError, match=rf"(?s)x\.parquet.*({words})"):
        door(path)
