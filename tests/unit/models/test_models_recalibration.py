"""BatchNorm's statistics made of given images: one population, one layer after another."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.models import recalibration
from whyalike.models.recalibration import recalibrate, recalibration_rows
from whyalike.models.recording import try_layers
from whyalike.models.resnet import build

MODEL = {"family": "resnet", "blocks": [1, 1], "widths": [4, 6], "stem": "3x3", "stem_stride": 1}
VIT = {"family": "vit", "size": 8, "patch": 4, "depth": 1, "heads": 2, "width": 8, "mlp_width": 8, "dropout": 0}


@pytest.fixture
def images():
    return torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 1


def statistics(model):
    return {name: value.clone() for name, value in model.state_dict().items() if "running" in name}


def same(batch):
    return batch


def test_each_layer_has_the_population_statistics_of_its_inputs(images):
    model = build(MODEL, 3, 0, "A")
    recalibrate(model, images, same)
    norms = [one for one in model.modules() if isinstance(one, nn.BatchNorm2d)]
    assert len(norms) == 6 and not model.training
    caught = {}
    for norm in norms:
        norm.register_forward_pre_hook(lambda one, inputs: caught.update({one: inputs[0]}))
    with torch.no_grad():
        model(images)
    for norm in norms:
        x = caught[norm].double()
        torch.testing.assert_close(norm.running_mean.double(), x.mean((0, 2, 3)), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(norm.running_var.double(), x.var((0, 2, 3), unbiased=True), rtol=1e-5, atol=1e-6)
    # the first layer by hand
    first = model.conv1(images).detach().transpose(0, 1).flatten(1)
    np.testing.assert_allclose(model.bn1.running_mean.numpy(), first.numpy().mean(1), rtol=1e-4, atol=1e-6)


def test_batches_are_one_population(images, monkeypatch):
    whole, parts = build(MODEL, 3, 0, "A"), build(MODEL, 3, 0, "A")
    recalibrate(whole, images, same)
    monkeypatch.setattr(recalibration, "BATCH", 7)
    recalibrate(parts, images, same)
    for name, value in statistics(whole).items():
        torch.testing.assert_close(statistics(parts)[name], value, rtol=1e-5, atol=1e-6)


def test_what_the_model_had_before_does_not_matter_and_twice_is_once(images):
    one, other = build(MODEL, 3, 0, "A"), build(MODEL, 3, 0, "A").train()
    with torch.no_grad():
        other(images * 5)
    assert not torch.equal(one.bn1.running_var, other.bn1.running_var)
    for model in (one, other, other):
        recalibrate(model, images, same)
    for name, value in statistics(one).items():
        assert torch.equal(statistics(other)[name], value)
    assert not any(module._forward_pre_hooks for module in one.modules())


def test_a_model_without_batch_norm_is_refused_before_training():
    try_layers("toy", MODEL, 8, ["avgpool"], recalibration=2)
    with pytest.raises(ValueError, match="no BatchNorm to recalibrate: leave batch_norm out") as caught:
        try_layers("toy", VIT, 8, ["encoder.ln"], recalibration=2)
    assert "settings.toy" in caught.value.__notes__[0]


def test_a_batch_norm_in_two_places_is_refused(images):
    norm = nn.BatchNorm2d(3)
    with pytest.raises(ValueError, match="calls a BatchNorm in several places"):
        recalibrate(nn.Sequential(norm, nn.ReLU(), norm), images, same)


def test_the_draw_is_of_training_images_and_depends_on_their_number_alone(tmp_path):
    pixels = np.zeros((30, 4, 4, 1), dtype=np.uint8)
    labels = pd.DataFrame({"part": ["train"] * 20 + ["test"] * 10, "digit": list("0123456789" * 3)})
    write_prepared(tmp_path / "data", pixels, labels, ["digit"], {"source": "noise"})
    data = open_prepared(tmp_path / "data")
    rows = recalibration_rows(data, 12)
    assert len(set(rows)) == 12 and rows.max() < 20 and (np.diff(rows) > 0).all()
    assert np.array_equal(rows, recalibration_rows(data, 12))
    with pytest.raises(ValueError, match="asks for 21 training images, the data set holds 20: lower recalibration_im"):
        recalibration_rows(data, 21)
