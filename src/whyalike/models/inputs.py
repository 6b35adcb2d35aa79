"""Stimuli of every kind as a model's input: images in colour or grey at the model's size, and windows of tokens.

Samples are gathered once and stay small (uint8 pixels, int32 tokens); what the model itself takes is made batch by
batch from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from whyalike.data.prepared import Prepared

CHUNK = 4096 * 3 * 64 * 64  # numbers of the images that are changed at once: a float copy of them takes 200 MB
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: grey of a colour, as in torchvision's adjustments


@dataclass(frozen=True)
class Inputs:
    """One kind of input.

    Attributes
    ----------
    gather : prepared data, rows (ascending, int64 (n,)) and the side in pixels -> n samples, on the CPU.
    feed : some of these samples and what their model needs beside (mean, std) -> its input.
    channels : of an image; None of text.
    """

    gather: Callable[[Prepared, np.ndarray, int | None], Tensor]
    feed: Callable[[Tensor, Mapping[str, Any]], Tensor]
    channels: int | None = None


def adapt(images: np.ndarray, size: int, channels: int = 3) -> Tensor:
    """Images of any size as uint8 (n, size, size, channels), on the CPU.

    Grey becomes three equal channels, colour its luma. Resizing is bilinear with antialiasing, rounded to whole grey
    values; images of the right size and channels keep their bytes.

    Parameters
    ----------
    images : uint8 (n, h, w, 1 or 3).
    size : side in pixels.
    channels : 3 (colour) or 1 (grey).

    Raises
    ------
    ValueError : another type or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"images must be uint8 (n, h, w, 1 or 3), got {images.dtype} {images.shape}")
    tensor = torch.from_numpy(np.array(images))  # a copy: a mapped file is read-only, and torch wants to write
    if channels == 1 and tensor.shape[3] == 3:
        tensor = torch.cat([_grey(chunk) for chunk in tensor.split(_at_once(tensor, size))])
    if tensor.shape[1:3] != (size, size):
        tensor = torch.cat([_resize(chunk, size) for chunk in tensor.split(_at_once(tensor, size))])
    return tensor.expand(-1, -1, -1, channels).contiguous()


def _at_once(images: Tensor, size: int) -> int:
    """How many images are changed at once, of their own side or of the new one, whichever is larger."""
    return max(1, CHUNK // (max(images[0, ..., 0].numel(), size**2) * images.shape[3]))


def _grey(images: Tensor) -> Tensor:
    return (images.float() @ torch.tensor(LUMA)).round().clamp(0, 255).to(torch.uint8).unsqueeze(-1)


def _resize(images: Tensor, size: int) -> Tensor:
    planes = images.permute(0, 3, 1, 2).float()  # (n, c, h, w)
    planes = interpolate(planes, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return planes.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def normalise(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """(b, h, w, 3), 0 to 255 -> (b, 3, h, w) float32 with the training data's mean and SD, channels last in memory."""
    scaled = (images.float() - torch.tensor(mean, device=images.device)) / torch.tensor(std, device=images.device)
    return scaled.permute(0, 3, 1, 2)


def brightness(images: Tensor) -> Tensor:
    """(b, h, w, 1) uint8 -> (b, 1, h, w) float32 in 0 to 1."""
    return (images.float() / 255).permute(0, 3, 1, 2).contiguous()


def stretches_of(data: Prepared, rows: np.ndarray) -> list[np.ndarray]:
    """The tokens of stretches of any length, each (length,)."""
    data.check(rows)
    starts, lengths = (data.labels[name].to_numpy()[rows] for name in ("start", "length"))
    return [data.tokens[start : start + length] for start, length in zip(starts, lengths, strict=True)]


def windows(data: Prepared, rows: np.ndarray) -> Tensor:
    """The tokens of stretches of equal length, int32 (n, length), on the CPU.

    Raises
    ------
    ValueError : stretches of different lengths.
    """
    data.check(rows)
    stretches = data.labels.iloc[rows]
    lengths = stretches["length"].unique()
    if len(lengths) != 1:
        raise ValueError(f"stimuli of text need windows of one length, got {len(lengths)} lengths: take the part test")
    places = stretches["start"].to_numpy()[:, None] + np.arange(lengths[0])  # (n, length)
    return torch.from_numpy(data.tokens[places].astype(np.int32))


def _images(data: Prepared, rows: np.ndarray) -> np.ndarray:
    """Some images, verified; all of them without a copy."""
    data.check(rows)
    return data.images if len(rows) == len(data.images) else data.images[rows]


INPUTS = {
    "rgb": Inputs(
        lambda data, rows, size: adapt(_images(data, rows), size),
        lambda batch, work: normalise(batch, work["mean"], work["std"]),
        channels=3,
    ),
    "grey": Inputs(
        lambda data, rows, size: adapt(_images(data, rows), size, 1), lambda batch, _: brightness(batch), channels=1
    ),
    "tokens": Inputs(lambda data, rows, _: windows(data, rows), lambda batch, _: batch.long()),
}
