"""Random numbers depend on their purpose alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyalike.randomness import key, keyed

PURPOSES = st.lists(st.integers(-(2**40), 2**40) | st.text(max_size=5), max_size=4)


@given(PURPOSES)
def test_equal_purposes_give_equal_numbers(purpose):
    assert key(*purpose) == key(*purpose)
    np.testing.assert_array_equal(keyed(*purpose).random(3), keyed(*purpose).random(3))


@given(PURPOSES, PURPOSES)
def test_other_purposes_give_other_numbers(one, two):
    # 63 bits: equal by chance once in 1e19 pairs
    assert (key(*one) == key(*two)) == (one == two)


@pytest.mark.parametrize(("one", "two"), [((1, "a"), ("1", "a")), (("ab",), ("a", "b")), ((0, 1), (1, 0)), ((), ("",))])
def test_type_borders_and_order_of_the_purpose_count(one, two):
    assert key(*one) != key(*two)
    assert keyed(*one).integers(2**60) != keyed(*two).integers(2**60)


@given(PURPOSES)
def test_a_key_is_a_seed_that_torch_takes(purpose):
    assert 0 <= key(*purpose) < 2**63


def test_the_numbers_are_those_that_stored_runs_were_made_with():
    # another value here means that every stored run would be another one
    assert key(0, "A", "order") == 3323069966060296891
    assert keyed(0, "task overlap").permutation(5).tolist() == [0, 3, 1, 4, 2]


def test_drawing_elsewhere_changes_nothing():
    before = keyed(3, "x").random(4)
    np.random.default_rng(0).random(100)
    keyed(3, "y").random(100)
    np.testing.assert_array_equal(before, keyed(3, "x").random(4))
