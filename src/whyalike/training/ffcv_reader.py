"""Images through FFCV: a thread of its own reads the next batches while the model trains on this one.

FFCV's augmentations ignore every seed, and its orders confuse the epochs of neighbouring seeds. So it only decodes,
bytes to bytes, in the run's own keyed order, and the shared augmentation follows: its pixels, and so the weights, are
those of every other reader. What it does beside reading is undone: it sets torch's number of threads, on which sums
depend; it reuses the memory of a batch; an iterator that is left keeps its thread, and an error in that thread would
leave the trainer waiting for ever. Source: Leclerc et al., FFCV: accelerating training by removing data bottlenecks
(2023), version 1.0.2.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyalike.data.ffcv_file import FIELD, beton_of, ffcv
from whyalike.data.prepared import Prepared
from whyalike.models.inputs import adapt

PAUSE = 0.1  # s between two looks at a queue or thread
AHEAD = 3  # batches that are read before they are asked for


class FfcvReader:
    """Images of a .beton; all runs of a cell share it, since each new loader compiles for seconds.

    Parameters
    ----------
    data : the prepared data set; its .beton is made if there is none.
    size, channels : what the model takes.
    device : where batches shall lie.

    Raises
    ------
    RuntimeError : FFCV is not installed.
    """

    def __init__(self, data: Prepared, size: int, channels: int, device: torch.device):
        path = beton_of(data)
        self.device, self._images, self._size, self._channels = device, data.images, size, channels
        with _torch_threads_kept() as threads:
            decode = ffcv("ffcv.fields.decoders").NDArrayDecoder()
            self._loader = ffcv("ffcv.loader").Loader(
                str(path), 1, num_workers=threads, os_cache=True, seed=0, drop_last=False, batches_ahead=AHEAD,
                pipelines={FIELD: [decode]},
            )  # fmt: skip

    def take(self, rows: Tensor) -> Tensor:
        """See `whyalike.training.readers.ImageReader`: straight from the mapped array."""
        return self._adapted(self._images[rows.numpy()])

    def batches(self, rows: Tensor, batch_size: int) -> Iterator[Tensor]:
        """See `whyalike.training.readers.ImageReader`.

        Raises
        ------
        RuntimeError : FFCV's thread failed.
        """
        with _torch_threads_kept() as threads:
            self._loader.batch_size, self._loader.num_workers = batch_size, threads
            epoch = _watched()(self._loader, rows.numpy())
        try:
            for (images,) in epoch:
                yield self._adapted(images)  # a copy: FFCV writes the next batch into the same memory
            if epoch.fault is not None:
                raise RuntimeError(f"FFCV failed to read {self._loader.fname}: {epoch.fault!r}") from epoch.fault
        finally:
            _stop(epoch)

    def _adapted(self, images: np.ndarray) -> Tensor:
        return adapt(images, self._size, self._channels).to(self.device)


@contextmanager
def _torch_threads_kept() -> Iterator[int]:
    """The number of torch's threads, which is the same again afterwards."""
    threads = torch.get_num_threads()
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def _watched() -> type:
    """FFCV's thread of an epoch, which ends with its error instead of leaving the trainer to wait."""
    base: Any = ffcv("ffcv.loader.epoch_iterator").EpochIterator

    class Epoch(base):
        fault: BaseException | None = None

        def run(self) -> None:
            try:
                super().run()
            except BaseException as error:
                self.fault = error
                while not self.terminate_event.is_set():
                    with suppress(Full):
                        self.output_queue.put(None, timeout=PAUSE)
                        return

    return Epoch


def _stop(epoch: Any) -> None:
    """End the thread of an epoch, read to its end or left."""
    epoch.close()
    epoch.iter_ixes = iter(())
    while epoch.is_alive():
        with suppress(Empty):  # it may wait for room in its queue
            epoch.output_queue.get(timeout=PAUSE)
