"""Pools of alpha masks: every drawing and glyph at a few scales, ready to be placed on an image.

A mask is 255 where there is ink. Each source is drawn once, large, cropped to its ink and reduced by area so that its
longer side takes 16, 17, 18, 19 or 20 of 28 px (the sizes measured in the published ColorShapeDigit images), centred on
a canvas that is wider than an image by a margin on each side. A window of the image's size, anywhere on the canvas, is
then a mask with an offset of at most the margin, and never cuts off ink.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

REFERENCE_SIZE = 28  # px, the published images
REFERENCE_SCALES = (16, 17, 18, 19, 20)  # px of 28 that the longer side takes
REFERENCE_MARGIN = 2  # px of 28 that a mask is moved at most: 20/2 + 2 < 28/2, so that nothing is cut off
SUPERSAMPLING = 8  # a source is drawn about this many times as large as its largest mask

Render = Callable[[], Image.Image]


@dataclass(frozen=True)
class Pool:
    """Masks of all sources of one kind.

    Attributes
    ----------
    masks : uint8 (sources, scales, size + 2 margin, size + 2 margin).
    ids : name of each source.
    members : rows of `masks` of each class of the kind (shape or digit), int64.
    """

    masks: np.ndarray
    ids: list[str]
    members: dict[str, np.ndarray]

    def windows(self, size: int) -> np.ndarray:
        """View (sources, scales, offsets, offsets, size, size) of the masks at every offset."""
        return np.lib.stride_tricks.sliding_window_view(self.masks, (size, size), axis=(2, 3))


def make_pool(sources: Mapping[str, Mapping[str, Render]], size: int) -> Pool:
    """Render every source once.

    Parameters
    ----------
    sources : for each class the sources by id, each a function that returns its large mask (mode "L", 255 is ink).
    size : edge of the images in pixels.
    """
    ids = [name for members in sources.values() for name in members]
    ends = np.cumsum([len(members) for members in sources.values()])
    members = {
        name: np.arange(end - len(sources[name]), end, dtype=np.int64) for name, end in zip(sources, ends, strict=True)
    }
    edge = size + 2 * margin(size)
    masks = np.empty((len(ids), len(REFERENCE_SCALES), edge, edge), dtype=np.uint8)
    renders = (render for group in sources.values() for render in group.values())
    for target, render in zip(masks, renders, strict=True):
        target[:] = scaled(render(), size)
    return Pool(masks, ids, members)


def margin(size: int) -> int:
    """Pixels that a mask may be moved to each side in images of `size` px."""
    return round(size * REFERENCE_MARGIN / REFERENCE_SIZE)


def large_edge(size: int) -> int:
    """Pixels of the longer side at which a source is drawn for images of `size` px."""
    return SUPERSAMPLING * round(size * REFERENCE_SCALES[-1] / REFERENCE_SIZE)


def scaled(mask: Image.Image, size: int) -> np.ndarray:
    """The mask at every scale on centred canvases, uint8 (scales, size + 2 margin, size + 2 margin)."""
    ink = mask.crop(mask.getbbox())
    edge = size + 2 * margin(size)
    canvases = np.zeros((len(REFERENCE_SCALES), edge, edge), dtype=np.uint8)
    for canvas, reference in zip(canvases, REFERENCE_SCALES, strict=True):
        longer = round(size * reference / REFERENCE_SIZE)
        width, height = (max(1, round(length * longer / max(ink.size))) for length in ink.size)
        top, left = (edge - height) // 2, (edge - width) // 2
        canvas[top : top + height, left : left + width] = ink.resize((width, height), Image.Resampling.BOX)
    return canvases
