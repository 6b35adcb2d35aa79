"""One part of a ColorShapeDigit image alone: a shape without a digit, or a digit without a shape, on white.

The other part's mask is empty in ColorShapeDigit's own composition, out = 0.5 shape + 0.5 digit: ink of colour c is
(c + 255) / 2. Masks have its scales and offsets. With another seed than the training data's, drawings are new ones;
fonts are few, and the same. Every class has its own random numbers. Source: the overlap study's stimuli of the labels.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.array_file import new_images
from whyalike.data.composition import COLORS, palette, place
from whyalike.data.drawings import draw
from whyalike.data.glyphs import FONTS, render
from whyalike.data.masks import Pool, large_edge, make_pool
from whyalike.data.parameters import NumeralsParameters, ShapesParameters, SingleParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change


def prepare_shapes(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set `shapes`, attributes shape and color; column `source` names the drawing.

    Parameters
    ----------
    parameters : of `ShapesParameters`.
    folder : the prepared data set.
    threads : unused, the work takes seconds.
    report : gets one line when the data set is written.
    """
    chosen = ShapesParameters.model_validate(parameters)
    edge = large_edge(chosen.size)
    drawings = {
        shape: {
            f"{shape}/{i:05d}": partial(draw, shape, chosen.seed, i, edge) for i in range(chosen.drawings_per_shape)
        }
        for shape in sorted(chosen.shapes)
    }
    _write(folder, "shapes", "shape", make_pool(drawings, chosen.size), chosen, report)


def prepare_numerals(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set `numerals`, attributes digit and color; column `source` names the font.

    Parameters are as of `prepare_shapes`, of `NumeralsParameters`.
    """
    chosen = NumeralsParameters.model_validate(parameters)
    edge = large_edge(chosen.size)
    glyphs = {
        str(digit): {f"{digit}/{font}": partial(render, font, str(digit), edge) for font in FONTS}
        for digit in sorted(chosen.digits)
    }
    _write(folder, "numerals", "digit", make_pool(glyphs, chosen.size), chosen, report)


def _write(
    folder: Path, source: str, attribute: str, pool: Pool, chosen: SingleParameters, report: Callable[[str], None]
) -> None:
    classes, each = sorted(product(pool.members, chosen.colors)), chosen.per_class
    windows, used = pool.windows(chosen.size), []
    with new_images(folder, (each * len(classes), chosen.size, chosen.size, 3)) as images:
        for number, (name, color) in enumerate(classes):
            placed = place(pool.members[name], each, chosen.size, keyed(chosen.seed, "single", attribute, name, color))
            ink = windows[placed.source, placed.scale, placed.top, placed.left]  # (each, size, size)
            images[number * each : (number + 1) * each] = palette(COLORS[color])[ink]
            used.append(placed.source)
    labels = _labels(attribute, classes, each, pool, np.concatenate(used))
    made_by = {"source": source, "version": VERSION, "parameters": chosen.plain()}
    write_prepared(folder, None, labels, [attribute, "color"], made_by)
    report(f"{source}: {len(labels)} images written")


def _labels(
    attribute: str, classes: Sequence[tuple[str, str]], each: int, pool: Pool, used: np.ndarray
) -> pd.DataFrame:
    names, colors = (np.repeat(values, each) for values in zip(*classes, strict=True))
    return pd.DataFrame({"part": "test", attribute: names, "color": colors, "source": np.array(pool.ids)[used]})
