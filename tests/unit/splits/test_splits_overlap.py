"""The splits: exact sizes, exact overlap, A free of the overlap, B nested in it, all keyed by the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyalike.splits.overlap import dataset_overlap, task_overlap

LEVELS = [f"{i / 20:g}" for i in range(21)]
SEEDS = st.integers(0, 1000)
OVERLAPS = st.lists(st.sampled_from(LEVELS), min_size=1, max_size=4, unique=True)


@st.composite
def labels(draw):
    """Class codes of 2 to 25 images in each of 1 to 4 classes, shuffled; codes need not be consecutive."""
    codes = draw(st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True))
    sizes = draw(st.lists(st.integers(2, 25), min_size=len(codes), max_size=len(codes)))
    return np.array(draw(st.permutations(np.repeat(codes, sizes).tolist())))


@given(labels(), SEEDS, OVERLAPS)
def test_every_class_has_exact_sizes_and_exact_overlap(codes, seed, overlaps):
    parts = dataset_overlap(codes, seed, overlaps)
    assert list(parts) == ["A", *(f"B@{overlap}" for overlap in overlaps)]
    for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
        n = count // 2
        a = parts["A"][codes[parts["A"]] == code]
        assert len(a) == n
        for overlap in overlaps:
            b = parts[f"B@{overlap}"][codes[parts[f"B@{overlap}"]] == code]
            assert len(b) == n
            assert len(np.intersect1d(a, b)) == round(float(overlap) * n)


@given(labels(), SEEDS, OVERLAPS)
def test_positions_are_sorted_distinct_and_inside(codes, seed, overlaps):
    for positions in dataset_overlap(codes, seed, overlaps).values():
        assert (np.diff(positions) > 0).all()
        assert positions[0] >= 0
        assert positions[-1] < len(codes)


@given(labels(), SEEDS, OVERLAPS)
def test_a_and_each_b_do_not_depend_on_the_other_levels(codes, seed, overlaps):
    together = dataset_overlap(codes, seed, overlaps)
    for overlap in overlaps:
        alone = dataset_overlap(codes, seed, [overlap])
        np.testing.assert_array_equal(alone["A"], together["A"])
        np.testing.assert_array_equal(alone[f"B@{overlap}"], together[f"B@{overlap}"])


@given(labels(), SEEDS, st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_shared_images_are_nested_as_the_overlap_grows(codes, seed, one, two):
    low, high = sorted((one, two), key=float)
    parts = dataset_overlap(codes, seed, [low, high])
    shared = [set(parts["A"]) & set(parts[f"B@{overlap}"]) for overlap in (low, high)]
    own = [set(parts[f"B@{overlap}"]) - set(parts["A"]) for overlap in (low, high)]
    assert shared[0] <= shared[1]
    assert own[1] <= own[0]


@given(labels(), SEEDS)
def test_the_ends_are_disjoint_halves_and_the_same_images(codes, seed):
    parts = dataset_overlap(codes, seed, ["0", "1"])
    assert not set(parts["A"]) & set(parts["B@0"])
    np.testing.assert_array_equal(parts["A"], parts["B@1"])
    left = len(codes) - len(parts["A"]) - len(parts["B@0"])
    assert left == sum(np.unique(codes, return_counts=True)[1] % 2)  # the odd image of a class is in neither


@given(labels(), SEEDS)
def test_a_split_is_keyed_by_its_seed_and_its_class(codes, seed):
    first, again = dataset_overlap(codes, seed, ["0.5"]), dataset_overlap(codes, seed, ["0.5"])
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    # a class is split alike whatever other classes there are
    code = codes[0]
    alone = dataset_overlap(codes[codes == code], seed, ["0.5"])
    np.testing.assert_array_equal(np.flatnonzero(codes == code)[alone["A"]], first["A"][codes[first["A"]] == code])


def test_another_seed_gives_another_split():
    codes = np.repeat([0, 1], 50)
    assert len({tuple(dataset_overlap(codes, seed, [])["A"]) for seed in range(20)}) == 20
    assert len({tuple(task_overlap(40, seed, [])["A"]) for seed in range(20)}) == 20


def test_classes_of_one_size_are_not_split_at_the_same_places():
    a = dataset_overlap(np.repeat([0, 1], 50), 0, [])["A"]
    assert set(a[a < 50]) != set(a[a >= 50] - 50)


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(ValueError, match=r"at least 2 images of each class: class 7 has 1"):
        dataset_overlap(np.array([3, 3, 7]), 0, ["0"])


@given(st.integers(2, 60), SEEDS, OVERLAPS)
def test_classes_have_exact_sizes_and_overlap_and_k_are_in_neither(classes, seed, overlaps):
    parts = task_overlap(classes, seed, overlaps)
    n = classes // 2
    a = parts["A"]
    assert len(set(a)) == n
    for overlap in overlaps:
        b, k = parts[f"B@{overlap}"], round(float(overlap) * n)
        assert len(set(b)) == n
        assert len(set(a) & set(b)) == k
        assert len(set(range(classes)) - set(a) - set(b)) == k + classes % 2
        assert set(a) | set(b) <= set(range(classes))


@given(st.integers(2, 60), SEEDS, st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_shared_classes_are_nested_and_keep_the_labels_of_a(classes, seed, one, two):
    low, high = sorted((one, two), key=float)
    parts = task_overlap(classes, seed, [low, high])
    for overlap in (low, high):
        k = round(float(overlap) * (classes // 2))
        np.testing.assert_array_equal(parts[f"B@{overlap}"][:k], parts["A"][:k])
    assert set(parts["A"]) & set(parts[f"B@{low}"]) <= set(parts["A"]) & set(parts[f"B@{high}"])


@given(st.integers(2, 60), SEEDS, st.sampled_from(LEVELS))
def test_b_has_the_first_classes_of_a_and_then_the_next_ones_of_the_list(classes, seed, overlap):
    parts = task_overlap(classes, seed, ["0", overlap])
    n = classes // 2
    k = round(float(overlap) * n)
    np.testing.assert_array_equal(parts[f"B@{overlap}"], [*parts["A"][:k], *parts["B@0"][: n - k]])


@given(st.integers(2, 60), SEEDS, OVERLAPS)
def test_the_labels_of_a_do_not_change_with_the_overlap(classes, seed, overlaps):
    np.testing.assert_array_equal(task_overlap(classes, seed, overlaps)["A"], task_overlap(classes, seed, [])["A"])


def test_the_order_of_the_classes_is_shuffled_not_sorted():
    lists = [task_overlap(20, seed, [])["A"] for seed in range(5)]
    assert any((np.diff(classes) < 0).any() for classes in lists)


def test_one_class_cannot_be_split():
    with pytest.raises(ValueError, match=r"at least 2 classes, got 1"):
        task_overlap(1, 0, ["0"])
