"""Hours that were spent on training and extraction, from Snakemake's benchmark files and the ledgers of the run store.

A benchmark is the wall-clock of a job's last finished attempt, start-up and all; a ledger has the times of every
attempt at a run, also of those that were cut off (up to their last checkpoint). Of a training job the larger of both
counts, its own benchmark or the ledgers of its runs together.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from whyalike.runs import Cell
from whyalike.training.store import StoredRun


def spent_seconds(benchmarks: Path, cells: Mapping[Cell, Iterable[StoredRun]]) -> float:
    """Seconds of all training and extraction jobs.

    Parameters
    ----------
    benchmarks : folder of the benchmark files, by rule.
    cells : the runs of each trained cell; one that several cells share counts once.
    """
    total, seen = 0.0, set()
    for cell, runs in cells.items():
        own = {run.identity: run for run in runs if run.identity not in seen}
        seen |= own.keys()
        name = f"{cell.setting}.{cell.factor}.seed{cell.seed}"
        files = (benchmarks / "train_models").glob(f"{name}.*")  # one a part, where the cell is trained in parts
        job = sum(map(benchmark_seconds, files))
        total += max(job, sum(map(trained_seconds, own.values())))
    return total + sum(map(benchmark_seconds, benchmarks.glob("extract_*/*.tsv")))


@dataclass(frozen=True)
class Span:
    """One attempt at a run: when it began (seconds since 1970), how long it is known to have gone, how many steps."""

    began: float
    seconds: float
    steps: int


def trained_seconds(run: StoredRun) -> float:
    """Seconds that trainers spent on one run, attempt by attempt, each up to the last event that it noted."""
    return sum(span.seconds for span in spans(run))


def spans(run: StoredRun) -> tuple[Span, ...]:
    """The attempts at a run that its ledger tells of, each up to the last event that it noted; the oldest first."""
    try:
        return _of_ledger(run.folder, run.ledger.stat().st_mtime)
    except FileNotFoundError:
        return ()


@cache
def _of_ledger(folder: Path, _: float) -> tuple[Span, ...]:
    attempts: list[list[Mapping]] = []
    for event in StoredRun(folder.parent, folder.name).events():
        if event["event"] == "start":
            attempts.append([event])
        elif attempts and "step" in event:
            attempts[-1].append(event)
    return tuple(
        Span(own[0]["time"], own[-1]["time"] - own[0]["time"], own[-1]["step"] - own[0]["step"]) for own in attempts
    )


def benchmark_seconds(path: Path) -> float:
    """Wall-clock of a job's last finished attempt by its benchmark file; 0 if there is none."""
    try:
        return _of_benchmark(path, path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


@cache
def _of_benchmark(path: Path, _: float) -> float:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
