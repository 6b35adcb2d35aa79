"""ColorShapeDigit's edges, silhouettes and conflicts of colour: the same drawings, glyphs and places, other cues."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage

from whyalike.data import colorshapedigit, colorshapedigit_cues
from whyalike.data.colorshapedigit_cues import black, contour, in_two_colors, outline
from whyalike.data.composition import COLORS, palette
from whyalike.data.parameters import ColorShapeDigitCuesParameters
from whyalike.data.prepared import open_prepared

SMALL = {
    "shapes": ["circle", "kite", "square"], "digits": [1, 8], "colors": ["red", "blue", "green"],
    "test_per_class": 6, "drawings_per_shape": 10, "size": 28, "seed": 4,
}  # fmt: skip
CUES = ("edge", "silhouette", "conflict")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The data set of each cue, and the test part of `colorshapedigit` of the same parameters as "plain"."""
    folder, found = tmp_path_factory.mktemp("cues"), {}
    for cue in CUES:
        colorshapedigit_cues.prepare({**SMALL, "cue": cue}, folder / cue, 1, lambda line: None)
        found[cue] = open_prepared(folder / cue, verify=True)
    colorshapedigit.prepare({**SMALL, "train_per_class": 1}, folder / "plain", 1, lambda line: None)
    return found | {"plain": open_prepared(folder / "plain")}


def plain_images(made):
    return made["plain"].images[made["plain"].rows("test")]


@pytest.mark.parametrize("cue", CUES)
def test_each_image_has_the_class_the_drawing_and_the_glyph_of_the_plain_one(made, cue):
    columns = ["shape", "digit", "color", "drawing", "glyph"]
    plain = made["plain"].labels.iloc[made["plain"].rows("test")][columns].astype(str)
    assert made[cue].labels[columns].astype(str).to_numpy().tolist() == plain.to_numpy().tolist()
    assert set(made[cue].labels["part"]) == {"test"}
    assert len(plain) == ColorShapeDigitCuesParameters(**SMALL, cue=cue).counts()[1]


@pytest.mark.parametrize("cue", ["edge", "silhouette"])
def test_edges_and_silhouettes_are_black_on_white(made, cue):
    images = made[cue].images
    assert (images == images[..., :1]).all()
    assert (images.reshape(len(images), -1).min(axis=1) < 64).all()
    assert set(made[cue].labels["digit_color"]) == {"black"}


def test_a_silhouette_holds_all_ink_and_everything_within_the_outer_line(made):
    holes = []
    for plain, filled in zip(plain_images(made), made["silhouette"].images[..., 0], strict=True):
        ink = (plain < 255).any(axis=2)
        assert (filled[ink] < 255).all()
        holes.append(filled[ndimage.binary_fill_holes(ink) & ~ink])
    # what a digit that stands out encloses with the shape is no hole of either
    assert (np.concatenate(holes) == 0).mean() > 0.95


def test_an_edge_lies_on_the_silhouette_and_has_less_ink(made):
    edges, filled = (255 - made[cue].images[..., 0].astype(int) for cue in ("edge", "silhouette"))
    assert (edges <= filled).all()
    assert (edges.sum(axis=(1, 2)) < 0.8 * filled.sum(axis=(1, 2))).all()


def test_in_a_conflict_the_digit_has_a_colour_that_its_class_has_not(made):
    labels = made["conflict"].labels
    assert (labels["digit_color"].astype(str) != labels["color"].astype(str)).all()
    assert set(labels["digit_color"]) == set(SMALL["colors"])
    plain, images = plain_images(made), made["conflict"].images
    changed = (plain != images).any(axis=3)
    assert changed.any(axis=(1, 2)).all() and not changed.all(axis=(1, 2)).any()
    for i, (color, other) in enumerate(zip(labels["color"], labels["digit_color"], strict=True)):
        alone = {name: set(map(tuple, images[i].reshape(-1, 3))) for name in (color, other)}
        for name in (color, other):  # ink of one layer is half its colour and half white
            assert tuple(palette(COLORS[name])[255]) in alone[name]


def test_two_layers_of_one_colour_are_the_plain_composition():
    random = np.random.default_rng(0)
    shape, digit = (random.integers(0, 256, (3, 8, 8), dtype=np.uint8) for _ in range(2))
    for color in COLORS.values():
        expected = palette(color)[shape.astype(int) + digit]
        np.testing.assert_array_equal(in_two_colors(shape, digit, color, [color] * 3), expected)


def test_two_layers_by_hand():
    masks = np.array([[[255, 0], [255, 0]]], np.uint8), np.array([[[0, 255], [255, 0]]], np.uint8)
    red_then_blue = in_two_colors(*masks, COLORS["red"], [COLORS["blue"]])[0]
    assert red_then_blue.tolist() == [[[255, 128, 128], [128, 128, 255]], [[128, 0, 128], [255, 255, 255]]]
    assert black(*masks)[0, ..., 0].tolist() == [[0, 0], [0, 255]]


def test_an_outline_is_that_of_the_filled_shape_and_a_contour_has_inner_borders_too():
    filled = np.zeros((9, 9), bool)
    filled[1:8, 1:8] = True
    ring = filled.copy()
    ring[4, 4] = False
    line = filled.copy()
    line[2:7, 2:7] = False
    np.testing.assert_array_equal(outline(ring, 1), line)
    np.testing.assert_array_equal(outline(filled, 1), line)
    inner = np.zeros((9, 9), bool)
    inner[3:6, 3:6] = True
    inner[4, 4] = False
    np.testing.assert_array_equal(contour(ring, 1), line | inner)
    assert contour(filled, 2).sum() == 7 * 7 - 3 * 3


def test_a_conflict_needs_two_colours():
    with pytest.raises(ValidationError, match=r"a conflict of colours needs two, got \['red'\]"):
        ColorShapeDigitCuesParameters(cue="conflict", colors=["red"])
    assert ColorShapeDigitCuesParameters(cue="edge", colors=["red"]).counts()[0] == 0
