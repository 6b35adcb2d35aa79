"""Split files: a run's images and labels come back, labels are positions in the model's list of classes."""

import numpy as np
import pandas as pd
import pytest
from job_parameters import split_parameters

from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.files import made_by
from whyalike.splits.stage import make_splits, read_split

SHAPES, DIGITS = ("circle", "square", "star"), ("0", "1", "2", "3")
EACH = 8  # training images of each of the 12 cells


@pytest.fixture
def folder(tmp_path):
    """12 cells with 8 training images each in mixed order, and 2 test images of each."""
    rows = [(part, shape, digit) for part, n in (("train", EACH), ("test", 2)) for shape in SHAPES for digit in DIGITS
            for _ in range(n)]  # fmt: skip
    labels = pd.DataFrame(rows, columns=["part", "shape", "digit"])
    labels = labels.iloc[np.random.default_rng(0).permutation(len(labels))].reset_index(drop=True)
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    write_prepared(tmp_path / "toy", images, labels, ["shape", "digit"], {"source": "toy"})
    return tmp_path / "toy"


def split(folder, factor, runs, seed=0):
    """Make the split file of runs given as (name, labelling, level)."""
    path = folder.parent / f"{factor}.seed{seed}.parquet"
    parts = [dict(zip(("name", "labelling", "level"), run, strict=True)) for run in runs]
    make_splits(split_parameters(factor, parts, seed), folder, path)
    return path


def overlap_runs(labelling, *levels):
    """Run A, and B at each level."""
    return [("A", labelling, None), *((f"B@{level}", labelling, level) for level in levels)]


def test_dataset_overlap_keeps_all_classes_and_shares_the_asked_images(folder):
    data = open_prepared(folder)
    path = split(folder, "dataset", overlap_runs("digit", "0", "0.5", "1"))
    per_class = EACH * len(SHAPES) // 2
    index_a, label_a, classes_a = read_split(path, "A")
    assert classes_a == list(DIGITS)
    for level, shared in (("0", 0), ("0.5", round(0.5 * per_class)), ("1", per_class)):
        index, label, classes = read_split(path, f"B@{level}")
        assert classes == classes_a
        assert np.bincount(label).tolist() == [per_class] * 4
        assert len(np.intersect1d(index, index_a)) == shared * 4
    assert set(data.labels["part"].iloc[index_a]) == {"train"}
    assert [DIGITS[code] for code in label_a] == data.labels["digit"].iloc[index_a].tolist()


def test_rows_are_sorted_and_int64(folder):
    path = split(folder, "dataset", overlap_runs("shape", "0.5"))
    index, label, _ = read_split(path, "B@0.5")
    assert (np.diff(index) > 0).all()
    assert index.dtype == label.dtype == np.int64


def test_task_overlap_labels_are_positions_in_the_models_own_list(folder):
    data = open_prepared(folder)
    path = split(folder, "task", overlap_runs("shape_digit", "0", "0.5"))
    lists = {}
    for run in ("A", "B@0", "B@0.5"):
        index, label, classes = read_split(path, run)
        rows = data.labels.iloc[index]
        assert [classes[code] for code in label] == (
            rows["shape"].astype(str) + "_" + rows["digit"].astype(str)
        ).tolist()
        assert np.bincount(label).tolist() == [EACH] * 6  # all training images of half of the 12 classes
        assert set(rows["part"]) == {"train"}
        lists[run] = classes
    assert not set(lists["A"]) & set(lists["B@0"])
    assert lists["B@0.5"][:3] == lists["A"][:3]
    assert not set(lists["B@0.5"][3:]) & set(lists["A"])


@pytest.mark.parametrize("factor", ["dataset", "task"])
def test_a_keeps_images_and_labels_when_a_level_is_added(folder, factor):
    few = split(folder, factor, overlap_runs("digit", "0"))
    before = [read_split(few, run) for run in ("A", "B@0")]
    more = split(folder, factor, overlap_runs("digit", "0", "0.5", "1"))
    for old, new in zip(before, [read_split(more, run) for run in ("A", "B@0")], strict=True):
        np.testing.assert_array_equal(old[0], new[0])
        np.testing.assert_array_equal(old[1], new[1])
        assert old[2] == new[2]


def test_an_own_a_for_each_level_sees_the_same_images(folder):
    path = split(folder, "dataset", [("A@0", "digit", None), ("B@0", "digit", "0"), ("A@1", "digit", None)])
    np.testing.assert_array_equal(read_split(path, "A@0")[0], read_split(path, "A@1")[0])


def test_label_overlap_uses_all_training_images_under_each_labelling(folder):
    data = open_prepared(folder)
    path = split(
        folder, "label", [("shape.0", "shape", None), ("digit.1", "digit", None), ("both.0", "shape_digit", None)]
    )
    for run, labelling in (("shape.0", "shape"), ("digit.1", "digit"), ("both.0", "shape_digit")):
        index, label, classes = read_split(path, run)
        np.testing.assert_array_equal(index, data.rows("train"))
        codes, names = data.labelling(labelling, index)
        np.testing.assert_array_equal(label, codes)
        assert classes == names


def test_another_seed_gives_another_split_and_equal_work_equal_bytes(folder):
    runs = overlap_runs("digit", "0.5")
    one = split(folder, "dataset", runs)
    bytes_one = one.read_bytes()
    assert split(folder, "dataset", runs).read_bytes() == bytes_one
    other = split(folder, "dataset", runs, seed=1)
    assert read_split(other, "A")[0].tolist() != read_split(one, "A")[0].tolist()


def test_the_file_says_what_made_it(folder):
    path = split(folder, "task", overlap_runs("digit", "1"), seed=4)
    work = made_by(path)["work"]
    assert work["seed"] == 4
    assert [run["name"] for run in work["runs"]] == ["A", "B@1"]
    assert list(pd.read_parquet(path).columns) == ["run", "index", "label"]


def test_an_unknown_run_is_named_with_the_known_ones_and_the_remedy(folder):
    path = split(folder, "dataset", overlap_runs("digit", "0"))
    with pytest.raises(LookupError, match=r"has no run 'B@0\.3': it holds A, B@0\. Make the file again"):
        read_split(path, "B@0.3")


@pytest.mark.parametrize(
    ("factor", "level", "words"),
    [
        ("task", "0.4", "at level 0.4 two models would share 0.333 of their 6 classes"),
        ("dataset", "0.45", "at level 0.45 two models would share 0.417 of their 48 images"),
    ],
)
def test_a_level_that_whole_items_do_not_come_near_to_is_refused(folder, factor, level, words):
    with pytest.raises(ValueError, match=words):
        split(folder, factor, overlap_runs("shape_digit" if factor == "task" else "digit", "0", level))


def test_a_third_is_a_level_of_six_classes(folder):
    path = split(folder, "task", overlap_runs("shape_digit", "0.333333", "0.666667"))
    assert len(set(read_split(path, "A")[2]) & set(read_split(path, "B@0.666667")[2])) == 4
