"""The gallery of shifts: every level of every shift, as the shifts make it, with how far it is from the control."""

import numpy as np
import pandas as pd
import pytest

from whyalike.data.shifts.application import shifted
from whyalike.data.shifts.registry import SHIFTS
from whyalike.figures.shift_gallery import draw

LABELS = pd.DataFrame({"kind": list("abc")})


def images(channels=3):
    return np.random.default_rng(0).integers(0, 256, (3, 16, 16, channels), dtype=np.uint8)


def test_every_shift_has_a_row_with_its_control_and_all_levels():
    figure, numbers = draw(images(), LABELS, ["kind"])
    assert list(dict.fromkeys(numbers["shift"])) == list(SHIFTS)
    for name, rows in numbers.groupby("shift"):
        facts = SHIFTS[name].facts
        assert rows["level"].tolist() == ["control", *map(str, facts.levels)]
        assert rows["published"].sum() == len(facts.published)
        assert rows["mean_difference"].iloc[0] == 0
    [image] = set(numbers["image"])
    assert figure.get_suptitle() == f"Image {image} ({'abc'[image]}) under every level of {len(SHIFTS)} shifts"
    [axes] = figure.axes
    assert len(axes.images) == len(numbers)


def test_tiles_and_numbers_are_what_the_shift_makes_of_the_image():
    given = images()
    figure, numbers = draw(given, LABELS, ["kind"], shifts=["uniform_noise"], seed=5)
    image = numbers["image"].iloc[0]
    tiles = [shown.get_array() for shown in figure.axes[0].images]
    levels = ["control", *SHIFTS["uniform_noise"].facts.levels]
    made = [shifted(given[[image]], "uniform_noise", level, [image], seed=5)[0] for level in levels]
    for tile, expected in zip(tiles, made, strict=True):
        np.testing.assert_array_equal(tile, expected)
    away = [abs(one.astype(float) - made[0]).mean() / 255 for one in made]
    np.testing.assert_allclose(numbers["mean_difference"], away)
    assert (np.diff(away) > 0).all()


def test_grey_images_have_no_row_of_colours():
    _, numbers = draw(images(1), LABELS, ["kind"])
    assert set(numbers["shift"]) == set(SHIFTS) - {"colour", "opponent_colour"}


def test_images_that_are_not_square_have_no_row_of_quarter_turns():
    _, numbers = draw(images()[:, :8], LABELS, ["kind"])
    assert set(numbers["shift"]) == set(SHIFTS) - {"rotation"}
    with pytest.raises(ValueError, match="rotation needs square images"):
        draw(images()[:, :8], LABELS, ["kind"], shifts=["rotation"])


def test_the_image_is_keyed_by_the_seed():
    rows = {draw(images(), LABELS, ["kind"], shifts=["contrast"], seed=seed)[1]["image"].iloc[0] for seed in range(9)}
    assert rows == {0, 1, 2}


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match=r"unknown shift 'contrats'\. Did you mean 'contrast'\?"):
        draw(images(), LABELS, ["kind"], shifts=["contrats"])
    with pytest.raises(ValueError, match="needs a shift; got none"):
        draw(images(), LABELS, ["kind"], shifts=[])
    with pytest.raises(ValueError, match="needs an image"):
        draw(images()[:0], LABELS[:0], ["kind"])
