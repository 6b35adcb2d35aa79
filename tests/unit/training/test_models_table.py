"""The table of models: a row a run of a cell, with what the store knows and what the user says."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from whyalike.config.attributes import COLUMNS
from whyalike.files import made_by, write_table
from whyalike.training.manifest import MANIFEST
from whyalike.training.models_table import MODEL_SCHEMA, parameters_of, write_models
from whyalike.training.parameters import ModelsParameters

OF_RUN = {"labelling": "digit", "steps": 8, "accuracy": 0.5, "loss": 1.25, "loss_unit": "nats", "sha256": "s"}
TRAINED = {
    "setting": "ours", "factor": "zoo", "seed": 3, "kind": "trained", "dataset": "digits", "model": "small",
    "model_family": "resnet", "recipe": "short", "starts": {"r1": "0", "r2": "1"},
    "attributes": {"objective": "supervised", "size": 2, "blocks": 3, "frozen": False},
}  # fmt: skip
GIVEN = {
    "setting": "theirs", "factor": "external", "seed": 0, "kind": "activations", "dataset": "digits", "starts": {},
    "attributes": {"objective": "language", "size": 1.5},
}  # fmt: skip
LIBRARY = {
    "setting": "timm", "factor": "zoo", "seed": 0, "kind": "pretrained", "dataset": "digits", "library": "timm",
    "starts": {}, "attributes": {},
}  # fmt: skip
WORK = {"cells": [TRAINED, GIVEN, LIBRARY], "code": "x"}


def manifest(path, cell, *runs, **told):
    own = {name: cell[name] for name in ("setting", "factor", "seed")}
    rows = [{**own, "run": run, "name": name, "replica": replica, **more} for run, name, replica, more in runs]
    write_table(path, pa.Table.from_pylist(rows, schema=MANIFEST), told)
    return path


@pytest.fixture
def table(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    (tmp_path / "runs" / "r1").mkdir(parents=True)
    save_file(net.state_dict(), tmp_path / "runs" / "r1" / "weights.safetensors")
    manifests = [
        manifest(tmp_path / "a.parquet", TRAINED, ("r1", "seed3", "0", OF_RUN), ("r2", "seed3.start1", "0", OF_RUN)),
        manifest(tmp_path / "b.parquet", GIVEN, ("g", "clip", "clip", {"labelling": "digit", "sha256": "t"})),
        manifest(tmp_path / "c.parquet", LIBRARY, ("l", "vit", "vit", {"labelling": "digit", "sha256": "u"}),
                 models={"vit": {"parameters": 1234}}),
    ]  # fmt: skip
    write_models(ModelsParameters.from_plain(WORK), manifests, tmp_path / "runs", tmp_path / "models.parquet")
    assert made_by(tmp_path / "models.parquet") == {"work": WORK}
    return pq.read_table(tmp_path / "models.parquet")


def test_a_row_is_a_run_with_what_its_setting_says(table):
    assert table.column_names[: len(MODEL_SCHEMA)] == MODEL_SCHEMA.names
    first, second, given, library = table.to_pylist()
    own = {name: value for name, value in TRAINED.items() if name not in ("starts", "attributes")}
    assert first.items() >= {**own, **OF_RUN, "run": "r1", "name": "seed3", "start": "0", "order": "0"}.items()
    assert (second["start"], second["order"]) == ("1", "0")
    assert [given[name] for name in ("start", "order", "model", "recipe", "accuracy", "parameters")] == [None] * 6
    assert (given["kind"], given["sha256"]) == ("activations", "t")
    assert (library["library"], library["parameters"]) == ("timm", 1234)  # its weights are not in the store


def test_the_size_of_another_librarys_model_is_that_of_its_manifest(tmp_path):
    cell = {**GIVEN, "setting": "vit", "kind": "library", "library": "timm", "attributes": {}}
    path = manifest(tmp_path / "a.parquet", cell, ("v", "vit", "vit", {"labelling": "digit", "sha256": "w"}))
    told = {"vit": {"sha256": "w", "parameters": 300, "parameters_encoder": 200}}
    write_table(path, pq.read_table(path), {"models": told})
    write_models(ModelsParameters.from_plain({"cells": [cell], "code": "x"}), [path], tmp_path, tmp_path / "m.parquet")
    [row] = pq.read_table(tmp_path / "m.parquet").to_pylist()
    assert (row["parameters"], row["library"], row["sha256"]) == (300, "timm", "w")


def test_no_attribute_may_have_the_name_of_a_column():
    assert set(COLUMNS) == set(MODEL_SCHEMA.names)


def test_attributes_are_columns_of_their_type_and_null_where_a_setting_has_none(table):
    types = {name: table.schema.field(name).type for name in ("objective", "size", "blocks", "frozen")}
    assert types == {"objective": pa.string(), "size": pa.float64(), "blocks": pa.int64(), "frozen": pa.bool_()}
    assert table["size"].to_pylist() == [2, 2, 1.5, None]
    assert table["frozen"].to_pylist() == [False, False, None, None]


def test_parameters_are_counted_without_running_statistics(table, tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    counted = sum(parameter.numel() for parameter in net.parameters())
    assert table["parameters"].to_pylist() == [counted, None, None, 1234]
    save_file({"w": torch.zeros(2, 3), "n": torch.zeros(())}, tmp_path / "w.safetensors")
    assert parameters_of(tmp_path / "w.safetensors") == 7


def test_a_damaged_file_of_weights_is_told_by_name(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"w\.safetensors"):
        parameters_of(tmp_path / "w.safetensors")
