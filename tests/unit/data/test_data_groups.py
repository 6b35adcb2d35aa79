"""ColorShapeDigit in groups of sources: balance, disjoint sources, nested test images, what is refused; and facts."""

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from whyalike.data import binary_facts
from whyalike.data.colorshapedigit_groups import prepare
from whyalike.data.parameters import ColorShapeDigitGroupsParameters
from whyalike.data.prepared import open_prepared

SMALL = {
    "shapes": ["circle", "kite", "square", "triangle"],
    "digits": [0, 1, 4, 7],
    "colors": ["blue", "green", "red", "orange"],
    "images_per_cell": 8,
    "test_per_cell": 2,
    "drawings_per_shape": 20,
    "size": 16,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groups")
    prepare(SMALL, folder, 2, lambda line: None)
    return open_prepared(folder, verify=True)


def test_every_group_has_equally_many_images_of_each_cell(data):
    train = data.labels[data.labels["part"] == "train"]
    counts = train.groupby(["group", "shape", "digit", "color"], observed=True).size()
    # 64 cells x 8 groups; a model sees 4 groups: 8 images a cell
    assert len(counts) == 8 * 64
    assert set(counts) == {2}
    test = data.labels[data.labels["part"] == "test"]
    assert set(test["group"]) == {"test"}
    assert test.groupby(["shape", "digit", "color"], observed=True).size().tolist() == [2] * 64


def test_no_drawing_glyph_or_font_is_in_two_groups(data):
    labels = data.labels.astype(str).assign(font=data.labels["glyph"].astype(str).str.split("/").str[1])
    for source in ("drawing", "glyph", "font"):
        assert labels.groupby(source)["group"].nunique().max() == 1


def test_test_images_do_not_depend_on_the_number_of_training_images(data, tmp_path):
    prepare({**SMALL, "images_per_cell": 4}, tmp_path, 1, lambda line: None)
    fewer = open_prepared(tmp_path)
    np.testing.assert_array_equal(fewer.images[fewer.rows("test")], data.images[data.rows("test")])


def test_counts_are_those_of_the_files(data):
    assert ColorShapeDigitGroupsParameters(**SMALL).counts() == (len(data.rows("train")), len(data.rows("test")))
    assert ColorShapeDigitGroupsParameters().counts() == (512 * 2 * 64, 512 * 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digits": [0, 1, 2]}, "digits must be 4 or 8, so that bits divide them evenly; got 3"),
        ({"drawings_per_shape": 9}, "need 10 drawings and glyphs of each class at least, got 9 and 1000"),
        ({"images_per_cell": 6}, "multiple of 4"),
    ],
)
def test_parameters_that_cannot_be_balanced_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        ColorShapeDigitGroupsParameters(**{**SMALL, **changes})


def test_a_folder_with_too_few_sources_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("whyalike.data.colorshapedigit_groups.HELD_OUT_SHARE", 0.9)
    with pytest.raises(ValueError, match=r"every drawing class needs 26 sources at least.*'circle' has 20"):
        prepare(SMALL, tmp_path, 1, lambda line: None)


def test_facts_are_balanced_and_independent():
    for seed in range(5):
        all_bits = [binary_facts.bits("shape", (str(seed), str(bit)), 8) for bit in range(3)]
        assert [bits.sum() for bits in all_bits] == [4, 4, 4]
        assert sorted(zip(*all_bits, strict=True)) == list(itertools.product((0, 1), repeat=3))


def test_facts_differ_by_seed_and_attribute():
    found = {
        (name, seed): tuple(binary_facts.bits(name, (seed, "0"), 8)) for name in ("shape", "digit") for seed in "0123"
    }
    assert len(set(found.values())) > 4


def test_a_labelling_joins_facts_to_8_classes_of_equal_size(data):
    name = "shape.3.0_digit.3.1_color.3.0"
    codes, names = data.labelling(name, data.rows("train"))
    assert len(names) == 8
    assert names[0] == "shape.3.0=0_digit.3.1=0_color.3.0=0"
    assert len(set(np.bincount(codes))) == 1
    own = binary_facts.bits("digit", ("3", "1"), 4)[data.labels["digit"].cat.codes.to_numpy()[data.rows("train")]]
    assert {names[code].split("_")[1] for code in codes[own == 1]} == {"digit.3.1=1"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "shape.3.2",
            r"bit 2 of shape needs a number of values that is a power of two, 8 at least: the data set has 4",
        ),
        ("shape.3", r"a fact is attribute\.seed\.bit, such as shape\.3\.0: got 'shape\.3'"),
        ("shape.a.0", r"got 'shape\.a\.0'"),
        ("shape.3.0_shape.3.1", r"a labelling joins distinct attributes with '_', got 'shape\.3\.0_shape\.3\.1'"),
    ],
)
def test_facts_that_do_not_exist_are_refused(data, name, message):
    with pytest.raises(ValueError, match=message):
        data.labelling(name)
