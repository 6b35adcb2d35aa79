"""What every job does around its work: fixed threads, a log in the terminal and in its file, one message for a fault."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

LOG = logging.getLogger("whyalike")
# faults of input, data or disk: the message is enough, the traceback is kept in the log file only
EXPECTED = (ValueError, LookupError, OSError, RuntimeError, ArithmeticError)


def note(text: str) -> None:
    """One line for the person who watches, in the terminal and in the job's log."""
    LOG.info(text)


def start_log(path: str | os.PathLike | None = None) -> None:
    """Send `note` and warnings to the terminal and, if given, to a file that is begun anew."""
    LOG.setLevel(logging.INFO)
    LOG.handlers.clear()
    LOG.addHandler(logging.StreamHandler(sys.stderr))
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        LOG.addHandler(logging.FileHandler(path, mode="w", encoding="utf-8"))


@contextmanager
def job(log: str, threads: int) -> Iterator[None]:
    """Run the body with ``threads`` BLAS and OpenMP threads; a fault becomes one message and exit status 1.

    Results depend on the number of threads, so it is the rule's fixed number, never that of the cores found.
    """
    start_log(log)
    with threadpool_limits(threads):
        try:
            yield
        except EXPECTED as error:
            LOG.error("%s", error)
            with open(log, "a", encoding="utf-8") as handle:
                logging.StreamHandler(handle).handle(_record(error))
            sys.exit(1)


def _record(error: BaseException) -> logging.LogRecord:
    return LOG.makeRecord(LOG.name, logging.ERROR, "", 0, "traceback:", (), (type(error), error, error.__traceback__))
