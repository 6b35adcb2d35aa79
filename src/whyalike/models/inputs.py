"""Any images as a model's input: grey becomes three equal channels, the size becomes the model's."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

CHUNK = 4096  # images resized at once: bounds the float copy to 4096 x 3 x 64 x 64 x 4 B = 200 MB


def adapt(images: np.ndarray, size: int) -> Tensor:
    """Images of any size as uint8 (n, size, size, 3), on the CPU.

    Resizing is bilinear with antialiasing, rounded to whole grey values; images of the right size keep their bytes.

    Parameters
    ----------
    images : uint8 (n, h, w, 1 or 3).
    size : side in pixels.

    Raises
    ------
    ValueError : another type or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"images must be uint8 (n, h, w, 1 or 3), got {images.dtype} {images.shape}")
    tensor = torch.from_numpy(np.array(images))  # a copy: a mapped file is read-only, and torch wants to write
    if tensor.shape[1:3] != (size, size):
        tensor = torch.cat([_resize(chunk, size) for chunk in tensor.split(CHUNK)])
    return tensor.expand(-1, -1, -1, 3).contiguous()


def _resize(images: Tensor, size: int) -> Tensor:
    planes = images.permute(0, 3, 1, 2).float()  # (n, c, h, w)
    planes = interpolate(planes, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return planes.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def normalise(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """(b, h, w, 3), 0 to 255 -> (b, 3, h, w) float32 with the training data's mean and SD, channels last in memory."""
    scaled = (images.float() - torch.tensor(mean, device=images.device)) / torch.tensor(std, device=images.device)
    return scaled.permute(0, 3, 1, 2)
