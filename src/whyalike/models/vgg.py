"""VGG networks (Simonyan and Zisserman 2015), with or without BatchNorm: plain stages of 3x3 convolutions.

With ``convolutions=(2, 2, 3, 3, 3)``, ``widths=(64, 128, 256, 512, 512)``, ``pool=7`` and ``hidden=(4096, 4096)`` this
is torchvision's vgg16, number for number (a test copies weights); without hidden units and with ``pool=1`` it is the
usual form for small images. The state names are torchvision's. The head starts from a generator of its own, as that of
`whyalike.models.resnet` does. Dropout draws from torch's default generator of the device.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from whyalike.models.initialisation import keyed_weights

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change


class VGG(nn.Module):
    """Convolutions (``features``), average pool (``avgpool``), hidden layers and head (``classifier``).

    Parameters
    ----------
    convolutions, widths : convolutions of each stage, and their channels; a max-pool ends each stage.
    batch_norm : whether each convolution is followed by BatchNorm.
    pool : side of the average pool's output.
    hidden : units of the layers before the head; each is followed by ReLU and dropout.
    dropout : share of hidden units dropped in training.
    classes : number of outputs.
    """

    def __init__(
        self,
        convolutions: Sequence[int],
        widths: Sequence[int],
        batch_norm: bool,
        pool: int,
        hidden: Sequence[int],
        dropout: float,
        classes: int,
    ):
        super().__init__()
        self.features, inputs = nn.Sequential(), 3
        for count, width in zip(convolutions, widths, strict=True):
            for _ in range(count):
                self.features.append(nn.Conv2d(inputs, width, 3, padding=1))
                if batch_norm:
                    self.features.append(nn.BatchNorm2d(width))
                self.features.append(nn.ReLU())
                inputs = width
            self.features.append(nn.MaxPool2d(2))
        self.avgpool = nn.AdaptiveAvgPool2d(pool)
        self.classifier, inputs = nn.Sequential(), inputs * pool**2
        for units in hidden:
            self.classifier.extend([nn.Linear(inputs, units), nn.ReLU(), nn.Dropout(dropout)])
            inputs = units
        self.classifier.append(nn.Linear(inputs, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 3, h, w), normalised -> logits (b, classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> VGG:
    """A network with its initial weights: convolutions He normal, fan out; linear layers as `torch.nn.Linear`'s.

    Parameters
    ----------
    parameters : those of `VGG` but `classes`, as in the configuration.
    classes : number of outputs.
    seed, replica : key of the initial weights.
    """
    with keyed_weights(seed, replica):
        model = VGG(**{name: value for name, value in parameters.items() if name != "family"}, classes=1)
        for module in model.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
    with keyed_weights(seed, replica, "initialisation of the head"):
        model.classifier[-1] = nn.Linear(model.classifier[-1].in_features, classes)
    return model
