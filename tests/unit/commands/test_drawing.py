"""`whyalike draws`, on shards in the layout of their publisher: rows, and a configuration that takes them."""

import json

import numpy as np
import pytest
import yaml
from data.picture_sets import hierarchy, pixels, webdataset
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.config import reading
from whyalike.data import breeds, published_draw
from whyalike.data.prepared import open_prepared
from whyalike.data.published_draw import published_rows, published_rows_of_imagenet
from whyalike.data.registry import SOURCES

CLASSES = {"pets": [0, 1] * 6, "cars": [3, 2, 1, 0] * 2, "wds_imagenet1k": [0, 1, 2, 3, 4, 5, 6, 7] * 3}


def whyalike(*arguments):
    return CliRunner().invoke(main, ["draws", *map(str, arguments)])


@pytest.fixture
def given(demo, tmp_path, monkeypatch):
    """The demo's configuration with three sets of shards, of which more than six training images are too many."""
    monkeypatch.setattr(published_draw, "IMAGES", 6)
    for name, classes in CLASSES.items():
        webdataset(tmp_path / name, train=classes, names=[f"name {i}" for i in range(8)])
        demo["datasets"][name] = {"source": "webdataset", "folder": str(tmp_path / name), "title": name, "size": 8,
                                  "balanced": 4}  # fmt: skip
        demo["stimuli"] |= {name: {"dataset": name, "part": "train"}, f"{name}_test": {"dataset": name}}
    demo["datasets"]["wds_imagenet1k"]["balanced"] = 16
    return demo


def written(values, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    return tmp_path / "config.yaml"


def test_training_images_are_drawn_as_published_and_test_images_stay(given, tmp_path):
    said = whyalike(written(given, tmp_path), tmp_path / "draws")
    assert said.exit_code == 0, said.output
    assert "cars: 8 of 8 training images" in said.output  # ceil(6 / 4 classes) of each
    assert "pets: 6 of 12 training images" in said.output
    assert "goes through 22 sets and wds_imagenet1k: of 2 sets it is another one" in said.output
    expected = published_rows({name: np.array(CLASSES[name]) for name in ("pets", "cars")})
    expected["wds_imagenet1k"] = published_rows_of_imagenet(np.array(CLASSES["wds_imagenet1k"]), 2)
    made = reading.read(tmp_path / "draws" / "demo_drawn.yaml")
    assert made.name == "demo_drawn"
    for name, rows in expected.items():
        drawn, test = made.stimuli[name].dataset, made.stimuli[f"{name}_test"].dataset
        assert (drawn, test) == (f"{name}_drawn", name)
        assert json.loads(made.datasets[drawn].rows.read_text()) == rows.tolist()
        assert made.datasets[drawn].title != made.datasets[name].title
        keys = yaml.safe_load((tmp_path / "draws" / "demo_drawn.yaml").read_text())["datasets"][drawn]
        SOURCES[keys.pop("source")].load()(keys, tmp_path / "out", 1, print)
        data = open_prepared(tmp_path / "out", verify=True)
        for image, row in zip(data.images, sorted(rows), strict=True):
            np.testing.assert_array_equal(image, pixels(row))


def test_superclasses_count_as_classes(given, tmp_path, monkeypatch):
    monkeypatch.setitem(breeds.TASKS, "living17", breeds.Task(3, breeds.LIVING, 2))
    monkeypatch.setitem(breeds.PUBLISHED, "living17", "")
    monkeypatch.setattr(breeds, "digest", lambda split, hierarchy: "")
    leaves = breeds.read_hierarchy(hierarchy(tmp_path / "breeds")).numbers
    webdataset(tmp_path / "wds_imagenet1k_2", train=[*range(len(leaves))] * 4, test=[*range(len(leaves))],
               names=list(leaves))  # fmt: skip
    given["datasets"]["living"] = {"source": "breeds", "task": "living17", "folder": str(tmp_path / "wds_imagenet1k_2"),
                                   "hierarchy": str(tmp_path / "breeds"), "title": "living", "size": 8}  # fmt: skip
    given["stimuli"]["living"] = {"dataset": "living", "part": "train"}
    said = whyalike(written(given, tmp_path), tmp_path / "draws")
    assert said.exit_code == 0, said.output
    own = breeds.pictures_of(reading.read(tmp_path / "config.yaml").datasets["living"], print)
    classes = np.array([one.label for one in own if one.part == "train"])
    sets = {"pets": np.array(CLASSES["pets"]), "cars": np.array(CLASSES["cars"]), "living": classes}
    rows = json.loads((tmp_path / "draws" / "living" / "subset_indices_train.json").read_text())
    assert rows == published_rows(sets)["living"].tolist()
    assert len(rows) < len(classes)


def test_a_configuration_without_shards_has_nothing_to_draw(demo_path, tmp_path):
    said = whyalike(demo_path, tmp_path)
    assert said.exit_code == 1
    assert "datasets: none is of the sources webdataset and breeds" in said.output


def test_missing_shards_are_told_of_all_sets(given, tmp_path):
    for name in ("pets", "cars"):
        (tmp_path / name / "train" / "0.tar").unlink()
    said = whyalike(written(given, tmp_path), tmp_path / "draws")
    assert said.exit_code == 1
    assert all(f"datasets.{name}: webdataset:" in said.output for name in ("pets", "cars"))
    assert not (tmp_path / "draws").exists()
