"""compare: the layers of two PyTorch models, exact over all stimuli, and models that are left as they were."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import whyalike as wa
from whyalike.models.recording import extract

N = 50


class Net(nn.Module):
    """A map, tokens and a vector; and layers that cannot be recorded."""

    def __init__(self, width=4):
        super().__init__()
        self.conv, self.norm, self.noise = nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Dropout(0.5)
        self.tokens, self.head = nn.Linear(36, 5), nn.Linear(width * 5, 6)
        self.memory, self.unused = nn.LSTM(6, 3), nn.Identity()

    def forward(self, x):
        h = self.tokens(self.noise(self.norm(self.conv(x))).flatten(2))
        out = self.head(h.flatten(1))
        self.memory(out[None])
        return out


@pytest.fixture
def images():
    return torch.randn(N, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def models():
    torch.manual_seed(0)
    return Net(4), Net(7)


def _loader(images, size=16, **others):
    return DataLoader(TensorDataset(images, torch.arange(len(images))), batch_size=size, **others)


def test_outputs_with_positions_are_pooled_as_asked(models, images):
    found = wa.compare(*models, _loader(images), layers_a="conv", pooling="center")
    x, y = (extract(model, images, ["conv"], lambda batch: batch, "center")["conv"] for model in models)
    assert found.value[0] == pytest.approx(wa.score("cka", x, y), abs=1e-5)
    assert found.value[0] != pytest.approx(wa.compare(*models, _loader(images), layers_a="conv").value[0], abs=1e-3)
    with pytest.raises(ValueError, match=r"layer tokens: pooling center has no meaning for tokens"):
        wa.compare(*models, _loader(images), layers_a="tokens", pooling="center")
    with pytest.raises(ValueError, match=r"there is no pooling 'middle'\. Known: mean, center"):
        wa.compare(*models, _loader(images), layers_a="conv", pooling="middle")


def test_the_scores_are_those_of_all_stimuli_at_once(models, images):
    layers = ["conv", "tokens", "head"]
    metrics = {"cka": {}, "mutual_knn": {"k": 5}, "pwcca": {}}
    found = wa.compare(*models, _loader(images), layers_a=layers, layers_b=["head", "conv"], metrics=metrics)
    assert list(found.columns) == ["metric", "layer_a", "layer_b", "value", "n"]
    assert (found.n == N).all() and len(found) == 3 * 3 * 2
    xs, ys = (extract(model, images, layers, lambda batch: batch) for model in models)
    for row in found.itertuples():
        expected = wa.score(row.metric, xs[row.layer_a], ys[row.layer_b], **metrics[row.metric])
        assert row.value == pytest.approx(
            expected, abs=1e-5
        )  # convolutions of batches of other sizes differ in float32


def test_it_is_no_mean_over_batches(models, images):
    one, several = (
        wa.compare(*models, _loader(images, size), layers_a="conv", metrics=["cka", "cka_unbiased"]).value
        for size in (N, 7)
    )
    np.testing.assert_allclose(one, several, atol=1e-5)


def test_a_model_is_compared_with_itself_and_one_loader_may_shuffle(models, images):
    found = wa.compare(models[0], models[0], _loader(images, shuffle=True), layers_a=["conv", "head"])
    assert found.value[[0, 3]].tolist() == pytest.approx([1, 1], abs=1e-6)
    assert found.value[1] == pytest.approx(found.value[2], abs=1e-6)


class Inputs(NamedTuple):
    pixels: torch.Tensor


@pytest.mark.parametrize(
    "how", ["tensors", "mappings", "functions", "named tuples", "two loaders", "an iterator", "a tensor"]
)
def test_batches_of_every_kind_are_taken(models, images, how):
    batches = list(images.split(16))
    more = {}
    if how == "mappings":
        given = [{"x": batch} for batch in batches]
    elif how == "functions":
        given = [{"pixels": batch.numpy(), "text": "words"} for batch in batches]
        more = dict.fromkeys(("feed_a", "feed_b"), lambda batch: torch.from_numpy(batch["pixels"]))
    elif how == "named tuples":
        given, more = batches, {"feed_a": Inputs, "feed_b": Inputs}
    elif how == "two loaders":
        given, more = _loader(images), {"loader_b": _loader(images, 9)}
    else:
        given = {"tensors": batches, "an iterator": iter(batches), "a tensor": images}[how]
    found = wa.compare(*models, given, layers_a="head", **more)
    expected = wa.compare(*models, _loader(images), layers_a="head")
    assert found.value.item() == pytest.approx(expected.value.item(), abs=1e-6)


def _state(model):
    hooks = [len(module._forward_hooks) for module in model.modules()]
    return hooks, [module.training for module in model.modules()], {k: v.clone() for k, v in model.state_dict().items()}


@pytest.mark.parametrize("layers", [["conv"], ["memory"]], ids=["it works", "an error"])
def test_models_are_left_as_they_were(models, images, layers):
    models[0].norm.eval()  # one module in another mode than the others
    before = [_state(model) for model in models]
    if layers == ["memory"]:
        with pytest.raises(ValueError, match="layer memory gives a tuple"):
            wa.compare(*models, _loader(images), layers_a=layers)
    else:
        wa.compare(*models, _loader(images), layers_a=layers)
    for (hooks, modes, weights), model in zip(before, models, strict=True):
        after = _state(model)
        assert (hooks, modes) == after[:2]
        assert all(torch.equal(value, after[2][name]) for name, value in weights.items())  # running means too


@pytest.mark.parametrize(
    ("layers", "error", "words"),
    [
        ("cnv", LookupError, r"model_a: the model has no module \['cnv'\].*Did you mean 'conv'"),
        ("memory", ValueError, "layer memory gives a tuple, no tensor with a row a sample: name a module"),
        ("unused", ValueError, "layer unused is not called when the model runs"),
        ([], ValueError, "model_a needs at least one layer. Known: conv, norm"),
    ],
    ids=["misspelt", "tuple", "not called", "none"],
)
def test_a_layer_that_cannot_be_recorded_is_named(models, images, layers, error, words):
    with pytest.raises(error, match=words):
        wa.compare(*models, _loader(images), layers_a=layers, layers_b="conv")


def test_stimuli_that_do_not_correspond_are_refused(models, images):
    with pytest.raises(ValueError, match="model_a saw 50, model_b 48"):
        wa.compare(*models, _loader(images), layers_a="conv", loader_b=_loader(images, drop_last=True))
    with pytest.raises(ValueError, match=r"same order, and one of them shuffles\. Make it with shuffle=False"):
        wa.compare(*models, _loader(images), layers_a="conv", loader_b=_loader(images, shuffle=True))
    with pytest.raises(ValueError, match=r"the loader gave no stimuli\. Is it an iterator that was used up"):
        wa.compare(*models, iter([]), layers_a="conv")


def test_nan_is_told_with_model_and_layer(models, images):
    with torch.no_grad():
        models[1].head.bias[0] = float("nan")
    with pytest.raises(ValueError, match="cka: model_b head must be finite; 50 of 50 rows hold NaN"):
        wa.compare(*models, _loader(images), layers_a="head")


def test_an_undefined_pair_is_nan_with_its_reason(models, images):
    with torch.no_grad():
        models[1].head.weight.zero_()
    found = wa.compare(*models, _loader(images), layers_a=["conv", "head"], layers_b=["conv", "head"])
    assert found.value.isna().tolist() == [False, True, False, True]
    assert [one["layer_b"] for one in found.attrs["undefined"]] == ["head", "head"]
    assert "needs features that vary; all 50 rows" in found.attrs["undefined"][0]["reason"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_models_may_be_on_two_devices(models, images):
    on_cpu = wa.compare(*models, _loader(images), layers_a=["conv", "head"])
    apart = wa.compare(models[0].cuda(), models[1], _loader(images), layers_a=["conv", "head"])
    np.testing.assert_allclose(apart.value, on_cpu.value, atol=1e-3)  # convolutions on a GPU may be made in TF32


def test_the_call_of_the_page_runs(models, images):
    page = Path(__file__).parents[3] / "docs" / "your-own.md"
    [code] = re.findall(r"## Two models\n.*?```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for layer, name in (("layer2", "norm"), ("layer3", "head"), ("blocks.5", "conv")):
        code = code.replace(f'"{layer}"', f'"{name}"')
    names = {"model_a": models[0], "model_b": models[1], "loader": _loader(images)}
    exec(code, names)
    assert len(names["scores"]) == 4
