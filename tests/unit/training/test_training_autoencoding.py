"""Autoencoders in training: the lower bound against scipy, one loop for every objective, kills without a trace."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.stats import norm
from toy_autoencoder import MODEL, RECIPE, grey_data, task, train, train_and_die
from training_jobs import end, start, stored_run

from whyalike.models.inputs import brightness
from whyalike.models.weights import build_model, load_weights
from whyalike.randomness import key
from whyalike.training.autoencoding import negative_elbo


def test_the_lower_bound_is_the_expected_log_likelihood_less_the_divergence():
    generator = np.random.default_rng(0)
    logits, images = generator.normal(size=(4, 1, 3, 3)), generator.random((4, 1, 3, 3))
    mu, logvar = generator.normal(size=(4, 2)), generator.normal(size=(4, 2))
    chance = 1 / (1 + np.exp(-logits))
    likelihood = (images * np.log(chance) + (1 - images) * np.log(1 - chance)).sum()
    x = np.linspace(-30, 30, 200_001)  # KL(q || N(0, 1)) by quadrature
    own = norm(mu[..., None], np.exp(logvar / 2)[..., None])
    divergence = np.trapezoid(own.pdf(x) * (own.logpdf(x) - norm.logpdf(x)), x).sum()
    found = negative_elbo(*(torch.from_numpy(values) for values in (logits, images, mu, logvar)))
    assert found.item() == pytest.approx(divergence - likelihood, rel=1e-9)


def test_training_is_that_of_a_plain_loop(tmp_path):
    train(tmp_path)
    one, model = task(), build_model(MODEL, 4, 3, "A").train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    for step, ((images, _),) in enumerate(one.batches(0)):
        torch.manual_seed(key(3, "A", "step", step))
        x = images.float().permute(0, 3, 1, 2) / 255
        logits, mu, logvar = model(x)
        error = -(x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log()).sum()
        loss = (error + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()) / 8
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    weights = load_file(stored_run(tmp_path).weights)
    for name, value in model.state_dict().items():
        # another form of the loss, Adam divides by small second moments: float32 roundings over twelve steps
        torch.testing.assert_close(weights[name], value, rtol=2e-3, atol=2e-5)


def test_a_killed_autoencoder_ends_as_if_never_killed(tmp_path):
    train(tmp_path / "whole")
    assert end(start(train_and_die, tmp_path / "killed", ("after step", 8))) == -9
    train(tmp_path / "killed")
    whole, killed = (stored_run(tmp_path / name) for name in ("whole", "killed"))
    assert killed.weights.read_bytes() == whole.weights.read_bytes()
    assert killed.finished() == whole.finished()


def test_the_loss_is_measured_on_the_own_test_images_from_the_mean_codes(tmp_path):
    result = train(tmp_path)
    assert result["accuracy"] is None
    model, data = load_weights(build_model(MODEL, 4, 0, "Z"), stored_run(tmp_path).weights).eval(), grey_data()
    with torch.no_grad():
        images = data.reader.take(data.test_rows)
        single = [negative_elbo(*_parts(model, image[None])).item() for image in images]
    assert result["loss"] == pytest.approx(np.mean(single), rel=1e-5)  # float32, one image at a time


def _parts(model, images):
    x = brightness(images)
    logits, mu, logvar = model(x)
    return logits, x, mu, logvar


def test_training_lowers_the_loss(tmp_path):
    untrained = task().evaluate(build_model(MODEL, 4, 3, "A"))
    # 44 nats at the start (64 pixels of ln 2); an image whose brightness is known costs about half
    assert train(tmp_path, RECIPE.model_copy(update={"epochs": 30}))["loss"] < 0.75 * untrained["loss"]
