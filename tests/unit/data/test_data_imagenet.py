"""ImageNet and the BREEDS filters of it, from small trees in the layouts of the originals."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from picture_sets import TREE, WNIDS, hierarchy, imagenet, kit, part
from scipy.io import loadmat

from whyalike.data import breeds
from whyalike.data.breeds import TASKS, Task, digest, make_split, read_hierarchy
from whyalike.data.imagenet import _of_kit
from whyalike.data.picture_parameters import SUPERCLASSES, BreedsParameters, ImageNetParameters
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES
from whyalike.files import canonical_json

SOME = WNIDS[:3]
TASK = Task(level=3, ancestor="n00004258", subclasses=4)
# classes of Living17's superclasses, source and target: `train_classes` and `test_classes` of
# lciernik/similarity_consistency at 99d8051, data/datasets/breeds.py
LIVING17 = [
    [27, 29, 37, 34, 41, 44, 60, 57, 76, 72, 81, 83, 88, 90, 118, 120, 163, 154, 272, 271, 280, 279, 282, 285, 297, 295,
     305, 306, 325, 321, 368, 365, 377, 380],
    [26, 28, 33, 35, 47, 38, 65, 61, 74, 77, 82, 80, 87, 89, 119, 121, 257, 157, 270, 269, 277, 278, 283, 284, 296, 294,
     302, 303, 324, 322, 366, 367, 381, 379],
]  # fmt: skip


def silent(line: str) -> None:
    del line


def prepared(source, root, out, report=silent, **chosen):
    values = {"folder": str(root), "title": "ImageNet", "size": 4, **chosen}
    SOURCES[source].load()(values, out, 2, report)
    return open_prepared(out, verify=True)


def of_files(data):
    return dict(zip(data.labels["file"].astype(str), data.labels["class"].astype(str), strict=True))


def test_folders_of_ids_are_the_classes_of_both_parts(tmp_path):
    order = imagenet(tmp_path / "in", SOME)
    (tmp_path / "in" / "train" / "notes.txt").write_text("mine")
    lines = []
    data = prepared("imagenet", tmp_path / "in", tmp_path / "out", lines.append)
    assert data.labels["class"][data.rows("train")].tolist() == [wnid for wnid in SOME for _ in range(3)]
    assert {file: name for file, name in of_files(data).items() if file.startswith("val")} == {
        f"val/{wnid}/ILSVRC2012_val_{i:08d}.JPEG": wnid for i, wnid in enumerate(order, start=1)
    }
    assert data.images.shape == (15, 4, 4, 3)
    assert any("1 files and folders in" in line and "train/notes.txt" in line for line in lines)


@pytest.mark.parametrize("where", ["in the folder", "elsewhere", "table"])
def test_flat_validation_images_get_the_classes_of_the_kit_or_the_table(tmp_path, where):
    root = tmp_path / "in"
    order = imagenet(root, SOME, flat=True)
    if where == "table":
        lines = [f"ILSVRC2012_val_{i:08d},{wnid} 85 1 499 272 \n" for i, wnid in enumerate(order, start=1)]
        chosen = {"answers": "LOC_val_solution.csv"}
        (root / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n" + "".join(lines[::-1]))
    else:
        folder = (root if where == "in the folder" else tmp_path) / "ILSVRC2012_devkit_t12"
        kit(folder, SOME, order)
        chosen = {} if where == "in the folder" else {"answers": str(folder.absolute())}
    data = prepared("imagenet", root, tmp_path / "out", parts=["test"], **chosen)
    expected = {f"val/ILSVRC2012_val_{i:08d}.JPEG": wnid for i, wnid in enumerate(order, start=1)}
    assert of_files(data) == expected
    assert data.labels["class"].tolist() == sorted(order)


def test_the_kit_is_read_as_torchvision_reads_it(tmp_path):
    """The same `synsets` by torchvision's way: places in the row, not names of fields."""

    order = [*SOME, *SOME[::-1], SOME[1]]
    kit(tmp_path / "kit", SOME, order)
    meta = loadmat(tmp_path / "kit" / "data" / "meta.mat", squeeze_me=True)["synsets"]
    leaves = [row for row in meta if row[4] == 0]
    wnids = {row[0]: row[1] for row in leaves}
    truth = (tmp_path / "kit" / "data" / "ILSVRC2012_validation_ground_truth.txt").read_text().splitlines()
    assert [wnids[int(line)] for line in truth] == order == list(_of_kit(tmp_path / "kit").values())


def spoil(root, fault):
    """One thing that goes wrong with a tree whose validation images are flat."""
    val, kit_of_it = root / "val", root / "ILSVRC2012_devkit_t12"
    spoilt = {
        "empty class": lambda: [path.unlink() for path in (root / "train" / SOME[1]).iterdir()],
        "lost": lambda: (val / "ILSVRC2012_val_00000002.JPEG").unlink(),
        "unknown": lambda: (val / "x.JPEG").write_bytes(b"x"),
        "no kit": lambda: shutil.rmtree(kit_of_it),
        "picture": lambda: (val / "ILSVRC2012_val_00000003.JPEG").write_bytes(b"x"),
        "meta": lambda: (kit_of_it / "data" / "meta.mat").write_bytes(b"x"),
        "no val": lambda: shutil.rmtree(val),
    }
    spoilt[fault]()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("empty class", rf"train/{SOME[1]} holds no images"),
        ("lost", r"lacks 1 of 6 images: ILSVRC2012_val_00000002"),
        ("unknown", r"no class is given for val/x\.JPEG"),
        ("no kit", r"holds no folders of classes.*Set `answers`"),
        ("picture", r"val_00000003\.JPEG must be an image"),
        ("meta", r"meta\.mat must be meta\.mat of the ILSVRC"),
        ("no val", r"missing: val\. It comes from image-net\.org"),
    ],
)
def test_what_is_wrong_with_a_tree_is_named(tmp_path, fault, message):
    root = tmp_path / "in"
    kit(root / "ILSVRC2012_devkit_t12", SOME, imagenet(root, SOME, flat=True))
    spoil(root, fault)
    with pytest.raises(ValueError, match=message):
        prepared("imagenet", root, tmp_path / "out")


def test_archives_of_classes_that_were_not_unpacked_are_told(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "val").mkdir()
    (tmp_path / "train" / "n01440764.tar").write_bytes(b"")
    with pytest.raises(ValueError, match=r"Unpack each \{wnid\}\.tar into a folder"):
        prepared("imagenet", tmp_path, tmp_path / "out", parts=["train"])
    assert ImageNetParameters(folder=tmp_path, title="t", size=8, parts=["train"]).missing() is None
    assert "val holds no folders of classes" in ImageNetParameters(folder=tmp_path, title="t", size=8).missing()
    assert "missing: train, val" in ImageNetParameters(folder=tmp_path / "no", title="t", size=8).missing()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small hierarchy in the place of the authors', and ImageNet under it."""
    files = read_hierarchy(hierarchy(tmp_path / "breeds"))
    monkeypatch.setitem(TASKS, "living17", TASK)
    monkeypatch.setitem(breeds.PUBLISHED, "living17", digest(make_split(files, TASK), files))
    imagenet(tmp_path / "in", WNIDS, train=2)
    return tmp_path, make_split(files, TASK)


def test_the_split_is_drawn_superclass_by_superclass(small):
    _, split = small
    generator = np.random.RandomState(2)
    five, six = [f"n0000010{i}" for i in range(5)], TREE["n20000003"]
    first, second = (generator.choice(own, 4, replace=False).tolist() for own in (five, six))
    assert split == {"n20000001": (first[:2], first[2:]), "n20000003": (second[:2], second[2:])}


@pytest.mark.parametrize("test_classes", ["target", "source"])
def test_source_and_target_subclasses_are_kept_apart(small, test_classes):
    root, split = small
    chosen = {"task": "living17", "hierarchy": str(root / "breeds"), "test_classes": test_classes}
    data = prepared("breeds", root / "in", root / "out", **chosen)
    named = {node: f"{node} name of {node}" for node in split}
    half = 1 if test_classes == "target" else 0
    for name, taken, each in (("train", 0, 2), ("test", half, 2)):
        own = data.labels.iloc[data.rows(name)]
        found = sorted(zip(own["class"].astype(str), own["subclass"].astype(str), strict=True))
        assert found == sorted(
            (named[node], wnid) for node in split for wnid in split[node][taken] for _ in range(each)
        )
        assert all(wnid in file for wnid, file in zip(own["subclass"], own["file"], strict=True))


def test_imagenet_may_lie_as_shards(small):
    root, split = small
    numbers = [i for i in range(len(WNIDS)) for _ in range(2)]
    for name in ("train", "test"):
        part(root / "shards" / name, numbers, "jpg", per_shard=7)
    chosen = {"task": "living17", "hierarchy": str(root / "breeds")}
    data = prepared("breeds", root / "shards", root / "out", **chosen)
    counts = data.labels.groupby(["part", "subclass"], observed=True).size().to_dict()
    expected = {
        (name, wnid) for own in split.values() for name, ids in zip(("train", "test"), own, strict=True) for wnid in ids
    }
    assert counts == dict.fromkeys(expected, 2)
    assert set(data.labels["class"]) == {f"{node} name of {node}" for node in split}
    (root / "shards" / "train" / "1.tar").unlink()
    given = BreedsParameters(**chosen, folder=root / "shards", title="t", size=4)
    assert "breeds: " in given.missing()
    assert "missing: train/1.tar" in given.missing()


def test_the_pin_is_that_of_the_published_lists():
    assert hashlib.sha256(canonical_json(LIVING17).encode()).hexdigest() == breeds.PUBLISHED["living17"]
    assert breeds.PUBLISHED.keys() == TASKS.keys() == SUPERCLASSES.keys()


def test_a_hierarchy_that_gives_another_split_is_refused(small):
    root, _ = small
    edges = root / "breeds" / "class_hierarchy.txt"
    edges.write_text(edges.read_text().replace("n20000003 n00000205\n", ""))
    with pytest.raises(ValueError, match=r"breeds do not give the published split of living17\. They come from"):
        prepared("breeds", root / "in", root / "out", task="living17", hierarchy=str(root / "breeds"))


def test_a_class_that_imagenet_lacks_is_named(small):
    root, split = small
    wnid = split["n20000003"][1][0]
    shutil.rmtree(root / "in" / "val" / wnid)
    with pytest.raises(ValueError, match=rf"lacks 1 of 8 subclasses of living17, such as {wnid} of the part test"):
        prepared("breeds", root / "in", root / "out", task="living17", hierarchy=str(root / "breeds"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("class_hierarchy.txt", "n1 n2 n3\n", "class_hierarchy.txt must be a parent and a child a line"),
        ("class_hierarchy.txt", "n00000100 n20000001\nn20000001 n00000100\n", "nodes are in a cycle"),
        ("dataset_class_info.json", "{", "dataset_class_info.json must be a list"),
        ("node_names.txt", "n1 no tab\n", "node_names.txt must be a WordNet id and its names"),
    ],
)
def test_files_of_the_hierarchy_that_cannot_be_read_are_named(tmp_path, name, text, message):
    hierarchy(tmp_path / "breeds")
    (tmp_path / "breeds" / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_hierarchy(tmp_path / "breeds")


def test_missing_files_of_the_hierarchy_are_told(small):
    root, _ = small
    given = {"task": "living17", "hierarchy": root / "breeds", "folder": root / "in", "title": "t", "size": 4}
    assert BreedsParameters(**given).missing() is None
    (root / "breeds" / "node_names.txt").unlink()
    assert "missing: node_names.txt. They come from" in BreedsParameters(**given).missing()
    assert json.loads(BreedsParameters(**given).model_dump_json())["hierarchy"] == "given"
