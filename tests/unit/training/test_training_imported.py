"""Checkpoints from the user's files in the run store."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from whyalike.data.prepared import write_prepared
from whyalike.files import file_sha256, made_by
from whyalike.models.resnet import build
from whyalike.training.checkpoint import load_checkpoint
from whyalike.training.imported import import_runs
from whyalike.training.parameters import CheckpointParameters, ImportParameters, Operation
from whyalike.training.store import DamagedRun, StoredRun

MODEL = {"family": "resnet", "blocks": [1], "widths": [4], "stem": "3x3", "stem_stride": 1}


def state(classes, seed=0):
    return build(MODEL, classes, seed, "0").state_dict()


@pytest.fixture
def job(tmp_path):
    """The arguments of an import of two checkpoints, one in each format."""
    labels = pd.DataFrame({"part": "test", "class": ["a", "b", "c"]})
    write_prepared(tmp_path / "data", np.zeros((3, 2, 2, 1), np.uint8), labels, ["class"], {})
    files = [tmp_path / "x.safetensors", tmp_path / "y.pt"]
    save_file(state(3, 1), files[0])
    torch.save({"state_dict": state(3, 2)}, files[1])
    run = {"level": None, "labelling": "class"}
    runs = [{"name": name, "replica": name, "identity": name * 16, **run} for name in "ab"]
    cell = {"setting": "s", "factor": "external", "seed": 0}
    return {
        "parameters": CheckpointParameters(**cell, labelling="class", runs=runs, model=MODEL, classes=None, version=1),
        "operation": Operation(),
        "files": files,
        "dataset": tmp_path / "data",
        "store": tmp_path / "runs",
        "output": tmp_path / "manifest.parquet",
        "layers": ["avgpool"],
        "size": 8,
    }


def test_checkpoints_become_finished_runs_with_their_classes(job):
    import_runs(**job)
    manifest = pd.read_parquet(job["output"])
    assert manifest["class_names"].map(list).tolist() == [["a", "b", "c"]] * 2
    assert manifest["accuracy"].isna().all()
    assert made_by(job["output"])["files"] == {
        name: [file_sha256(path)] for name, path in zip("ab", job["files"], strict=True)
    }
    for name, seed in (("a", 1), ("b", 2)):
        stored = StoredRun(job["store"], name * 16)
        assert stored.finished()["classes"] == ["a", "b", "c"]
        expected = state(3, seed)
        assert all(torch.equal(value, expected[key]) for key, value in load_file(stored.weights).items())


def test_a_layer_that_the_model_lacks_is_named_before_anything_is_stored(job):
    with pytest.raises(LookupError, match=r"no module \['pool'\]") as caught:
        import_runs(**{**job, "layers": ["pool"]})
    assert "`layers` of settings.s" in caught.value.__notes__[0]
    assert not job["store"].exists()


def test_a_file_that_changed_under_its_identity_is_refused_and_the_stored_run_stays(job):
    import_runs(**job)
    before = StoredRun(job["store"], "a" * 16).weights.read_bytes()
    save_file(state(3, 7), job["files"][0])
    with pytest.raises(DamagedRun, match=r"x\.safetensors is not the file .* raise `version` of the setting"):
        import_runs(**job)
    assert StoredRun(job["store"], "a" * 16).weights.read_bytes() == before


def test_models_with_other_outputs_than_the_labelling_need_their_number(job):
    for path in job["files"]:
        torch.save(state(5), path) if path.suffix == ".pt" else save_file(state(5), path)
    with pytest.raises(ValueError, match=r"x\.safetensors does not fit the model of its setting"):
        import_runs(**job)
    job["parameters"] = job["parameters"].model_copy(update={"classes": 5})
    import_runs(**job)
    assert pd.read_parquet(job["output"])["classes"].tolist() == [5, 5]


def test_a_folder_is_a_checkpoint_of_which_a_prefix_chooses_names(job):
    folder = job["files"][0].with_suffix("")
    folder.mkdir()
    inner = {f"net.{name}": value for name, value in state(3, 1).items()}
    save_file({**inner, "loss.weight": torch.zeros(2)}, folder / "model.safetensors")
    job["parameters"] = job["parameters"].model_copy(update={"runs": job["parameters"].runs[:1]})
    job["files"] = [folder]
    with pytest.raises(ValueError, match=r"give the setting `prefix: net\.`"):
        import_runs(**job)
    job["parameters"] = job["parameters"].model_copy(update={"prefix": "net."})
    import_runs(**job)
    assert made_by(job["output"])["files"] == {"a": [file_sha256(folder / "model.safetensors")]}
    stored = load_file(StoredRun(job["store"], "a" * 16).weights)
    assert all(torch.equal(value, stored[name]) for name, value in state(3, 1).items())


def test_activations_are_registered_by_the_hashes_of_all_their_files(job):
    job["parameters"] = ImportParameters(
        **{name: getattr(job["parameters"], name) for name in ImportParameters.model_fields}
    )
    job["files"] = [*job["files"], *job["files"][::-1]]  # two files a run
    import_runs(**job)
    manifest = pd.read_parquet(job["output"])
    assert len(set(manifest["sha256"])) == 2
    assert {name: len(hashes) for name, hashes in made_by(job["output"])["files"].items()} == {"a": 2, "b": 2}
    assert not job["store"].exists()


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_what_is_no_state_dict_is_named(tmp_path, name):
    (tmp_path / name).write_text("no tensors")
    with pytest.raises(ValueError, match=rf"{name} must be a state dict"):
        load_checkpoint(build(MODEL, 2, 0, "0"), tmp_path / name)
