"""The variational autoencoder: plain loops in float64 are the oracle; noise and initial weights are keyed."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from whyalike.models.parameters import VaeParameters
from whyalike.models.registry import MODELS
from whyalike.models.vae import build

STUDY = VaeParameters().model_dump(mode="json")
SMALL = {"channels": [2, 3], "latent": 4, "size": 8}


def images(n=2, size=8):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(1))


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def convolved(x, weight, bias):
    """4 x 4 kernels, stride 2, padding 1, one product at a time: (i, h, w) -> (o, h / 2, w / 2)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.empty((len(weight), x.shape[1] // 2, x.shape[2] // 2))
    for o, row, column in np.ndindex(out.shape):
        out[o, row, column] = (
            bias[o] + (padded[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] * weight[o]).sum()
        )
    return out


def spread(x, weight, bias):
    """The transposed convolution: every point adds its kernel to the output, the border of 1 is cut off."""
    out = np.zeros((weight.shape[1], 2 * x.shape[1] + 2, 2 * x.shape[2] + 2))
    for i, row, column in np.ndindex(x.shape):
        out[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += x[i, row, column] * weight[i]
    return out[:, 1:-1, 1:-1] + bias[:, None, None]


def by_loops(model, image):
    """Logits, mu and logvar of one image (1, s, s)."""
    w = {name: value.double().numpy() for name, value in model.state_dict().items()}
    x = image.double().numpy()
    for layer in ("encoder.0", "encoder.2"):
        x = np.maximum(convolved(x, w[f"{layer}.weight"], w[f"{layer}.bias"]), 0)
    mu, logvar = (w[f"{name}.weight"] @ x.ravel() + w[f"{name}.bias"] for name in ("mu", "logvar"))
    z = (w["decoder.0.weight"] @ mu + w["decoder.0.bias"]).reshape(x.shape)
    z = np.maximum(spread(z, w["decoder.2.weight"], w["decoder.2.bias"]), 0)
    return spread(z, w["decoder.4.weight"], w["decoder.4.bias"]), mu, logvar


def test_eval_mode_gives_the_numbers_of_plain_loops():
    model, batch = build(SMALL, 1, 0, "A").eval(), images()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)  # wide enough for every ReLU to matter
    ours = model(batch)
    assert ours[0].min() < -0.1 < 0.1 < ours[0].max()
    for i, image in enumerate(batch):
        for part, expected in zip(ours, by_loops(model, image), strict=True):
            # sums of at most 48 products of order 1 in float32, through five layers
            np.testing.assert_allclose(part[i].detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_study_s_model_has_its_layers():
    model = build(STUDY, 1, 0, "A")
    kinds = [(type(m), *m.weight.shape) for m in model.modules() if hasattr(m, "weight")]
    assert kinds == [
        (nn.Conv2d, 64, 1, 4, 4), (nn.Conv2d, 128, 64, 4, 4), (nn.Linear, 20, 6272), (nn.Linear, 20, 6272),
        (nn.Linear, 6272, 20), (nn.ConvTranspose2d, 128, 64, 4, 4), (nn.ConvTranspose2d, 64, 1, 4, 4),
    ]  # fmt: skip
    assert [tuple(part.shape) for part in model(images(2, 28))] == [(2, 1, 28, 28), (2, 20), (2, 20)]


def test_other_depths_and_sizes_fit_together():
    model = build({"channels": [2, 3, 5], "latent": 4, "size": 24}, 1, 0, "A")
    assert model(images(1, 24))[0].shape == (1, 1, 24, 24)


def test_mu_and_logvar_are_modules_with_what_forward_returns():
    model, caught = build(SMALL, 1, 0, "A").eval(), []
    for name in ("mu", "logvar"):
        model.get_submodule(name).register_forward_hook(lambda _, __, output: caught.append(output))
    _, mu, logvar = model(images())
    assert torch.equal(caught[0], mu)
    assert torch.equal(caught[1], logvar)
    assert not torch.equal(mu, logvar)


def test_training_adds_noise_of_the_default_generator_with_the_spread_of_logvar():
    model, batch = build(SMALL, 1, 0, "A").train(), images()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        logits, mu, logvar = model(batch)
        torch.manual_seed(7)
        noise = torch.randn(2, 4)
        torch.manual_seed(8)
        other = model(batch)
    # the same operations on the same numbers
    assert torch.equal(logits, model.decoder(mu + torch.exp(logvar / 2) * noise))
    assert torch.equal(other[1], mu)
    assert not torch.equal(other[0], logits)


def test_eval_mode_decodes_mu_and_draws_nothing():
    model, before = build(SMALL, 1, 0, "A").eval(), torch.get_rng_state()
    logits, mu, _ = model(images())
    assert torch.equal(logits, model.decoder(mu))
    assert torch.equal(before, torch.get_rng_state())


def test_the_reparametrised_draw_lets_gradients_reach_every_weight():
    model = build(SMALL, 1, 0, "A").train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model(images())[0].square().sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in model.parameters())


def test_initial_weights_are_keyed_and_do_not_depend_on_classes():
    first = state(build(SMALL, 1, 5, "A"))
    assert equal(first, state(build(SMALL, 7, 5, "A")))
    for seed, replica in ((6, "A"), (5, "B")):
        other = state(build(SMALL, 1, seed, replica))
        assert not any(torch.equal(first[name], other[name]) for name in first)


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    build(SMALL, 1, 5, "A")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (2, 3, 8, 8), (1, 8, 8)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=rf"\(b, 1, 8, 8\), got \({', '.join(map(str, shape))}\)\. The model's `size`"):
        build(SMALL, 1, 0, "A")(torch.zeros(shape))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": 30}, r"size 30 must be divisible by 4: each of the convolutions \(64, 128\) halves it"),
        ({"size": 28, "channels": [4, 4, 4]}, "size 28 must be divisible by 8"),
        ({"channels": []}, "channels"),
        ({"channels": [4, 0]}, r"channels\.1"),
        ({"latent": 0}, "latent"),
    ],
)
def test_parameters_that_make_no_model_are_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        VaeParameters.model_validate(values)


def test_the_registry_finds_the_family_and_what_it_takes():
    assert MODELS["vae"].load() is build
    assert MODELS["vae"].facts.inputs == "grey"
