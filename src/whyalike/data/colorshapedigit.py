"""ColorShapeDigit: images of a shape and a digit in one colour, 800 classes named shape_digit_color.

The published data set has 1000 training and 100 further images a class; its generator never appeared, this is a new
one. 880,000 images of 28 px (2.1 GB) took 11 s with two threads and 15 s with one (x86-64, numpy 2.4, Pillow 13).
Shapes are drawn and digits rendered once, at a few scales, into pools of masks; an image picks one of each, with
independent scale and offset (`whyalike.data.blocks`). Columns `drawing` and `glyph` name the sources of an image.
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from whyalike.data.blocks import Block, fill, labels
from whyalike.data.drawings import draw
from whyalike.data.folders import class_files, digest, read_mask
from whyalike.data.glyphs import FONTS, render
from whyalike.data.label_table import IMAGE_PARTS
from whyalike.data.masks import Pool, Render, large_edge, make_pool
from whyalike.data.parameters import ColorShapeDigitParameters, DrawnParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change
HELD_OUT_SHARE = 0.2  # of the sources of each class, for test images only


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `ColorShapeDigitParameters`.
    folder : the prepared data set.
    threads : classes composed at a time; the files do not depend on it.
    report : gets about twenty lines of progress.

    Raises
    ------
    ValueError : a folder of sources lacks classes, or holds files that are no images.
    """
    chosen = ColorShapeDigitParameters.model_validate(parameters)
    drawings, drawings_from = make_drawings(chosen)
    glyphs, glyphs_from = make_glyphs(chosen)
    report(
        f"colorshapedigit: drawing {sum(map(len, drawings.values()))} shapes, {sum(map(len, glyphs.values()))} digits"
    )
    pools = make_pool(drawings, chosen.size), make_pool(glyphs, chosen.size)
    blocks = _blocks(chosen)
    made_by = {
        "source": "colorshapedigit",
        "version": VERSION,
        "parameters": chosen.plain(exclude=["sources"]),
        "sources": {"shapes": drawings_from, "digits": glyphs_from},
    }
    sources = fill(
        folder,
        chosen.size,
        made_by,
        blocks,
        pools,
        lambda block: (
            available(pools[0], "drawing", block.shape, block.part, chosen),
            available(pools[1], "glyph", block.digit, block.part, chosen),
        ),
        chosen.seed,
        threads,
        lambda line: report(f"colorshapedigit: {line}"),
    )
    write_prepared(folder, None, labels(blocks, pools, sources), ["shape", "digit", "color"], made_by)
    report(f"colorshapedigit: {blocks[-1].stop} images written")


def make_drawings(chosen: DrawnParameters) -> tuple[dict[str, dict[str, Render]], str]:
    """Drawings of each shape by id, and what they come from."""
    shapes = sorted(chosen.shapes)
    if chosen.sources.shapes is not None:
        files = class_files(chosen.sources.shapes, shapes, chosen.drawings_per_shape, chosen.seed)
        return _readers(files), digest(files)
    edge = large_edge(chosen.size)
    return {
        shape: {
            f"{shape}/{index:05d}": partial(draw, shape, chosen.seed, index, edge)
            for index in range(chosen.drawings_per_shape)
        }
        for shape in shapes
    }, "drawn"


def make_glyphs(chosen: DrawnParameters) -> tuple[dict[str, dict[str, Render]], str]:
    """Glyphs of each digit by id, and what they come from."""
    digits = [str(digit) for digit in sorted(chosen.digits)]
    if chosen.sources.digits is not None:
        files = class_files(chosen.sources.digits, digits, chosen.glyphs_per_digit, chosen.seed)
        return _readers(files), digest(files)
    edge = large_edge(chosen.size)
    return {
        digit: {f"{digit}/{font}": partial(render, font, digit, edge) for font in FONTS} for digit in digits
    }, "fonts"


def _readers(files: dict[str, dict[str, Path]]) -> dict[str, dict[str, Render]]:
    return {name: {key: partial(read_mask, path) for key, path in members.items()} for name, members in files.items()}


def _blocks(chosen: ColorShapeDigitParameters) -> list[Block]:
    """Blocks in the order of the rows: training before test, then by class name."""
    classes = sorted(product(chosen.shapes, map(str, chosen.digits), chosen.colors), key="_".join)
    counts = {"train": chosen.train_per_class, "test": chosen.test_per_class}
    blocks: list[Block] = []
    for part, names in product(IMAGE_PARTS, classes):
        start = blocks[-1].stop if blocks else 0
        blocks.append(Block(part, *names, start, start + counts[part]))
    return blocks


def available(pool: Pool, kind: str, name: str, part: str, chosen: ColorShapeDigitParameters) -> np.ndarray:
    """Rows of the pool that images of one class may show in one part; a held-out kind has no row in both parts.

    Fonts are held out alike for all digits, so that a test font is new whatever the digit.
    """
    members = pool.members[name]
    if kind not in chosen.held_out:
        return members
    is_font = kind == "glyph" and chosen.sources.digits is None
    order = keyed(chosen.seed, "held out", kind, "" if is_font else name).permutation(len(members))
    n_test = max(1, round(HELD_OUT_SHARE * len(members)))
    return members[np.sort(order[:n_test] if part == "test" else order[n_test:])]
