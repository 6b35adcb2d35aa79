"""Views of images, for objectives that compare two of one image: crop, flip, jitter of colours, grey, blur.

All images of a batch are changed at once, by numbers drawn on the CPU from a generator of the caller's, as in
`whyalike.training.augmentation`. The changes are those of Chen et al. 2020 (SimCLR, appendix A) but for what is said
here. The four jitters come in one order, not in a random one. Hue is turned around the grey axis of YIQ by a matrix, so
that luma stays, where it is shifted in HSV there. A crop is resampled bilinearly to the image's side. Crop and blur are
products with a matrix for rows and one for columns: no kernel of theirs is without a deterministic form on a GPU.
"""

import math

import torch
from torch import Generator, Tensor

from whyalike.models.inputs import LUMA
from whyalike.training.contrastive_parameters import Views

RATIO = 4 / 3  # largest ratio of a crop's sides
# red, green, blue -> luma and the two axes of colour
YIQ = (LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def view(images: Tensor, spec: Views, generator: Generator) -> Tensor:
    """A view of each image.

    Parameters
    ----------
    images : uint8 (b, h, w, 3) on any device.
    spec : how it is made.
    generator : CPU generator; every draw is made from it in a fixed order.

    Returns
    -------
    Tensor : float32 (b, h, w, 3), 0 to 255.
    """
    images = _crop(images.float(), spec, generator)
    images = _jitter(images, spec, generator)
    if spec.grey:
        grey = (torch.rand(len(images), generator=generator) < spec.grey).to(images.device)
        images = torch.where(grey.view(-1, 1, 1, 1), _luma(images), images)
    return _blur(images, spec, generator) if spec.blur else images


def _uniform(low: float, high: float, n: int, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _resampled(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Images times a matrix (b, h, h) for rows and one (b, w, w) for columns."""
    rows, columns = rows.to(images.device), columns.to(images.device)
    images = torch.bmm(rows, images.flatten(2)).unflatten(2, images.shape[2:])  # (b, h, w, 3)
    turned = images.transpose(1, 2)
    return torch.bmm(columns, turned.flatten(2)).unflatten(2, turned.shape[2:]).transpose(1, 2)


def _crop(images: Tensor, spec: Views, generator: Generator) -> Tensor:
    """A box of a random share, ratio and place, as large as the image again, mirrored or not."""
    b, h, w, _ = images.shape
    share = _uniform(spec.crop, 1, b, generator)
    ratio = torch.exp(_uniform(-math.log(RATIO), math.log(RATIO), b, generator))
    place = torch.rand(2, b, generator=generator)
    mirrored = torch.rand(b, generator=generator) < (0.5 if spec.flip else 0)
    if spec.crop == 1:
        share, ratio = torch.ones(b), torch.ones(b)
    # no longer than the image: then the ratio gives way, not the share
    width = (share * ratio).sqrt().clamp(max=1).maximum(share)
    height = share / width
    rows = _linear(place[0] * (1 - height) * h, height, h)
    columns = _linear(place[1] * (1 - width) * w, width, w)
    columns = torch.where(mirrored[:, None, None], columns.flip(1), columns)
    return _resampled(images, rows, columns)


def _linear(start: Tensor, share: Tensor, side: int) -> Tensor:
    """Matrices (b, side, side) that stretch what begins at ``start`` and is a share of the side long, bilinearly."""
    centres = start[:, None] + share[:, None] * (torch.arange(side) + 0.5) - 0.5  # (b, side), of pixels of the crop
    centres = centres.clamp(0, side - 1)
    return (1 - (centres[:, :, None] - torch.arange(side)).abs()).clamp(min=0)


def _jitter(images: Tensor, spec: Views, generator: Generator) -> Tensor:
    """Brightness, contrast, saturation and hue of some of the images, in this order."""
    b = len(images)
    chosen = (torch.rand(b, generator=generator) < spec.jitter_probability).to(images.device).view(b, 1, 1, 1)
    changed = images
    black = torch.zeros((), device=images.device)
    for spread, rest in (
        (spec.brightness, lambda _: black),
        (spec.contrast, lambda x: _luma(x).mean((1, 2), keepdim=True)),
        (spec.saturation, _luma),
    ):
        factor = _uniform(1 - spread, 1 + spread, b, generator).to(images.device).view(b, 1, 1, 1)
        if spread:
            changed = torch.lerp(rest(changed).expand_as(changed), changed, factor).clamp(0, 255)
    angle = 2 * math.pi * _uniform(-spec.hue, spec.hue, b, generator)
    if spec.hue:
        turn = _hue(angle).to(images.device)
        changed = torch.bmm(changed.flatten(1, 2), turn.transpose(1, 2)).view_as(changed).clamp(0, 255)
    return torch.where(chosen, changed, images)


def _hue(angle: Tensor) -> Tensor:
    """Matrices (b, 3, 3) of colours that turn them around the grey axis by angles (b,)."""
    to_yiq = torch.tensor(YIQ)
    turn = torch.eye(3).repeat(len(angle), 1, 1)
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 2, 1] = angle.sin()
    turn[:, 1, 2] = -turn[:, 2, 1]
    return torch.linalg.inv(to_yiq) @ turn @ to_yiq


def _luma(images: Tensor) -> Tensor:
    return (images * torch.tensor(LUMA, device=images.device)).sum(-1, keepdim=True)


def _blur(images: Tensor, spec: Views, generator: Generator) -> Tensor:
    """A Gaussian of a random width for some of the images; at the border its weights are those of the pixels inside."""
    b, h, w, _ = images.shape
    chosen = torch.rand(b, generator=generator) < spec.blur
    sigma = _uniform(*spec.blur_sigma, b, generator)
    matrices = [_gaussian(sigma, side) for side in (h, w)]
    blurred = _resampled(images, *matrices)
    return torch.where(chosen.to(images.device).view(b, 1, 1, 1), blurred, images)


def _gaussian(sigma: Tensor, side: int) -> Tensor:
    """Matrices (b, side, side) of weights exp(-distance^2 / (2 sigma^2)), of sum 1 a row."""
    distance = torch.arange(side)[:, None] - torch.arange(side)
    return torch.softmax(-(distance**2) / (2 * sigma[:, None, None] ** 2), dim=2)
