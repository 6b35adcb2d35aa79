"""Residual networks: torchvision's resnet18 is the oracle; initial weights are keyed."""

import random

import numpy as np
import pytest
import torch
import torchvision
from pydantic import ValidationError

from whyalike.models.parameters import ResNetParameters
from whyalike.models.registry import MODELS
from whyalike.models.resnet import build

STOCK = {"blocks": [2, 2, 2, 2], "widths": [64, 128, 256, 512], "stem": "7x7", "stem_stride": 2}
SMALL = {"blocks": [1, 1], "widths": [4, 8], "stem": "3x3", "stem_stride": 1}


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def backbone(model):
    return {name: value for name, value in state(model).items() if not name.startswith("fc.")}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def oracle():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.resnet18(num_classes=10)


@pytest.fixture
def copy(oracle):
    model = build(STOCK, 10, seed=3, replica="A")
    model.load_state_dict(oracle.state_dict())  # strict: the names and shapes are torchvision's
    return model


@pytest.fixture
def batch():
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("training", [True, False], ids=["batch statistics", "running statistics"])
def test_resnet18_gives_the_numbers_of_torchvision(oracle, copy, batch, training):
    oracle.train(training)
    copy.train(training)
    ours, theirs = copy(batch), oracle(batch)
    # bit for bit: the same kernels in the same order; in-place or not changes no sum
    assert torch.equal(ours, theirs)
    assert equal(state(copy), state(oracle))  # the running statistics moved alike


def test_resnet18_gives_the_gradients_of_torchvision(oracle, copy, batch):
    for model in (oracle, copy):
        model.train()
        model(batch).square().sum().backward()
    theirs = dict(oracle.named_parameters())
    for name, ours in copy.named_parameters():
        # where the branches of a block meet, autograd may add them in another order: a few roundings of float32
        torch.testing.assert_close(ours.grad, theirs[name].grad, rtol=1e-4, atol=1e-4)


def test_resnet18_has_the_initial_spread_of_torchvision(oracle):
    ours, theirs = build(STOCK, 10, 0, "A").state_dict(), oracle.state_dict()
    for name in (name for name in theirs if theirs[name].ndim == 4):
        # the standard error of a standard deviation is s / sqrt(2 n) with n >= 8192 weights: below 1 %; 5 of them
        assert ours[name].std().item() == pytest.approx(theirs[name].std().item(), rel=0.05)
        assert abs(ours[name].mean().item()) < 5 * ours[name].std().item() / ours[name].numel() ** 0.5
    for name in (name for name in theirs if "bn" in name or "downsample.1" in name):
        assert torch.equal(ours[name], theirs[name])


def test_bottlenecks_give_the_numbers_of_torchvision(batch):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        oracle = torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [2, 1, 1, 1], num_classes=10)
    model = build(STOCK | {"blocks": [2, 1, 1, 1], "block": "bottleneck"}, 10, seed=3, replica="A")
    model.load_state_dict(oracle.state_dict())  # strict: the names and shapes are torchvision's
    assert torch.equal(model(batch), oracle(batch))  # bit for bit: the same kernels in the same order


def test_a_network_of_basic_blocks_is_named_as_before_there_were_others():
    assert "block" not in ResNetParameters().plain()
    assert ResNetParameters(block="bottleneck").plain()["block"] == "bottleneck"


@pytest.mark.parametrize(("stride", "sides"), [(1, (32, 32, 16)), (2, (16, 16, 8))])
def test_the_small_stem_keeps_small_images_large(stride, sides):
    model = build(SMALL | {"stem_stride": stride}, 5, 0, "A")
    shapes = []
    for name in ("conv1", "layer1", "layer2", "avgpool"):
        model.get_submodule(name).register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    logits = model(torch.zeros(2, 3, 32, 32))
    assert shapes == [(2, 4, sides[0], sides[0]), (2, 4, sides[1], sides[1]), (2, 8, sides[2], sides[2]), (2, 8, 1, 1)]
    assert logits.shape == (2, 5)
    assert model.conv1.kernel_size == (3, 3)


def test_the_backbone_starts_alike_whatever_the_number_of_classes():
    three, seven = build(SMALL, 3, 5, "A"), build(SMALL, 7, 5, "A")
    assert equal(backbone(three), backbone(seven))
    assert three.fc.weight.shape == (3, 8)
    assert seven.fc.weight.shape == (7, 8)


def test_equal_keys_start_alike():
    assert equal(state(build(SMALL, 3, 5, "A")), state(build(SMALL, 3, 5, "A")))


@pytest.mark.parametrize(("seed", "replica"), [(6, "A"), (5, "B")])
def test_another_seed_or_replica_starts_elsewhere(seed, replica):
    first, other = state(build(SMALL, 3, 5, "A")), state(build(SMALL, 3, seed, replica))
    drawn = [name for name in first if "conv" in name or name.startswith("fc.")]
    assert drawn
    assert not any(torch.equal(first[name], other[name]) for name in drawn)


def test_building_leaves_the_global_generators_alone():
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    build(SMALL, 3, 5, "A")
    after = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1][1], after[1][1])
    assert before[2] == after[2]


def test_building_does_not_depend_on_the_global_generator():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = state(build(SMALL, 3, 5, "A"))
        torch.manual_seed(2)
        assert equal(first, state(build(SMALL, 3, 5, "A")))


def test_dropout_drops_pooled_units_in_training_and_draws_from_the_default_generator(batch):
    model, head = build(SMALL | {"dropout": 0.5}, 3, 5, "A").train(), []
    model.fc.register_forward_hook(lambda _, inputs, __: head.append(inputs[0]))
    model.avgpool.register_forward_hook(lambda _, __, output: head.append(output.flatten(1)))
    with torch.random.fork_rng(devices=[]):
        for seed in (7, 7, 8):
            torch.manual_seed(seed)
            model(batch)
    (pooled, first), (_, same), (_, other) = head[:2], head[2:4], head[4:]
    kept = first != 0
    assert torch.equal(first[kept], 2 * pooled[kept])  # what is kept is divided by .5: exact
    assert 0 < kept.sum() < kept.numel()
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_dropout_changes_neither_initial_weights_nor_state_names_nor_eval_mode(batch):
    plain, dropping = build(SMALL, 3, 5, "A"), build(SMALL | {"dropout": 0.5}, 3, 5, "A")
    assert equal(state(plain), state(dropping))
    assert torch.equal(plain.eval()(batch), dropping.eval()(batch))


def test_without_dropout_training_draws_nothing(batch):
    before = torch.get_rng_state()
    absent, none = (build(SMALL | more, 3, 5, "A").train()(batch) for more in ({}, {"dropout": 0.0}))
    assert torch.equal(absent, none)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("dropout", [-0.1, 1])
def test_a_dropout_that_is_no_share_is_refused(dropout):
    with pytest.raises(ValidationError, match=rf"dropout\n.*input_value={dropout}"):
        ResNetParameters(dropout=dropout)


def test_the_registry_finds_the_family_and_what_it_takes():
    assert MODELS["resnet"].load() is build
    assert {name: MODELS[name].facts.inputs for name in ("resnet", "import")} == {"resnet": "rgb", "import": "rgb"}


def test_the_registry_names_the_families_for_a_misspelt_one():
    with pytest.raises(LookupError, match="resnet"):
        MODELS["resnt"]
