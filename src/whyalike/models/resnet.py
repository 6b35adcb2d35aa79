"""Residual networks (He et al. 2015) of basic or bottleneck blocks: ResNet-18, ResNet-50 and smaller ones.

With ``blocks=(2, 2, 2, 2)``, ``widths=(64, 128, 256, 512)`` and ``stem="7x7"`` this is torchvision's resnet18, number
for number (a test copies its weights), with ``blocks=(3, 4, 6, 3)`` and ``block="bottleneck"`` its resnet50;
``stem="3x3"`` is the usual form for 32-pixel images: 3x3, no max-pool. The state names are torchvision's. The backbone
and the head draw their initial weights from generators of their own, so that two models of one (seed, replica) start
from the same backbone whatever their numbers of classes.

Dropout stands before the head and draws from torch's default generator of the device: whoever trains with it must key
that generator before each step. Without it nothing is drawn.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models.initialisation import keyed_weights

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The shortcut: a 1x1 convolution where the shape changes, else the input itself."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1  # outputs, in widths of the stage

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) -> (b, outputs, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """Convolutions of 1x1, 3x3 and 1x1 beside a shortcut; the 3x3 one has the stride, as torchvision's has."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) -> (b, 4 width, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return torch.relu(self.bn3(self.conv3(x)) + shortcut)


BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


class ResNet(nn.Module):
    """Stem, stages of blocks, average pool (``avgpool``: the penultimate representation), head (``fc``)."""

    def __init__(
        self,
        blocks: tuple[int, ...],
        widths: tuple[int, ...],
        stem: str,
        stem_stride: int,
        classes: int,
        dropout: float = 0,
        block: str = "basic",
    ):
        super().__init__()
        width = widths[0]
        if stem == "7x7":
            self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
        else:
            self.conv1 = nn.Conv2d(3, width, 3, stem_stride, 1, bias=False)
            self.maxpool = nn.Identity()
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = len(blocks)
        kind = BLOCKS[block]
        for stage, (depth, of_stage) in enumerate(zip(blocks, widths, strict=True), start=1):
            outputs = of_stage * kind.expansion
            strides = [1 if stage == 1 else 2] + [1] * (depth - 1)
            inputs = [width] + [outputs] * (depth - 1)
            layer = [kind(i, of_stage, s) for i, s in zip(inputs, strides, strict=True)]
            setattr(self, f"layer{stage}", nn.Sequential(*layer))
            width = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 3, h, w), normalised -> logits (b, classes)."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> ResNet:
    """A network with its initial weights (He normal, fan out; the head as `torch.nn.Linear` starts it).

    Parameters
    ----------
    parameters : blocks, widths, stem ("3x3" or "7x7"), stem_stride, dropout (none if absent) and block ("basic" if
        absent), as in the configuration.
    classes : number of outputs.
    seed, replica : key of the initial weights.
    """
    shape = {name: parameters[name] for name in ("blocks", "widths", "stem", "stem_stride")}
    later = {"dropout": parameters.get("dropout", 0), "block": parameters.get("block", "basic")}
    with keyed_weights(seed, replica):
        model = ResNet(**shape, classes=1, **later)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    with keyed_weights(seed, replica, "initialisation of the head"):
        model.fc = nn.Linear(model.fc.in_features, classes)
    return model
