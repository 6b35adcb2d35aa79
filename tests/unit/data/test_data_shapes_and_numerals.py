"""A shape alone, a digit alone: the ink, the labels and the draws."""

import numpy as np
import pytest

from whyalike.data.composition import COLORS, Placement, compose
from whyalike.data.prepared import open_prepared
from whyalike.data.shapes_and_numerals import prepare_numerals, prepare_shapes

SHAPES = {"shapes": ["kite", "circle"], "colors": ["red", "cyan"], "per_class": 6, "drawings_per_shape": 3}
NUMERALS = {"digits": [4, 7], "colors": ["red", "cyan"], "per_class": 6}
BOTH = pytest.mark.parametrize(
    ("prepare", "given", "attribute", "names"),
    [(prepare_shapes, SHAPES, "shape", ["circle", "kite"]), (prepare_numerals, NUMERALS, "digit", ["4", "7"])],
)


def made(prepare, given, folder):
    prepare(given, folder, 1, lambda text: None)
    return open_prepared(folder, verify=True)


@BOTH
def test_every_class_has_its_images_and_all_are_test_images(prepare, given, attribute, names, tmp_path):
    data = made(prepare, given, tmp_path)
    assert data.images.shape == (24, 28, 28, 3)
    assert len(data.rows("test")) == 24
    assert data.attributes == (attribute, "color")
    codes, classes = data.labelling(f"{attribute}_color")
    assert classes == [f"{name}_{color}" for name in names for color in ("cyan", "red")]
    assert np.bincount(codes).tolist() == [6] * 4


@BOTH
def test_ink_is_half_the_colour_on_white(prepare, given, attribute, names, tmp_path):
    data = made(prepare, given, tmp_path)
    for color in ("red", "cyan"):
        images = data.images[data.labels["color"].to_numpy() == color].reshape(-1, 3)
        # full ink is (c + 255) / 2, halves rounded up; paper is white; edges lie between
        assert images.min(0).tolist() == [(value + 256) // 2 for value in COLORS[color]]
        assert (images == 255).all(1).mean() > 0.4
        at_full = np.array(COLORS[color]) == 255
        assert (images[:, at_full] == 255).all()


def test_it_is_colorshapedigits_own_composition_with_an_empty_other_part():
    ink = np.random.default_rng(0).integers(0, 256, (4, 1, 5, 5), dtype=np.uint8)[:, :, None, None]
    zeros, first = np.zeros((1, 1, 1, 1, 5, 5), dtype=np.uint8), np.zeros(4, dtype=np.int64)
    out = np.empty((4, 5, 5, 3), dtype=np.uint8)
    shown = Placement(np.arange(4), first, first, first)
    compose(out, ink, zeros, COLORS["brown"], (shown, Placement(first, first, first, first)))
    alpha = ink[:, 0, 0, 0, ..., None].astype(float)
    exact = 255 - alpha * (255 - np.array(COLORS["brown"])) / 510
    assert np.abs(out - exact).max() <= 0.5


@BOTH
def test_another_seed_gives_other_images_and_the_same_seed_the_same_bytes(prepare, given, attribute, names, tmp_path):
    first, again, other = (made(prepare, {**given, "seed": seed}, tmp_path / name)
                           for name, seed in {"first": 1, "again": 1, "other": 2}.items())  # fmt: skip
    assert first.content_sha256 == again.content_sha256 != other.content_sha256


@BOTH
def test_images_of_a_class_do_not_depend_on_the_other_colours(prepare, given, attribute, names, tmp_path):
    whole, one = made(prepare, given, tmp_path / "a"), made(prepare, {**given, "colors": ["red"]}, tmp_path / "b")
    assert np.array_equal(whole.images[whole.labels["color"].to_numpy() == "red"], one.images)
