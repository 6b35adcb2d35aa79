"""Times as medians of process time (seconds of CPU, all threads) and of wall time, under a fixed number of threads."""

import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Timed:
    """Medians over the calls, in seconds, and what the last one returned."""

    process: float
    wall: float
    value: Any

    @property
    def seconds(self) -> float:
        """Process time on one thread; wall time on two, because a waiting thread of BLAS counts as working."""
        return self.process if torch.get_num_threads() == 1 else self.wall


def timed(call: Callable[[], Any], most: int = 7, enough: float = 1.5) -> Timed:
    """Call again until ``most`` calls or ``enough`` seconds of process time are reached; the first call counts too."""
    process, wall, value = [], [], None
    while len(process) < most and sum(process) < enough:
        started = time.process_time(), time.perf_counter()
        value = call()
        process.append(time.process_time() - started[0])
        wall.append(time.perf_counter() - started[1])
    return Timed(statistics.median(process), statistics.median(wall), value)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """BLAS and torch on ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def peak_bytes(call: Callable[[], Any]) -> int:
    """The largest number of bytes that numpy arrays and Python objects made by the call took at once."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
