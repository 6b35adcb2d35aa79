"""Several runs of a cell at the same time, each in a process of its own: for models that leave most of a GPU idle.

A run is trained by the same code with the same number of threads as alone, so its weights are the same bit for bit.
The processes (`whyalike.training.worker`) take the next run when they are done with one, and pay their start once. If a
run fails, or its process is killed, the others go on; all faults are told at the end.
"""

import json
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

from whyalike.job import note
from whyalike.locks import JOB_PROCESS
from whyalike.training.parameters import TrainedRun

Row = dict[str, Any]


def train_together(
    runs: Sequence[TrainedRun], count: int, common: Mapping[str, Any], done: Callable[[str, Row], None]
) -> list[Row]:
    """Train runs, ``count`` at a time.

    Parameters
    ----------
    runs : of one cell.
    common : the arguments of `whyalike.training.cell.trainer_of`, as JSON values.
    done : called with the name and the row of each run that is finished.

    Returns
    -------
    list : rows of the manifest, in the order of the runs.

    Raises
    ------
    RuntimeError : the faults of all runs that failed; the others are trained.
    """
    idle, processes = queue.SimpleQueue(), [_Process(common) for _ in range(count)]
    for process in processes:
        idle.put(process)

    def train(run: TrainedRun) -> Row:
        process = idle.get()
        try:
            return process.train(run)
        finally:
            idle.put(process)

    threads = ThreadPoolExecutor(count)
    try:
        futures = {threads.submit(train, run): run.name for run in runs}
        for future in as_completed(futures):
            if future.exception() is None:
                done(futures[future], future.result())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.end()
        threads.shutdown()
    return _rows(list(futures))


def _rows(futures: Sequence[Future]) -> list[Row]:
    faults = [future.exception() for future in futures if future.exception()]
    if faults:
        told = "\n".join(dict.fromkeys(map(str, faults)))
        raise RuntimeError(f"{len(faults)} of {len(futures)} runs failed, the others are in the store.\n{told}")
    return [future.result() for future in futures]


class _Process:
    """A process that trains one run after another; started when it is needed, and anew after a fault."""

    def __init__(self, common: Mapping[str, Any]):
        self._common = common
        self._process: subprocess.Popen | None = None
        self._unsent: list[Mapping[str, Any]] = []

    def train(self, run: TrainedRun) -> Row:
        """Train one run.

        Raises
        ------
        RuntimeError : the run failed, or the process died.
        """
        process = self._process = self._process or self._start()
        try:
            for message in (*self._unsent, run.plain()):
                process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            self._unsent = []
            for line in process.stdout:
                answer = json.loads(line)
                if "row" in answer:
                    return answer["row"]
                if "fault" in answer:
                    raise RuntimeError(answer["fault"])
                note(answer["note"])
        except BrokenPipeError:  # it died before it was asked
            pass
        except RuntimeError:
            self.end()
            raise
        self._process = None
        raise RuntimeError(
            f"the process of run {run.name} ({run.identity}) ended with status {process.wait()} and no word: "
            "killed by someone, or out of memory. Lower runs_at_once if it is memory; the run goes on from its "
            "checkpoint when the job is started again."
        )

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> subprocess.Popen:
        self._unsent = [self._common]
        return subprocess.Popen(
            [sys.executable, "-m", "whyalike.training.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, JOB_PROCESS: str(os.getpid())},
        )
