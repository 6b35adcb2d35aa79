"""ColorShapeDigit for the factorial design: images whose sources are split before any image is made.

Of each shape's drawings, each digit's glyphs, and thereby of the fonts, a fifth is for the test set; the others stand
in 8 groups of equal size. An image takes its drawing and its glyph from one group. Every group has equally many images
of each cell (shape, digit, colour), so that a split that deals out whole groups is balanced over the cells, and two
models without a common group have neither an image nor a drawing nor a font in common. Column `group` names it.
"""

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from whyalike.data.blocks import Block, column, fill, labels
from whyalike.data.colorshapedigit import HELD_OUT_SHARE, make_drawings, make_glyphs
from whyalike.data.masks import Pool, make_pool
from whyalike.data.parameters import ColorShapeDigitGroupsParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change
GROUPS = 8  # C(8, 4) choices of a model's half: seeds get other ones
TEST = "test"  # the group of test images

Members = Mapping[str, Mapping[str, np.ndarray]]  # class of the kind -> group -> rows of the pool


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set; as `whyalike.data.colorshapedigit.prepare`, with `ColorShapeDigitGroupsParameters`.

    Raises
    ------
    ValueError : a folder of sources lacks classes, holds files that are no images, or too few of a class.
    """
    chosen = ColorShapeDigitGroupsParameters.model_validate(parameters)
    (drawings, drawings_from), (glyphs, glyphs_from) = make_drawings(chosen), make_glyphs(chosen)
    counts = [sum(map(len, sources.values())) for sources in (drawings, glyphs)]
    report(f"colorshapedigit_groups: drawing {counts[0]} shapes, {counts[1]} digits")
    pools = make_pool(drawings, chosen.size), make_pool(glyphs, chosen.size)
    members = [_grouped(pool, kind, chosen) for pool, kind in zip(pools, ("drawing", "glyph"), strict=True)]
    blocks = _blocks(chosen)
    made_by = {
        "source": "colorshapedigit_groups",
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
        lambda block: (members[0][block.shape][block.group], members[1][block.digit][block.group]),
        chosen.seed,
        threads,
        lambda line: report(f"colorshapedigit_groups: {line}"),
    )
    table = labels(blocks, pools, sources).assign(group=column(blocks, "group"))
    write_prepared(folder, None, table, ["shape", "digit", "color"], made_by)
    report(f"colorshapedigit_groups: {blocks[-1].stop} images written")


def _blocks(chosen: ColorShapeDigitGroupsParameters) -> list[Block]:
    """Blocks in the order of the rows: training before test, then by cell, then by group."""
    cells = sorted(product(chosen.shapes, map(str, chosen.digits), chosen.colors), key="_".join)
    groups = {"train": [str(group) for group in range(GROUPS)], "test": [TEST]}
    # a model sees half of the groups
    counts = {"train": 2 * chosen.images_per_cell // GROUPS, "test": chosen.test_per_cell}
    blocks: list[Block] = []
    for part in ("train", "test"):
        for cell, group in product(cells, groups[part]):
            start = blocks[-1].stop if blocks else 0
            blocks.append(Block(part, *cell, start, start + counts[part], group))
    return blocks


def _grouped(pool: Pool, kind: str, chosen: ColorShapeDigitGroupsParameters) -> Members:
    """The rows of a pool by class and group. Fonts are dealt out alike for all digits: a font is of one group."""
    is_font = kind == "glyph" and chosen.sources.digits is None
    found = {}
    for name, rows in pool.members.items():
        n_test = max(1, round(HELD_OUT_SHARE * len(rows)))
        if len(rows) < n_test + GROUPS:
            raise ValueError(
                f"every {kind} class needs {n_test + GROUPS} sources at least, {GROUPS} groups and the test set; "
                f"'{name}' has {len(rows)}. Bring more files."
            )
        order = rows[keyed(chosen.seed, "groups", kind, "" if is_font else name).permutation(len(rows))]
        parts = np.array_split(order[n_test:], GROUPS)
        found[name] = {TEST: np.sort(order[:n_test])} | {str(i): np.sort(part) for i, part in enumerate(parts)}
    return found
