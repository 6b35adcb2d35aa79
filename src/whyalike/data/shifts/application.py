"""A shift at a level, applied to images at the size of their data set, before a model's input is made of them.

Images go through it in floating point, from 0 to 1, and are rounded to whole grey values once, at the end. Where
nothing is done but the preparation the shift's code is not called: the control is that to the bit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from whyalike.data.shifts.registry import CONTROL, REFERENCE_SIDE, SHIFTS, Level, ShiftFacts, checked_levels, level_name
from whyalike.randomness import keyed

LUMA = np.array([0.2125, 0.7154, 0.0721])  # ITU-R BT.709 in the digits of scikit-image's rgb2gray, as the source has it
CHUNK = 2**18  # numbers of the images that are shifted at a time: in double precision 2 MB, which a cache holds


@dataclass(frozen=True)
class Images:
    """Images on their way through a shift.

    Attributes
    ----------
    pixels : (n, h, w) grey, or (n, h, w, 3), float64 in 0 to 1.
    scale : the shorter side as a share of 224 px.
    generators : makes a generator for each image, which depends on seed, shift, level and the image's id alone.
    mean : of a function of the pixels of (n, h, w) images, over all images of the set.
    """

    pixels: np.ndarray
    scale: float
    generators: Callable[[], Iterator[np.random.Generator]]
    mean: Callable[[Callable[[np.ndarray], np.ndarray]], np.ndarray]


def shifted(
    images: np.ndarray, shift: str, level: Level, ids: Sequence[int], seed: int = 0, whole: np.ndarray | None = None
) -> np.ndarray:
    """Images at one level of a shift.

    An image's pixels do not depend on the others beside it or on their order, but for a shift by what all of a set
    have in common, which ``whole`` names.

    Parameters
    ----------
    images : uint8 (n, h, w, 1 or 3).
    shift : a name in `SHIFTS`.
    level : one of its levels, in its own unit, or "control".
    ids : of the images, whole numbers, n.
    seed : key of what is drawn.
    whole : all images of the set, as ``images``; these alone where left out.

    Returns
    -------
    uint8, as many of the same size and channels.

    Raises
    ------
    KeyError : an unknown shift.
    ValueError : a level that the shift does not have, images of another type or shape, grey ones where colour is
        needed, or another number of ids.

    Examples
    --------
    >>> import numpy as np
    >>> black_and_white = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    >>> shifted(black_and_white, "contrast", 0.2, [7]).ravel().tolist()
    [102, 153]
    """
    entry, [level] = SHIFTS[shift], checked_levels(shift, [level])
    facts, whole = entry.facts, images if whole is None else whole
    _check(images, shift, facts, ids)
    step = max(1, CHUNK // images[0].size) if len(images) else 1

    def mean(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        parts = (function(_prepared(whole[start : start + step], facts)) for start in range(0, len(whole), step))
        return sum(part.sum(axis=0) for part in parts) / len(whole)

    def generators(of: Sequence[int]) -> Iterator[np.random.Generator]:
        return (keyed(seed, "shift", shift, level_name(level), int(one)) for one in of)

    known, out = cache(mean), np.empty_like(images)
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        pixels = _prepared(images[part], facts)
        if level != CONTROL:
            scale = min(images.shape[1:3]) / REFERENCE_SIDE
            pixels = entry.load()(Images(pixels, scale, lambda part=part: generators(ids[part]), known), level)
        out[part] = _bytes(pixels)
    return out


def grey(pixels: np.ndarray) -> np.ndarray:
    """(n, h, w, 1 or 3) -> (n, h, w): the luminance of colours, weighted as by scikit-image's rgb2gray."""
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels @ LUMA


def _prepared(images: np.ndarray, facts: ShiftFacts) -> np.ndarray:
    """What a shift gets of images: from 0 to 1, and of most shifts grey, or grey of a lower contrast."""
    pixels = images / 255
    if not facts.grey:
        return pixels
    return grey(pixels) if facts.contrast == 1 else (1 - facts.contrast) / 2 + facts.contrast * grey(pixels)


def _bytes(pixels: np.ndarray) -> np.ndarray:
    """Whole grey values, clipped; a grey image as one that may fill several channels."""
    rounded = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
    return rounded[..., None] if rounded.ndim == 3 else rounded


def _check(images: np.ndarray, shift: str, facts: ShiftFacts, ids: Sequence[int]) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"images must be uint8 (n, h, w, 1 or 3), got {images.dtype} {images.shape}")
    if len(ids) != len(images):
        raise ValueError(f"each image needs its id: got {len(images)} images and {len(ids)} ids")
    if not facts.grey and images.shape[3] == 1:
        raise ValueError(f"{shift} needs images in colour, these are grey {images.shape}: take another shift")
