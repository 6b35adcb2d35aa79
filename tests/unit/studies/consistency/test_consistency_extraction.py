"""Representations of a setting on all stimuli: what the main line gives, of weights that are loaded once."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from whyalike.activations import extraction as of_store
from whyalike.activations.extraction import extract_cell
from whyalike.activations.parameters import ExtractionParameters, PretrainedExtractionParameters
from whyalike.activations.pretrained import extract_pretrained
from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.data.prepared import write_prepared
from whyalike.files import file_sha256, made_by
from whyalike.models.libraries.parameters import Architecture, Look
from whyalike.models.resnet import build
from whyalike.models.weights import save_weights
from whyalike.studies.consistency.extraction import extract_setting
from whyalike.studies.consistency.parameters import GivenActivations, SettingExtraction
from whyalike.training.parameters import Operation
from whyalike.training.store import StoredRun

MODEL = {"family": "resnet", "blocks": [1, 1], "widths": [4, 6], "stem": "3x3", "stem_stride": 1}
CPU = Operation(device="cpu")
RUNS = ("1" * 16, "2" * 16)
STIMULI = {
    "all": {"dataset": "photos", "part": "test", "n": None, "seed": 0},
    "drawn": {"dataset": "photos", "part": "train", "n": 5, "seed": 3},
    "dark@0p5": {"dataset": "grey", "part": "test", "n": None, "seed": 0, "shift": "contrast", "levels": [0.5]},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    labels = pd.DataFrame({"part": ["train"] * 8 + ["test"] * 7, "class": list("abababababababa")})
    for name, channels in (("photos", 3), ("grey", 1)):
        pixels = random.integers(0, 256, (15, 8, 8, channels), dtype=np.uint8)
        write_prepared(tmp_path / "data" / name, pixels, labels, ["class"], {})
    return tmp_path


def stored(folder, identity, seed):
    run = StoredRun(folder / "runs", identity)
    run.folder.mkdir(parents=True)
    model = build(MODEL, 2, seed, "A")
    save_weights(model, run.weights)
    sha256 = {run.weights.name: file_sha256(run.weights)}
    run.result.write_text(json.dumps({"sha256": sha256, "classes": ["a", "b"], "steps": 1}))


def files(folder, setting="s"):
    return {f"stimuli_{place}": folder / "out" / f"{setting}.{name}.parquet" for place, name in enumerate(STIMULI)}


def extracted(folder, cells, **others):
    """Stimuli -> view -> vectors, of the study's extraction."""
    parameters = SettingExtraction(setting="s", cells=cells, stimuli=STIMULI, version=1)
    data = [folder / "data" / name / file for name in ("photos", "grey") for file in ("array.npy", "labels.parquet")]
    outputs = files(folder)
    text = SettingExtraction.from_text(parameters.text())  # as a job has them: in the order of the letters
    extract_setting(text, CPU, 1, folder / "runs", data, outputs, **others)
    assert made_by(outputs["stimuli_0"])["work"] == parameters.plain()
    return {name: {view: read_activations(path, view) for view in runs_of(path)}
            for name, path in zip(STIMULI, outputs.values(), strict=True)}  # fmt: skip


def cell(stimuli, **others):
    given = {"seed": 0, "model": MODEL, "size": 8, "mean": (120, 118, 110), "std": (60, 61, 62), "layers": ("avgpool",),
             "untrained": {}, "version": 2, "stimuli": stimuli, "runs": RUNS}  # fmt: skip
    return ExtractionParameters(**given | others)


@pytest.mark.parametrize("look", [{}, {"recalibration": 4, "views": {RUNS[0]: "a" * 16, RUNS[1]: "b" * 16}}])
def test_trained_models_give_what_the_main_line_extracts_and_are_loaded_once(folder, monkeypatch, look):
    for seed, identity in enumerate(RUNS):
        stored(folder, identity, seed)
    training = folder / "data" / "photos"
    loaded, load = [], of_store.trained_model
    with monkeypatch.context() as patch:
        patch.setattr(of_store, "trained_model", lambda *given: loaded.append(given[1].identity) or load(*given))
        cells = [cell({}, runs=[run], **look).plain() for run in RUNS]  # a cell has a seed
        found = extracted(folder, cells, training=[training / "array.npy"])
    assert loaded == list(RUNS)
    for name, stimuli in STIMULI.items():
        path = folder / f"{name}.parquet"
        extract_cell(cell(stimuli, **look), CPU, 1, folder / "data" / stimuli["dataset"], folder / "runs",
                     {"avgpool": path}, training)  # fmt: skip
        assert list(found[name]) == [look.get("views", {}).get(run, run) for run in RUNS] == runs_of(path)
        for view, vectors in found[name].items():
            assert np.array_equal(vectors, read_activations(path, view))
    assert len(found["drawn"][runs_of(folder / "drawn.parquet")[0]]) == 5


def test_representations_are_stored_as_the_configuration_says(folder):
    stored(folder, RUNS[0], 0)
    whole = extracted(folder, [cell({}, runs=RUNS[:1]).plain()])["all"][RUNS[0]]
    half = extracted(folder, [cell({}, runs=RUNS[:1], stored="float16").plain()])["all"][RUNS[0]]
    assert np.array_equal(half, whole.astype(np.float16).astype(np.float32)) and not np.array_equal(half, whole)


def test_models_of_another_library_give_what_the_main_line_extracts(folder):
    timm = pytest.importorskip("timm", reason="timm is missing: make setup-zoo")
    torch.manual_seed(3)
    weights = folder / "vit.safetensors"
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), weights)
    rule = {"resize": 160, "mean": [120, 120, 120], "std": [60, 60, 60]}
    look = Look(architecture=Architecture(library="timm", name="test_vit", tag="mine"), layers=("pooled",), rule=rule)
    given = {"seed": 0, "look": look, "runs": {"m": RUNS[0]}, "sha256": {"m": file_sha256(weights)}, "untrained": {},
             "version": 1}  # fmt: skip
    cells = [PretrainedExtractionParameters(**given, stimuli={}).plain()]
    found = extracted(folder, cells, weights={"m": weights})
    for name, stimuli in STIMULI.items():
        path = folder / f"{name}.parquet"
        parameters = PretrainedExtractionParameters(**given, stimuli=stimuli)
        data = folder / "data" / stimuli["dataset"]
        extract_pretrained(parameters, CPU, 1, data, {"m": weights}, {"pooled": path})
        assert np.array_equal(found[name][RUNS[0]], read_activations(path, RUNS[0]))


def test_vectors_from_files_of_the_user_are_in_the_order_of_the_stimuli_whatever_their_width(folder):
    random = np.random.default_rng(1)
    sizes = {"all": np.arange(8, 15), "drawn": None, "dark@0p5": np.arange(8, 15)}
    stored(folder, RUNS[0], 0)
    extracted(folder, [cell({}, runs=RUNS[:1]).plain()])
    sizes["drawn"] = read_ids(folder / "out" / "s.drawn.parquet")
    given, paths = {}, []
    for name, ids in sizes.items():
        for run, width in (("a", 3), ("b", 2)):
            given[name, run] = random.normal(size=(len(ids), width)).astype(np.float32)
            order = random.permutation(len(ids))
            paths.append(folder / f"{run}.{name}.npz")
            np.savez(paths[-1], vectors=given[name, run][order], stimulus_id=ids[order])
    views = {"a": RUNS[0], "b": RUNS[1]}
    found = extracted(folder, [GivenActivations(views=views).plain()], files=paths)
    assert all(np.array_equal(found[name][views[run]], vectors) for (name, run), vectors in given.items())
