"""Vectors in HDF5, in tensors of PyTorch and in wide tables: read as a .npy is, or one message that says what to do."""

import sys

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from whyalike.activations import vectors_of_libraries
from whyalike.activations.vector_files import read_file

X = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
IDS = np.arange(50)[::-1]
NAMES = [f"image {i}" for i in range(50)]


def h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def pt(path, value):
    torch.save(value, path)


def wide(path, index=False, **more):
    pd.DataFrame({f"unit {i}": X[:, i] for i in range(6)} | more).to_parquet(path, index=index)


READ = {
    "data sets": ("x.h5", lambda path: h5(path, vectors=X, stimulus_id=IDS), IDS),
    "text ids": ("x.hdf5", lambda path: h5(path, vectors=X, stimulus_id=NAMES), NAMES),
    "one data set": ("x.h5", lambda path: h5(path, layer3=X), None),
    "a tensor": ("x.pt", lambda path: pt(path, torch.tensor(X)), None),
    "another layout": ("x.pth", lambda path: pt(path, torch.tensor(X.T.copy()).T.requires_grad_()), None),
    "a mapping": ("x.pt", lambda path: pt(path, {"vectors": torch.tensor(X), "stimulus_id": NAMES}), NAMES),
    "half": ("x.pt", lambda path: pt(path, torch.tensor(X).bfloat16()), None),
    "an old archive": (
        "x.pt", lambda path: torch.save(torch.tensor(X), path, _use_new_zipfile_serialization=False), None
    ),
    "a column a unit": ("x.parquet", wide, None),
    "columns and ids": ("x.parquet", lambda path: wide(path, stimulus_id=IDS), IDS),
}  # fmt: skip


@pytest.mark.parametrize("block", [1 << 22, 100], ids=["in one block", "in blocks"])
@pytest.mark.parametrize("kind", READ)
def test_vectors_and_ids_are_read(tmp_path, monkeypatch, kind, block):
    monkeypatch.setattr(vectors_of_libraries, "BLOCK", block)
    name, write, expected = READ[kind]
    write(tmp_path / name)
    vectors, ids = read_file(tmp_path / name)
    values = torch.tensor(X).bfloat16().float().numpy() if kind == "half" else X
    assert vectors.dtype == np.float32 and np.array_equal(vectors, values)
    assert (ids is None) == (expected is None)
    assert expected is None or list(ids) == list(expected)


class Code:
    """What would run if it were unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


FAULTS = {
    "several data sets": ("x.h5", lambda path: h5(path, a=X, b=X), "needs a data set 'vectors'; it has a, b\\. Save"),
    "several tensors": ("x.pt", lambda path: pt(path, {"a": torch.eye(3), "b": torch.eye(3)}), "a tensor 'vectors'"),
    "no tensor": ("x.pt", lambda path: pt(path, {"epoch": 3}), "needs a tensor 'vectors'; it has none"),
    "code": ("x.pt", lambda path: pt(path, Code()), "it holds more than tensors, or is damaged; no code"),
    "a label": ("x.parquet", lambda path: wide(path, label=IDS), r"fractions alone.*it has label\. Leave these out"),
    "an index": ("x.parquet", lambda path: wide(path, index=True, name=NAMES), "it has name"),
    "a missing number": (
        "x.parquet", lambda path: pq.write_table(pa.table({"a": [1.0, None], "b": [1.0, 2.0]}), path),
        "1 numbers are missing in the 2 rows from row 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_read_says_how_to_convert_it(tmp_path, fault):
    name, write, words = FAULTS[fault]
    write(tmp_path / name)
    with pytest.raises(ValueError, match=rf"(?s){name}.*{words}"):
        read_file(tmp_path / name)


@pytest.mark.parametrize(("name", "library"), [("x.h5", "h5py"), ("x.pt", "torch")])
def test_a_library_that_is_missing_is_told_with_what_installs_it(tmp_path, monkeypatch, name, library):
    READ["one data set" if library == "h5py" else "a tensor"][1](tmp_path / name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError, match=rf"{name} needs {library} to be read.*pip install {library}\), or convert"):
        read_file(tmp_path / name)
