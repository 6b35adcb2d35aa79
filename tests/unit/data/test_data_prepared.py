"""The prepared format: what is written comes back, labellings are sorted views, damage is named."""

import errno
import json
import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from whyalike.data.array_file import new_images
from whyalike.data.prepared import DamagedData, open_prepared, write_prepared

MADE_BY = {"source": "toy", "version": 1, "parameters": {}}


def toy_labels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "part": ["train", "train", "train", "test", "test"],
            "shape": ["square", "circle", "square", "circle", "square"],
            "digit": ["1", "0", "0", "0", "1"],
            "drawing": ["s2", "c1", "s1", "c1", "s2"],
        }
    )


def toy_images() -> np.ndarray:
    return np.arange(5 * 2 * 3 * 1, dtype=np.uint8).reshape(5, 2, 3, 1)


@pytest.fixture
def folder(tmp_path):
    write_prepared(tmp_path / "toy", toy_images(), toy_labels(), ["shape", "digit"], MADE_BY)
    return tmp_path / "toy"


def test_images_and_labels_come_back_as_written(folder):
    prepared = open_prepared(folder, verify=True)
    np.testing.assert_array_equal(prepared.images, toy_images())
    assert isinstance(prepared.images, np.memmap)
    assert not prepared.images.flags.writeable
    assert prepared.attributes == ("shape", "digit")
    assert list(prepared.labels.columns) == ["id", "part", "shape", "digit", "drawing"]
    assert prepared.labels["id"].tolist() == [0, 1, 2, 3, 4]
    assert prepared.labels["id"].dtype == np.int64
    for column in ("part", "shape", "digit", "drawing"):
        assert prepared.labels[column].tolist() == toy_labels()[column].tolist()


def test_rows_of_a_part_are_its_indices(folder):
    prepared = open_prepared(folder)
    assert prepared.rows("train").tolist() == [0, 1, 2]
    assert prepared.rows("test").tolist() == [3, 4]
    assert prepared.rows("test").dtype == np.int64
    assert prepared.rows("validation").tolist() == []
    with pytest.raises(ValueError, match="one of train, validation, test, got 'val'"):
        prepared.rows("val")


def test_labelling_has_sorted_names_of_existing_classes_and_their_positions(folder):
    codes, names = open_prepared(folder).labelling("shape_digit")
    assert names == ["circle_0", "square_0", "square_1"]  # no circle_1 exists
    assert codes.tolist() == [2, 0, 1, 0, 2]
    assert codes.dtype == np.int64


def test_labelling_joins_attributes_in_the_order_of_its_name(folder):
    codes, names = open_prepared(folder).labelling("digit_shape")
    assert names == ["0_circle", "0_square", "1_square"]
    assert codes.tolist() == [2, 0, 1, 0, 2]


def test_labelling_of_some_rows_keeps_the_codes_of_the_whole_data_set(folder):
    codes, names = open_prepared(folder).labelling("shape", rows=np.array([4, 0]))
    assert codes.tolist() == [1, 1]
    assert names == ["circle", "square"]


def test_labelling_sorts_joined_names_not_columns(tmp_path):
    labels = pd.DataFrame({"part": "test", "a": ["x", "x!"], "b": ["1", "1"]})  # "!" sorts before "_"
    write_prepared(tmp_path, np.zeros((2, 1, 1, 1), np.uint8), labels, ["a", "b"], MADE_BY)
    codes, names = open_prepared(tmp_path).labelling("a_b")
    assert names == ["x!_1", "x_1"]
    assert codes.tolist() == [1, 0]


def test_labelling_holds_more_classes_than_a_small_integer(tmp_path):
    first, second = (axis.ravel() for axis in np.meshgrid(np.arange(30), np.arange(30), indexing="ij"))
    labels = pd.DataFrame({"part": "test", "a": [f"{v:02d}" for v in first], "b": [f"{v:02d}" for v in second]})
    write_prepared(tmp_path, np.zeros((900, 1, 1, 1), np.uint8), labels, ["a", "b"], MADE_BY)
    codes, names = open_prepared(tmp_path).labelling("a_b")
    assert len(names) == 900
    assert codes.tolist() == list(range(900))


@pytest.mark.parametrize("name", ["color", "shape_color", "shape_shape", "drawing", ""])
def test_labelling_rejects_what_is_no_join_of_attributes(folder, name):
    with pytest.raises(ValueError, match=f"got '{name}'. Attributes: shape, digit"):
        open_prepared(folder).labelling(name)


def test_images_filled_in_place_give_the_same_files_as_an_array(folder, tmp_path):
    with new_images(tmp_path / "filled", toy_images().shape) as images:
        images[:] = toy_images()
    write_prepared(tmp_path / "filled", None, toy_labels(), ["shape", "digit"], MADE_BY)
    for name in ("array.npy", "labels.parquet", "checksums.json"):
        assert (tmp_path / "filled" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("code", [None, errno.EOPNOTSUPP, errno.EINVAL], ids=["allocates", "cannot", "refuses"])
def test_a_disk_without_room_for_the_images_is_an_error_before_the_first(small_disk, monkeypatch, code):
    """Not a signal at a page of the memory map, be it that the file system allocates room or not."""

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    if code is not None:
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    with (
        pytest.raises(OSError, match=r"No space left on device .*Make room"),
        new_images(small_disk, (3, 1000, 1000, 1)),
    ):
        pytest.fail("the images were handed out")
    with new_images(small_disk, (1, 1000, 1000, 1)) as images:
        assert not images.any()
        images[:] = 1
    assert np.load(small_disk / "array.npy").all()


def test_content_hash_changes_with_a_pixel(folder, tmp_path):
    images = toy_images()
    images[0, 0, 0, 0] += 1
    write_prepared(tmp_path / "other", images, toy_labels(), ["shape", "digit"], MADE_BY)
    assert open_prepared(tmp_path / "other").content_sha256 != open_prepared(folder).content_sha256


def test_a_failed_rewrite_leaves_no_valid_data_set(folder):
    with pytest.raises(RuntimeError), new_images(folder, (1, 1, 1, 1)):
        raise RuntimeError
    with pytest.raises(FileNotFoundError, match=r"checksums\.json is missing"):
        open_prepared(folder)


@pytest.mark.parametrize("name", ["array.npy", "labels.parquet", "checksums.json"])
def test_a_missing_file_is_named_with_the_remedy(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{folder}/{name} is missing.*Delete the folder {folder} and give"):
        open_prepared(folder)


@pytest.mark.parametrize("name", ["array.npy", "labels.parquet", "checksums.json"])
@pytest.mark.parametrize("kept", [0, 20])
def test_a_truncated_file_is_named_with_the_remedy(folder, name, kept):
    (folder / name).write_bytes((folder / name).read_bytes()[:kept])
    with pytest.raises(ValueError, match=rf"{folder}/{name} .*Delete the folder {folder} and give the same"):
        open_prepared(folder)


def test_images_cut_in_the_pixels_are_found_without_verification(folder):
    (folder / "array.npy").write_bytes((folder / "array.npy").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"array\.npy is damaged"):
        open_prepared(folder)


def test_labels_of_one_changed_bit_are_refused(folder):
    raw, said = (folder / "labels.parquet").read_bytes(), 0
    for place in range(0, len(raw), 7):
        content = bytearray(raw)
        content[place] ^= 1 << place % 8
        (folder / "labels.parquet").write_bytes(content)
        with pytest.raises(DamagedData, match=rf"labels\.parquet is not the file .*Delete the folder {folder}"):
            open_prepared(folder)
        said += 1
    assert said > 100


def test_the_hash_of_a_data_set_does_not_depend_on_how_other_tables_are_written(folder, tmp_path):
    table = pq.read_table(folder / "labels.parquet")
    pq.write_table(table, tmp_path / "plain.parquet")
    assert (folder / "labels.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()


def test_verification_finds_a_changed_pixel(folder):
    content = bytearray((folder / "array.npy").read_bytes())
    content[-1] ^= 1
    (folder / "array.npy").write_bytes(content)
    open_prepared(folder)
    with pytest.raises(ValueError, match=r"array\.npy is not the file .*sha256 differs"):
        open_prepared(folder, verify=True)


def test_files_of_another_data_set_are_refused(folder, tmp_path):
    write_prepared(tmp_path / "short", toy_images()[:4], toy_labels()[:4], ["shape", "digit"], MADE_BY)
    for name, found in (("array.npy", r"holds .*\[4, 2, 3, 1\]"), ("labels.parquet", "sha256 differs")):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes((tmp_path / "short" / name).read_bytes())
        with pytest.raises(ValueError, match=rf"{name} .*{found}"):
            open_prepared(folder)
        (folder / name).write_bytes(whole)


def test_checksums_say_what_made_the_data_set_and_no_path(folder):
    text = (folder / "checksums.json").read_text()
    assert json.loads(text)["made_by"] == MADE_BY
    assert str(folder.parent) not in text


@pytest.mark.parametrize(
    ("images", "labels", "attributes", "message"),
    [
        (
            toy_images().astype(float),
            toy_labels(),
            ["shape", "digit"],
            "images, uint8 .* or tokens, uint16 .* got float64",
        ),
        (toy_images()[..., 0], toy_labels(), ["shape", "digit"], r"got uint8 \(5, 2, 3\)"),
        (toy_images(), toy_labels()[:4], ["shape", "digit"], "4 rows, 5 images"),
        (toy_images(), toy_labels(), ["digit", "shape"], "must start with part, digit, shape"),
        (toy_images(), toy_labels().rename(columns={"shape": "a_b"}), ["a_b", "digit"], "may not stand in one: a_b"),
        (toy_images(), toy_labels().replace("test", "val"), ["shape", "digit"], r"got \['val'\]"),
        (toy_images(), toy_labels().replace("test", "validation"), ["shape", "digit"], r"train, test, got \['valid"),
        (toy_images(), toy_labels().replace("c1", None), ["shape", "digit"], r"missing values in \['drawing'\]"),
    ],
)
def test_writing_rejects_what_the_format_cannot_hold(tmp_path, images, labels, attributes, message):
    with pytest.raises(ValueError, match=message):
        write_prepared(tmp_path, images, labels, attributes, MADE_BY)
    assert not (tmp_path / "checksums.json").exists()
