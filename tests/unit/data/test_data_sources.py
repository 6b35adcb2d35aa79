"""The registry, the parameters, and the two sources that scikit-learn ships."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits, load_sample_images

from whyalike.data.parameters import ColorShapeDigitParameters, DigitsParameters, PhotographsParameters
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES
from whyalike.randomness import keyed

SMALL = {
    "colorshapedigit": {"train_per_class": 1, "test_per_class": 1, "drawings_per_shape": 2, "size": 16},
    "colorshapedigit_cues": {"cue": "edge", "test_per_class": 1, "drawings_per_shape": 2, "size": 16},
    "digits": {},
    "photographs": {"n": 10},
    "which_photograph": {"train_per_class": 2, "test_per_class": 1},
    "shapes": {"per_class": 1, "drawings_per_shape": 1, "size": 16},
    "numerals": {"per_class": 1, "size": 16},
}
REQUIRED = {  # parameters without a default
    "colorshapedigit_cues": {"cue": "silhouette"},
    "images": {"folder": "mine", "title": "mine 1", "size": 8},
    "arrays": {"images": "mine.npz", "title": "mine 1"},
    "imagenet": {"folder": "mine", "title": "mine 1", "size": 8},
    "breeds": {"folder": "mine", "title": "mine 1", "size": 8, "task": "living17"},
    "webdataset": {"folder": "mine", "title": "mine 1", "size": 8},
    "text": {"corpora": {"mine": {"path": "mine.txt"}}, "tokenizer": {"folder": "gpt2"}},
    "sentences": {"corpora": {"mine": {"path": "sts-*.csv"}}},
}


def silent(line: str) -> None:
    del line


@pytest.mark.parametrize("name", list(SMALL))  # the others need files
def test_every_source_writes_what_its_facts_promise(name, tmp_path):
    entry = SOURCES[name]
    lines = []
    entry.load()(SMALL[name], tmp_path, 1, lines.append)
    prepared = open_prepared(tmp_path, verify=True)
    size = entry.facts.size or entry.facts.parameters.model_validate(SMALL[name]).size
    assert prepared.attributes == entry.facts.attributes
    assert prepared.images.shape[1:] == (size, size, entry.facts.channels)
    assert lines
    assert all(line.startswith(name) for line in lines)
    assert isinstance(sys.modules[entry.module].VERSION, int)


def test_reading_the_registry_imports_no_array_library():
    code = "import sys, whyalike.data.registry; print({'numpy', 'pandas', 'sklearn', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_keyed_generators_differ_by_purpose_and_repeat_by_key():
    draws = {key: keyed(*key).integers(2**63) for key in [(0, "a"), (0, "b"), (1, "a"), (0, "a", 1), (0, "a", "1")]}
    assert len(set(draws.values())) == len(draws)
    assert keyed(0, "a").integers(2**63) == draws[0, "a"]


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (DigitsParameters, {"train_per_clas": 3}, "train_per_clas"),
        (DigitsParameters, {"train_per_class": 174}, "174"),
        (PhotographsParameters, {"tile": 100, "n": 60}, "at most the 48 tiles of 100 px .* got 60"),
        (PhotographsParameters, {"tile": 20, "size": 28}, "size 28, tile 20"),
        (ColorShapeDigitParameters, {"shapes": ["hexagon"]}, "hexagon"),
        (ColorShapeDigitParameters, {"digits": [1, 1]}, r"repeated: \[1\]"),
        (ColorShapeDigitParameters, {"digits": [10]}, "10"),
        (ColorShapeDigitParameters, {"held_out": ["font"]}, "font"),
        (ColorShapeDigitParameters, {"sources": {"fonts": "x"}}, "fonts"),
    ],
)
def test_parameters_reject_and_name_wrong_values(model, values, message):
    with pytest.raises(ValidationError, match=message):
        model.model_validate(values)


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_parameter_is_described_and_defaults_are_valid(name):
    model = SOURCES[name].facts.parameters
    defaults = model(**REQUIRED.get(name, {}))
    assert model.model_validate(defaults.model_dump()) == defaults
    for field in model.model_json_schema()["properties"].values():
        assert field["description"].endswith(".")


def test_digits_are_the_pixels_of_scikit_learn_scaled_to_255(tmp_path):
    SOURCES["digits"].load()({"seed": 3}, tmp_path, 1, silent)
    prepared, source = open_prepared(tmp_path), load_digits()
    sample = prepared.labels["sample"].astype(int).to_numpy()
    assert sorted(sample) == list(range(1797))
    np.testing.assert_array_equal(prepared.labels["digit"].astype(int), source.target[sample])
    table = {value: round(value * 255 / 16) for value in range(17)}
    expected = np.vectorize(table.get)(source.images[sample].astype(int))
    np.testing.assert_array_equal(prepared.images[..., 0], expected)


def test_digits_split_is_stratified_ordered_and_keyed(tmp_path):
    opened = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        SOURCES["digits"].load()({"train_per_class": 50, "seed": seed}, tmp_path / folder, 1, silent)
        opened.append(open_prepared(tmp_path / folder))
    codes, names = opened[0].labelling("digit")
    train, test = opened[0].rows("train"), opened[0].rows("test")
    assert names == [str(digit) for digit in range(10)]
    assert np.bincount(codes[train]).tolist() == [50] * 10
    assert (np.diff(codes[train]) >= 0).all()
    assert (np.diff(codes[test]) >= 0).all()
    assert train.max() < test.min()
    assert opened[0].content_sha256 == opened[1].content_sha256
    assert set(opened[0].labels["sample"][train]) != set(opened[2].labels["sample"][train])


def test_photograph_tiles_are_area_means_of_their_place(tmp_path):
    SOURCES["photographs"].load()({"size": 8, "tile": 32, "n": 50}, tmp_path, 1, silent)
    prepared = open_prepared(tmp_path)
    source = load_sample_images()
    photographs = {Path(name).stem: image for name, image in zip(source.filenames, source.images, strict=True)}
    assert len(set(prepared.labels["tile"])) == 50
    assert set(prepared.labels["photograph"]) == {"china", "flower"}
    assert len(prepared.rows("test")) == 50
    for row in (0, 49):
        name, i, j = prepared.labels["tile"][row].split("/")
        assert name == prepared.labels["photograph"][row]
        tile = photographs[name][32 * int(i) : 32 * int(i) + 32, 32 * int(j) : 32 * int(j) + 32]
        mean = tile.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
        assert np.abs(prepared.images[row] - mean).max() <= 1  # Pillow rounds after each of its two passes
