"""The published draws, beside a transcription that goes step by step as the study's notebook and script do."""

import json
import random

import numpy as np
import pandas as pd
import pytest
from picture_sets import pixels, webdataset

from whyalike.data import pictures
from whyalike.data.picture_parameters import WebDatasetParameters
from whyalike.data.prepared import open_prepared
from whyalike.data.published_draw import published_rows, published_rows_of_imagenet, write_rows
from whyalike.data.registry import SOURCES


def classes_of(n, classes, seed):
    return np.random.default_rng(seed).integers(0, classes, n)


@pytest.fixture
def sets():
    """Two sets of one size, one below and one at the limit, a rare class, numbers that are not in a row."""
    rare = np.concatenate([classes_of(12_000, 5, 3), np.full(7, 99)])
    return {
        "large": classes_of(30_000, 2, 0),
        "one": classes_of(15_000, 100, 1),
        "small": classes_of(900, 10, 2),
        "rare": rare,
        "other": classes_of(15_000, 10, 4),
        "limit": classes_of(10_000, 10, 5),
        **{f"more {i}": classes_of(10_500 + 37 * (i % 9), 7, 10 + i) for i in range(18)},  # as many sets as theirs
    }


def by_the_notebook(sets):
    """Statistics of each set in a frame, ordered by size; then one pass that draws from numpy's global generator."""
    np.random.seed(42)  # noqa: NPY002
    found = {
        name: {
            "n": len(own),
            "classes": pd.Series(own).nunique(),
            "members": {number: np.where(own == number)[0] for number in sorted(pd.Series(own).unique())},
        }
        for name, own in sets.items()
    }
    frame = pd.DataFrame(found).T.sort_values("n")
    rows = {}
    for name, line in frame.iterrows():
        if line["n"] > 10_000:
            each = int(np.ceil(10_000 / line["classes"]))
            drawn = [np.random.choice(own, min(len(own), each), replace=False)  # noqa: NPY002
                     for own in line["members"].values()]  # fmt: skip
            rows[name] = sorted(np.hstack(drawn).tolist())
    return rows


def test_rows_are_those_of_one_generator_over_sets_in_order_of_size(sets):
    found, expected = published_rows(sets), by_the_notebook(sets)
    assert list(found) == list(sets)
    for name, own in sets.items():
        assert found[name].tolist() == expected.get(name, list(range(len(own)))), name
    assert len(expected) == 22
    assert (sets["rare"][found["rare"]] == 99).sum() == 7
    named = published_rows({name: np.array([f"{one:03d} name" for one in own]) for name, own in sets.items()})
    assert all(np.array_equal(named[name], found[name]) for name in sets)


def test_another_set_moves_those_that_are_larger_and_no_smaller_one(sets):
    some = {name: sets[name] for name in ("large", "one", "small", "rare", "limit")}
    before = published_rows(some)
    after = published_rows({**some, "new": classes_of(14_000, 3, 9)})
    assert {name for name in some if not np.array_equal(before[name], after[name])} == {"one", "large"}


def test_a_set_is_prepared_of_published_rows(tmp_path):
    """From the labels of the whole set to its drawn pictures; names of classes stand for their numbers."""
    root = webdataset(tmp_path / "in", train=[0, 1] * 6)
    rows = np.array([10, 3, 4])
    write_rows(tmp_path / "subsets", {"pets": rows})
    (tmp_path / "by_class.json").write_text(json.dumps({"0": [10, 4], "1": [3]}))
    for name in ("subsets/pets/subset_indices_train.json", "by_class.json"):
        chosen = {"folder": str(root), "title": "pets 1", "size": 8, "parts": ["train"], "rows": str(tmp_path / name)}
        SOURCES["webdataset"].load()(chosen, tmp_path / "out", 1, lambda line: None)
        data = open_prepared(tmp_path / "out", verify=True)
        assert [file[-12:-5] for file in data.labels["file"]] == [f"{row:07d}" for row in sorted(rows)]
        for image, row in zip(data.images, sorted(rows), strict=True):
            np.testing.assert_array_equal(image, pixels(row))


def test_a_killed_preparation_does_not_go_on_with_other_rows(tmp_path, monkeypatch):
    root, own, read = webdataset(tmp_path / "in"), pictures._read, []
    chosen = {"folder": str(root), "title": "pets 1", "size": 8, "parts": ["train"], "rows": str(tmp_path / "rows")}

    def killed(root, one, size):
        read.append(one)
        if len(read) > 1:
            raise KeyboardInterrupt
        return own(root, one, size)

    def prepare(rows):
        (tmp_path / "rows").write_text(rows)
        SOURCES["webdataset"].load()(chosen, tmp_path / "out", 1, lambda line: None)

    monkeypatch.setattr(pictures, "blocks_of", lambda n: [slice(i, i + 1) for i in range(n)])
    monkeypatch.setattr(pictures, "_read", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare("[0, 1, 2]")
    monkeypatch.setattr(pictures, "_read", own)
    prepare("[1, 2, 3]")
    for image, row in zip(open_prepared(tmp_path / "out").images, (1, 2, 3), strict=True):
        np.testing.assert_array_equal(image, pixels(row))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 1]", r"rows\.json must be JSON: a list of rows.*each once"),
        ("[0.5]", r"rows\.json must be JSON: a list of rows.*whole numbers"),
        ("{", r"rows\.json must be JSON"),
        ("[0, 6]", r"rows\.json must name rows from 0 to 5"),
        ("[-1]", r"rows\.json must name rows from 0 to 5"),
        ("[]", r"rows\.json must name rows from 0 to 5"),
    ],
)
def test_rows_that_are_none_are_refused(tmp_path, text, message):
    root, path = webdataset(tmp_path / "in"), tmp_path / "rows.json"
    path.write_text(text)
    chosen = {"folder": str(root), "title": "pets 1", "size": 8, "parts": ["train"], "rows": str(path)}
    with pytest.raises(ValueError, match=message):
        SOURCES["webdataset"].load()(chosen, tmp_path / "out", 1, lambda line: None)
    path.unlink()
    assert WebDatasetParameters(**chosen).missing() == f"there is no file of rows {path}. Correct `rows`."


def test_imagenet_has_as_many_of_each_class():
    classes = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 20))
    random.seed(42)
    expected = [row for number in np.unique(classes)
                for row in random.sample(np.argwhere(number == classes).flatten().tolist(), 10)]  # fmt: skip
    assert published_rows_of_imagenet(classes).tolist() == expected
    assert len(published_rows_of_imagenet(classes, each=1)) == 50
    with pytest.raises(ValueError, match=r"21 images of each class are asked for, the smallest has 20"):
        published_rows_of_imagenet(classes, each=21)
