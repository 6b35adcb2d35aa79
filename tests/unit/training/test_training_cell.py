"""A cell: what the store lacks is trained, and the manifest says what there is."""

import logging
import sys
import time
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from training_jobs import EVERYTHING, MODEL, OPERATION, PROCESSES, end, identity, ledger, start, train_cell_slowly

from whyalike.files import file_sha256, made_by
from whyalike.models.weights import build_model, load_weights
from whyalike.training.cell import train_cell
from whyalike.training.manifest import MANIFEST
from whyalike.training.store import DamagedRun


def rows(path):
    return pq.read_table(path).to_pylist()


def test_the_manifest_has_a_row_a_run(cell):
    cell.train()
    assert pq.read_schema(cell.manifest).equals(MANIFEST)
    assert made_by(cell.manifest) == {"work": cell.work().plain()}
    first, second = rows(cell.manifest)
    sha256 = file_sha256(cell.stored("A").weights)
    assert first | {"accuracy": None, "loss": None, "torch": None} == {
        "run": identity("A"), "name": "A", "setting": "toy", "factor": "dataset", "seed": 0, "replica": "A",
        "level": None, "labelling": "shape", "classes": 2, "class_names": ["disc", "star"], "n_train": 32, "n_test": 16,
        "steps": 8, "accuracy": None, "loss": None, "loss_unit": "nats",
        "sha256": sha256, "device": "cpu", "torch": None}  # fmt: skip
    assert (second["name"], second["replica"], second["level"]) == ("B@0.5", "B", "0.5")
    result = cell.stored("A").finished()
    assert (first["accuracy"], first["loss"]) == (result["accuracy"], result["loss"])


def test_a_model_of_some_classes_is_tested_on_its_own(cell):
    cell.train(cell.work("task", "colour_shape"))
    for row in rows(cell.manifest):
        assert (row["classes"], row["n_train"], row["n_test"]) == (2, 32, 8)
        assert set(row["class_names"]) < {"blue_disc", "blue_star", "red_disc", "red_star"}


def test_a_second_call_trains_nothing_and_writes_the_same_bytes(cell):
    cell.train()
    manifest, ledgers = cell.manifest.read_bytes(), cell.ledgers()
    cell.train()
    assert cell.manifest.read_bytes() == manifest
    assert cell.ledgers() == ledgers


def test_a_lost_manifest_is_read_from_the_store(cell):
    cell.train()
    manifest, ledgers = cell.manifest.read_bytes(), cell.ledgers()
    cell.manifest.unlink()
    cell.train()
    assert cell.manifest.read_bytes() == manifest
    assert cell.ledgers() == ledgers


def test_a_new_level_trains_its_run_alone(cell):
    cell.train(cell.work(levels=("0.5",)))
    before, old = cell.ledgers(), rows(cell.manifest)
    cell.train(cell.work(levels=("0.25", "0.5")))
    after = cell.ledgers()
    assert set(after) - set(before) == {identity("B@0.25")}
    assert {name: after[name] for name in before} == before
    assert [row for row in rows(cell.manifest) if row["name"] != "B@0.25"] == old


def test_more_steps_to_keep_train_anew_to_the_same_weights(cell):
    cell.train(cell.work(keep_steps=(3,)))
    weights, old = cell.stored("A").weights.read_bytes(), rows(cell.manifest)
    cell.train(cell.work(keep_steps=(0, 3, 6, 99)))
    stored = cell.stored("A")
    assert stored.weights.read_bytes() == weights
    assert rows(cell.manifest) == old
    assert all(stored.weights_at(step).is_file() for step in (0, 3, 6))
    assert [event for (event,) in ledger(stored, "event")] == ["start", "checkpoint", "end"] * 2
    ledgers = cell.ledgers()
    cell.train(cell.work(keep_steps=(3,)))  # fewer: nothing to do
    cell.train(cell.work(keep_steps=(0, 3, 6, 99)))
    assert cell.ledgers() == ledgers


def test_steps_kept_for_another_study_stay_kept(cell):
    cell.train(cell.work(keep_steps=(3,)))
    cell.train(cell.work(keep_steps=(6,)))
    ledgers = cell.ledgers()
    cell.train(cell.work(keep_steps=(3,)))
    assert cell.ledgers() == ledgers


def test_a_checkpoint_left_beside_a_result_is_removed(cell):
    cell.train()
    cell.stored("A").checkpoint.write_bytes(b"killed after the result was written")
    cell.train()
    assert not cell.stored("A").checkpoint.exists()


def test_poor_runs_are_all_named_and_no_manifest_is_written(cell):
    with pytest.raises(RuntimeError) as caught:
        cell.train(cell.work(levels=("0.25", "0.5"), required=1.01))
    text = str(caught.value)
    assert text.startswith("3 runs of toy dataset seed 0 learned too little:")
    for name in ("A", "B@0.25", "B@0.5"):
        accuracy = cell.stored(name).finished()["accuracy"]
        assert f"{name} ({identity(name)}): {accuracy:.3f} on 16 own test images, 1.010 required" in text
    assert "lower min_accuracy" in text
    assert not cell.manifest.exists()
    assert len(cell.ledgers()) == 3  # the runs stay in the store


def test_only_runs_below_the_bound_are_named(cell):
    cell.train()
    accuracies = {row["name"]: row["accuracy"] for row in rows(cell.manifest)}
    bound = max(accuracies.values())
    poor = {name for name, accuracy in accuracies.items() if accuracy < bound}
    if not poor:  # equal accuracies meet the bound that they set
        cell.train(cell.work(required=bound))
        return
    with pytest.raises(RuntimeError) as caught:
        cell.train(cell.work(required=bound))
    named = {line.split()[0] for line in str(caught.value).splitlines() if line.startswith("  ")}
    assert named == poor


@pytest.mark.parametrize("recipe", [{}, {"keep_steps": (3, 6)}], ids=["same recipe", "more steps to keep"])
def test_changed_images_under_the_same_identity_are_refused(cell, recipe):
    cell.train()
    ledgers = cell.ledgers()
    cell.prepare(seed=1)
    with pytest.raises(
        DamagedRun,
        match=rf"run A \({identity('A')}\) was trained on other data .*clean CONFIG --run {identity('A')}`",
    ):
        cell.train(cell.work(**recipe))
    assert cell.ledgers() == ledgers


@pytest.mark.parametrize("at_once", [1, 2])
def test_an_array_of_the_same_size_with_zeroed_bytes_is_not_trained_on(cell, at_once):
    cell.split()
    array = cell.dataset / "array.npy"
    content = bytearray(array.read_bytes())
    content[-2000:-1000] = bytes(1000)
    array.write_bytes(content)
    operation = OPERATION.model_copy(update={"runs_at_once": at_once})
    with pytest.raises(ValueError, match=rf"{array} is not the file .*Delete the folder {cell.dataset} and"):
        train_cell(cell.work(), operation, 1, cell.dataset, cell.splits, cell.store, cell.manifest)
    assert not cell.ledgers()


def test_a_damaged_run_is_named(cell):
    cell.train()
    cell.stored("B@0.5").weights.unlink()
    with pytest.raises(DamagedRun, match=r"weights\.safetensors is missing\. Remove the run with `whyalike clean"):
        cell.train()


def test_a_layer_that_the_model_lacks_is_named_before_anything_is_trained(cell):
    cell.split()
    with pytest.raises(LookupError, match=r"the model has no module \['avgpol'\]\. Modules: conv1, .*avgpool"):
        train_cell(cell.work(), OPERATION, 1, cell.dataset, cell.splits, cell.store, cell.manifest, ["avgpol"])
    assert not cell.ledgers()


def brought(cell, monkeypatch, name, net):
    """The work of a cell whose model is the user's: an expression of `nn` and `classes`."""
    (cell.folder / f"{name}.py").write_text(f"from torch import nn\n\ndef net(classes):\n    return {net}\n")
    monkeypatch.chdir(cell.folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    model = {"family": "import", "path": f"{name}:net", "arguments": {}, "version": 1}
    return cell.work().model_copy(update={"model": model})


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_layer_that_cannot_be_recorded_is_named_before_anything_is_trained(cell, at_once, monkeypatch):
    net = "nn.Sequential(nn.Flatten(), nn.Linear(192, classes), relu := nn.ReLU(), relu)"
    work = brought(cell, monkeypatch, f"twice_{at_once}", net)
    cell.split(work)
    operation = OPERATION.model_copy(update={"runs_at_once": at_once})
    with pytest.raises((ValueError, RuntimeError), match="layer 2 is called 2 times when the model runs"):
        train_cell(work, operation, 1, cell.dataset, cell.splits, cell.store, cell.manifest, ["2"])
    assert not cell.ledgers()


def test_a_model_whose_parts_share_weights_is_kept_and_read(cell, monkeypatch):
    net = "nn.Sequential(nn.Flatten(), nn.Linear(192, 8), tied := nn.Linear(8, 8), nn.ReLU(), tied, nn.Linear(8, 2))"
    work = brought(cell, monkeypatch, "tied", net)
    cell.train(work)
    weights = load_file(cell.stored("A").weights)
    assert torch.equal(weights["2.weight"], weights["4.weight"])
    model = load_weights(build_model(work.model, 2, 5, "other"), cell.stored("A").weights)
    assert model[2] is model[4] and torch.equal(model[2].weight, weights["2.weight"])


def test_more_stimuli_than_images_are_named_before_anything_is_trained(cell):
    cell.split()
    one = {"part": "test", "n": 16, "seed": 0}
    stimuli = {"later": (cell.folder / "not yet prepared", one), "own": (cell.dataset, {**one, "n": 17})}
    job = cell.work(), OPERATION, 1, cell.dataset, cell.splits, cell.store, cell.manifest, ["avgpool"]
    with pytest.raises(ValueError, match="n = 17 images, the part 'test' holds 16: lower n") as caught:
        train_cell(*job, stimuli)
    assert caught.value.__notes__ == ["These are stimuli.own of the configuration."]
    assert not cell.ledgers()
    train_cell(*job, {**stimuli, "own": (cell.dataset, one)})
    assert cell.manifest.exists()


def test_trying_the_layers_changes_no_weights(cell):
    model = {**MODEL, "dropout": 0.5}
    work = cell.work().model_copy(update={"model": model})
    cell.train(work)
    expected = cell.stored("A").weights.read_bytes()
    cell.store = cell.folder / "another store"
    train_cell(work, OPERATION, 1, cell.dataset, cell.splits, cell.store, cell.manifest, ["avgpool", "fc"])
    assert cell.stored("A").weights.read_bytes() == expected


def test_a_data_set_without_images_to_test_on_is_refused(cell):
    cell.prepare(test=False)
    with pytest.raises(ValueError, match=r"run A needs test images of its classes disc, star: the data set has none"):
        cell.train()


def test_every_run_is_reported_when_it_is_done(cell, caplog):
    caplog.set_level(logging.INFO, logger="whyalike")
    cell.train(cell.work(augmentation=EVERYTHING.model_dump()))
    lines = [record.message for record in caplog.records]
    assert [line.split(" · ")[:3] for line in lines] == [
        [f"training {i}/2 runs", "toy dataset seed 0", name] for i, name in ((1, "A"), (2, "B@0.5"))]  # fmt: skip


def intervals(stored):
    """(first, last moment) of every process in a ledger, by time."""
    spans = {}
    for pid, moment in ledger(stored, "pid", "time"):
        spans.setdefault(pid, []).append(moment)
    return sorted((min(span), max(span)) for span in spans.values())


def test_two_processes_train_a_run_once_between_them(cell, tmp_path):
    barrier = PROCESSES.Barrier(2)
    outputs = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    both = [start(train_cell_slowly, tmp_path, output, barrier) for output in outputs]
    assert [end(process) for process in both] == [0, 0]
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    for name in ("A", "B@0.5"):
        assert ledger(cell.stored(name), "event", "step") == [("start", 0), ("checkpoint", 5), ("end", 8)]
        assert len(intervals(cell.stored(name))) == 1
    cell.train()  # as one process alone would have written it
    assert cell.manifest.read_bytes() == outputs[0].read_bytes()


def test_a_waiting_process_takes_over_from_a_killed_one(cell, tmp_path):
    killed, other = tmp_path / "killed.parquet", tmp_path / "other.parquet"
    alone = PROCESSES.Barrier(1)
    first = start(train_cell_slowly, tmp_path, killed, alone, ("after step", 7), seconds=0.1)
    while not cell.stored("A").ledger.exists() and first.is_alive():
        time.sleep(0.01)
    second = start(train_cell_slowly, tmp_path, other, alone)
    assert end(first) == -9
    assert end(second) == 0
    assert not killed.exists()
    spans = [intervals(cell.stored(name)) for name in ("A", "B@0.5")]
    assert all(a[1] <= b[0] for span in spans for a, b in pairwise(span))
    events = [ledger(cell.stored(name), "event") for name in ("A", "B@0.5")]
    assert all(event.count(("end",)) == 1 for event in events)
    assert ledger(cell.stored("A"), "event", "step") == [("start", 0), ("checkpoint", 5), ("start", 5), ("end", 8)]
    cell.train()
    assert cell.manifest.read_bytes() == other.read_bytes()
