"""The user's own activations in the workflow's format."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from whyalike.activations.imported import import_activations, read_vectors
from whyalike.activations.parameters import ImportedActivationsParameters
from whyalike.activations.table import read_activations, read_ids
from whyalike.data.numpy_files import BLOCK
from whyalike.data.prepared import write_prepared
from whyalike.files import file_sha256, write_table

IDS = np.array([2, 3, 5, 8])
VECTORS = np.arange(8, dtype=np.float32).reshape(4, 2)


def test_rows_without_ids_are_the_stimuli_in_their_order(tmp_path):
    np.save(tmp_path / "x.npy", VECTORS.astype(np.float64))
    found = read_vectors(tmp_path / "x.npy", IDS)
    assert found.dtype == np.float32
    assert np.array_equal(found, VECTORS)


def test_rows_with_ids_are_put_in_order_and_those_of_other_stimuli_left_out(tmp_path):
    order = np.array([4, 1, 0, 3, 2])  # the last row belongs to no stimulus
    ids, vectors = np.append(IDS, 99)[order], np.vstack([VECTORS, [[7, 7]]])[order]
    np.savez(tmp_path / "x.npz", vectors=vectors, stimulus_id=ids)
    pd.DataFrame({"stimulus_id": ids, "vector": list(vectors)}).to_parquet(tmp_path / "x.parquet")
    for name in ("x.npz", "x.parquet"):
        assert np.array_equal(read_vectors(tmp_path / name, IDS), VECTORS), name


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"vectors": VECTORS[:3]}, "has 3 rows, the stimuli are 4: give their ids"),
        ({"vectors": VECTORS, "stimulus_id": np.array([2, 3, 5, 9])}, "lacks 1 of 4 stimuli, the first with the ids 8"),
        ({"vectors": VECTORS, "stimulus_id": np.array([2, 2, 5, 8])}, "one stimulus_id a row, each once"),
        ({"vectors": VECTORS[:, 0]}, r"must be a matrix of real numbers.* shape \(4,\)"),
        ({"features": VECTORS}, "cannot be read"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=rf"x\.npz .*{words}"):
        read_vectors(tmp_path / "x.npz", IDS)


@pytest.fixture
def arguments(tmp_path):
    """The arguments of an import of two runs that differ in d."""
    labels = pd.DataFrame({"part": ["train", "test", "test"], "class": ["a", "b", "a"]})
    write_prepared(tmp_path / "data", np.zeros((3, 2, 2, 1), np.uint8), labels, ["class"], {})
    files = [tmp_path / "one.npy", tmp_path / "two.npy"]
    np.save(files[0], VECTORS[:2])
    np.save(files[1], np.ones((2, 5)))
    manifest = tmp_path / "manifest.parquet"
    hashes = {path.stem: [file_sha256(path)] for path in files}
    write_table(manifest, pa.table({"run": ["i1", "i2"]}), {"files": hashes})
    stimuli = {"part": "test", "n": None, "seed": 0}
    return {
        "parameters": ImportedActivationsParameters(runs={"one": "i1", "two": "i2"}, stimuli=stimuli, code="of a test"),
        "files": files,
        "manifest": manifest,
        "dataset": tmp_path / "data",
        "output": tmp_path / "out.parquet",
    }


def test_runs_of_different_width_share_a_file(arguments):
    import_activations(**arguments)
    assert read_ids(arguments["output"]).tolist() == [1, 2]
    assert np.array_equal(read_activations(arguments["output"], "i1"), VECTORS[:2])
    assert np.array_equal(read_activations(arguments["output"], "i2"), np.ones((2, 5), np.float32))


def test_a_file_that_the_manifest_does_not_tell_of_is_refused(arguments):
    np.save(arguments["files"][1], np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"two\.npy has changed since .*manifest\.parquet was written"):
        import_activations(**arguments)
    assert not arguments["output"].exists()


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_told_by_file_and_row(tmp_path, number):
    order = np.array([3, 0, 4, 1, 2])  # the third row belongs to no stimulus, and may be anything
    vectors = np.vstack([VECTORS.astype(np.float64), [[np.nan, 7]]])
    vectors[2, 1] = number
    np.savez(tmp_path / "x.npz", vectors=vectors[order], stimulus_id=np.append(IDS, 99)[order])
    with pytest.raises(ValueError, match=r"x\.npz must be finite; 1 of 5 rows .*, the first is row 4"):
        read_vectors(tmp_path / "x.npz", IDS)


@pytest.mark.parametrize("number", [1e39, 1e-50])
def test_numbers_that_float32_cannot_hold_are_refused(tmp_path, number):
    np.save(tmp_path / "x.npy", np.full((4, 2), number))
    with pytest.raises(ValueError, match=r"x\.npy must have a largest entry between .*, as float32 holds it"):
        read_vectors(tmp_path / "x.npy", IDS)


def test_ids_of_text_name_no_stimulus_of_a_data_set(tmp_path):
    np.savez(tmp_path / "x.npz", vectors=VECTORS, stimulus_id=IDS.astype(str))
    with pytest.raises(ValueError, match=r"x\.npz needs as stimulus_id the numbers in column id .* it has <U\d+"):
        read_vectors(tmp_path / "x.npz", IDS)


def test_rows_of_other_stimuli_are_counted(tmp_path, caplog):
    np.savez(tmp_path / "x.npz", vectors=np.vstack([VECTORS, VECTORS[:1]]), stimulus_id=np.append(IDS, 99))
    with caplog.at_level("INFO", logger="whyalike"):
        read_vectors(tmp_path / "x.npz", IDS)
    assert "x.npz: 1 of 5 rows are of other stimuli, and left out" in caplog.text


N, D = 4000, 8000  # 128 MB in float32
WEIGHED = r"""
import re, sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import safetensors
from whyalike.activations.imported import import_activations
from whyalike.activations.parameters import ImportedActivationsParameters
from whyalike.files import made_by

def brought(manifest):
    known = made_by(manifest)["files"]
    stimuli = {"part": "test", "n": None, "seed": 0}
    parameters = ImportedActivationsParameters(runs={name: name for name in known}, stimuli=stimuli, code="of a test")
    files = [folder / f"{name}.{sys.argv[2]}" for name in known]
    import_activations(parameters, files, manifest, folder / manifest.stem, folder / "out.parquet")
    # getrusage would give the peak of the process that started this one
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])

folder = Path(sys.argv[1])
small = brought(folder / "small.manifest")
print(brought(folder / "large.manifest") - small)
"""


def _saved(path, kind, vectors):
    ids = np.arange(1, len(vectors) + 1)[::-1].copy()
    if kind.startswith("npy"):
        np.save(path, vectors[::-1] if kind == "npy" else np.asfortranarray(vectors[::-1]))
    elif kind == "npz":
        np.savez(path, vectors=vectors, stimulus_id=ids)
    elif kind == "safetensors":
        safetensors.numpy.save_file({"vectors": vectors, "stimulus_id": ids}, path)
    else:
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        pq.write_table(pa.table({"vector": column, "stimulus_id": ids}), path)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [(kind, np.float32) for kind in ("npy", "npy in columns", "npz", "safetensors", "parquet")] + [("npy", np.float64)],
)
def test_an_import_holds_one_run_at_a_time_and_little_beside_it(tmp_path, kind, dtype):
    labels = {"part": ["train"] + ["test"] * N, "class": ["a"] * (N + 1)}
    suffix = kind.partition(" ")[0]
    for size, runs, n, d in (("small", 1, N // 4, D), ("large", 2, N, D)):
        own = pd.DataFrame(labels)[: n + 1]
        write_prepared(tmp_path / size, np.zeros((n + 1, 2, 2, 1), np.uint8), own, ["class"], {})
        names = [f"{size}{run}" for run in range(runs)]
        for seed, name in enumerate(names):
            vectors = np.random.default_rng(seed).random((n, d), np.float32).astype(dtype)
            _saved(tmp_path / f"{name}.{suffix}", kind, vectors)
        hashes = {name: [file_sha256(tmp_path / f"{name}.{suffix}")] for name in names}
        write_table(tmp_path / f"{size}.manifest", pa.table({"run": names}), {"files": hashes})
    command = [sys.executable, "-c", WEIGHED, tmp_path, suffix]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    more = 4 * (N - N // 4) * D  # bytes of a large run beyond a small one, in float32
    assert int(done.stdout) < 1.3 * more + 4 * BLOCK
    found = read_activations(tmp_path / "out.parquet", "large1")
    assert np.array_equal(found, vectors[::-1].astype(np.float32))
