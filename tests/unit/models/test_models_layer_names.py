"""Layers by kind and their receptive fields, against the models themselves and against torchvision's."""

import pytest
import torch
import torchvision
from torch import nn

from whyalike.models.registry import MODELS
from whyalike.models.weights import build_model

RESNET18 = {"family": "resnet", "blocks": [2, 2, 2, 2], "widths": [64, 128, 256, 512], "stem": "7x7", "stem_stride": 1}
RESNET50 = {**RESNET18, "blocks": [3, 4, 6, 3], "block": "bottleneck"}
STAGES = {
    "family": "vgg",
    "widths": [64, 128, 256, 512, 512],
    "pool": 7,
    "hidden": [],
    "dropout": 0,
    "batch_norm": True,
}
VGG16 = {**STAGES, "convolutions": [2, 2, 3, 3, 3]}
VIT = {"family": "vit", "size": 8, "patch": 4, "depth": 3, "heads": 2, "width": 8, "mlp_width": 8, "dropout": 0}
GPT = {"family": "gpt", "vocabulary": 11, "layers": 3, "heads": 2, "width": 8, "context": 4, "dropout": 0}
VAE = {"family": "vae", "channels": [4, 8], "latent": 3, "size": 8}
SMALL = {"family": "resnet", "blocks": [2, 2], "widths": [3, 4], "stem": "3x3", "stem_stride": 2}
EMBEDDER = {**SMALL, "family": "embedder", "unembedding_width": 4}


def facts(model):
    family = MODELS[model["family"]].facts
    return family, family.parameters.from_plain({key: value for key, value in model.items() if key != "family"})


def names(model, kind):
    family, section = facts(model)
    return family.layers[kind](section)


def convolutions(model):
    """Paths of the convolutions that no shortcut has."""
    return [name for name, one in model.named_modules() if isinstance(one, nn.Conv2d) and "downsample" not in name]


@pytest.mark.parametrize(
    ("model", "stock", "count"),
    [(RESNET18, "resnet18", 17), (RESNET50, "resnet50", 49), (VGG16, "vgg16_bn", 13),
     ({**VGG16, "batch_norm": False}, "vgg16", 13), ({**STAGES, "convolutions": [2, 2, 4, 4, 4]}, "vgg19_bn", 16)],
)  # fmt: skip
def test_convolutions_are_those_of_torchvision_by_name_and_number(model, stock, count):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(stock)
    assert names(model, "convolutions") == tuple(convolutions(theirs))
    assert len(names(model, "convolutions")) == count


@pytest.mark.parametrize(
    "model", [SMALL, {**SMALL, "block": "bottleneck"}, EMBEDDER, VAE, VIT, GPT, {**VGG16, "widths": [2] * 5}]
)
def test_layers_are_modules_and_are_called_in_this_order(model):
    family, section = facts(model)
    built = build_model(model, 3, 0, "A").eval()
    side = 32 if model["family"] == "vgg" else 8
    inputs = {"rgb": torch.zeros(1, 3, side, side), "grey": torch.zeros(1, 1, 8, 8), "tokens": torch.zeros(1, 2).long()}
    assert family.layers
    for kind, of_kind in family.layers.items():
        called, modules = [], dict(built.named_modules())
        for name in of_kind(section):
            modules[name].register_forward_hook(lambda *_, name=name, called=called: called.append(name))
        built(inputs[family.inputs])
        assert tuple(called) == of_kind(section), kind


def support(model, layer, side):
    """Width in pixels of what the centre unit of a layer's output depends on, all weights being positive."""
    for one in model.modules():
        if isinstance(one, nn.Conv2d):
            nn.init.ones_(one.weight)
    model.double().eval()
    channels = next(one for one in model.modules() if isinstance(one, nn.Conv2d)).in_channels
    # the largest value of a pool must not be one place alone: a pool passes on all of its window as an average does
    for name, one in list(model.named_modules()):
        if isinstance(one, nn.MaxPool2d):
            pool = nn.AvgPool2d(one.kernel_size, one.stride, one.padding)
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, pool)
    caught = []
    model.get_submodule(layer).register_forward_hook(lambda *arguments: caught.append(arguments[2]))
    x = torch.ones(1, channels, side, side, dtype=torch.float64, requires_grad=True)
    model(x)
    output = caught[0]
    output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum().backward()
    return int((x.grad[0, 0] != 0).any(0).sum())


@pytest.mark.parametrize(
    ("model", "side"),
    [
        ({**SMALL, "widths": [1, 1]}, 64),
        ({**SMALL, "widths": [1, 1], "block": "bottleneck"}, 64),
        ({**SMALL, "widths": [1, 1], "stem": "7x7"}, 128),
        ({**VGG16, "widths": [1] * 3, "convolutions": [1, 2, 1], "pool": 1}, 64),
    ],
    ids=["basic", "bottleneck", "7x7", "vgg"],
)
def test_receptive_fields_are_what_the_centre_unit_depends_on(model, side):
    family, section = facts(model)
    for layer, field in family.fields(section).items():
        assert support(build_model(model, 1, 0, "A"), layer, side) == field, layer


def test_receptive_fields_of_an_encoder_that_halves_the_side():
    family, section = facts({**VAE, "channels": [1, 1, 1], "size": 64})
    assert family.fields(section) == {"encoder.0": 4, "encoder.2": 10, "encoder.4": 22}


def test_fields_of_resnet18_at_32_pixels_are_the_known_ones():
    family, section = facts({**RESNET18, "stem": "3x3"})
    fields = family.fields(section)
    assert (fields["conv1"], fields["layer1"], fields["layer2"], fields["layer3.0"]) == (3, 11, 25, 37)


def test_a_part_of_a_model_has_its_path_before_the_names():
    assert names(EMBEDDER, "convolutions") == tuple(f"f.{name}" for name in names(SMALL, "convolutions"))
    family, section = facts(EMBEDDER)
    assert family.fields(section)["f.conv1"] == 3
