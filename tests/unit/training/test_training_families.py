"""Every family of image classifiers learns scikit-learn's digits, with the recipe that it is usually trained with."""

import functools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from training_jobs import IDENTITY, OPERATION, stored_run

from whyalike.training.device import set_up_device
from whyalike.training.images import RunImages
from whyalike.training.parameters import TaskParameters, TrainedRun
from whyalike.training.readers import ResidentReader
from whyalike.training.registry import OBJECTIVES, recipe_of
from whyalike.training.trainer import Trainer

COLOUR = {"mean": [78] * 3, "std": [96] * 3, "batch_size": 64}  # of the digits, 0 to 255
SGD = {"objective": "cross_entropy", "schedule": "cosine", "lr": 0.2, "epochs": 6, **COLOUR}
ADAMW = {"objective": "cross_entropy_adamw", "lr": 5e-3, "epochs": 15, **COLOUR, "batch_size": 32}
FAMILIES = {
    "resnet": ({"family": "resnet", "block": "bottleneck", "blocks": [1, 1], "widths": [8, 16]}, SGD),
    "vgg": ({"family": "vgg", "convolutions": [1, 2], "widths": [16, 32]}, SGD),
    "vit": ({"family": "vit", "size": 8, "patch": 2, "depth": 2, "heads": 4, "width": 32, "mlp_width": 64}, ADAMW),
}
LEAST = {
    "resnet": 0.9,
    "vgg": 0.9,
    "vit": 0.85,
}  # of 360 test images of other writers, chance .1; they reach .94, .96, .92


@functools.cache
def digits() -> RunImages:
    """1,437 images of 8 x 8 to train on, the other 360 to test on."""
    found = load_digits()
    images = torch.from_numpy(np.repeat((found.images * 15.9).astype(np.uint8)[..., None], 3, axis=3))
    labels, rows = torch.from_numpy(found.target), torch.arange(len(images))
    train, test = rows[:1437], rows[1437:]
    return RunImages(ResidentReader(images), train, labels[train], test, labels[test], tuple("0123456789"), "d" * 64)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_digits(family, tmp_path):
    model, values = FAMILIES[family]
    recipe, run = recipe_of(values), TrainedRun(name="A", replica="A", labelling="digit", level=None, identity=IDENTITY)
    set_up_device("cpu", 1)
    task = OBJECTIVES[values["objective"]].load()(TaskParameters(seed=0, size=8, model=model), recipe, run, digits())
    trainer = Trainer(run, recipe, OPERATION, task, stored_run(tmp_path))
    with trainer.stored.held(OPERATION.heartbeat_seconds, lambda text: None):
        assert trainer.train()["accuracy"] >= LEAST[family]
