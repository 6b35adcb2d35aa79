"""The user's own folders of images and arrays."""

import shutil

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from whyalike.data import own_arrays, own_images
from whyalike.data.parameters import ArraysParameters
from whyalike.data.prepared import open_prepared

RED, BLUE = (255, 0, 0), (0, 0, 255)


def silent(line: str) -> None:
    del line


def save(path, colour, shape=(6, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", shape, colour).save(path)


def folder_of(root, count=10):
    """Classes red and blue with `count` images each, one of them in a folder below and one as JPEG."""
    for name, colour in (("red", RED), ("blue", BLUE)):
        for i in range(count - 2):
            save(root / name / f"{i}.png", colour)
        save(root / name / "more" / "x.png", colour)
        save(root / name / "y.JPG", colour)
    (root / "red" / "notes.txt").write_text("no image")
    return root


def images(root, out, **parameters):
    own_images.prepare({"folder": str(root), "title": "mine 1", "size": 4, **parameters}, out, 2, silent)
    return open_prepared(out, verify=True)


def test_folders_of_classes_are_split_by_a_keyed_share(tmp_path):
    data = images(folder_of(tmp_path / "in"), tmp_path / "out", test_fraction=0.3)
    assert data.images.shape == (20, 4, 4, 3)
    assert data.attributes == ("class",)
    assert data.labels.groupby(["part", "class"], observed=True).size().to_dict() == {
        ("test", "blue"): 3, ("test", "red"): 3, ("train", "blue"): 7, ("train", "red"): 7,
    }  # fmt: skip
    colours = {"red": RED, "blue": BLUE}
    for name, png in zip(data.labels["class"], data.labels["file"].str.endswith("png"), strict=True):
        row = data.labels.index[(data.labels["class"] == name) & data.labels["file"].str.endswith("png")][0]
        assert png is not None
        assert (data.images[row] == colours[name]).all()


def test_another_seed_draws_another_share_and_another_class_changes_none(tmp_path):
    root = folder_of(tmp_path / "in")

    def test_files(out, **parameters):
        data = images(root, tmp_path / out, **parameters)
        return set(data.labels["file"][data.rows("test")])

    first = test_files("a", test_fraction=0.5)
    assert first != test_files("b", test_fraction=0.5, seed=1)
    save(root / "green" / "0.png", (0, 255, 0))
    save(root / "green" / "1.png", (0, 255, 0))
    assert {file for file in test_files("c", test_fraction=0.5) if not file.startswith("green")} == first


def test_folders_of_parts_are_taken_as_they_are(tmp_path):
    folder_of(tmp_path / "in" / "train")
    folder_of(tmp_path / "in" / "test", count=4)
    data = images(tmp_path / "in", tmp_path / "out")
    assert (len(data.rows("train")), len(data.rows("test"))) == (20, 8)
    assert data.labels["file"][data.rows("train")].str.startswith("train/").all()


def test_the_same_content_elsewhere_gives_the_same_bytes(tmp_path):
    root = folder_of(tmp_path / "in")
    shutil.copytree(root, tmp_path / "elsewhere")
    images(root, tmp_path / "a")
    images(tmp_path / "elsewhere", tmp_path / "b")
    for name in ("array.npy", "labels.parquet", "checksums.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_image_is_cropped_to_its_middle_and_transparency_is_white(tmp_path):
    wide = np.zeros((4, 12, 4), np.uint8)
    wide[:, 4:8] = (10, 20, 30, 255)  # outside: transparent
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (own_images.read_image(tmp_path / "wide.png", 4)[0] == (10, 20, 30)).all()
    wide[..., 3] = 0
    Image.fromarray(wide).save(tmp_path / "clear.png")
    assert (own_images.read_image(tmp_path / "clear.png", 2)[0] == 255).all()


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "broken.png").write_text("no image")
    with pytest.raises(ValueError, match=r"broken\.png must be an image, it cannot be read"):
        own_images.read_image(tmp_path / "broken.png", 4)
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png must have 8 bits a channel, its mode is I"):
        own_images.read_image(tmp_path / "deep.png", 4)


def test_folders_without_classes_or_images_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere must be a folder, there is none"):
        images(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "in").mkdir()
    with pytest.raises(ValueError, match="it holds no folder"):
        images(tmp_path / "in", tmp_path / "out")
    (tmp_path / "in" / "cat").mkdir()
    with pytest.raises(ValueError, match=r"\.png.*none in cat\. Add files or remove the folder"):
        images(tmp_path / "in", tmp_path / "out")


def some_arrays(n=20):
    pixels = np.random.default_rng(0).integers(0, 256, (n, 5, 5, 3), dtype=np.uint8)
    return pixels, np.arange(n) % 2


def arrays(path, out, **parameters):
    own_arrays.prepare({"images": str(path), "title": "mine 1", **parameters}, out, 1, silent)
    return open_prepared(out, verify=True)


def test_an_npz_and_npy_files_give_the_same_data(tmp_path):
    pixels, labels = some_arrays()
    np.savez(tmp_path / "all.npz", images=pixels, labels=labels)
    np.save(tmp_path / "images.npy", pixels)
    np.save(tmp_path / "labels.npy", labels)
    one = arrays(tmp_path / "all.npz", tmp_path / "a", test_fraction=0.4)
    two = arrays(tmp_path / "images.npy", tmp_path / "b", labels=str(tmp_path / "labels.npy"), test_fraction=0.4)
    assert one.content_sha256 == two.content_sha256
    rows = one.labels["row"].astype(int).to_numpy()
    assert np.array_equal(one.images, pixels[rows])
    assert np.array_equal(one.labels["class"].astype(int), labels[rows])
    assert [len(one.rows(part)) for part in ("train", "test")] == [12, 8]


def test_given_parts_are_kept_and_grey_images_need_no_channel_axis(tmp_path):
    pixels, labels = some_arrays()
    part = np.array(["test", "train"] * 10)
    np.savez(tmp_path / "all.npz", images=pixels[..., 0], labels=labels.astype(str), part=part)
    data = arrays(tmp_path / "all.npz", tmp_path / "out")
    assert data.images.shape == (20, 5, 5, 1)
    assert set(data.labels["class"][data.rows("test")]) == {"0"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": np.zeros((20, 5, 5, 3))}, r"must be uint8 .* got float64 \(20, 5, 5, 3\)"),
        ({"labels": np.arange(19)}, r"labels must be one value an image, 20 of them; got an array \(19,\)"),
        ({"part": np.array(["train"] * 3)}, r"part must be one value an image, 20 of them; got an array \(3,\)"),
        ({"part": np.array(["validation"] * 20)}, r"part must be one of train, test, got \['validation'\]"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, changes, words):
    pixels, labels = some_arrays()
    np.savez(tmp_path / "all.npz", **{"images": pixels, "labels": labels, **changes})
    with pytest.raises(ValueError, match=words):
        arrays(tmp_path / "all.npz", tmp_path / "out")


def test_files_that_hold_no_arrays_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*none\.npz"):
        arrays(tmp_path / "none.npz", tmp_path / "out")
    (tmp_path / "text.npz").write_text("no array")
    with pytest.raises(ValueError, match=r"text\.npz must be a \.npz with arrays images, labels .*Save it again"):
        arrays(tmp_path / "text.npz", tmp_path / "out")
    np.savez(tmp_path / "half.npz", images=some_arrays()[0])
    with pytest.raises(ValueError, match=r"half\.npz must be .* \(labels is missing, it holds images\)"):
        arrays(tmp_path / "half.npz", tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"images": "a.npy"}, "need labels beside them"),
        ({"images": "a.npz", "labels": "b.npy"}, "hold their labels and parts"),
        ({"images": "a.mat"}, r"must be a \.npy or \.npz file, got a\.mat"),
    ],
)
def test_files_that_do_not_belong_together_are_refused_before_any_job(values, words):
    with pytest.raises(ValidationError, match=words):
        ArraysParameters.model_validate({"title": "mine", **values})
