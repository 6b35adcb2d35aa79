"""TinyImageNet: the pixels of torchvision's ImageFolder, the publisher's listing, one message for what is wrong."""

import json

import numpy as np
import pytest
from PIL import Image
from published_sets import WNIDS, tinyimagenet
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import default_loader

from whyalike.data import tinyimagenet as module
from whyalike.data.layouts import TINYIMAGENET
from whyalike.data.parameters import TinyImageNetParameters
from whyalike.data.prepared import open_prepared
from whyalike.data.torchvision_sets import download


def silent(line):
    del line


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Three classes of 4 training and 2 validation images, and a module that expects so many."""
    for name, value in (("CLASSES", 3), ("TRAIN_PER_CLASS", 4), ("TEST_PER_CLASS", 2)):
        monkeypatch.setattr(module, name, value)
    tinyimagenet(tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def base(root):
    return root / "tiny-imagenet-200"


def prepared(root, folder, threads=1):
    module.prepare({"folder": str(root)}, folder, threads, silent)
    return open_prepared(folder, verify=True)


def test_training_images_are_those_of_torchvisions_image_folder_in_its_order(root, base, tmp_path):
    own, reader = prepared(root, tmp_path / "out"), ImageFolder(base / "train")
    rows = own.rows("train")
    assert rows.tolist() == list(range(12)) and len(reader) == 12
    for row, (image, target) in zip(rows, reader, strict=True):
        np.testing.assert_array_equal(own.images[row], np.asarray(image))
        assert own.labels["class"][row].split(" ")[0] == reader.classes[target]


def test_validation_images_are_the_test_part_in_the_order_of_their_table(root, base, tmp_path):
    own = prepared(root, tmp_path / "out")
    lines = (base / "val" / "val_annotations.txt").read_text().splitlines()
    for row, line in zip(own.rows("test"), lines, strict=True):
        name, wnid, *_ = line.split("\t")
        np.testing.assert_array_equal(own.images[row], np.asarray(default_loader(base / "val" / "images" / name)))
        assert own.labels["class"][row].startswith(f"{wnid} ")
        assert own.labels["file"][row] == name


def test_a_class_is_its_id_and_its_first_name(root, tmp_path):
    own = prepared(root, tmp_path / "out")
    assert own.labelling("class")[1] == ["n01443537 goldfish", "n01629819 European fire salamander", "n02012849 crane"]


def test_grey_images_become_rgb(root, tmp_path):
    own = prepared(root, tmp_path / "out")
    row = own.labels["file"].tolist().index("n01443537_1.JPEG")
    assert (own.images[row] == own.images[row][..., :1]).all()
    assert np.ptp(own.images[row]) > 50


def test_files_do_not_depend_on_threads_or_on_the_folder(root, tmp_path):
    prepared(root, tmp_path / "one")
    moved = root.rename(tmp_path / "moved")
    prepared(moved, tmp_path / "two", threads=2)
    for name in ("array.npy", "labels.parquet", "checksums.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_hash_of_what_was_read_is_kept(root, base, tmp_path):
    def made_by(folder):
        prepared(root, folder)
        return json.loads((folder / "checksums.json").read_text())["made_by"]

    before = made_by(tmp_path / "one")
    name = base / "val" / "images" / "val_0.JPEG"
    name.write_bytes(name.read_bytes() + b"\0")  # after the end of the image: equal pixels, another file
    assert made_by(tmp_path / "two")["files"] != before["files"]
    assert str(tmp_path) not in json.dumps(before)


# ---- what is wrong is one message ----


def fault(root, tmp_path):
    with pytest.raises(ValueError, match="TinyImageNet must lie as published") as caught:
        prepared(root, tmp_path / "out")
    text = str(caught.value)
    assert "\n" not in text
    assert TINYIMAGENET.origin in text
    assert not (tmp_path / "out" / "checksums.json").exists()
    return text


def test_the_published_numbers_are_required_of_a_small_set(tmp_path):
    tinyimagenet(tmp_path / "published")
    text = fault(tmp_path / "published", tmp_path)
    assert "wnids.txt must list 200 WordNet ids, it lists 3" in text
    assert "n01443537/images holds 4 of 500 .JPEG files" in text
    assert "and 2 more" in text  # seven faults: the ids, three of train, three of val


@pytest.mark.parametrize("name", TINYIMAGENET.files)
def test_a_missing_file_or_folder_is_named(root, base, name, tmp_path):
    (base / name).rename(base / "elsewhere")
    assert f"in {base}: 1 of 5 files are missing ({name})." in fault(root, tmp_path)


def test_faults_of_several_places_come_together(root, base, tmp_path):
    (base / "train" / WNIDS[0] / "images" / f"{WNIDS[0]}_2.JPEG").unlink()
    (base / "val" / "images" / "val_3.JPEG").unlink()
    (base / "words.txt").write_text(f"{WNIDS[0]}\tgoldfish\n{WNIDS[1]}\tsalamander\n")
    text = fault(root, tmp_path)
    assert f"train/{WNIDS[0]}/images holds 3 of 4 .JPEG files" in text
    assert " val/images/val_3.JPEG is missing" in text
    assert f"words.txt has no name for 1 ids, such as {WNIDS[2]}" in text


def test_a_table_of_another_set_is_told(root, base, tmp_path):
    table = base / "val" / "val_annotations.txt"
    table.write_text(table.read_text().replace(WNIDS[2], "n99999999"))
    text = fault(root, tmp_path)
    assert f"names 0 of 2 images of {WNIDS[2]}" in text
    assert "names n99999999, which is not in wnids.txt" in text
    table.write_text("val_0.JPEG n01443537\n")
    assert " val/val_annotations.txt needs two fields between tabs in line 1" in fault(root, tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:300], lambda b: b"\0" + b[1:], lambda b: b""], ids=["cut", "byte", "empty"]
)
def test_a_damaged_image_is_named(root, base, damage, tmp_path):
    path = base / "val" / "images" / "val_5.JPEG"
    path.write_bytes(damage(path.read_bytes()))
    assert " val/images/val_5.JPEG is damaged (" in fault(root, tmp_path)


def test_an_image_too_large_for_pillow_is_named(root, base, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    assert ".JPEG is damaged (Image size (4096 pixels) exceeds limit" in fault(root, tmp_path)


def test_an_image_of_another_size_is_named(root, base, tmp_path):
    path = base / "train" / WNIDS[1] / "images" / f"{WNIDS[1]}_0.JPEG"
    default_loader(path).resize((32, 64)).save(path)
    assert f"{WNIDS[1]}_0.JPEG is damaged (32 x 64 px, not 64 x 64)" in fault(root, tmp_path)


def test_a_folder_too_deep_and_an_archive_that_is_not_unpacked_are_told(base, tmp_path):
    assert "the folder to set is the one that holds tiny-imagenet-200/" in fault(base, tmp_path)
    (tmp_path / "tiny-imagenet-200.zip").write_bytes(b"")
    assert f"Unpack {tmp_path}/tiny-imagenet-200.zip." in fault(tmp_path, tmp_path)


def test_its_download_is_by_hand_and_says_from_where(tmp_path):
    chosen = TinyImageNetParameters(folder=tmp_path)
    with pytest.raises(ValueError, match=r"by hand, from cs231n\.stanford\.edu/tiny-imagenet-200\.zip"):
        download("tinyimagenet", chosen, silent)
