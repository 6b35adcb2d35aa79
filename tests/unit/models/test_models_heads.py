"""What the head of a model reads, whatever the family calls it."""

import pytest
import torch
from torch import nn

from whyalike.models.heads import Encoder, linear_head
from whyalike.models.weights import build_model

FAMILIES = {
    "fc": {"family": "resnet", "blocks": [1], "widths": [4], "dropout": 0.5},
    "classifier.3": {"family": "vgg", "convolutions": [1], "widths": [4], "hidden": [6]},
    "classifier.0": {"family": "vgg", "convolutions": [1], "widths": [4]},
    "heads.head": {"family": "vit", "size": 8, "patch": 4, "depth": 1, "heads": 1, "width": 6, "mlp_width": 8},
}


@pytest.fixture
def batch():
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("layer", FAMILIES)
def test_the_head_of_what_an_encoder_gives_is_the_models_output(layer, batch):
    encoder = Encoder(build_model(FAMILIES[layer], 5, 0, "A"), batch).eval()
    assert encoder.layer == layer
    assert encoder(batch).shape == (3, encoder.width)
    assert torch.equal(encoder.head(encoder(batch)), encoder.model(batch))


@pytest.mark.parametrize("layer", FAMILIES)
def test_the_head_gets_no_gradient_and_the_rest_does(layer, batch):
    encoder = Encoder(build_model(FAMILIES[layer], 5, 0, "A"), batch)
    encoder(batch).square().sum().backward()
    without = {name for name, value in encoder.model.named_parameters() if value.grad is None}
    assert without == {f"{layer}.weight", f"{layer}.bias"}


def test_finding_the_head_changes_nothing(batch):
    model = build_model(FAMILIES["fc"], 5, 0, "A")
    before, random = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    linear_head(model, batch)
    assert model.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_the_head_can_be_given_weights(batch):
    encoder = Encoder(build_model(FAMILIES["fc"], 5, 0, "A"), batch).eval()
    weight = torch.arange(20.0).view(5, 4)
    encoder.set_head(weight, None)
    torch.testing.assert_close(encoder.model(batch), encoder(batch) @ weight.T)
    encoder.set_head(weight, torch.ones(5))
    torch.testing.assert_close(encoder.model(batch), encoder(batch) @ weight.T + 1)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.fc = nn.Linear(192, 6), nn.Linear(6, 6)

    def forward(self, x):
        return self.fc(self.fc(self.first(x.flatten(1))).relu())


def test_of_a_layer_that_is_called_twice_the_last_call_is_the_head(batch):
    encoder = Encoder(Twice(), batch)
    assert torch.equal(encoder.head(encoder(batch)), encoder.model(batch))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(192, 2)

    def forward(self, x):
        return 2 * self.fc(x.flatten(1))


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(x)


@pytest.mark.parametrize("kind", [Scaled, Positions])
def test_a_model_that_does_not_end_in_a_linear_layer_of_vectors_is_refused(kind, batch):
    with pytest.raises(
        ValueError, match=rf"must end in a torch\.nn\.Linear that gives a vector .* {kind.__name__} does not"
    ):
        linear_head(kind(), batch)
