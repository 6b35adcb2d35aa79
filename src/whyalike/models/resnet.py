"""Residual networks of basic blocks (He et al. 2015): ResNet-18 and smaller ones for small images.

With ``blocks=(2, 2, 2, 2)``, ``widths=(64, 128, 256, 512)`` and ``stem="7x7"`` this is torchvision's resnet18, number
for number (a test copies its weights); ``stem="3x3"`` is the usual form for 32-pixel images: 3x3, no max-pool. The
state names are torchvision's. The backbone and the head draw their initial weights from generators of their own, so
that two models of one (seed, replica) start from the same backbone whatever their numbers of classes.

Dropout stands before the head and draws from torch's default generator of the device: whoever trains with it must key
that generator before each step. Without it nothing is drawn.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.randomness import key

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) -> (b, outputs, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet(nn.Module):
    """Stem, stages of basic blocks, average pool (``avgpool``: the penultimate representation), head (``fc``)."""

    def __init__(
        self,
        blocks: tuple[int, ...],
        widths: tuple[int, ...],
        stem: str,
        stem_stride: int,
        classes: int,
        dropout: float = 0,
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
        for stage, (depth, outputs) in enumerate(zip(blocks, widths, strict=True), start=1):
            strides = [1 if stage == 1 else 2] + [1] * (depth - 1)
            inputs = [width] + [outputs] * (depth - 1)
            layer = [BasicBlock(i, outputs, s) for i, s in zip(inputs, strides, strict=True)]
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
    parameters : blocks, widths, stem ("3x3" or "7x7"), stem_stride and dropout (none if absent), as in the
        configuration.
    classes : number of outputs.
    seed, replica : key of the initial weights.
    """
    shape = {name: parameters[name] for name in ("blocks", "widths", "stem", "stem_stride")}
    with torch.random.fork_rng(devices=[]):
        # the CPU's generator alone: torch.manual_seed would also set those of GPUs, which are not forked
        torch.default_generator.manual_seed(key(seed, replica, "initialisation"))
        model = ResNet(**shape, classes=1, dropout=parameters.get("dropout", 0))
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        torch.default_generator.manual_seed(key(seed, replica, "initialisation of the head"))
        model.fc = nn.Linear(model.fc.in_features, classes)
    return model
