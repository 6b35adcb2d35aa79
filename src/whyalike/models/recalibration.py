"""BatchNorm with the statistics of given images in place of running ones.

Running statistics are 0 and 1 at the start of training, and lag behind the weights in its first steps. Recalibrated,
each BatchNorm's mean and variance are those of its inputs over all given images as one population, one layer after
another: a layer's inputs come through the layers before it with their statistics set. The variance is the unbiased one,
as that of running statistics is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from whyalike.data.prepared import Prepared, open_prepared
from whyalike.models.inputs import Inputs
from whyalike.randomness import keyed

BATCH = 512


def recalibration_rows(data: Prepared, n: int) -> np.ndarray:
    """Row indices of the training images that recalibrate, ascending, int64 (n,): a draw that depends on n alone.

    Raises
    ------
    ValueError : the data set has fewer training images.
    """
    rows = data.rows("train")
    if n > len(rows):
        raise ValueError(
            f"recalibration asks for {n} training images, the data set holds {len(rows)}: lower recalibration_images"
        )
    return np.sort(keyed("recalibration").choice(rows, n, replace=False))


def recalibration_images(dataset: Path, n: int, inputs: Inputs, size: int | None) -> Tensor:
    """These images as `Inputs.gather` gives samples, on the CPU."""
    data = open_prepared(dataset)
    return inputs.gather(data, recalibration_rows(data, n), size)


@torch.no_grad()
def recalibrate(model: nn.Module, samples: Tensor, feed: Callable[[Tensor], Tensor]) -> None:
    """Set the running statistics of every BatchNorm to those of its inputs on ``samples``; the model ends in eval mode.

    Up to 512 samples are one pass, more of them one pass for each BatchNorm.

    Parameters
    ----------
    model : on the samples' device.
    samples : n images, as `whyalike.models.inputs` gathers them.
    feed : a batch of samples -> the model's input.

    Raises
    ------
    ValueError : the model has no BatchNorm with running statistics, or calls one twice in a pass.
    """
    norms = [one for one in model.modules() if isinstance(one, _BatchNorm) and one.running_mean is not None]
    if not norms:
        raise ValueError("the model has no BatchNorm to recalibrate: leave batch_norm out, which is running")
    model.eval()
    batches = samples.split(BATCH)
    if len(batches) == 1:
        with _met(norms, _set) as order:
            model(feed(batches[0]))
        _check_once(order)
        return
    with _met(norms, lambda *_: None) as order:
        model(feed(batches[0][:2]))
    _check_once(order)
    for norm in order:
        sums = _Sums()
        with _met([norm], lambda _, x, sums=sums: sums.add(x)):
            for batch in batches:
                model(feed(batch))
        _write(norm, *sums.statistics())


class _Sums:
    """Sums of a norm's inputs and their squares over batches."""

    def __init__(self):
        self.count, self.first, self.second = 0, 0.0, 0.0

    def add(self, x: Tensor) -> None:
        """Take in a batch (b, c, ...)."""
        values = _channels(x)
        self.count += values.shape[1]
        self.first = self.first + values.sum(1)
        self.second = self.second + (values**2).sum(1)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and unbiased variance of each channel."""
        mean = self.first / self.count
        return mean, ((self.second / self.count - mean**2).clamp(min=0)) * self.count / max(1, self.count - 1)


@contextmanager
def _met(norms: Sequence[nn.Module], do: Callable[[nn.Module, Tensor], None]) -> Iterator[list[nn.Module]]:
    """Call ``do`` with each of these norms and its input, before it is applied; yields them as they are met."""
    order: list[nn.Module] = []

    def met(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        order.append(norm)
        do(norm, inputs[0])

    handles = [norm.register_forward_pre_hook(met) for norm in norms]
    try:
        yield order
    finally:
        for handle in handles:
            handle.remove()


def _check_once(order: Sequence[nn.Module]) -> None:
    if len({id(norm) for norm in order}) < len(order):
        raise ValueError(
            "the model calls a BatchNorm in several places, and its statistics would be those of one of them: leave "
            "batch_norm out, which is running"
        )


def _set(norm: nn.Module, x: Tensor) -> None:
    sums = _Sums()
    sums.add(x)
    _write(norm, *sums.statistics())


def _write(norm: nn.Module, mean: Tensor, variance: Tensor) -> None:
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


def _channels(x: Tensor) -> Tensor:
    """(b, c, ...) -> float64 (c, values of a channel)."""
    return x.double().transpose(0, 1).flatten(1)
