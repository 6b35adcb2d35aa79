"""Where the images of a cell's runs come from: read by row of the data set, as the model takes them.

On a GPU all images lie in its memory. On the CPU the prepared file stays mapped: a batch is copied out of it, so that
training needs the memory of a batch, and the processes of a machine share the pages that the system keeps. Images that
must be resized, or made grey, are adapted once and then lie in memory. `whyalike.training.ffcv_reader` is the third.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from whyalike.models.inputs import adapt

ROWS = 4096  # images that are adapted at once


class ImageReader(Protocol):
    """Images of a data set: uint8 (b, size, size, c) on the device, the same bytes from every reader."""

    device: torch.device

    def take(self, rows: Tensor) -> Tensor:
        """The images of some rows (int64 (b,), on the CPU), in their order."""
        ...

    def batches(self, rows: Tensor, batch_size: int) -> Iterator[Tensor]:
        """The images of each ``batch_size`` rows, whose number is a multiple of it; nobody else changes them."""
        ...


class ResidentReader:
    """All images in the memory of a device.

    Parameters
    ----------
    images : uint8 (n, size, size, c).
    """

    def __init__(self, images: Tensor):
        self._images, self.device = images, images.device

    def take(self, rows: Tensor) -> Tensor:
        """See `ImageReader`."""
        return self._images[rows.to(self.device)]

    def batches(self, rows: Tensor, batch_size: int) -> Iterator[Tensor]:
        """See `ImageReader`."""
        for chosen in rows.to(self.device).split(batch_size):
            yield self._images[chosen]


class MappedReader:
    """Images of a mapped file, on the CPU.

    Parameters
    ----------
    images : uint8 (n, h, w, 1 or 3), of the model's size.
    size, channels : what the model takes.
    """

    device = torch.device("cpu")

    def __init__(self, images: np.ndarray, size: int, channels: int):
        self._images, self._size, self._channels = images, size, channels

    def take(self, rows: Tensor) -> Tensor:
        """See `ImageReader`."""
        return adapt(self._images[rows.numpy()], self._size, self._channels)

    def batches(self, rows: Tensor, batch_size: int) -> Iterator[Tensor]:
        """See `ImageReader`."""
        return map(self.take, rows.split(batch_size))


def resident(images: np.ndarray, size: int, channels: int, device: torch.device) -> ImageReader:
    """The reader of a mapped data set on a device.

    Parameters
    ----------
    images : uint8 (n, h, w, 1 or 3).
    size, channels : what the model takes; channels 1 or 3.
    device : where its batches shall lie.
    """
    if device.type == "cpu" and images.shape[1:3] == (size, size) and images.shape[3] <= channels:
        return MappedReader(images, size, channels)
    whole = torch.empty((len(images), size, size, channels), dtype=torch.uint8, device=device)
    for start in range(0, len(images), ROWS):
        whole[start : start + ROWS] = adapt(images[start : start + ROWS], size, channels)
    return ResidentReader(whole)
