"""The batches of a run: one keyed order, so that its pixels do not depend on who reads them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from whyalike.randomness import key
from whyalike.training.readers import ImageReader


class Loader:
    """Batches of unchanged images in an order keyed by (seed, replica, epoch); the last partial batch is dropped.

    Parameters
    ----------
    reader : gives the images.
    rows : rows of the data set that the run trains on, int64 (n,), on the CPU.
    labels : int64 (n,), on the device.
    batch_size : images a batch.
    seed, replica : key of the order.

    Raises
    ------
    ValueError : fewer images than one batch.
    """

    def __init__(self, reader: ImageReader, rows: Tensor, labels: Tensor, batch_size: int, seed: int, replica: str):
        self.steps = len(rows) // batch_size
        if not self.steps:
            raise ValueError(f"{len(rows)} training images are fewer than one batch of {batch_size}: lower batch_size")
        self._reader, self._rows, self._labels = reader, rows, labels
        self._batch_size, self._seed, self._replica = batch_size, seed, replica

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of one epoch from step ``start`` of it: uint8 (b, h, w, c) and int64 (b,) labels, on the device."""
        generator = torch.Generator().manual_seed(key(self._seed, self._replica, "order", epoch))
        order = torch.randperm(len(self._rows), generator=generator)
        order = order[start * self._batch_size : self.steps * self._batch_size]
        if not len(order):  # of nothing, torch's split makes one empty batch
            return
        labels = self._labels[order.to(self._labels.device)].split(self._batch_size)
        yield from zip(self._reader.batches(self._rows[order], self._batch_size), labels, strict=True)
