"""Noise with the shape of a data set: a prepared data set that every factor's splits can be made of."""

import pytest
from job_parameters import split_parameters

from whyalike.data import synthetic
from whyalike.data.prepared import open_prepared
from whyalike.data.synthetic import Shape, write_synthetic
from whyalike.splits.stage import make_splits, read_split

IMAGES = Shape(("class",), train=64, test=20, size=9, channels=1)
THREE = Shape(("shape", "digit", "color"), train=128, test=5, size=6, channels=3)
TEXT = Shape(("corpus",), train=8, test=6, vocabulary=30, context=7)


def test_images_have_the_shape_asked_for(tmp_path):
    write_synthetic(tmp_path, IMAGES)
    data = open_prepared(tmp_path, verify=True)
    assert data.images.shape == (64 + 20, 9, 9, 1)
    assert (len(data.rows("train")), len(data.rows("test"))) == (64, 20)
    assert data.images.std() > 60  # uniform in 0 to 255 has 74


def test_every_class_of_several_attributes_is_trained_and_tested(tmp_path):
    write_synthetic(tmp_path, THREE)
    data = open_prepared(tmp_path)
    classes = [set(data.labelling("shape_digit_color", data.rows(part))[0]) for part in ("train", "test")]
    assert classes[0] == classes[1] == set(range(64))


def test_text_is_chunks_validation_and_windows_within_the_vocabulary(tmp_path):
    write_synthetic(tmp_path, TEXT)
    data = open_prepared(tmp_path, verify=True)
    assert data.tokens.max() == 29
    lengths = data.labels.groupby("part", observed=True)["length"].unique()
    assert {part: list(values) for part, values in lengths.items()} == {"train": [32], "validation": [32], "test": [7]}
    assert data.labels["length"].sum() == len(data.tokens)
    corpora = [set(data.labelling("corpus", data.rows(part))[0]) for part in ("train", "validation", "test")]
    assert corpora[0] == corpora[1] == corpora[2]


def test_test_images_are_fewer_where_they_would_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "LARGEST", 100 * 9 * 9)
    write_synthetic(tmp_path, Shape(("class",), train=64, test=10_000, size=9, channels=1))
    assert len(open_prepared(tmp_path).rows("test")) == 100 - 64


@pytest.mark.parametrize(("factor", "labelling"), [("dataset", "digit"), ("task", "digit"), ("label", "shape_color")])
def test_the_first_run_of_every_factor_has_a_split(tmp_path, factor, labelling):
    write_synthetic(tmp_path / "data", THREE)
    run = {"name": "A", "labelling": labelling, "level": None}
    make_splits(split_parameters(factor, [run]), tmp_path / "data", tmp_path / "split.parquet")
    index, labels, classes = read_split(tmp_path / "split.parquet", "A")
    assert len(index) == (128 if factor == "label" else 64)
    assert set(labels) == set(range(len(classes)))
