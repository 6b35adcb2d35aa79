"""WebDatasets of CLIP-benchmark: labels and pixels as written, only drawn pictures decoded, faults named."""

import shutil
import tarfile

import numpy as np
import pytest
from picture_sets import CLASSES, part, picture, pixels, shard, webdataset

from whyalike.data import pictures
from whyalike.data.picture_parameters import WebDatasetParameters
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES

CALLED = [f"{number} {name}" for number, name in enumerate(CLASSES)]


def prepared(root, out, report=lambda line: None, **chosen):
    values = {"folder": str(root), "title": "pets 1", "size": 8, **chosen}
    SOURCES["webdataset"].load()(values, out, 2, report)
    return open_prepared(out, verify=True)


def test_labels_names_and_pixels_are_those_of_the_shards(tmp_path):
    data = prepared(webdataset(tmp_path / "in"), tmp_path / "out")
    assert data.labels["part"].tolist() == ["train"] * 6 + ["test"] * 3
    assert data.labels["class"].tolist() == [CALLED[i] for i in (3, 0, 1, 2, 0, 0, 1, 0, 3)]
    assert data.labels["file"][[0, 5, 6]].tolist() == [
        "train/0.tar/s0000000.webp", "train/1.tar/s0000005.webp", "test/0.tar/s0000000.webp",
    ]  # fmt: skip
    for row, seed in enumerate([*range(6), 100, 101, 102]):
        np.testing.assert_array_equal(data.images[row], pixels(seed))


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_other_formats_are_read(tmp_path, suffix):
    data = prepared(webdataset(tmp_path / "in", suffix=suffix), tmp_path / "out")
    assert np.abs(data.images[5].astype(int) - pixels(5)).mean() < (1 if suffix == "png" else 60)
    assert data.labels["file"][0].endswith(suffix)


def test_shards_go_by_their_number(tmp_path):
    part(tmp_path / "in" / "train", [0] * 11 + [1], per_shard=1)
    data = prepared(tmp_path / "in", tmp_path / "out", parts=["train"])
    assert [name.split("/")[1] for name in data.labels["file"]] == [f"{number}.tar" for number in range(12)]
    assert data.labels["class"].tolist() == ["0"] * 11 + ["1"]  # no classnames.txt


def test_one_part_needs_no_other_and_its_folder_may_lie_anywhere(tmp_path):
    webdataset(tmp_path / "in")
    first = prepared(tmp_path / "in", tmp_path / "a", parts=["test"])
    shutil.copytree(tmp_path / "in", tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved" / "train")
    assert prepared(tmp_path / "moved", tmp_path / "b", parts=["test"]).content_sha256 == first.content_sha256
    assert "in" not in (tmp_path / "a" / "checksums.json").read_text().split('"')


def test_a_draw_decodes_only_what_is_drawn(tmp_path, monkeypatch):
    root = webdataset(tmp_path / "in", train=[0] * 9 + [1] * 5 + [2])
    read, own = [], pictures._read
    monkeypatch.setattr(pictures, "_read", lambda root, one, size: read.append(one.file) or own(root, one, size))
    data = prepared(root, tmp_path / "out", balanced=9)
    train = data.labels[data.labels["part"] == "train"]
    assert train["class"].astype(str).value_counts().to_dict() == {"0 cat": 3, "1 dog": 3, "2 missile": 1}
    assert sorted(read) == sorted(data.labels["file"])
    assert len(data.rows("test")) == 3  # as many as there are: all
    for row, file in zip(data.rows("train"), train["file"], strict=True):
        np.testing.assert_array_equal(data.images[row], pixels(int(file.split("/s")[1][:7])))


def test_a_draw_is_keyed_by_seed_and_title(tmp_path):
    root = webdataset(tmp_path / "in", train=[0] * 30 + [1] * 30)
    draws = [
        tuple(prepared(root, tmp_path / str(i), balanced=20, **key).labels["file"])
        for i, key in enumerate([{}, {}, {"seed": 1}, {"title": "pets 2"}])
    ]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


def sample(number, suffixes, cls=b"0"):
    return [(f"s{number:07d}.{suffix}", cls if suffix == "cls" else picture(number)) for suffix in suffixes]


def spoil(root, fault):
    """One thing that goes wrong with shards."""
    train, path = root / "train", root / "train" / "0.tar"
    with tarfile.open(path) as archive:
        third = archive.getmembers()[4].offset  # header of s0000002.cls
        inside = archive.getmembers()[3].offset_data + 20
    content = bytearray(path.read_bytes())
    if fault == "header":
        content[third : third + 100] = b"\xff" * 100
        path.write_bytes(content)
    spoilt = {
        "header": lambda: None,
        "cut in a picture": lambda: cut(path, inside),
        "cut between members": lambda: cut(path, third),
        "no class": lambda: shard(path, [*sample(0, ["cls", "webp"]), *sample(1, ["webp"])]),
        "no picture": lambda: shard(path, [*sample(0, ["cls"]), *sample(1, ["cls", "webp"])]),
        "twice": lambda: shard(path, [*sample(0, ["cls", "webp"]), *sample(0, ["webp"])]),
        "no number": lambda: shard(path, sample(7, ["cls", "webp"], cls=b"cat")),
        "negative": lambda: shard(path, sample(7, ["cls", "webp"], cls=b"-1")),
        "beyond": lambda: shard(path, sample(7, ["cls", "webp"], cls=b"4")),
        "picture": lambda: shard(path, [("s0000003.cls", b"0"), ("s0000003.webp", b"RIFF no picture")]),
        "count": lambda: (train / "nshards.txt").write_text("3\n"),
        "fewer": lambda: (train / "nshards.txt").write_text("1\n"),
        "no count": lambda: (train / "nshards.txt").write_text("two\n"),
        "pointer": lambda: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "type": lambda: (root / "dataset_type.txt").write_text("multilabel\n"),
        "empty": lambda: [shard(train / f"{i}.tar", []) for i in range(2)],
    }
    spoilt[fault]()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("header", r"train/0\.tar is cut off or damaged in or behind s0000001\.webp"),
        (
            "cut in a picture",
            r"train/0\.tar is cut off .* in or behind s0000001\.webp \(unexpected end of data\)",
        ),
        ("cut between members", r"train/0\.tar is cut off or damaged in or behind s0000001\.webp\."),
        ("no class", r"train/0\.tar: the sample s0000001 has no s0000001\.cls"),
        ("no picture", r"train/0\.tar: the sample s0000000 has no picture \(webp, png, jpg, jpeg\)"),
        ("twice", r"train/0\.tar holds s0000000\.webp twice"),
        ("no number", r"train/0\.tar: s0000007\.cls must hold the number of a class, got b'cat'"),
        ("negative", r"train/0\.tar: s0000007\.cls must hold the number of a class, got b'-1'"),
        ("beyond", r"train/0\.tar: s0000007\.webp is of class 4, and classnames\.txt has 4 names"),
        ("picture", r"train/0\.tar must be an archive whose s0000003\.webp is an image, it cannot be read"),
        ("count", r"the 3 shards that nshards\.txt says, missing: 2\.tar"),
        ("fewer", r"holds 1\.tar beyond the 1 shards that nshards\.txt says"),
        ("no count", r"train/nshards\.txt must hold the number of shards, got 'two'"),
        ("pointer", r"train/0\.tar must be a tar archive, not compressed; it is a Git LFS pointer"),
        ("type", r"dataset_type\.txt says multilabel"),
        ("empty", r"holds no picture of the part train"),
    ],
)
def test_a_fault_is_named_with_its_shard_and_member(tmp_path, fault, message):
    root = webdataset(tmp_path / "in")
    spoil(root, fault)
    with pytest.raises(ValueError, match=message):
        prepared(root, tmp_path / "out")
    assert not (tmp_path / "out" / "checksums.json").exists()


def test_other_members_are_passed_by_and_said(tmp_path):
    root, lines = webdataset(tmp_path / "in"), []
    shard(root / "test" / "0.tar", [*sample(0, ["cls", "webp"]), ("s0000000.json", b"{}")])
    data = prepared(root, tmp_path / "out", lines.append)
    assert any("1 members of shards are passed by: 1 .json (test/0.tar/s0000000.json)" in line for line in lines)
    assert len(data.rows("test")) == 1


def test_what_is_not_there_is_told_by_names_alone(tmp_path):
    root = webdataset(tmp_path / "in", train=[0] * 12)
    chosen = WebDatasetParameters(folder=root, title="pets 1", size=8)
    assert chosen.missing() is None
    (root / "train" / "1.tar").unlink()
    (root / "test" / "nshards.txt").unlink()
    assert "missing: train/1.tar, test/nshards.txt. It comes from" in chosen.missing()
    shutil.rmtree(root)
    said = "missing: train/nshards.txt, train/0.tar, test/nshards.txt and 1 more"
    assert said in chosen.missing()
