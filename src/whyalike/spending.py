"""Hours that were spent on training and extraction, from Snakemake's benchmark files and the ledgers of the run store.

A benchmark is the wall-clock of a job's last finished attempt, start-up and all; a ledger has the times of every
attempt at a run, also of those that were cut off (up to their last checkpoint). Of a training job the larger of both
counts, its own benchmark or the ledgers of its runs together.
"""

import csv
from collections.abc import Iterable, Mapping
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
        job = sum(map(_benchmark, files))
        total += max(job, sum(map(trained_seconds, own.values())))
    return total + sum(map(_benchmark, benchmarks.glob("extract_*/*.tsv")))


def trained_seconds(run: StoredRun) -> float:
    """Seconds that trainers spent on one run, attempt by attempt, each up to the last event that it noted."""
    try:
        return _of_ledger(run.folder, run.ledger.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


@cache
def _of_ledger(folder: Path, _: float) -> float:
    seconds, began, last = 0.0, None, None
    for event in StoredRun(folder.parent, folder.name).events():
        if event["event"] == "start":
            seconds, began = seconds + _between(began, last), event["time"]
        last = event["time"]
    return seconds + _between(began, last)


def _between(began: float | None, last: float | None) -> float:
    return 0.0 if began is None else last - began


def _benchmark(path: Path) -> float:
    try:
        return _of_benchmark(path, path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


@cache
def _of_benchmark(path: Path, _: float) -> float:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
