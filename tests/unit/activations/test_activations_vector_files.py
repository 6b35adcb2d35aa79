"""The kinds of files that the user's vectors may come in."""

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from whyalike.activations.vector_files import read_file

VECTORS = np.arange(8, dtype=np.float32).reshape(4, 2)
IDS = np.array([3, 1, 2, 0])


def test_every_kind_of_file_gives_its_vectors_and_ids(tmp_path):
    np.save(tmp_path / "x.npy", VECTORS)
    np.savez(tmp_path / "x.npz", vectors=VECTORS, stimulus_id=IDS)
    safetensors.numpy.save_file({"vectors": VECTORS, "stimulus_id": IDS}, tmp_path / "x.safetensors")
    pd.DataFrame({"stimulus_id": IDS, "vector": list(VECTORS)}).to_parquet(tmp_path / "x.parquet")
    for suffix in ("npy", "npz", "safetensors", "parquet"):
        vectors, ids = read_file(tmp_path / f"x.{suffix}")
        assert np.array_equal(vectors, VECTORS), suffix
        assert ids is None if suffix == "npy" else np.array_equal(ids, IDS), suffix


def test_half_precision_of_tensors_is_read(tmp_path):
    for dtype in (torch.bfloat16, torch.float16):
        safetensors.torch.save_file({"vectors": torch.tensor(VECTORS).to(dtype)}, tmp_path / "x.safetensors")
        vectors, ids = read_file(tmp_path / "x.safetensors")
        assert np.array_equal(vectors.astype(float), VECTORS)
        assert ids is None


def test_files_that_lack_vectors_are_named(tmp_path):
    safetensors.numpy.save_file({"weight": VECTORS}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"x\.safetensors must be a \.npy.*it holds weight, not vectors"):
        read_file(tmp_path / "x.safetensors")
    (tmp_path / "y.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"y\.safetensors must be a .*it cannot be read"):
        read_file(tmp_path / "y.safetensors")
    pd.DataFrame({"value": [1.0]}).to_parquet(tmp_path / "z.parquet")
    with pytest.raises(ValueError, match=r"z\.parquet must be a .*it cannot be read"):
        read_file(tmp_path / "z.parquet")
