"""Stand-ins for data that are not prepared yet: prepared data sets of noise with a real one's shape, to measure speed.

Only what speed depends on is right: sizes of images, vocabulary, length of texts, number of test rows up to a limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VALUES = 4  # of each attribute: three attributes then make 64 classes, of which a model may learn half
LARGEST = 256_000_000  # bytes of pixels: seconds to write
MADE_BY = {"source": "synthetic"}


@dataclass(frozen=True)
class Shape:
    """What a stand-in has of the data set that it stands for.

    Attributes
    ----------
    attributes : label columns.
    train, test : rows of each part: images, or chunks and windows of text.
    size, channels : of images: side in pixels, 1 or 3 channels; None of text.
    vocabulary, context : of text: number of tokens, and tokens of a window; None of images.
    """

    attributes: tuple[str, ...]
    train: int
    test: int
    size: int | None = None
    channels: int | None = None
    vocabulary: int | None = None
    context: int | None = None


def write_synthetic(folder: Path, shape: Shape) -> None:
    """Write a prepared data set of noise.

    Parameters
    ----------
    folder : made if missing.
    shape : of the data set.
    """
    draw = keyed(0, "synthetic data")
    if shape.vocabulary is None:
        images, labels = _images(draw, shape)
        write_prepared(folder, images, labels, shape.attributes, MADE_BY)
    else:
        tokens, labels = _text(draw, shape)
        write_prepared(folder, tokens, labels, shape.attributes, MADE_BY)


def _images(draw: np.random.Generator, shape: Shape) -> tuple[np.ndarray, pd.DataFrame]:
    """Pixels uint8 (n, size, size, channels), and the rows' labels."""
    test = max(1, min(shape.test, LARGEST // (shape.size**2 * shape.channels) - shape.train))
    test = max(test, VALUES ** len(shape.attributes))  # every class is tested
    images = draw.integers(0, 256, (shape.train + test, shape.size, shape.size, shape.channels), dtype=np.uint8)
    parts = [_labels("train", shape.train, shape.attributes), _labels("test", test, shape.attributes)]
    return images, pd.concat(parts, ignore_index=True)


def _text(draw: np.random.Generator, shape: Shape) -> tuple[np.ndarray, pd.DataFrame]:
    """A stream of tokens, uint16, and its stretches: chunks of a few windows, held-out text, test windows."""
    chunk = 4 * (shape.context + 1)
    rows = {"train": (shape.train, chunk), "validation": (VALUES, chunk), "test": (shape.test, shape.context)}
    parts = [
        _labels(part, max(n, VALUES), shape.attributes).assign(length=length) for part, (n, length) in rows.items()
    ]
    labels = pd.concat(parts, ignore_index=True)
    labels["start"] = labels["length"].cumsum() - labels["length"]
    tokens = draw.integers(0, shape.vocabulary, labels["length"].sum(), dtype=np.uint16)
    return tokens, labels[["part", *shape.attributes, "start", "length"]]


def _labels(part: str, n: int, attributes: Sequence[str]) -> pd.DataFrame:
    """Every combination of values in turn."""
    columns = {name: np.arange(n) // VALUES**place % VALUES for place, name in enumerate(attributes)}
    return pd.DataFrame({"part": part, **{name: [str(value) for value in column] for name, column in columns.items()}})
