"""A process that trains runs of a cell for another one: `python -m whyalike.training.worker`, for `together` alone.

It reads JSON lines from its standard input, first what is common to the runs, then a run each, and answers each run
with its row of the manifest, or with its fault and its own end. What it has to say in between are lines too. When its
input ends, because the other process is done or dead, it ends at once: the run in training goes on from its checkpoint.
"""

import json
import logging
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from threadpoolctl import threadpool_limits

from whyalike.job import EXPECTED, LOG
from whyalike.training.cell import trainer_of
from whyalike.training.parameters import Operation, TrainedRun, TrainingParameters


class _Lines(logging.Handler):
    """Sends what the package's log says to the other process."""

    def __init__(self, answers: TextIO):
        super().__init__()
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        """Send one message."""
        _answer(self._answers, note=record.getMessage())


def work() -> None:
    """Train what is asked for until there is no more."""
    # what libraries print must not stand among the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    LOG.setLevel(logging.INFO)
    LOG.addHandler(_Lines(answers))
    common, runs = json.loads(sys.stdin.readline()), queue.SimpleQueue()
    threading.Thread(target=_read, args=(runs,), daemon=True).start()
    train = None
    with threadpool_limits(common["threads"]):
        while True:
            run = runs.get()
            try:
                train = train or trainer_of(**_arguments(common))
                _answer(answers, row=train(TrainedRun.from_plain(run)))
            except Exception as error:
                _answer(answers, fault=_words(error))
                os._exit(1)  # at once: the thread that reads cannot be waited for


def _arguments(common: dict[str, Any]) -> dict[str, Any]:
    paths = {name: Path(common[name]) for name in ("dataset", "splits", "store")}
    parameters = TrainingParameters.from_plain(common["parameters"])
    return {**common, **paths, "parameters": parameters, "operation": Operation.model_validate(common["operation"])}


def _read(runs: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        runs.put(json.loads(line))
    os._exit(0)


def _answer(answers: TextIO, **message: Any) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _words(error: Exception) -> str:
    """A fault as `whyalike.job.job` tells it, with its traceback if nobody foresaw it."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    notes = getattr(error, "__notes__", ())
    unforeseen = [] if isinstance(error, EXPECTED) else ["".join(traceback.format_exception(error))]
    return "\n".join([text, *notes, *unforeseen])


if __name__ == "__main__":
    work()
