"""Random changes of a batch of images: colour jitter, flip, shift and cut-out, all images of the batch at once.

The numbers are drawn on the CPU from a generator of the caller's, so a batch is changed alike on every device, by every
loader, and in a resumed run. Ranges follow the released recipes of the overlap study; so does
the order, but for the flip, which commutes with the jitter: uncovered pixels have the fill colour itself.
"""

import torch
from torch import Generator, Tensor

from whyalike.models.inputs import LUMA
from whyalike.training.parameters import Augmentation


def augment(images: Tensor, spec: Augmentation, fill: tuple[float, ...], generator: Generator) -> Tensor:
    """Change a batch.

    Parameters
    ----------
    images : uint8 (b, h, w, 3) on any device.
    spec : what to do.
    fill : colour of uncovered and cut-out pixels, 0 to 255; rounded.
    generator : CPU generator; every draw is made from it in a fixed order.

    Returns
    -------
    Tensor : (b, h, w, 3), uint8, or float32 in 0 to 255 where colours were jittered.
    """
    for change, spread in ((_brightness, spec.brightness), (_contrast, spec.contrast), (_saturation, spec.saturation)):
        if spread:
            images = _jitter(images, change, spread, spec.jitter_probability, generator)
    colour = torch.tensor(fill).round().to(images)
    images = _move(images, spec, colour, generator)
    return _cut_out(images, spec.cutout, colour, generator) if spec.cutout else images


def _move(images: Tensor, spec: Augmentation, colour: Tensor, generator: Generator) -> Tensor:
    """Mirror and shift by one gather of the padded batch."""
    b, h, w, _ = images.shape
    pad = spec.translate
    if not pad and not spec.flip:
        return images
    rows, columns = torch.arange(h).expand(b, h), torch.arange(w).expand(b, w)
    if spec.flip:
        mirrored = torch.rand(b, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, w - 1 - columns, columns)
    if pad:
        shift = torch.randint(0, 2 * pad + 1, (2, b, 1), generator=generator)
        rows, columns = rows + shift[0], columns + shift[1]
        padded = colour.expand(b, h + 2 * pad, w + 2 * pad, 3).clone()
        padded[:, pad : pad + h, pad : pad + w] = images
        images = padded
    width = w + 2 * pad
    place = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (b, h * w)
    place = place.to(images.device)[:, :, None].expand(-1, -1, 3)
    return images.flatten(1, 2).gather(1, place).unflatten(1, (h, w))


def _jitter(images: Tensor, change, spread: float, probability: float, generator: Generator) -> Tensor:
    b = len(images)
    chosen = torch.rand(b, generator=generator) < probability
    factor = 1 + spread * (2 * torch.rand(b, generator=generator) - 1)
    factor = torch.where(chosen, factor, torch.ones(b)).to(images.device).view(b, 1, 1, 1)
    images = images.float()
    return change(images, factor).clamp(0, 255)


def _luma(images: Tensor) -> Tensor:
    return (images * torch.tensor(LUMA, device=images.device)).sum(-1, keepdim=True)


def _brightness(images: Tensor, factor: Tensor) -> Tensor:
    return images * factor


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    mean = _luma(images).mean((1, 2), keepdim=True)
    return mean + factor * (images - mean)


def _saturation(images: Tensor, factor: Tensor) -> Tensor:
    grey = _luma(images)
    return grey + factor * (images - grey)


def _cut_out(images: Tensor, side: int, colour: Tensor, generator: Generator) -> Tensor:
    """Fill one square of ``side`` pixels that lies inside each image."""
    b, h, w, _ = images.shape
    top = torch.randint(0, max(h - side, 0) + 1, (b, 1), generator=generator)
    left = torch.randint(0, max(w - side, 0) + 1, (b, 1), generator=generator)
    rows = (torch.arange(h) >= top) & (torch.arange(h) < top + side)  # (b, h)
    columns = (torch.arange(w) >= left) & (torch.arange(w) < left + side)  # (b, w)
    inside = (rows[:, :, None] & columns[:, None, :]).to(images.device)[..., None]
    return torch.where(inside, colour, images)
