"""The digits as vectors: every image in one part, in [0, 1], keyed."""

import numpy as np
import pytest

from whyalike.studies.closeness.flat_digits import flat_digits


def test_parts_hold_every_image_once():
    (x, y), (x2, y2) = (flat_digits(part, 1200, 0) for part in ("train", "test"))
    assert (x.shape, x2.shape) == ((1200, 64), (597, 64))
    assert (x.min(), x.max()) == (0, 1)
    assert len(np.unique(np.concatenate([x, x2]), axis=0)) == 1797
    assert set(y) == set(y2) == set(range(10))


def test_the_split_is_keyed():
    assert (flat_digits("test", 1200, 0)[1] == flat_digits("test", 1200, 0)[1]).all()
    assert (flat_digits("test", 1200, 0)[0] != flat_digits("test", 1200, 1)[0]).any()


def test_a_split_without_test_images_is_refused():
    with pytest.raises(ValueError, match="from 1 to 1796 training images, some are left to test; got 1797"):
        flat_digits("train", 1797, 0)
