"""Blocks of composed images: all of one class in one part (or group of sources), with random numbers of their own.

So images depend neither on the number of threads nor on which other blocks are made. Threads fill one memory map:
numpy's indexing releases the interpreter lock, so that two threads compose 1.8 times as fast as one, without the copies
and the start-up of processes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.composition import COLORS, Placement, compose, place
from whyalike.data.masks import Pool
from whyalike.data.resumable_array import fill_images
from whyalike.randomness import keyed


@dataclass(frozen=True)
class Block:
    """Images of one class: rows `start` to `stop` of the data set, from the sources of one `group` where it has any."""

    part: str
    shape: str
    digit: str
    color: str
    start: int
    stop: int
    group: str | None = None

    @property
    def purpose(self) -> tuple[str, ...]:
        """What keys the block's random numbers."""
        own = (self.part, self.shape, self.digit, self.color)
        return own if self.group is None else (*own, self.group)


def fill(
    folder: Path,
    size: int,
    made_by: Mapping[str, Any],
    blocks: Sequence[Block],
    pools: tuple[Pool, Pool],
    available: Callable[[Block], tuple[np.ndarray, np.ndarray]],
    seed: int,
    threads: int,
    report: Callable[[str], None],
) -> np.ndarray:
    """Compose all blocks.

    Parameters
    ----------
    folder : the prepared data set, which gets its array.
    size : edge of the images, pixels.
    made_by : what makes them; a preparation that was killed goes on where this is the same.
    blocks : which rows show what; together all.
    pools : of drawings and of glyphs.
    available : the rows of both pools that a block may show.
    seed : of the random numbers.
    threads : blocks composed at a time; the images do not depend on it.
    report : gets about twenty lines of progress.

    Returns
    -------
    The rows of both pools that each image shows, int32 (2, n).
    """
    windows = [pool.windows(size) for pool in pools]

    def placements(block: Block) -> tuple[Placement, ...]:
        random = keyed(seed, "compose", *block.purpose)
        return tuple(place(members, block.stop - block.start, size, random) for members in available(block))

    def compose_block(pixels: np.ndarray, number: int) -> None:
        compose(pixels, *windows, COLORS[blocks[number].color], placements(blocks[number]))

    rows = [slice(block.start, block.stop) for block in blocks]
    fill_images(folder, (blocks[-1].stop, size, size, 3), made_by, rows, compose_block, threads, report)
    # drawn once more, which costs little beside composing: blocks of an earlier attempt have them too
    sources = [[placed.source for placed in placements(block)] for block in blocks]
    return np.concatenate(sources, axis=1).astype(np.int32)


def labels(blocks: Sequence[Block], pools: tuple[Pool, Pool], sources: np.ndarray) -> pd.DataFrame:
    """One row an image: part, shape, digit, color, then `drawing` and `glyph`; text as categories, since it repeats."""
    columns: dict[str, Any] = {name: column(blocks, name) for name in ("part", "shape", "digit", "color")}
    for name, pool, codes in zip(("drawing", "glyph"), pools, sources, strict=True):
        columns[name] = pd.Categorical.from_codes(codes, pool.ids)
    return pd.DataFrame(columns)


def column(blocks: Sequence[Block], name: str) -> pd.Categorical:
    """A field of the blocks, repeated for each of their images."""
    return pd.Categorical([getattr(block, name) for block in blocks]).repeat([b.stop - b.start for b in blocks])
