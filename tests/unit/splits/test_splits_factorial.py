"""The factorial's images: overlap, balance, disjoint sources, aligned places, independence of the labels."""

import numpy as np
import pandas as pd
import pytest
from job_parameters import split_parameters

from whyalike.data.prepared import write_prepared
from whyalike.designs import factorial
from whyalike.splits.factorial import factorial_split
from whyalike.splits.stage import make_splits, read_split

CELLS, GROUPS, EACH = 64, 8, 3
OVERLAPS = {"0": 0.0, "0.5": 0.5, "1": 1.0}


@pytest.fixture
def images():
    """Cell and group of each image, in mixed order."""
    order = np.random.default_rng(0).permutation(CELLS * GROUPS * EACH)
    cells, groups = np.divmod(np.arange(CELLS * GROUPS * EACH) // EACH, GROUPS)
    return cells[order], groups[order].astype(str)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_b_shares_the_asked_part_of_the_images_and_no_source_of_the_others(images, seed):
    cells, groups = images
    parts = factorial_split(cells, groups, seed)
    for level, share in OVERLAPS.items():
        common = np.intersect1d(parts["A"], parts[level])
        assert len(common) == share * len(parts["A"])
        others_a, others_b = (np.setdiff1d(parts[name], common) for name in ("A", level))
        assert not set(groups[others_a]) & set(groups[others_b])
        assert not set(groups[common]) & set(groups[others_b])


def test_every_run_has_half_of_the_images_equally_many_of_each_cell_and_of_4_groups(images):
    cells, groups = images
    for rows in factorial_split(cells, groups, 5).values():
        assert len(rows) == len(np.unique(rows)) == len(cells) // 2
        assert np.bincount(cells[rows]).tolist() == [GROUPS * EACH // 2] * CELLS
        assert len(np.unique(groups[rows])) == 4


def test_a_place_is_of_one_cell_at_all_levels_and_shared_images_keep_theirs(images):
    cells, groups = images
    parts = factorial_split(cells, groups, 1)
    for level in OVERLAPS:
        np.testing.assert_array_equal(cells[parts[level]], cells[parts["A"]])
    np.testing.assert_array_equal(parts["1"], parts["A"])
    # half of B's images stay in place from one level to the next: the same steps see them
    assert np.mean(parts["0.5"] == parts["1"]) == 0.5
    assert np.mean(parts["0.5"] == parts["0"]) == 0.5


def test_seeds_deal_the_groups_anew(images):
    cells, groups = images
    dealt = {frozenset(groups[factorial_split(cells, groups, seed)["A"]]) for seed in range(10)}
    assert len(dealt) > 5


def test_groups_that_cannot_be_dealt_out_evenly_are_refused(images):
    cells, groups = images
    few = np.isin(groups, ["0", "1", "2"])
    with pytest.raises(ValueError, match="4 equal pools of the groups of sources, the data set has 3"):
        factorial_split(cells[few], groups[few], 0)
    with pytest.raises(ValueError, match="equally many images of each cell in each group; there are 2 to 3"):
        factorial_split(cells[1:], groups[1:], 0)


def made(folder, seed=0, grouped=True):
    """The split file of all 13 runs of a seed, on a data set of 4 x 4 x 4 cells."""
    names = ["a", "b", "c", "d"]
    cells = pd.MultiIndex.from_product([names, names, names], names=factorial.ATTRIBUTES).to_frame(index=False)
    rows = [cells.assign(part="train", group=str(group)) for group in range(GROUPS)]
    labels = pd.concat([*rows, cells.assign(part="test", group="test")], ignore_index=True)
    labels = labels[["part", *factorial.ATTRIBUTES, *(["group"] if grouped else [])]]
    write_prepared(folder / "data", np.zeros((len(labels), 2, 2, 3), np.uint8), labels, factorial.ATTRIBUTES, {})
    runs = [{"name": "A", "labelling": factorial.labelling(seed), "level": None}]
    runs += [
        {"name": f"B@{level}", "labelling": factorial.labelling(seed, level), "level": level}
        for level in factorial.CONDITIONS
    ]
    runs += [{"name": f"A/{labels}", "labelling": labels, "level": None} for labels in factorial.PAPER_LABELS]
    runs += [
        {"name": f"B@{level}:digit", "labelling": "digit", "level": f"{level}:digit"}
        for level in factorial.DATA_OVERLAPS
    ]
    make_splits(split_parameters("factorial", runs, seed), folder / "data", folder / "splits.parquet")
    return folder / "splits.parquet"


def test_images_depend_on_the_data_overlap_alone_and_labels_have_8_classes(tmp_path):
    path = made(tmp_path)
    read = {level: read_split(path, f"B@{level}") for level in factorial.CONDITIONS}
    for level, (index, label, classes) in read.items():
        assert len(classes) == 8
        assert len(set(np.bincount(label))) == 1
        same = read[f"{factorial.data_overlap(level)}:1"]
        np.testing.assert_array_equal(index, same[0])
    a = read_split(path, "A")
    np.testing.assert_array_equal(a[1], read["1:1"][1])
    assert a[2] == read["0:1"][2]


def test_models_of_the_paper_s_labels_see_the_images_of_their_data_overlap(tmp_path):
    path = made(tmp_path)
    for name, same in (("A/shape", "A"), ("A/digit", "A"), *((f"B@{p}:digit", f"B@{p}:1/3") for p in OVERLAPS)):
        index, label, classes = read_split(path, name)
        np.testing.assert_array_equal(index, read_split(path, same)[0])
        assert len(classes) == 4  # the values of an attribute
        assert len(set(np.bincount(label))) == 1


def test_label_overlap_is_the_shared_information(tmp_path):
    path = made(tmp_path, seed=4)
    index, label_a, _ = read_split(path, "A")
    for level in ("1:0", "1:1/3", "1:2/3", "1:1"):
        again, label_b, _ = read_split(path, f"B@{level}")
        np.testing.assert_array_equal(again, index)
        joint = np.zeros((8, 8))
        for a, b in zip(label_a, label_b, strict=True):
            joint[a, b] += 1 / len(index)
        found = sum(p * np.log2(p * 64) for p in joint.ravel() if p)  # marginals are 1/8 each
        assert found / 3 == pytest.approx(factorial.overlaps(level)[1], abs=1e-12)  # of 3 bits; rounding


def test_a_data_set_without_groups_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs a data set with a column 'group': prepare colorshapedigit_groups"):
        made(tmp_path, grouped=False)
