"""ColorShapeDigit: pixels by hand, counts, determinism, held-out sources, folders of the user."""

import json
from typing import get_args

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import binary_fill_holes, label

from whyalike.data.colorshapedigit import prepare
from whyalike.data.composition import COLORS, Placement, compose, palette
from whyalike.data.drawings import CORNERS, draw
from whyalike.data.folders import read_mask
from whyalike.data.glyphs import FONTS, render
from whyalike.data.masks import Pool, margin, scaled
from whyalike.data.parameters import Color, Shape
from whyalike.data.prepared import open_prepared

SMALL = {
    "shapes": ["square", "kite"],
    "digits": [7, 0, 3],
    "colors": ["red", "brown"],
    "train_per_class": 6,
    "test_per_class": 3,
    "drawings_per_shape": 10,
}
FILES = ("array.npy", "labels.parquet", "checksums.json")


def made(folder, threads=1, **changes):
    prepare({**SMALL, **changes}, folder, threads, lambda line: None)
    return open_prepared(folder, verify=True)


def test_names_of_shapes_and_colors_agree_with_their_tables():
    assert set(get_args(Color)) == set(COLORS)
    assert set(get_args(Shape)) == set(CORNERS)


@pytest.mark.parametrize(
    ("color", "one", "both"),
    [
        ("red", (255, 128, 128), (255, 0, 0)),
        ("brown", (210, 149, 149), (165, 42, 42)),  # (42 + 255) / 2 = 148.5, halves up
        ("orange", (255, 210, 128), (255, 165, 0)),
        ("pink", (255, 224, 229), (255, 192, 203)),
    ],
)
def test_a_pixel_under_one_is_half_way_to_white_and_under_both_the_color(color, one, both):
    values = palette(COLORS[color])
    assert tuple(values[0]) == (255, 255, 255)
    assert tuple(values[255]) == one
    assert tuple(values[510]) == both


def test_composed_image_by_hand():
    shapes, digits = (Pool(np.zeros((1, 5, 4, 4), np.uint8), ["only"], {}) for _ in range(2))
    shapes.masks[0, 2, 1] = [0, 255, 255, 0]
    digits.masks[0, 0, 1] = [0, 0, 255, 51]
    out = np.empty((1, 2, 2, 3), np.uint8)

    def at(scale, top, left):
        return Placement(*(np.array([value]) for value in (0, scale, top, left)))

    # windows of 2 x 2: the shape's from row 1, column 1; the digit's from row 1, column 2
    compose(out, shapes.windows(2), digits.windows(2), (0, 0, 255), (at(2, 1, 1), at(0, 1, 2)))
    assert out[0, 0, 0].tolist() == [0, 0, 255]  # under both
    assert out[0, 0, 1].tolist() == [102, 102, 255]  # 255 (1 - 0.5 - 0.5 * 51/255): the digit's edge blends linearly
    assert (out[0, 1] == 255).all()


@pytest.mark.parametrize("size", [16, 28, 64])
def test_masks_take_16_to_20_of_28_px_and_stay_inside_at_every_offset(size):
    masks = scaled(Image.new("L", (300, 150), 255), size)
    for mask, reference in zip(masks, (16, 17, 18, 19, 20), strict=True):
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        assert np.ptp(columns) + 1 == round(size * reference / 28)
        assert abs((np.ptp(rows) + 1) - (np.ptp(columns) + 1) / 2) <= 0.5
        assert min(rows[0], columns[0]) >= 2 * margin(size)
        assert max(rows[-1], columns[-1]) < size


def test_counts_order_and_columns(tmp_path):
    prepared = made(tmp_path)
    codes, names = prepared.labelling("shape_digit_color")
    train, test = prepared.rows("train"), prepared.rows("test")
    assert prepared.images.shape == (12 * 9, 28, 28, 3)
    assert names[:3] == ["kite_0_brown", "kite_0_red", "kite_3_brown"]
    assert len(names) == 12
    assert codes[train].tolist() == np.repeat(np.arange(12), 6).tolist()
    assert codes[test].tolist() == np.repeat(np.arange(12), 3).tolist()
    assert train.max() < test.min()
    assert list(prepared.labels.columns) == ["id", "part", "shape", "digit", "color", "drawing", "glyph"]
    for column, attribute in (("drawing", "shape"), ("glyph", "digit")):
        owners = prepared.labels[column].astype(str).str.split("/").str[0]
        assert owners.tolist() == prepared.labels[attribute].tolist()


def test_images_show_only_mixtures_of_white_and_their_color(tmp_path):
    prepared = made(tmp_path)
    for row in range(0, len(prepared.images), 5):
        pixels = {tuple(pixel) for pixel in prepared.images[row].reshape(-1, 3).tolist()}
        values = palette(COLORS[prepared.labels["color"][row]])
        assert pixels <= {tuple(value) for value in values.tolist()}
        assert (255, 255, 255) in pixels
        assert len(pixels) > 10


def test_files_are_equal_with_one_and_two_threads_and_on_a_second_call(tmp_path):
    for folder, threads in (("one", 1), ("two", 2), ("again", 2)):
        made(tmp_path / folder, threads)
    for name in FILES:
        assert len({(tmp_path / folder / name).read_bytes() for folder in ("one", "two", "again")}) == 1


def test_another_seed_gives_other_images(tmp_path):
    assert (made(tmp_path / "a").images != made(tmp_path / "b", seed=1).images).any(axis=(1, 2, 3)).mean() > 0.99


def test_images_of_a_class_do_not_depend_on_the_other_classes(tmp_path):
    alone = made(tmp_path / "alone", shapes=["square"], digits=[3], colors=["red"])
    among = made(tmp_path / "among")
    codes, names = among.labelling("shape_digit_color")
    np.testing.assert_array_equal(alone.images, among.images[codes == names.index("square_3_red")])


def test_held_out_sources_are_in_one_part_only(tmp_path):
    changes = {"train_per_class": 100, "test_per_class": 100}
    labels = made(tmp_path / "both", held_out=["drawing", "glyph"], **changes).labels
    is_train = labels["part"] == "train"
    for column, kept, held in (("drawing", 8, 2), ("glyph", 16, 4)):
        train, test = set(labels[column][is_train]), set(labels[column][~is_train])
        assert not train & test
        classes = labels["shape" if column == "drawing" else "digit"].nunique()
        assert (len(train), len(test)) == (kept * classes, held * classes)
    test_fonts = labels["glyph"][~is_train].astype(str).str.split("/").str[1].unique()
    assert len(test_fonts) == 4  # the same four for every digit


def test_sources_that_are_not_held_out_are_in_both_parts(tmp_path):
    labels = made(tmp_path, held_out=[], train_per_class=100, test_per_class=100).labels
    is_train = labels["part"] == "train"
    for column in ("drawing", "glyph"):
        assert set(labels[column][is_train]) == set(labels[column][~is_train])


def test_glyphs_differ_between_digits_and_are_no_missing_sign():
    for font in FONTS:
        images = {digit: render(font, str(digit), 64).tobytes() for digit in range(10)}
        assert len(set(images.values())) == 10
        assert images[0] != render(font, "\uffff", 64).tobytes()


def test_glyphs_have_the_holes_of_their_digits():
    expected = {"0": 1, "1": 0, "2": 0, "3": 0, "5": 0, "6": 1, "7": 0, "8": 2, "9": 1}  # a 4 may be open
    for font in FONTS:
        for digit, holes in expected.items():
            background = np.asarray(render(font, digit, 160)) < 128
            _, regions = label(background, structure=np.ones((3, 3)))  # a notch one pixel deep is no hole
            assert regions - 1 == holes, (font, digit)


@pytest.mark.parametrize("shape", list(CORNERS))
def test_drawings_are_closed_keyed_and_inside_their_canvas(shape):
    for index in range(12):
        mask = np.asarray(draw(shape, 0, index, 120)) > 0
        assert not (mask[0].any())
        assert not (mask[-1].any())
        assert not (mask[:, 0].any())
        assert not (mask[:, -1].any())
        assert binary_fill_holes(mask).sum() > 0.15 * mask.size  # an open outline would hold its ink only, or none
        np.testing.assert_array_equal(mask, np.asarray(draw(shape, 0, index, 120)) > 0)
    assert draw(shape, 0, 0, 120).tobytes() != draw(shape, 0, 1, 120).tobytes()
    assert draw(shape, 0, 0, 120).tobytes() != draw(shape, 1, 0, 120).tobytes()


def test_now_and_then_a_drawing_is_filled():
    filled = [np.asarray(draw("circle", 0, index, 80))[30:50, 30:50].all() for index in range(300)]
    assert 3 <= sum(filled) <= 32  # 5 % of 300: 15, standard deviation 3.8


def box(path, width, height, ink="black", paper="white", mode="RGB"):
    """An image of 40 x 40 with a filled box in its middle."""
    image = Image.new(mode, (40, 40), paper)
    left, top = 20 - width // 2, 20 - height // 2
    ImageDraw.Draw(image).rectangle((left, top, left + width - 1, top + height - 1), fill=ink)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture
def folders(tmp_path):
    """Squares as squares, kites as flat bars, every digit as a narrow bar; train and test folders for the shapes."""
    for i in range(5):
        box(tmp_path / "shapes" / "train" / "square" / f"{i}.png", 20, 20)
        box(tmp_path / "shapes" / "test" / "Square" / f"{i}.png", 30, 30)
        box(tmp_path / "shapes" / "train" / "kite" / f"{i}.png", 30, 10)
        for digit in SMALL["digits"]:
            box(tmp_path / "digits" / str(digit) / f"{i}.png", 10, 30)
    return {"shapes": str(tmp_path / "shapes"), "digits": str(tmp_path / "digits")}


def test_folders_replace_drawings_and_fonts(folders, tmp_path):
    prepared = made(tmp_path / "out", sources=folders, train_per_class=60)
    drawings = prepared.labels["drawing"].astype(str)
    squares = drawings[prepared.labels["shape"] == "square"]
    assert set(squares) == {f"{part}/{i}.png" for part in ("train/square", "test/Square") for i in range(5)}
    row = prepared.images[np.flatnonzero((prepared.labels["shape"] == "kite") & (prepared.labels["color"] == "red"))[0]]
    wide, high = ((row[..., 1] < 255).any(axis=axis).sum() for axis in (0, 1))
    assert 16 <= wide <= 20
    assert 16 <= high <= 20
    assert (row[..., 1] == 0).sum() in range(5 * 5, 8 * 8)  # red where they cross: a third of 16 to 20 px each way
    assert (row[0, 0] == 255).all()


def test_a_folder_is_known_by_its_content_not_by_its_path(folders, tmp_path):
    made(tmp_path / "out", sources=folders)
    made_by = json.loads((tmp_path / "out" / "checksums.json").read_text())["made_by"]
    assert str(tmp_path) not in json.dumps(made_by)
    before = made_by["sources"]
    box(tmp_path / "digits" / "7" / "0.png", 12, 30)
    made(tmp_path / "out", sources=folders)
    after = json.loads((tmp_path / "out" / "checksums.json").read_text())["made_by"]["sources"]
    assert before["shapes"] == after["shapes"]
    assert before["digits"] != after["digits"]


def test_at_most_so_many_files_of_a_class_are_used(folders, tmp_path):
    labels = made(tmp_path / "out", sources=folders, drawings_per_shape=4, train_per_class=60).labels
    assert labels["drawing"][labels["shape"] == "square"].nunique() == 4


def test_a_folder_without_a_class_is_refused_with_what_was_expected(folders, tmp_path):
    with pytest.raises(
        ValueError, match=r"digits must hold a folder .* for each of 0, 3, 4, 7.*too few files for 4 \(0\)"
    ):
        made(tmp_path / "out", sources=folders, digits=[0, 3, 4, 7])


@pytest.mark.parametrize(
    ("ink", "paper", "mode"),
    [("black", "white", "L"), ("yellow", "navy", "RGB"), ((9, 9, 9, 255), (0, 0, 0, 0), "RGBA")],
)
def test_ink_is_what_differs_from_the_border(tmp_path, ink, paper, mode):
    box(tmp_path / "a.png", 20, 10, ink, paper, mode)
    mask = np.asarray(read_mask(tmp_path / "a.png"))
    assert (mask == 255).sum() == 200
    assert (mask == 0).sum() == 1400
    assert (mask[15:25, 10:30] == 255).all()


def test_blank_and_broken_files_are_named(tmp_path):
    Image.new("L", (8, 8), 200).save(tmp_path / "blank.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"blank\.png must show ink .* is 0 of 255"):
        read_mask(tmp_path / "blank.png")
    with pytest.raises(ValueError, match=r"broken\.png must be an image file"):
        read_mask(tmp_path / "broken.png")
