"""Hours that were spent on training and extraction, from Snakemake's benchmark files and the ledgers of the run store.

A benchmark is the wall-clock of a job's last finished attempt, start-up and all; a ledger has the times of every
attempt at a run, also of those that were cut off (up to their last checkpoint). Of a training job the larger of both
counts, its own benchmark or the time in which any of its runs went on by the ledgers.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from whyalike.file_faults import readable
from whyalike.grid.runs import Cell
from whyalike.training.store import StoredRun


def spent_seconds(benchmarks: Path, jobs: Mapping[tuple[Cell, str], Iterable[StoredRun]]) -> float:
    """Seconds of all training and extraction jobs.

    Parameters
    ----------
    benchmarks : folder of the benchmark files, by rule.
    jobs : the runs of each training job, by its cell and part; one that several jobs share counts once.
    """
    total, seen = 0.0, set()
    for (cell, part), runs in jobs.items():
        own = {run.identity: run for run in runs if run.identity not in seen}
        seen |= own.keys()
        job = benchmark_seconds(benchmarks / "train_models" / f"{cell.setting}.{cell.factor}.seed{cell.seed}{part}.tsv")
        total += max(job, covered(span for run in own.values() for span in spans(run)))
    return total + sum(map(benchmark_seconds, benchmarks.glob("extract_*/*.tsv")))


@dataclass(frozen=True)
class Span:
    """One attempt at a run: when it began (seconds since 1970), how long it is known to have gone, how many steps."""

    began: float
    seconds: float
    steps: int


def covered(attempts: Iterable[Span]) -> float:
    """Seconds in which at least one of some attempts at runs went on."""
    seconds, until = 0.0, -math.inf
    for span in sorted(attempts, key=lambda span: span.began):
        end = span.began + span.seconds
        seconds += max(0.0, end - max(span.began, until))
        until = max(until, end)
    return seconds


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
        if event["event"] == "start" and "step" in event:
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
    what, remedy = "a benchmark file of Snakemake", "Delete it: the time of its job is then not counted."
    with readable(path, what, remedy), path.open(encoding="utf-8", newline="") as file:
        return sum(_seconds(row["s"]) for row in csv.DictReader(file, delimiter="\t"))


def _seconds(text: str) -> float:
    if not 0 <= (seconds := float(text)) < math.inf:
        raise ValueError(f"{text} are no seconds")
    return seconds
