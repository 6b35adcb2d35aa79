"""Extraction: named modules of trained and untrained models over a stimulus set."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from whyalike.activations.extraction import extract_cell, trained_model
from whyalike.activations.parameters import ExtractionParameters
from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.data.shifts.application import shifted
from whyalike.files import file_sha256
from whyalike.models import recording
from whyalike.models.inputs import adapt, normalise
from whyalike.models.recalibration import recalibrate, recalibration_rows
from whyalike.models.recording import extract
from whyalike.models.resnet import build
from whyalike.models.weights import save_weights
from whyalike.training.parameters import Operation
from whyalike.training.store import DamagedRun, StoredRun

MODEL = {"family": "resnet", "blocks": [1, 1], "widths": [4, 6], "stem": "3x3", "stem_stride": 1}
MEAN, STD = (120.0, 118.0, 110.0), (60.0, 61.0, 62.0)
CPU = Operation(device="cpu")
TRAINED, UNTRAINED = "1" * 16, "2" * 16
# other batch sizes choose other convolution kernels: a few roundings of float32 on values of order one
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def normalised(batch):
    return normalise(batch, MEAN, STD)


@pytest.fixture
def images():
    return torch.randint(0, 256, (5, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def model(images):
    """A model whose running statistics are not the initial ones."""
    model = build(MODEL, 3, 0, "A").train()
    for _ in range(5):
        model(normalise(images, MEAN, STD))
    return model


def test_several_layers_come_from_one_pass(model, images):
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    layers = extract(model, images, ["conv1", "layer2.0", "avgpool", "fc"], normalised)
    assert len(calls) == 1
    assert {name: values.shape for name, values in layers.items()} == {
        "conv1": (5, 4), "layer2.0": (5, 6), "avgpool": (5, 6), "fc": (5, 3)}  # fmt: skip
    assert all(values.dtype == np.float32 for values in layers.values())


def test_layers_are_what_the_modules_put_out(model, images):
    layers = extract(model, images, ["layer1.0", "layer2", "avgpool", "fc"], normalised)
    model.eval()
    with torch.no_grad():
        first = model.layer1(torch.relu(model.bn1(model.conv1(normalise(images, MEAN, STD)))))  # (n, 4, 8, 8)
        second = model.layer2(first)  # (n, 6, 4, 4)
        loop = [[second[n, c].sum() / 16 for c in range(6)] for n in range(5)]
    # sums of 16 or 64 numbers in another order
    np.testing.assert_allclose(layers["layer1.0"], first.flatten(2).mean(2).numpy(), **TOLERANCE)
    np.testing.assert_allclose(layers["layer2"], np.array(loop), **TOLERANCE)
    np.testing.assert_allclose(layers["avgpool"], layers["layer2"], **TOLERANCE)
    np.testing.assert_allclose(layers["fc"], model.fc(second.mean((2, 3))).detach().numpy(), **TOLERANCE)


def test_an_image_gives_the_same_vector_alone_and_in_a_batch(model, images):
    together = extract(model, images, ["avgpool"], normalised)["avgpool"]
    alone = np.concatenate([extract(model, image[None], ["avgpool"], normalised)["avgpool"] for image in images])
    np.testing.assert_allclose(alone, together, **TOLERANCE)
    assert np.abs(together - together.mean(0)).max() > 100 * TOLERANCE["atol"]  # the images do differ


def test_extraction_uses_and_keeps_the_running_statistics(model, images):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    caught = []
    model.train()
    handle = model.avgpool.register_forward_hook(lambda _, __, output: caught.append(output.detach().flatten(1)))
    result = extract(model, images, ["avgpool"], normalised)["avgpool"]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.train()(normalise(images, MEAN, STD))
    handle.remove()
    assert not np.allclose(result, caught[1].numpy(), **TOLERANCE)


def test_batches_are_joined_in_the_order_of_the_images(model, images, monkeypatch):
    whole = extract(model, images, ["avgpool"], normalised)["avgpool"]
    monkeypatch.setattr(recording, "BATCH", 2)
    np.testing.assert_allclose(extract(model, images, ["avgpool"], normalised)["avgpool"], whole, **TOLERANCE)


def test_extraction_leaves_no_hook_behind(model, images):
    extract(model, images, ["avgpool"], normalised)
    with pytest.raises(RuntimeError):
        extract(
            model, images[..., :1], ["avgpool"], lambda batch: normalise(batch, MEAN[:1], STD[:1])
        )  # one channel: the forward pass fails
    assert not any(module._forward_hooks for module in model.modules())


def test_an_unknown_layer_is_refused_with_the_modules_there_are(model, images):
    with pytest.raises(LookupError, match=r"no module \['layer9'\].*conv1.*layer2\.0\.bn2.*avgpool"):
        extract(model, images, ["avgpool", "layer9"], normalised)


@pytest.fixture
def stored(tmp_path, model):
    """A finished run in a store."""
    stored = StoredRun(tmp_path / "runs", TRAINED)
    save_weights(model, stored.weights)
    result = {"classes": ["a", "b", "c"], "sha256": {stored.weights.name: file_sha256(stored.weights)}}
    stored.result.write_text(json.dumps(result))
    return stored


@pytest.fixture
def dataset(tmp_path):
    """Grey 10 x 10 images, six of them for testing, prepared."""
    images = np.random.default_rng(1).integers(0, 256, (10, 10, 10, 1), dtype=np.uint8)
    labels = pd.DataFrame({"part": ["train"] * 4 + ["test"] * 6, "digit": list("0101010101")})
    write_prepared(tmp_path / "data", images, labels, ["digit"], {"source": "noise"})
    return tmp_path / "data", images


def parameters(n=None, **more):
    stimuli = {"part": "test", "n": n, "seed": 0}
    return ExtractionParameters(seed=7, size=8, model=MODEL, mean=MEAN, std=STD, layers=["avgpool"], stimuli=stimuli,
                                runs=[TRAINED], untrained={UNTRAINED: "B"}, version=0, **more)  # fmt: skip


def test_a_cell_holds_its_trained_and_its_untrained_models(tmp_path, stored, dataset, model):
    folder, source = dataset
    outputs = {"avgpool": tmp_path / "avgpool.parquet", "layer1": tmp_path / "layer1.parquet"}
    extract_cell(parameters(), CPU, 1, folder, stored.folder.parent, outputs)
    images = adapt(source[4:], 8)
    trained = extract(model, images, list(outputs), normalised)
    untrained = extract(build(MODEL, 1, 7, "B"), images, list(outputs), normalised)
    for layer, path in outputs.items():
        assert runs_of(path) == [TRAINED, UNTRAINED]
        assert read_ids(path).tolist() == [4, 5, 6, 7, 8, 9]
        # the same kernels on the same batch: bit for bit
        assert np.array_equal(read_activations(path, TRAINED), trained[layer])
        assert np.array_equal(read_activations(path, UNTRAINED), untrained[layer])


def test_a_drawn_part_of_the_stimuli_keeps_ids_and_vectors_together(tmp_path, stored, dataset):
    folder, _ = dataset
    for n, name in ((None, "all"), (3, "some")):
        extract_cell(parameters(n), CPU, 1, folder, stored.folder.parent, {"avgpool": tmp_path / f"{name}.parquet"})
    ids = read_ids(tmp_path / "some.parquet")
    assert len(ids) == 3
    whole = read_activations(tmp_path / "all.parquet", TRAINED)[ids - 4]
    np.testing.assert_allclose(read_activations(tmp_path / "some.parquet", TRAINED), whole, **TOLERANCE)


def test_extracting_twice_gives_equal_bytes(tmp_path, stored, dataset):
    paths = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for path in paths:
        extract_cell(parameters(), CPU, 1, dataset[0], stored.folder.parent, {"avgpool": path})
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_run_that_the_store_lacks_is_named_with_the_remedy(tmp_path, dataset):
    with pytest.raises(
        DamagedRun, match=rf"no finished run {TRAINED}\. .*`whyalike clean CONFIG --run {TRAINED}`.* trained anew"
    ):
        extract_cell(parameters(), CPU, 1, dataset[0], tmp_path / "empty", {"avgpool": tmp_path / "out.parquet"})
    assert not (tmp_path / "out.parquet").exists()


def test_a_run_without_its_result_is_not_finished(tmp_path, stored, dataset):
    stored.result.unlink()
    with pytest.raises(DamagedRun, match=rf"no finished run {TRAINED}\. .*`whyalike clean CONFIG --run {TRAINED}`"):
        extract_cell(parameters(), CPU, 1, dataset[0], stored.folder.parent, {"avgpool": tmp_path / "out.parquet"})


def test_changed_weights_are_not_extracted(stored):
    stored.weights.write_bytes(stored.weights.read_bytes()[:-1] + b"!")
    with pytest.raises(DamagedRun, match=r"weights\.safetensors is not the file that was written"):
        trained_model(MODEL, stored)


def test_stimuli_that_are_not_what_was_written_are_not_extracted(tmp_path, stored, dataset):
    folder, output = dataset[0], tmp_path / "out.parquet"
    array = folder / "array.npy"
    content = bytearray(array.read_bytes())
    content[-300:-200] = bytes(100)
    array.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{array} is not the file .*Delete the folder {folder} and give the same"):
        extract_cell(parameters(), CPU, 1, folder, stored.folder.parent, {"avgpool": output})
    assert not output.exists()


@pytest.mark.parametrize("place", range(0, 3000, 250))
def test_a_flipped_bit_in_weights_is_found(stored, place):
    content = bytearray(stored.weights.read_bytes())
    content[place % len(content)] ^= 1
    stored.weights.write_bytes(content)
    with pytest.raises(DamagedRun, match=r"weights\.safetensors is not the file that was written"):
        trained_model(MODEL, stored)


VIEW = "3" * 16


@pytest.fixture
def kept(stored):
    """The run with weights of its step 5 beside the final ones, of another model."""
    model = build(MODEL, 3, 1, "A")
    save_weights(model, stored.weights_at(5))
    result = json.loads(stored.result.read_text())
    result |= {"steps": 9, "sha256": {**result["sha256"], stored.weights_at(5).name: file_sha256(stored.weights_at(5))}}
    stored.result.write_text(json.dumps(result))
    return model


def test_a_kept_step_is_extracted_beside_the_final_weights(tmp_path, stored, kept, dataset):
    folder, source = dataset
    path = tmp_path / "avgpool.parquet"
    extract_cell(parameters(steps={VIEW: (TRAINED, 5)}), CPU, 1, folder, stored.folder.parent, {"avgpool": path})
    assert runs_of(path) == [TRAINED, UNTRAINED, VIEW]
    expected = extract(kept, adapt(source[4:], 8), ["avgpool"], normalised)["avgpool"]
    assert np.array_equal(read_activations(path, VIEW), expected)


def test_a_step_that_was_not_kept_is_refused_with_those_that_were(tmp_path, stored, kept, dataset):
    asked = parameters(steps={VIEW: (TRAINED, 6)})
    with pytest.raises(ValueError, match=rf"run {TRAINED} has no weights of step 6: it has 9 steps and kept 5\."):
        extract_cell(asked, CPU, 1, dataset[0], stored.folder.parent, {"avgpool": tmp_path / "out.parquet"})
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"other")])
def test_kept_weights_that_are_not_what_was_written_are_not_extracted(tmp_path, stored, kept, dataset, damage):
    damage(stored.weights_at(5))
    asked = parameters(steps={VIEW: (TRAINED, 5)})
    with pytest.raises(DamagedRun, match=rf"step5\.safetensors.*`whyalike clean CONFIG --run {TRAINED}`"):
        extract_cell(asked, CPU, 1, dataset[0], stored.folder.parent, {"avgpool": tmp_path / "out.parquet"})


class Awkward(torch.nn.Module):
    """Layers that a hook may record wrongly."""

    def __init__(self, inplace):
        super().__init__()
        self.first, self.act = torch.nn.Linear(48, 6), torch.nn.ReLU(inplace=inplace)
        self.same, self.unused = torch.nn.Identity(), torch.nn.Linear(1, 1)
        self.both, self.turned, self.last = torch.nn.LSTM(6, 4), torch.nn.Flatten(0), torch.nn.Linear(6, 2)

    def forward(self, x):
        x = self.same(self.first(x.flatten(1)))  # the same memory under two names
        x = self.act(x)
        x.mul_(2)  # and a functional change of it
        self.both(x[None])
        self.turned(x)
        return self.last(self.act(x))


@pytest.mark.parametrize("layer", ["first", "same"])
def test_what_works_in_place_afterwards_does_not_change_what_was_recorded(layer):
    x = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    model = Awkward(inplace=True)
    expected = model.first(x.flatten(1)).detach().numpy()
    assert (expected < 0).any()
    recorded = extract(model, x, [layer, "last"], lambda batch: batch)
    assert np.array_equal(recorded[layer], expected)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("unused", "layer unused is not called when the model runs"),
        ("act", "layer act is called 2 times when the model runs"),
        ("both", "layer both gives a tuple, no tensor"),
        ("turned", "layer turned gives 30 rows for 5 samples"),
    ],
)
def test_a_layer_that_gives_no_row_a_sample_is_refused_by_name(layer, words):
    with pytest.raises(ValueError, match=words):
        extract(Awkward(inplace=False), torch.randn(5, 3, 4, 4), [layer], lambda batch: batch)


def test_more_samples_than_a_batch_are_one_call_a_pass(monkeypatch):
    monkeypatch.setattr(recording, "BATCH", 2)
    assert extract(Awkward(inplace=True), torch.randn(5, 3, 4, 4), ["first"], lambda batch: batch)["first"].shape == (
        5,
        6,
    )


def test_stimuli_with_a_shift_are_shifted_at_their_own_size_before_they_are_adapted(tmp_path, stored, dataset, model):
    folder, source = dataset
    stimuli = {"part": "test", "n": None, "seed": 2, "shift": "phase_noise", "levels": [60.0]}
    asked = parameters(shift_version=1).model_copy(update={"stimuli": stimuli})
    extract_cell(asked, CPU, 1, folder, stored.folder.parent, {"avgpool": tmp_path / "shifted.parquet"})
    seen = shifted(source[4:], "phase_noise", 60, np.arange(4, 10), seed=2)
    expected = extract(model, adapt(seen, 8), ["avgpool"], normalised)["avgpool"]
    assert read_ids(tmp_path / "shifted.parquet").tolist() == [4, 5, 6, 7, 8, 9]
    assert np.array_equal(read_activations(tmp_path / "shifted.parquet", TRAINED), expected)


def test_another_way_to_look_has_its_own_names_and_vectors(tmp_path, stored, dataset, model):
    folder, source = dataset
    path = tmp_path / "layer1.parquet"
    asked = parameters(pooling="center", views={TRAINED: VIEW}, recalibration=3)
    extract_cell(asked, CPU, 1, folder, stored.folder.parent, {"layer1": path}, training_data=folder)
    assert runs_of(path) == [VIEW, UNTRAINED]
    images = adapt(source, 8)
    for one, name in ((model, VIEW), (build(MODEL, 1, 7, "B"), UNTRAINED)):
        running = extract(one, images[4:], ["layer1"], normalised, "center")["layer1"]
        recalibrate(one, images[recalibration_rows(open_prepared(folder), 3)], normalised)
        expected = extract(one, images[4:], ["layer1"], normalised, "center")["layer1"]
        assert np.array_equal(read_activations(path, name), expected)
        assert not np.allclose(running, expected, **TOLERANCE)
