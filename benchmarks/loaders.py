"""How fast training images are read, by the default and by FFCV: writes docs/loaders.md (`make bench-loaders`)."""

import argparse
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from report import table
from timing import threads

from whyalike.data.array_file import new_images
from whyalike.data.ffcv_file import beton_of
from whyalike.data.prepared import Prepared, open_prepared, write_prepared
from whyalike.models.weights import build_model
from whyalike.training.augmentation import augment
from whyalike.training.ffcv_reader import FfcvReader
from whyalike.training.parameters import Augmentation
from whyalike.training.readers import ImageReader, resident

PAGE = Path(__file__).parents[1] / "docs" / "loaders.md"
SIDE, BATCH = 32, 512
MODEL = {"family": "resnet", "blocks": [1, 1, 1], "widths": [16, 32, 64], "stem": "3x3", "stem_stride": 2}
SPEC = Augmentation(flip=True, translate=4)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Rate:
    """Images a second of wall time and of process time (of all threads)."""

    wall: float
    process: float


VERDICT = (
    "So the default is `operation.loader: resident`: to read alone takes less of a CPU with it, in training the two "
    "are too alike to be told apart beside other work, and FFCV's start costs seconds in every job. What FFCV does on "
    "a GPU, or with images that do not fit into the memory of the machine, was not measured."
)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def data_set(folder: Path, n: int) -> Prepared:
    """``n`` random images."""
    random = np.random.default_rng(0)
    with new_images(folder, (n, SIDE, SIDE, 3)) as images:
        for start in range(0, n, BATCH):
            images[start : start + BATCH] = random.integers(0, 256, (len(images[start : start + BATCH]), SIDE, SIDE, 3))
    labels = pd.DataFrame({"part": ["train"] * n, "label": ["a"] * n})
    write_prepared(folder, None, labels, ["label"], {"source": "benchmark"})
    return open_prepared(folder)


def rate(reader: ImageReader, rows: torch.Tensor, use: Callable[[torch.Tensor], object], least: float) -> Rate:
    """Batches until ``least`` seconds of process time are over; the first ones, which compile, do not count."""
    for images in reader.batches(rows[: 2 * BATCH], BATCH):
        use(images)
    wall, process, count = time.perf_counter(), time.process_time(), 0
    while (spent := time.process_time() - process) < least:
        for images in reader.batches(rows, BATCH):
            use(images)
            count += BATCH
            if (spent := time.process_time() - process) >= least:
                break
    return Rate(count / (time.perf_counter() - wall), count / spent)


def uses() -> dict[str, Callable[[torch.Tensor], object]]:
    """What is done with a batch: nothing; augmentation; a training step of a small network."""
    model = build_model(MODEL, 10, 0, "").to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)

    def augmented(images: torch.Tensor) -> torch.Tensor:
        return augment(images, SPEC, (128, 128, 128), generator)

    def step(images: torch.Tensor) -> None:
        model(augmented(images).float().permute(0, 3, 1, 2)).square().mean().backward()

    return {"read alone": lambda images: None, "and augment": augmented, "and train a ResNet-8": step}


def readers(data: Prepared) -> dict[str, Callable[[], ImageReader]]:
    """The readers that can be measured here."""
    found = {"resident": lambda: resident(data.images, SIDE, 3, CPU)}
    if importlib.util.find_spec("ffcv"):
        found["ffcv"] = lambda: FfcvReader(data, SIDE, 3, CPU)
    return found


def measure(data: Prepared, least: float) -> list[list[str]]:
    """A row for each number of threads and use."""
    rows = torch.randperm(len(data.labels), generator=torch.Generator().manual_seed(0))
    rows, lines = rows[: len(rows) // BATCH * BATCH], []
    for count in (1, 2):
        with threads(count):
            opened = {name: make() for name, make in readers(data).items()}
            for what, use in uses().items():
                found = {name: rate(reader, rows, use, least) for name, reader in opened.items()}
                lines.append([str(count), what, *_cells(found)])
    return lines


def _cells(found: dict[str, Rate]) -> list[str]:
    cells = [f"{own.wall:,.0f} ({own.process:,.0f})" for own in found.values()]
    if len(found) == 1:
        return [*cells, "not installed", "–"]
    faster = max(found, key=lambda name: found[name].process)
    ratio = found[faster].process / min(own.process for own in found.values())
    return [*cells, f"{faster}, {ratio:.2f}×"]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: seconds, numbers without meaning")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to write")
    given = parser.parse_args()
    n, least = (1_024, 0.05) if given.quick else (51_200, 3.0)
    with tempfile.TemporaryDirectory() as folder:
        data = data_set(Path(folder), n)
        started = time.process_time()
        if importlib.util.find_spec("ffcv"):
            beton_of(data)
        writing, started = time.process_time() - started, time.process_time()
        opened = {name: _seconds(make) for name, make in readers(data).items()}
        lines = measure(data, least)
    header = ["threads", "what is done with a batch", "resident", "ffcv", "less process time"]
    text = [
        "# Loaders",
        "Written by `make bench-loaders` (`benchmarks/loaders.py`). Images a second of wall time, and in brackets of "
        "process time, which other work on the machine disturbs less. Both loaders give the same bytes.",
        f"- {n:,} images of {SIDE} x {SIDE} in the system's cache, batches of {BATCH}, {cores()} cores, shared with "
        f"other work (load average {os.getloadavg()[1]:.0f}), PyTorch {version('torch')}.",
        f"- Before the first batch, process time: {_named(opened)}; writing FFCV's file {writing:.1f} s more, once.",
        table(header, lines),
        VERDICT,
    ]
    given.out.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    print(f"written: {given.out}")


def _seconds(make: Callable[[], ImageReader]) -> float:
    started = time.process_time()
    next(iter(make().batches(torch.arange(BATCH), BATCH)))
    return time.process_time() - started


def _named(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())


if __name__ == "__main__":
    main()
