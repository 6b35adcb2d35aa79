"""Images as a library's model takes them: resized, cropped, normalised, in float32 from whole grey levels.

The libraries themselves round to whole grey levels after resizing, as Pillow does; here nothing is rounded, so that a
pixel differs by at most one level and a half from theirs.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from whyalike.models.libraries.parameters import InputRule


def adapted(images: Tensor, rule: InputRule) -> Tensor:
    """uint8 (b, h, w, 1 or 3) -> float32 (b, 3, height, width) by a rule with mean and std.

    Grey becomes three equal channels.
    """
    planes = images.permute(0, 3, 1, 2).float().expand(-1, 3, -1, -1)
    size = _resized(planes.shape[2], planes.shape[3], rule)
    if size != tuple(planes.shape[2:]):
        smooth = rule.interpolation != "nearest"
        how = {"align_corners": False, "antialias": True} if smooth else {}
        # Pillow's nearest pixel is that of PyTorch's nearest-exact
        planes = interpolate(planes, size, mode=rule.interpolation if smooth else "nearest-exact", **how).clamp(0, 255)
    if rule.crop is not None:
        planes = _cropped(planes, *rule.sides)
    mean, std = (torch.tensor(values, device=planes.device).view(3, 1, 1) for values in (rule.mean, rule.std))
    return (planes - mean) / std


def _resized(height: int, width: int, rule: InputRule) -> tuple[int, int]:
    """Height and width after resizing; the longer side is cut to whole pixels, as torchvision does."""
    if not isinstance(rule.resize, int):
        return rule.resize
    short, long = sorted((height, width))
    other = int(rule.resize * long / short)
    return (rule.resize, other) if height <= width else (other, rule.resize)


def _cropped(planes: Tensor, height: int, width: int) -> Tensor:
    """The middle; of an odd rest as torchvision does, which rounds halves to even numbers."""
    top, left = (round((planes.shape[axis] - kept) / 2) for axis, kept in ((2, height), (3, width)))
    return planes[:, :, top : top + height, left : left + width]
