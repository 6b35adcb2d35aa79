"""Stimuli: all of one part, or a keyed, sorted draw from it."""

import numpy as np
import pandas as pd
import pytest

from whyalike.data.prepared import open_prepared, write_prepared
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
