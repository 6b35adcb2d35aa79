"""Where batches come from: one small interface, so that a run's pixels do not depend on who reads them."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from whyalike.randomness import key


class Loader(Protocol):
    """Batches of undecorated images in an order keyed by (seed, replica, epoch); the last partial batch is dropped."""

    steps: int

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of one epoch from step ``start`` of it: uint8 (b, h, w, 3) and int64 (b,) labels, on the device."""
        ...


class ResidentLoader:
    """All training images as uint8 on the device; a batch is one gather.

    Parameters
    ----------
    images : uint8 (n, h, w, 3), on the device.
    labels : int64 (n,), on the device.
    batch_size : images a batch.
    seed, replica : key of the order.

    Raises
    ------
    ValueError : fewer images than one batch.
    """

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, seed: int, replica: str):
        self.steps = len(images) // batch_size
        if not self.steps:
            raise ValueError(
                f"{len(images)} training images are fewer than one batch of {batch_size}: lower batch_size"
            )
        self._images, self._labels = images, labels
        self._batch_size, self._seed, self._replica = batch_size, seed, replica

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images, labels) of an epoch's steps from ``start`` on, in the order of (seed, replica, epoch)."""
        generator = torch.Generator().manual_seed(key(self._seed, self._replica, "order", epoch))
        order = torch.randperm(len(self._images), generator=generator).to(self._images.device)
        for step in range(start, self.steps):
            chosen = order[step * self._batch_size : (step + 1) * self._batch_size]
            yield self._images[chosen], self._labels[chosen]
