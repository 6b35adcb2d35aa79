"""Activation files: what is written comes back, a row group a run, and one run is read without the others."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from whyalike.activations.table import read_activations, read_ids, runs_of, write_activations
from whyalike.files import DamagedFile, check_table, made_by

IDS = np.array([2, 3, 5, 7, 11, 13], dtype=np.int64)
D = 4


def representations(*runs):
    """A (6, 4) float32 array for each run, all values different."""
    generator = np.random.default_rng(0)
    return [(run, generator.standard_normal((len(IDS), D)).astype(np.float32)) for run in runs]


@pytest.fixture
def written(tmp_path):
    arrays = representations("aa", "bb", "cc")
    path = tmp_path / "folder" / "stimuli.avgpool.parquet"
    write_activations(path, IDS, iter(arrays), D, {"seed": 3})
    return path, dict(arrays)


def test_every_run_comes_back_bit_for_bit(written):
    path, arrays = written
    assert runs_of(path) == ["aa", "bb", "cc"]
    np.testing.assert_array_equal(read_ids(path), IDS)
    for run, expected in arrays.items():
        vectors = read_activations(path, run)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("width", [D, None])
def test_float16_comes_back_as_float32_rounded_to_eleven_bits_from_half_the_bytes(written, tmp_path, width):
    whole, arrays = written
    half = tmp_path / "half.parquet"
    write_activations(half, IDS, iter(arrays.items()), width, {"seed": 3}, "float16")
    for run, expected in arrays.items():
        vectors = read_activations(half, run)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, expected.astype(np.float16).astype(np.float32))
        # half a unit in the last of 11 bits; these numbers are no smaller than float16's normal ones
        np.testing.assert_allclose(vectors, expected, rtol=2.0**-11)
    bytes_of = [pq.ParquetFile(path).metadata.row_group(0).column(2).total_compressed_size for path in (whole, half)]
    assert bytes_of[0] - bytes_of[1] >= len(IDS) * D * 2  # and statistics of numbers half as long


def test_what_float16_cannot_hold_is_refused_with_the_run_and_its_value(tmp_path):
    path, (run, vectors) = tmp_path / "half.parquet", *representations("aa")
    vectors[2, 1] = -70_000
    with pytest.raises(ValueError, match=r"float16 holds values up to 65504, run aa gave 70000. Set `activations` to"):
        write_activations(path, IDS, [(run, vectors)], D, {}, "float16")
    assert not path.exists()


def test_the_file_has_one_row_group_a_run_and_says_what_made_it(written):
    path, _ = written
    file = pq.ParquetFile(path)
    assert file.metadata.num_row_groups == 3
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [6, 6, 6]
    assert [set(file.read_row_group(i)["run"].to_pylist()) for i in range(3)] == [{"aa"}, {"bb"}, {"cc"}]
    assert made_by(path)["work"] == {"seed": 3}


def test_pandas_reads_the_columns_run_stimulus_id_and_vector(written):
    path, arrays = written
    frame = pd.read_parquet(path)
    assert list(frame.columns) == ["run", "stimulus_id", "vector"]
    own = frame[frame["run"] == "bb"]
    assert own["stimulus_id"].tolist() == IDS.tolist()
    np.testing.assert_array_equal(np.stack(own["vector"]), arrays["bb"])


def test_a_run_is_read_without_the_other_runs(written, tmp_path):
    path, arrays = written
    metadata = pq.ParquetFile(path).metadata
    damaged = bytearray(path.read_bytes())
    for group in (0, 2):
        for index in range(metadata.row_group(group).num_columns):
            column = metadata.row_group(group).column(index)
            start = column.dictionary_page_offset or column.data_page_offset
            damaged[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    copy = tmp_path / "damaged.parquet"
    copy.write_bytes(damaged)
    np.testing.assert_array_equal(read_activations(copy, "bb"), arrays["bb"])
    with pytest.raises(DamagedFile, match=r"damaged\.parquet is not the table that was written"):
        read_activations(copy, "aa")


def test_flipped_bits_in_activations_are_told_and_never_other_numbers(written):
    path, arrays = written
    raw, told = path.read_bytes(), 0
    for place in range(0, len(raw), 3):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert runs_of(path) == list(arrays)
            np.testing.assert_array_equal(read_ids(path), IDS)
            for run, expected in arrays.items():
                np.testing.assert_array_equal(read_activations(path, run), expected)
        except DamagedFile as error:
            told += 1
            assert f"{path} is not the table that was written" in str(error)  # noqa: PT017 some bits mean nothing
    assert told > 0.5 * len(raw) / 3


@pytest.mark.parametrize("count", [1, 2, 5, 14, 15, 16, 767, 2047])  # the length of the sums is text, or grows a byte
def test_files_of_any_number_of_runs_can_be_verified(tmp_path, count):
    path = tmp_path / "many.parquet"
    write_activations(path, IDS[:1], ((str(i), np.full((1, 1), i, np.float32)) for i in range(count)), 1, {})
    assert check_table(path)
    assert len(runs_of(path)) == count
    assert read_activations(path, str(count - 1)).item() == count - 1


def test_activations_from_before_there_were_checksums_are_read(written, tmp_path):
    path, arrays = written
    old, group = tmp_path / "old.parquet", pq.ParquetFile(path)
    with pq.ParquetWriter(old, group.schema_arrow, compression="none", use_dictionary=["run"]) as writer:
        for i in range(len(arrays)):
            writer.write_table(group.read_row_group(i))
        writer.add_key_value_metadata({"whyalike": '{"runs":["aa","bb","cc"],"work":{}}'})
    assert not check_table(old)
    assert check_table(path)
    for run, expected in arrays.items():
        np.testing.assert_array_equal(read_activations(old, run), expected)


def test_equal_work_gives_equal_bytes(written, tmp_path):
    path, arrays = written
    write_activations(tmp_path / "again.parquet", IDS, arrays.items(), D, {"seed": 3})
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_and_the_old_file_stays(written, value):
    path, arrays = written
    before = path.read_bytes()
    broken = {run: vectors.copy() for run, vectors in arrays.items()}
    broken["bb"][1, 2] = value
    with pytest.raises(ValueError, match=r"run bb gave activations that are not finite: did its training diverge\?"):
        write_activations(path, IDS, broken.items(), D, {})
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_another_shape_is_refused(tmp_path):
    wrong = [("aa", np.zeros((5, D), np.float32))]
    with pytest.raises(ValueError, match=r"run aa gave activations of shape \(5, 4\), expected \(6, 4\)"):
        write_activations(tmp_path / "x.parquet", IDS, wrong, D, {})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_named_with_the_known_ones_and_the_remedy(written):
    path, _ = written
    with pytest.raises(LookupError, match=r"has no run zz\. It holds: aa, bb, cc\. Extract the activations again"):
        read_activations(path, "zz")


def test_rows_of_a_layer_that_is_not_contiguous_keep_their_order(tmp_path):
    turned = np.arange(D * len(IDS), dtype=np.float32).reshape(D, len(IDS)).T
    write_activations(tmp_path / "x.parquet", IDS, [("aa", turned)], D, {})
    np.testing.assert_array_equal(read_activations(tmp_path / "x.parquet", "aa"), turned)
