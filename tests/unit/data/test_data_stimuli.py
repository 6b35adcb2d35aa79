"""Stimuli: all of one part, or a keyed, sorted draw from it."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from picture_sets import webdataset

from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.data.registry import SOURCES
from whyalike.data.stimuli import stimulus_rows


@pytest.fixture
def data(tmp_path):
    """100 images, every second one for training."""
    labels = pd.DataFrame({"part": ["train", "test"] * 50, "kind": ["a"] * 100})
    write_prepared(tmp_path / "toy", np.zeros((100, 2, 2, 1), np.uint8), labels, ["kind"], {"source": "toy"})
    return open_prepared(tmp_path / "toy")


def test_without_n_the_whole_part_is_taken(data):
    np.testing.assert_array_equal(stimulus_rows(data, {"part": "test", "n": None, "seed": 0}), np.arange(1, 100, 2))
    np.testing.assert_array_equal(stimulus_rows(data, {"part": "train", "n": None, "seed": 0}), np.arange(0, 100, 2))


def test_a_draw_is_sorted_distinct_and_from_its_part(data):
    rows = stimulus_rows(data, {"part": "test", "n": 20, "seed": 0})
    assert len(rows) == 20
    assert rows.dtype == np.int64
    assert (np.diff(rows) > 0).all()
    assert set(rows % 2) == {1}


def test_a_draw_is_keyed_by_its_seed(data):
    draws = [tuple(stimulus_rows(data, {"part": "test", "n": 20, "seed": seed})) for seed in (0, 0, 1, 2)]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3


def test_a_draw_of_all_is_the_whole_part(data):
    all_rows = stimulus_rows(data, {"part": "test", "n": 50, "seed": 5})
    np.testing.assert_array_equal(all_rows, stimulus_rows(data, {"part": "test", "n": None, "seed": 5}))


def test_more_images_than_the_part_holds_are_refused(data):
    with pytest.raises(ValueError, match=r"n = 51 images, the part 'test' holds 50: lower n"):
        stimulus_rows(data, {"part": "test", "n": 51, "seed": 0})


SIZES = {"rare": 3, "some": 20, "common": 77}


def folder_of(path, title="pets 1", **extra):
    """Images in rows that mix the classes; half of them again as test."""
    classes = [name for name, count in {**SIZES, **extra}.items() for _ in range(count)]
    order = np.random.default_rng(len(classes)).permutation(len(classes))
    kinds = [classes[i] for i in order] + classes[::2]
    labels = pd.DataFrame({"part": ["train"] * len(classes) + ["test"] * len(classes[::2]), "kind": kinds})
    made_by = {"source": "toy", "parameters": {"title": title}}
    write_prepared(path, np.zeros((len(labels), 2, 2, 1), np.uint8), labels, ["kind"], made_by)
    return open_prepared(path)


def drawn(data, balanced, seed=0, part="train"):
    return stimulus_rows(data, {"part": part, "n": None, "balanced": balanced, "seed": seed})


def counts(data, rows):
    return data.labels["kind"].astype(str).iloc[rows].value_counts().to_dict()


def test_a_balanced_draw_has_as_many_of_each_class_or_all_of_a_smaller_one(tmp_path):
    data = folder_of(tmp_path / "a")
    rows = drawn(data, 31)  # 11 of each of 3 classes
    assert counts(data, rows) == {"rare": 3, "some": 11, "common": 11}
    assert rows.dtype == np.int64
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(drawn(data, 100), data.rows("train"))
    np.testing.assert_array_equal(drawn(data, 10**6, part="test"), data.rows("test"))
    assert set(drawn(data, 30, part="test")) < set(data.rows("test"))


def test_a_larger_balanced_draw_holds_a_smaller_one(tmp_path):
    data = folder_of(tmp_path / "a")
    draws = [set(drawn(data, n)) for n in (3, 15, 31, 60, 100)]
    assert all(small < large for small, large in pairwise(draws))


def test_a_balanced_draw_is_keyed_by_seed_title_part_and_class(tmp_path):
    data, other = folder_of(tmp_path / "a"), folder_of(tmp_path / "b", "pets 2")
    assert data.title == "pets 1"
    draws = [tuple(drawn(data, 30, seed)) for seed in (0, 0, 1)] + [tuple(drawn(other, 30))]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3
    many = folder_of(tmp_path / "c", birds=50)  # another class: the order of rows is another too
    for name, size in SIZES.items():
        places = [_places(one, name, drawn(one, 20 * classes)) for one, classes in ((data, 3), (many, 4))]
        assert places[0] == places[1]
        assert len(places[0]) == min(20, size)


def _places(data, name, rows):
    """Which images of a class are drawn, counted within the class."""
    return np.flatnonzero(np.isin(_members(data, name), rows)).tolist()


def _members(data, name):
    return np.flatnonzero((data.labels["part"] == "train") & (data.labels["kind"] == name))


def test_what_a_source_draws_is_what_stimuli_draw_of_the_whole(tmp_path):
    root = webdataset(tmp_path / "in", train=[0] * 40 + [1] * 20 + [2] * 3)
    both = []
    for name, chosen in (("whole", {}), ("drawn", {"balanced": 24})):
        values = {"folder": str(root), "title": "pets 1", "size": 4, "parts": ["train"], **chosen}
        SOURCES["webdataset"].load()(values, tmp_path / name, 1, lambda line: None)
        data = open_prepared(tmp_path / name)
        both.append(data.labels["file"].astype(str).iloc[drawn(data, 24)].tolist())
    assert both[0] == both[1]
    assert len(both[0]) == 8 + 8 + 3
