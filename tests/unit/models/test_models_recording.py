"""What is tried before training: layers that cannot be recorded, and states that cannot be kept."""

import random
import sys

import pytest
import torch
from torch import nn

from whyalike.models.recording import try_layers
from whyalike.models.weights import load_weights, save_weights

RESNET = {"family": "resnet", "blocks": [1], "widths": [4], "stem": "3x3", "stem_stride": 1}
GPT = {"family": "gpt", "vocabulary": 11, "layers": 1, "heads": 2, "width": 8, "context": 1, "dropout": 0.2}
VAE = {"family": "vae", "channels": [4], "latent": 3, "size": 8}
EMBEDDER = {**RESNET, "family": "embedder", "unembedding_width": 4}
CODE = """
import torch
from torch import nn

class Awkward(nn.Module):
    def __init__(self, classes, lazy=False):
        super().__init__()
        self.first, self.act, self.unused = nn.Linear(192, 6), nn.ReLU(), nn.Linear(1, 1)
        self.both, self.block = nn.LSTM(6, 4), nn.TransformerEncoderLayer(6, 2, 8)
        self.noise = nn.Dropout(0.5)
        self.last = nn.LazyLinear(classes) if lazy else nn.Linear(6, classes)

    def forward(self, x):
        x = self.act(self.act(self.first(x.flatten(1))))
        self.both(x[None])
        self.block(x[None].expand(5, -1, -1))
        return self.last(self.noise(x) + torch.rand(6))

class Extra(Awkward):
    def get_extra_state(self):
        return {"epoch": 3}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The path of a factory in a module in the working directory."""
    name = f"awkward_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def own(package, name="Awkward", **arguments):
    return {"family": "import", "path": f"{package}:{name}", "arguments": arguments, "version": 1}


@pytest.mark.parametrize(
    ("model", "size", "layers"),
    [
        (RESNET, 8, ["layer1.0", "avgpool", "fc"]),
        (EMBEDDER, 8, ["f"]),
        (VAE, 8, ["mu", "logvar"]),
        (GPT, None, ["blocks.0", "norm"]),
    ],
)
def test_every_family_can_be_tried(model, size, layers):
    try_layers("toy", model, size, layers)


def test_nothing_is_drawn_from_generators_that_training_could_use(package):
    states = torch.get_rng_state(), random.getstate()
    try_layers("toy", own(package), 8, ["first", "last"])
    after = torch.get_rng_state(), random.getstate()
    assert torch.equal(states[0], after[0])
    assert states[1] == after[1]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("unused", "layer unused is not called when the model runs"),
        ("act", "layer act is called 2 times when the model runs"),
        ("both", "layer both gives a tuple, no tensor"),
        ("block", "layer block gives 5 rows for 2 samples"),
        ("firsst", r"the model has no module \['firsst'\]"),
    ],
)
def test_a_layer_that_cannot_be_recorded_is_named_with_the_setting(package, layer, words):
    with pytest.raises((ValueError, LookupError), match=words) as caught:
        try_layers("mine", own(package), 8, [layer])
    assert "`layers` of settings.mine" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        ({}, 9, r"the model cannot take a batch of shape \(2, 3, 9, 9\): RuntimeError: mat1 and mat2"),
        ({"name": "Extra"}, 8, "_extra_state of the model's state holds a dict, no tensor"),
        ({"lazy": True}, 8, r"last\.weight of the model's state holds no numbers until the model has run"),
    ],
)
def test_a_model_that_training_would_fail_on_is_refused(package, model, size, words):
    with pytest.raises(ValueError, match=words):
        try_layers("mine", own(package, **model), size, ["first"])


def test_weights_that_two_names_share_are_kept_and_read(tmp_path):
    model = nn.ModuleDict({"first": nn.Linear(3, 3), "last": nn.Linear(3, 3)})
    model["last"].weight = model["first"].weight
    save_weights(model, tmp_path / "w.safetensors")
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        model["first"].weight.zero_()
    load_weights(model, tmp_path / "w.safetensors")
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert model["last"].weight is model["first"].weight
