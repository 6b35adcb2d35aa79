"""ColorShapeDigit with cues taken away, or its two objects in different colours: made exactly, as images are drawn.

edge: the outline of the shape and the contour of the digit, black, a pixel wide: no colour, no width of the stroke.
silhouette: the shape filled black, with what of the digit stands out: no colour, and hardly a digit.
conflict: the shape in the colour of its class, the digit in another one of the data set's: two colours where every
training image has one. With masks a and b (0 to 255) in the colours c and k, 255 - (a (255 - c) + b (255 - k)) / 510.

Image i shows what image i of the test part of `colorshapedigit` with the same parameters shows: the same drawing and
glyph at the same size and place. Source: the edge, silhouette and cue conflict stimuli of Geirhos et al. (2019,
"ImageNet-trained CNNs are biased towards texture", arXiv 1811.12231). edge and silhouette are counterparts of theirs;
conflict is of the colours of two objects, no conflict of shape and texture.
"""

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from whyalike.data.array_file import new_images
from whyalike.data.blocks import Block, labels
from whyalike.data.colorshapedigit import available, make_drawings, make_glyphs
from whyalike.data.composition import COLORS, Placement, place
from whyalike.data.masks import Pool, Render, make_pool
from whyalike.data.parameters import ColorShapeDigitCuesParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set: test images, attributes shape, digit and color, `digit_color` and columns of the sources.

    Parameters
    ----------
    parameters : of `ColorShapeDigitCuesParameters`.
    folder : the prepared data set.
    threads : unused, the work takes seconds.
    report : gets one line when the data set is written.

    Raises
    ------
    ValueError : a folder of sources lacks classes, or holds files that are no images.
    """
    chosen = ColorShapeDigitCuesParameters.model_validate(parameters)
    (drawings, drawings_from), (glyphs, glyphs_from) = make_drawings(chosen), make_glyphs(chosen)
    pools = _pool(drawings, chosen, outline), _pool(glyphs, chosen, contour)
    windows, blocks = [pool.windows(chosen.size) for pool in pools], _blocks(chosen)
    used, colors = [], []
    with new_images(folder, (blocks[-1].stop, chosen.size, chosen.size, 3)) as images:
        for block in blocks:
            placed, other = _drawn(block, pools, chosen)
            masks = [seen[one.source, one.scale, one.top, one.left] for seen, one in zip(windows, placed, strict=True)]
            of_digit = [COLORS[name] for name in other]
            images[block.start : block.stop] = (
                in_two_colors(*masks, COLORS[block.color], of_digit) if chosen.cue == "conflict" else black(*masks)
            )
            used.append([one.source for one in placed])
            colors += other if chosen.cue == "conflict" else ["black"] * len(other)
    columns = labels(blocks, pools, np.concatenate(used, axis=1).astype(np.int32))
    columns.insert(4, "digit_color", pd.Categorical(colors))
    sources = {"shapes": drawings_from, "digits": glyphs_from}
    made_by = {"source": "colorshapedigit_cues", "version": VERSION, "sources": sources}
    made_by["parameters"] = chosen.plain(exclude=["sources"])
    write_prepared(folder, None, columns, ["shape", "digit", "color"], made_by)
    report(f"colorshapedigit_cues: {blocks[-1].stop} images written, {chosen.cue}")


def outline(mask: np.ndarray, width: int) -> np.ndarray:
    """The outer line of a shape, bool (h, w), ``width`` pixels wide, whether it was filled or not."""
    return contour(ndimage.binary_fill_holes(mask), width)


def contour(mask: np.ndarray, width: int) -> np.ndarray:
    """The line along the inside of all borders of a mask, bool (h, w), ``width`` pixels wide."""
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=width)


def black(shape: np.ndarray, digit: np.ndarray) -> np.ndarray:
    """Two masks (n, h, w), 255 where there is ink, in black on white: uint8 (n, h, w, 3)."""
    return np.broadcast_to((255 - np.maximum(shape, digit))[..., None], (*shape.shape, 3))


def in_two_colors(
    shape: np.ndarray, digit: np.ndarray, color: tuple[int, int, int], other: list[tuple[int, int, int]]
) -> np.ndarray:
    """Two masks (n, h, w) as half-transparent layers on white, the digit of each image in a colour of its own.

    Of equal colours it is what `whyalike.data.composition` makes: uint8 (n, h, w, 3), halves rounded up.
    """
    ink = shape[..., None].astype(np.int64) * (255 - np.array(color))
    ink += digit[..., None] * (255 - np.array(other))[:, None, None, :]
    return ((510 * 255 - ink + 255) // 510).astype(np.uint8)


def _pool(
    sources: Mapping[str, Mapping[str, Render]],
    chosen: ColorShapeDigitCuesParameters,
    line: Callable[[np.ndarray, int], np.ndarray],
) -> Pool:
    """Masks of all sources, of edges and silhouettes changed while they are large."""

    def changed(render: Render) -> Image.Image:
        mask = render()
        if chosen.cue == "conflict":
            return mask
        ink = np.pad(np.asarray(mask.crop(mask.getbbox())) > 0, 1)
        pixel = max(1, round(max(ink.shape) / (chosen.size * 18 / 28)))  # 18 px of 28: the middle of the scales
        kept = line(ink, pixel) if chosen.cue == "edge" else ndimage.binary_fill_holes(ink)
        return Image.fromarray(np.where(kept, 255, 0).astype(np.uint8))

    def of_class(members: Mapping[str, Render]) -> dict[str, Render]:
        return {name: lambda render=render: changed(render) for name, render in members.items()}

    return make_pool({name: of_class(members) for name, members in sources.items()}, chosen.size)


def _blocks(chosen: ColorShapeDigitCuesParameters) -> list[Block]:
    """A block of test images a class, in the order of `colorshapedigit`."""
    classes = sorted(product(chosen.shapes, map(str, chosen.digits), chosen.colors), key="_".join)
    each = chosen.test_per_class
    return [Block("test", *names, i * each, (i + 1) * each) for i, names in enumerate(classes)]


def _drawn(
    block: Block, pools: tuple[Pool, Pool], chosen: ColorShapeDigitCuesParameters
) -> tuple[list[Placement], list[str]]:
    """Where shape and digit of each image stand, as in `colorshapedigit`; and a colour that its class has not."""
    random, n = keyed(chosen.seed, "compose", *block.purpose), block.stop - block.start
    members = [
        available(pool, kind, name, block.part, chosen)
        for pool, kind, name in zip(pools, ("drawing", "glyph"), (block.shape, block.digit), strict=True)
    ]
    placed = [place(one, n, chosen.size, random) for one in members]
    others = sorted(set(chosen.colors) - {block.color}) or [block.color]  # of one colour there is no conflict
    return placed, keyed(chosen.seed, "conflict", *block.purpose).choice(others, n).tolist()
