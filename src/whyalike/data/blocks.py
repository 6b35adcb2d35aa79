"""Blocks of composed images: all of one class in one part (or group of sources), with random numbers of their own.

So images depend neither on the number of threads nor on which other blocks are made. Threads fill one memory map:
numpy's indexing releases the interpreter lock, so that two threads compose 1.8 times as fast as one, without the copies
and the start-up of processes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.composition import COLORS, compose, place
from whyalike.data.masks import Pool
from whyalike.randomness import keyed

REPORTS = 20  # progress lines


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
    images: np.ndarray,
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
    images : uint8 (n, size, size, 3), written in place.
    blocks : which rows show what; together all n.
    pools : of drawings and of glyphs.
    available : the rows of both pools that a block may show.
    seed : of the random numbers.
    threads : blocks composed at a time; the images do not depend on it.
    report : gets about twenty lines of progress.

    Returns
    -------
    The rows of both pools that each image shows, int32 (2, n).
    """
    size = images.shape[1]
    sources = np.empty((2, len(images)), dtype=np.int32)
    windows = [pool.windows(size) for pool in pools]

    def one(block: Block) -> None:
        n, rows = block.stop - block.start, slice(block.start, block.stop)
        random = keyed(seed, "compose", *block.purpose)
        placements = tuple(place(members, n, size, random) for members in available(block))
        sources[:, rows] = [placement.source for placement in placements]
        compose(images[rows], *windows, COLORS[block.color], placements)

    every = -(-len(blocks) // REPORTS)
    with ThreadPoolExecutor(threads) as workers:
        tasks = [workers.submit(one, block) for block in blocks]
        try:
            for done, task in enumerate(as_completed(tasks), start=1):
                task.result()
                if done % every == 0:
                    report(f"{done}/{len(blocks)} blocks of images")
        finally:
            workers.shutdown(cancel_futures=True)
    return sources


def labels(blocks: Sequence[Block], pools: tuple[Pool, Pool], sources: np.ndarray) -> pd.DataFrame:
    """One row an image: part, shape, digit, color, then `drawing` and `glyph`; text as categories, since it repeats."""
    columns: dict[str, Any] = {name: column(blocks, name) for name in ("part", "shape", "digit", "color")}
    for name, pool, codes in zip(("drawing", "glyph"), pools, sources, strict=True):
        columns[name] = pd.Categorical.from_codes(codes, pool.ids)
    return pd.DataFrame(columns)


def column(blocks: Sequence[Block], name: str) -> pd.Categorical:
    """A field of the blocks, repeated for each of their images."""
    return pd.Categorical([getattr(block, name) for block in blocks]).repeat([b.stop - b.start for b in blocks])
