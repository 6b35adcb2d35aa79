"""Second-order cosine similarity on a case made by hand, and what has no value."""

import numpy as np
import pytest

from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore


def test_a_union_of_two_neighbours_by_hand():
    """On the circle at 0, 10, 80 and 90 degrees the nearest are 1, 0, 3, 2; at 0, 80, 10, 90 they are 2, 3, 0, 1."""
    x, y = (
        np.column_stack([np.cos(angles), np.sin(angles)]) for angles in np.radians([[0, 10, 80, 90], [0, 80, 10, 90]])
    )
    near, far = np.cos(np.radians([10, 80]))
    # every stimulus has one neighbour in each, near in one and far in the other
    expected = 2 * near * far / (near**2 + far**2)
    assert score("second_order_cosine", x, y, k=1) == pytest.approx(expected, abs=1e-12)


def test_blocks_of_neighbours_are_all_of_them(xy, monkeypatch):
    whole = score("second_order_cosine", *xy, k=4)
    monkeypatch.setattr("whyalike.similarity.metrics.nearest.GATHERED", 100)
    assert score("second_order_cosine", *xy, k=4) == whole


def test_rows_of_one_direction_are_undefined_and_not_alike():
    g = np.random.default_rng(0)
    x, y = (g.uniform(1, 2, (200, 1)) * g.normal(size=(1, d)) for d in (64, 32))
    with pytest.raises(UndefinedScore, match="all 200 rows are multiples of one"):
        score("second_order_cosine", x, y)


def test_a_stimulus_like_no_other_is_named(xy):
    x = np.pad(xy[0].astype(float), ((0, 0), (0, 1)))
    x[7] = [0] * 7 + [1]
    with pytest.raises(UndefinedScore, match=r"1 of 30 have cosine 0 with all their neighbours, the first is row 7\."):
        score("second_order_cosine", x, xy[1])
    x[7] = 0
    with pytest.raises(UndefinedScore, match=r"the first is row 7\."):
        score("second_order_cosine", xy[1], x)
