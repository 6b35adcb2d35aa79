"""The linear probe against scikit-learn's logistic regression."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from whyalike.training.probe import linear_probe


@pytest.fixture
def samples():
    """300 points of 3 classes that overlap, features of unlike scale, one of them always the same."""
    draw = np.random.default_rng(0)
    labels = draw.integers(3, size=300)
    features = draw.normal(size=(300, 5)) + draw.normal(size=(3, 5))[labels]
    return np.c_[features * [1, 100, 0.01, 1, 1] + [0, 50, 0, 3, 0], np.full(300, 7.0)].astype(np.float32), labels


def test_it_is_the_logistic_regression_of_scikit_learn(samples):
    features, labels = samples
    weight, bias, iterations = linear_probe(*map(torch.from_numpy, samples), 3)
    scaled = StandardScaler().fit_transform(features[:, :5].astype(np.float64))
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(scaled, labels)
    ours = torch.softmax(torch.from_numpy(features).double() @ weight.T + bias, 1).numpy()
    np.testing.assert_allclose(ours, theirs.predict_proba(scaled), atol=1e-5)
    assert 0 < iterations < 500
    assert weight.dtype == torch.float64


def test_it_is_the_same_every_time_and_whatever_torch_drew_before(samples):
    found = [linear_probe(*map(torch.from_numpy, samples), 3)[0] for _ in range(2) if torch.rand(7) is not None]
    assert torch.equal(*found)


def test_a_class_without_images_is_never_the_answer(samples):
    weight, bias, _ = linear_probe(*map(torch.from_numpy, samples), 4)
    answers = (torch.from_numpy(samples[0]).double() @ weight.T + bias).argmax(1)
    assert set(answers.tolist()) == {0, 1, 2}


def test_it_can_be_called_where_no_gradients_are_made(samples):
    with torch.no_grad():
        weight, _, _ = linear_probe(*map(torch.from_numpy, samples), 3)
    assert weight.abs().max() > 0 and not weight.requires_grad
