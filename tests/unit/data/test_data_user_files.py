"""Faults of the user's folders and arrays: none is taken for something else, left out or blamed without a word."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from whyalike.data import own_arrays, own_images
from whyalike.data.class_names import check_present, check_spellings
from whyalike.data.folders import class_files
from whyalike.data.prepared import open_prepared
from whyalike.data.user_files import passed_by
from whyalike.file_faults import UnreadableFile, readable


def save(path, frames=1, shape=(6, 6), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.new("RGB", shape, (40 * i, 0, 9)) for i in range(frames)]
    images[0].save(path, save_all=frames > 1, append_images=images[1:], **options)


def fill(root, *folders, count=5):
    for folder in folders:
        for i in range(count):
            save(root / folder / f"{i}.png")
    return root


def prepare(root, out):
    """The prepared data set and the lines that were said."""
    lines = []
    own_images.prepare({"folder": str(root), "title": "mine 1", "size": 4}, out, 2, lines.append)
    return open_prepared(out, verify=True), "\n".join(lines)


@pytest.mark.parametrize(
    "parts",
    ["train val", "Training Testing", "TRAIN", "train_set test-set validation", "dev holdout", "train test val",
     "train2017 val2017", "train.split Hold-out", "eval train"],
)  # fmt: skip
def test_folders_that_look_like_parts_are_no_classes(tmp_path, parts):
    fill(tmp_path / "in", *(f"{part}/{name}" for part in parts.split() for name in ("cat", "dog")))
    with pytest.raises(ValueError, match=r"in must hold folders of classes, .* looks like a part\. Rename"):
        prepare(tmp_path / "in", tmp_path / "out")


def test_parts_without_classes_or_beside_other_folders_are_named(tmp_path):
    fill(tmp_path / "bare", "train", "val")
    with pytest.raises(ValueError, match="train, val looks like a part"):
        prepare(tmp_path / "bare", tmp_path / "out")
    fill(tmp_path / "more", "train/cat", "train/dog", "test/cat", "test/dog", "extra")
    with pytest.raises(ValueError, match="test, train looks like a part"):
        prepare(tmp_path / "more", tmp_path / "out")


def test_a_class_called_train_is_one(tmp_path):
    data, _ = prepare(fill(tmp_path / "in", "train", "bus", "car"), tmp_path / "out")
    assert set(data.labels["class"]) == {"train", "bus", "car"}


def test_a_folder_above_or_below_the_classes_is_named(tmp_path):
    fill(tmp_path / "above", "archive/cat", "archive/dog")
    with pytest.raises(ValueError, match=r"holds one folder, archive, .* \(cat, dog\)\. Give .*above/archive"):
        prepare(tmp_path / "above", tmp_path / "out")
    fill(tmp_path / "parts", "train/data/cat", "train/data/dog", "test/data/cat")
    with pytest.raises(ValueError, match=r"holds one folder, data.*Give .*t(rain|est)/data"):
        prepare(tmp_path / "parts", tmp_path / "out")
    with pytest.raises(ValueError, match=r"image files lie in it.*give the folder above"):
        prepare(tmp_path / "above" / "archive" / "cat", tmp_path / "out")
    fill(tmp_path / "flat", "train", "test")
    with pytest.raises(ValueError, match=r"t(est|rain) must hold .* image files lie in it\. Sort them"):
        prepare(tmp_path / "flat", tmp_path / "out")
    fill(tmp_path / "folds", "one/cat", "one/dog", "two/cat", "two/dog")
    assert "the classes are one, two; each holds the folders cat, dog" in prepare(tmp_path / "folds", tmp_path / "a")[1]
    fill(tmp_path / "split", "train/cat", "train/dog", "test/cat", "test/dog")
    assert "images: test beside" in prepare(tmp_path / "split" / "train", tmp_path / "b")[1]


def test_classes_of_one_part_alone_are_said(tmp_path):
    _, said = prepare(fill(tmp_path / "in", "train/cat", "train/dog", "test/cat", "test/emu"), tmp_path / "out")
    assert "classes in one part alone: train has dog, test has emu" in said


@pytest.mark.parametrize("pair", [("Cat", "cat"), ("caf\u00e9", "cafe\u0301"), ("cat", "cat ")])
def test_one_class_in_two_spellings_is_refused(tmp_path, pair):
    fill(tmp_path / "in", *pair)
    with pytest.raises(ValueError, match=r"in: the classes '(?i:caf?).* are one name in 2 spellings"):
        prepare(tmp_path / "in", tmp_path / "out")


def test_letters_in_both_cases_are_classes():
    check_spellings(["a", "A", "b"], "letters")


def test_what_is_passed_by_is_counted_and_named_in_one_line(tmp_path):
    root = fill(tmp_path / "in", "cat", "dog")
    before, quiet = prepare(root, tmp_path / "a")
    assert "passed by" not in quiet
    for i in range(4):
        save(root / "cat" / f"{i}.gif")
    save(root / "stray.png")
    save(root / "dog" / ".cache" / "x.png")
    save(tmp_path / "elsewhere" / "x.png")
    (root / "dog" / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "dog" / "README").write_text("words")
    data, said = prepare(root, tmp_path / "b")
    assert data.content_sha256 == before.content_sha256
    assert [line.split("passed by: ")[1] for line in said.splitlines() if "passed by" in line] == [
        "4 .gif (cat/0.gif, cat/1.gif, cat/2.gif and 1 more), 1 .png (stray.png), 1 hidden (dog/.cache), "
        "2 without a suffix (dog/README, dog/linked)"
    ]


def test_linked_classes_are_read_and_links_to_nothing_named(tmp_path):
    root = fill(tmp_path / "in", "train/cat", "test/cat")
    fill(tmp_path / "elsewhere", "dog")
    for part in ("train", "test"):
        (root / part / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    data, _ = prepare(root, tmp_path / "out")
    assert len(data.labels) == 20
    (root / "train" / "cat" / "x.png").symlink_to(tmp_path / "nothing.png")
    with pytest.raises(ValueError, match=r"x\.png is a link to nothing\. Mend or remove it"):
        prepare(root, tmp_path / "out")


def test_a_name_that_is_no_text_is_told(tmp_path):
    root = fill(tmp_path / "in", "cat", "dog")
    (root / "cat" / "0.png").rename(os.fsdecode(os.fsencode(root / "cat") + b"/\xff.png"))
    with pytest.raises(ValueError, match=r"the name 'cat/\\udcff\.png' is not UTF-8\. Rename"):
        prepare(root, tmp_path / "out")


def png(*chunks):
    """A PNG of these chunks: type and content."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def test_whatever_pillow_raises_becomes_the_file_and_the_remedy(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "scan.png")
    header = struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)
    (tmp_path / "chunk.png").write_bytes(png((b"IHDR", header), (b"IDAT", b"none"), (b"IEND", b"")))
    (tmp_path / "short.png").write_bytes(png((b"IHDR", header[:5])))
    Image.effect_noise((64, 64), 90).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:900])
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("scan.png", "chunk.png", "short.png", "cut.jpg", "empty.png"):
        with pytest.raises(UnreadableFile, match=rf"{name} must be an image, it cannot be read \(.+\)\. Repair it"):
            own_images.read_image(tmp_path / name, 4)


def test_a_large_image_is_read_without_a_warning(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    prepare(fill(tmp_path / "in", "cat", "dog"), tmp_path / "out")
    assert not recwarn.list


def test_the_first_of_several_frames_is_taken_and_said(tmp_path):
    root = fill(tmp_path / "in", "cat", "dog")
    save(root / "cat" / "moves.png", frames=3)
    save(root / "dog" / "pages.tif", frames=2)
    assert "of 2 files the first of several frames is taken: cat/moves.png, dog/pages.tif" in (
        "".join(prepare(root, tmp_path / "out")[1])
    )


def arrays(tmp_path, **changes):
    lines, rows = [], np.arange(20)
    given = {"images": np.zeros((20, 5, 5), np.uint8), "labels": rows % 2, **changes}
    np.savez(tmp_path / "x.npz", **given)
    own_arrays.prepare({"images": str(tmp_path / "x.npz"), "title": "mine 1"}, tmp_path / "out", 1, lines.append)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": np.array([0.0, np.nan] * 10)}, r"x\.npz: labels .* 10 of 20 are missing.*first is row 1, 'nan'"),
        ({"labels": np.array(["a", "None"] * 10)}, r"x\.npz: labels .* 10 of 20 are missing.*row 1, 'None'"),
        ({"labels": np.array(["a", " "] * 10)}, r"x\.npz: labels .* 10 of 20 are missing.*row 1, ' '"),
        ({"labels": np.array(["2001-01-01", "NaT"] * 10, "M8[D]")}, r"10 of 20 are missing"),
        ({"labels": np.array(["a", "b"] * 10, object)}, r"x\.npz must be .*array labels: Object arrays.*astype\(str\)"),
        ({"labels": np.array([b"a", b"\xff"] * 10)}, r"x\.npz must be a file whose labels are text or numbers"),
        ({"labels": np.array(["Cat", "cat"] * 10)}, r"x\.npz: the classes 'Cat', 'cat' are one name"),
        ({"part": np.array(["train", "nan"] * 10)}, r"x\.npz: part .* 10 of 20 are missing"),
        ({"part": np.array(["train", "Test"] * 10)}, r"x\.npz: part must be one of train, test, got \['Test'\]"),
    ],
)
def test_labels_and_parts_that_are_missing_or_odd_are_refused_with_their_file(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        arrays(tmp_path, **changes)


def test_arrays_that_are_not_read_and_lone_classes_are_said(tmp_path):
    assert "x.npz holds arrays that are not read: split; parts are called part" in arrays(
        tmp_path, split=np.array(["train", "test"] * 10)
    )
    said = arrays(tmp_path, part=np.array(["train"] * 19 + ["test"]))
    assert "classes in one part alone: train has 0" in said


def test_cut_and_misnamed_arrays_are_named(tmp_path):
    arrays(tmp_path)
    whole = (tmp_path / "x.npz").read_bytes()
    np.save(tmp_path / "y.npy", np.arange(20))
    images = np.zeros((20, 5, 5), np.uint8)
    np.save(tmp_path / "images.npy", images)
    npy = (tmp_path / "images.npy").read_bytes()
    for name, content in {"cut.npz": whole[:300], "npy.npz": npy, "cut.npy": npy[:200], "npz.npy": whole}.items():
        (tmp_path / name).write_bytes(content)
        given = {"images": str(tmp_path / name), "title": "mine 1"}
        given |= {"labels": str(tmp_path / "y.npy")} if name.endswith("npy") else {}
        with pytest.raises(UnreadableFile, match=rf"{name} must be a \.np.*cannot be read \(.+\)\. Save it again"):
            own_arrays.prepare(given, tmp_path / "out", 1, print)


def test_missing_values_of_every_kind_are_found():
    for labels in ([1.0, np.nan], ["a", None], ["a", ""], ["a", "<NA>"], ["a", "NaN"]):
        with pytest.raises(ValueError, match=r"l\.txt must hold one label a stimulus; 1 of 2 are missing.*row 1"):
            check_present(np.array(labels, object), "l.txt")
    check_present(np.array(["none", "nano", "0"]), "l.txt")


def test_a_fault_without_words_is_told_by_its_kind(tmp_path):
    (tmp_path / "x").write_text("words")
    with pytest.raises(UnreadableFile, match=r"x must be text, it cannot be read \(EOFError\)\. Fetch it"):  # noqa: SIM117
        with readable(tmp_path / "x", "text", "Fetch it."):
            raise EOFError
    assert passed_by([]) == ""


def test_what_is_passed_by_in_folders_of_drawings_is_said(tmp_path, caplog):
    root = fill(tmp_path / "in", "train/kite", "test/Kite", count=1)
    save(root / "train" / "kite" / "x.gif")
    save(root / "notes.png")
    (root / "more").symlink_to(tmp_path)
    with caplog.at_level("INFO", logger="whyalike"):
        found = class_files(root, ["kite"], 9, 0)
    assert sorted(found["kite"]) == ["test/Kite/0.png", "train/kite/0.png"]
    assert f"2 files and folders in {root} are passed by: 1 .gif (train/kite/x.gif), 1 without a suffix (more)" in (
        caplog.text
    )
