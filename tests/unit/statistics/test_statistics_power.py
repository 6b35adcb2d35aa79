"""How many seeds a claim needs: what Holm makes of the smallest sign-flip p, one answer for all pages."""

import numpy as np
import pytest

from whyalike.statistics.inference import holm, sign_flip_p
from whyalike.statistics.power import LEVEL, missing_words, possible, seeds_needed, smallest_p


@pytest.mark.parametrize("panels", [1, 2, 3, 6, 9, 40])
@pytest.mark.parametrize("seeds", [1, 3, 5, 8])
def test_no_panels_can_have_a_smaller_p(seeds, panels):
    sure = sign_flip_p(np.arange(1, seeds + 1))  # all of one sign
    assert smallest_p(seeds, panels) == pytest.approx(holm([sure] * panels).min())
    assert smallest_p(seeds, panels) <= holm([sure, *[1.0] * (panels - 1)]).min() + 1e-12


@pytest.mark.parametrize("panels", [1, 2, 3, 6, 9, 40])
def test_the_seeds_that_are_needed_are_the_fewest(panels):
    needed = seeds_needed(panels)
    assert smallest_p(needed, panels) <= LEVEL < smallest_p(needed - 1, panels)
    assert possible(needed, panels) and not possible(needed - 1, panels)


def test_what_is_missing_is_said_with_its_numbers():
    assert missing_words(5, 3) == (
        "with 5 seeds in each of 3 panels the smallest p (Holm) is 0.188; at least 7 seeds are needed"
    )
    assert missing_words(1, 1) == "with 1 seed and 1 panel the smallest p (Holm) is 1.000; at least 6 seeds are needed"
