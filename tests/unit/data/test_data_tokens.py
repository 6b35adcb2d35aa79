"""Prepared data sets of text: streamed tokens come back, rows are stretches, each modality says what it is not."""

import json

import numpy as np
import pandas as pd
import pytest

from whyalike.data.array_file import ARRAY
from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.files import made_by

MADE_BY = {"source": "toy"}


def stretches(**changes):
    """Rows of a stream of 10 tokens: two chunks, the validation text, two windows that overlap."""
    rows = {
        "part": ["train", "train", "validation", "test", "test"],
        "corpus": ["one"] * 5,
        "start": [0, 3, 5, 7, 8],
        "length": [3, 2, 2, 2, 2],
    }
    return pd.DataFrame({**rows, **changes})


@pytest.fixture
def folder(tmp_path):
    write_prepared(tmp_path / "text", np.arange(10, dtype=np.uint16), stretches(), ["corpus"], MADE_BY, "{}")
    return tmp_path / "text"


def test_tokens_and_stretches_come_back_as_written(folder):
    data = open_prepared(folder, verify=True)
    assert data.tokens.tolist() == list(range(10))
    assert data.tokens.dtype == np.uint16
    assert isinstance(data.tokens, np.memmap)
    assert list(data.labels.columns) == ["id", "part", "corpus", "start", "length"]
    assert data.labels["start"].dtype == data.labels["length"].dtype == np.int64
    assert data.labels["start"].tolist() == [0, 3, 5, 7, 8]
    assert [data.rows(part).tolist() for part in ("train", "validation", "test")] == [[0, 1], [2], [3, 4]]


def test_checksums_say_type_and_shape_and_the_labels_hold_the_tokenizer(folder):
    said = json.loads((folder / "checksums.json").read_text())
    assert (said["dtype"], said["shape"], said["rows"]) == ("uint16", [10], 5)
    assert said["made_by"] == MADE_BY
    assert made_by(folder / "labels.parquet") == {**MADE_BY, "tokenizer": "{}"}


def test_another_tokenizer_is_another_content(folder, tmp_path):
    write_prepared(tmp_path / "b", np.arange(10, dtype=np.uint16), stretches(), ["corpus"], MADE_BY, "{ }")
    assert open_prepared(tmp_path / "b").content_sha256 != open_prepared(folder).content_sha256


def test_each_modality_refuses_the_other(folder, tmp_path):
    with pytest.raises(ValueError, match=r"images are needed, the data set holds text: 10 tokens\. Name"):
        _ = open_prepared(folder).images
    labels = pd.DataFrame({"part": ["test"], "class": ["a"]})
    write_prepared(tmp_path / "images", np.zeros((1, 2, 3, 1), np.uint8), labels, ["class"], MADE_BY)
    data = open_prepared(tmp_path / "images")
    assert data.images.shape == (1, 2, 3, 1)
    with pytest.raises(ValueError, match=r"text is needed, the data set holds images \(1, 2, 3, 1\)\. Name"):
        _ = data.tokens


def test_whole_numbers_beside_the_attributes_stay_whole_numbers(tmp_path):
    labels = pd.DataFrame({"part": ["test"] * 3, "class": [10, 9, 9], "row": np.array([5, -1, 2**40])})
    write_prepared(tmp_path, np.zeros((3, 1, 1, 1), np.uint8), labels, ["class"], MADE_BY)
    read = open_prepared(tmp_path).labels
    assert read["row"].tolist() == [5, -1, 2**40]
    assert read["row"].dtype == np.int64
    assert read["class"].tolist() == ["10", "9", "9"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": [-1, 3, 5, 7, 8]}, "stream of 10 tokens, 1 rows do not; the first starts at -1 and has 3"),
        ({"length": [3, 0, 2, 2, 2]}, "the first starts at 3 and has 0"),
        ({"length": [3, 2, 2, 4, 3]}, "2 rows do not; the first starts at 7 and has 4"),
        ({"start": ["0", "3", "5", "7", "8"]}, "int64 columns start, length; not so: start"),
        ({"part": ["train", "train", "val", "test", "test"]}, r"train, validation, test, got \['val'\]"),
    ],
)
def test_rows_that_are_no_stretches_are_refused(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        write_prepared(tmp_path, np.arange(10, dtype=np.uint16), stretches(**changes), ["corpus"], MADE_BY)


def test_rows_without_a_place_are_refused(tmp_path):
    rows = stretches().drop(columns=["start", "length"])
    with pytest.raises(ValueError, match="not so: start, length"):
        write_prepared(tmp_path, np.arange(10, dtype=np.uint16), rows, ["corpus"], MADE_BY)


def test_an_array_of_another_type_than_said_is_named(folder):
    np.save(folder / ARRAY, np.arange(10, dtype=np.int16))
    with pytest.raises(ValueError, match=r"holds int16 \[10\], checksums\.json says uint16 \[10\]"):
        open_prepared(folder)
