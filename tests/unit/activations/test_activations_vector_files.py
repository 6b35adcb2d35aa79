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


def test_damaged_and_misnamed_files_are_named(tmp_path):
    np.save(tmp_path / "x.npy", VECTORS)
    np.savez_compressed(tmp_path / "x.npz", vectors=np.random.default_rng(0).normal(size=(50, 9)))
    npy, npz = (tmp_path / "x.npy").read_bytes(), (tmp_path / "x.npz").read_bytes()
    damaged = {
        **{"cut.npz": npz[:200], "zeroed.npz": npz[:100] + bytes(200) + npz[300:], "array.npz": npy, "text.npz": b"a"},
        **{"cut.npy": npy[:130], "zip.npy": npz, "shape.npy": npy.replace(b"(4, 2)", b"(4, 2."), "empty.npy": b""},
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} must be a \.npy.* of vectors, it cannot be read"):
            read_file(tmp_path / name)


@pytest.mark.parametrize(
    "tensors",
    [
        {"vectors": torch.ones(4, 2).to(torch.float8_e4m3fn)},
        {"vectors": torch.ones(4, 2), "stimulus_id": torch.arange(4).to(torch.bfloat16)},
    ],
)
def test_tensors_of_types_that_numpy_lacks_are_named(tmp_path, tensors):
    safetensors.torch.save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(
        ValueError, match=r"x\.safetensors must be a .*cannot be read \(a type that numpy lacks: .*float32"
    ):
        read_file(tmp_path / "x.safetensors")
